"""Making a result again: with the same seed, with another one, or with several, one after the other."""

# Annotations of a property are values here, not types; bpy's classes are of unknown type.
# mypy: disable-error-code="valid-type,misc,name-defined"

import dataclasses
import uuid
from collections.abc import Sequence
from typing import Any

import bpy
from bpy.props import EnumProperty, IntProperty

from ..jobs.texture_job import Outcome, TextureJob
from ..problem import Problem, say
from ..read import image_settings
from ..read.settings import Settings
from ..results import contact_sheet, history, slot_materials, thumbnail
from ..results import stored_settings as result_settings
from ..results.slot_materials import SlotMaterials, SlotUids
from . import tile_material
from .properties import Options
from .registration import with_scene
from .results import active_object
from .running_job import AnyJob, JobOperator
from .texture import Generate

SEEDS = [
    ("other", "Another Seed", "The next seed that the object hasn't had with this prompt"),
    ("same", "Same Seed", "The same settings and seed: the same texture"),
]
MAX_COUNT = 9
COUNT = "sync_texture_variations"
"""Name of the property of a scene: how many variations the panel's button makes."""


class GenerateAgain(JobOperator, bpy.types.Operator):
    """Make this result once more. The panel's settings stay as they are, and the result too"""

    bl_idname = "sync_texture.again"
    bl_label = "Generate Again"
    bl_options = {"UNDO"}  # noqa: RUF012

    index: IntProperty(
        name="Result",
        default=history.NONE,
        min=history.NONE,
        description="Its number in the list. -1: the chosen one",
    )
    seed: EnumProperty(name="Seed", items=SEEDS, description="Whether the same texture is made or another")

    @classmethod
    def description(cls, _context: Any, properties: Any) -> str:
        if properties.seed == "same":
            return "Make this result once more, with all of its settings and its seed: the same texture"
        return "Make this result once more, with all of its settings but another seed"

    @classmethod
    def poll(cls, context: Any) -> bool:
        if not history.of(active_object(context)):
            cls.poll_message_set("The active object has no textures yet")
            return False
        return bool(super().poll(context))

    def start(self, context: Any) -> AnyJob:
        obj = active_object(context)
        index = history.chosen(obj, self.index)
        if index == history.NONE:
            raise Problem(f"'{obj.name}' has no result {self.index}")
        if image_settings.kind(history.of(obj)[index].material):
            return tile_material.repeat(obj, history.of(obj)[index], self.seed == "other")
        return repeat(context, obj, history.of(obj)[index], self.seed == "other")


class Variations(JobOperator, Options, bpy.types.Operator):
    """Make several textures with the panel's settings, each with another seed, to choose from. Cancel keeps
    those that are done"""

    bl_idname = "sync_texture.variations"
    bl_label = "Generate Variations"
    bl_options = {"UNDO"}  # noqa: RUF012

    count: IntProperty(name="Count", default=4, min=2, max=MAX_COUNT, description="How many textures to make")

    _batch = ""
    _done = 0
    _before: tuple[tuple[int, SlotUids], ...] = ()

    def start(self, context: Any) -> TextureJob:
        self._batch, self._done = uuid.uuid4().hex, 0
        prompt = (
            self.prompt if self.properties.is_property_set("prompt") else context.scene.sync_texture.prompt
        )
        source: Any = self if self.properties.is_property_set("seed") else context.scene.sync_texture
        first = source.seed
        obj = active_object(context)
        self.seed = result_settings.unused_seed(history.of(obj), prompt.strip(), first)
        meshes = [one for one in context.view_layer.objects if one.type == "MESH"]
        self._before = tuple(
            (one.session_uid, slot_materials.to_uids(slot_materials.shown(one))) for one in meshes
        )
        return Generate.start(self, context)

    def next_job(self, context: Any, outcome: Outcome) -> TextureJob | None:
        objects = [bpy.data.objects[one.object] for one in outcome.objects]
        self._done += 1
        for obj in objects:
            history.of(obj)[-1].batch = self._batch
        _write_sheet(objects, self._batch, self.count)
        if self._done == self.count:
            return None
        if self.timer:  # in mid-run the artist may undo something else: each variation is a step of its own
            bpy.ops.ed.undo_push(message=f"Variation {self._done} of {self.count}")
        newest = history.of(objects[0])[-1]
        settings = result_settings.stored(newest.material)
        seed = result_settings.unused_seed(history.of(objects[0]), settings.prompt, settings.seed)
        shown = dict(self._before)
        before = [slot_materials.from_uids(shown.get(obj.session_uid, ())) for obj in objects]
        return start_job(objects, dataclasses.replace(settings, seed=seed), before)

    def _end(self, context: Any, status: set[str]) -> set[str]:
        if self._done and status != {"FINISHED"}:
            say(self, "INFO", f"{self._done} of {self.count} variations are done and kept")
            status = {"FINISHED"}  # so that they are a step that can be undone
        return super()._end(context, status)


def repeat(context: Any, obj: Any, result: Any, other_seed: bool) -> TextureJob:
    """The job that makes ``result`` of ``obj`` again, started. Raises Problem."""
    if not result_settings.known(result.material):
        raise Problem(
            "The material of this result, which its settings were on, was deleted", "Choose another."
        )
    settings = result_settings.now(obj, result)
    if other_seed:
        seed = result_settings.unused_seed(history.of(obj), settings.prompt, settings.seed)
        settings = dataclasses.replace(settings, seed=seed)
    if settings.from_texture and result.start is None:
        raise Problem("What this result was started from was deleted", "Generate from another texture.")
    objects = objects_of_job(context, obj, result)
    with history.up_to_date(*(objects if settings.from_texture else ())):
        before = [_before(one, result.job) for one in objects]
        return start_job(objects, settings, before)


def start_job(objects: Sequence[Any], settings: Settings, before: Sequence[SlotMaterials]) -> TextureJob:
    """A job on ``objects``. If it starts from what they show, then from what that was ``before``."""
    now = [slot_materials.shown(obj) for obj in objects]
    if settings.from_texture:
        for obj, parts in zip(objects, before, strict=True):
            slot_materials.show(obj, parts)
    try:
        return TextureJob(objects, settings)
    finally:
        if settings.from_texture:
            for obj, parts in zip(objects, now, strict=True):
                slot_materials.show(obj, parts)


def _before(obj: Any, job: str) -> SlotMaterials:
    """What ``obj`` showed of ours before its result of the ``job``."""
    result = next(one for one in history.of(obj) if one.job == job)
    return tuple((part.slot, part.material) for part in result.before if part.material)


def objects_of_job(context: Any, obj: Any, result: Any) -> list[Any]:
    """``obj`` and those that the same job textured, in its order. Of copies of one, only the first."""
    found = {result.place: obj}
    for other in context.view_layer.objects:
        for one in history.of(other):
            if one.job == result.job:
                found.setdefault(one.place, other)
    return [found[place] for place in sorted(found)]


def _write_sheet(objects: Sequence[Any], batch: str, count: int) -> None:
    """Bring the contact sheet of the run ``batch`` up to date; all of its results name it."""
    own = [one for one in history.of(objects[0]) if one.batch == batch]
    pictures = [
        (thumbnail.read(history.image(one)), result_settings.stored(one.material).seed)
        for one in own
        if result_settings.known(one.material)
    ]
    name = f"{objects[0].name} variations"
    image = contact_sheet.write(own[0].sheet, name, contact_sheet.compose(pictures, count))
    for obj in objects:
        for one in history.of(obj):
            if one.batch == batch:
                one.sheet = image


_HOW_MANY = IntProperty(
    name="Variations", default=4, min=2, max=MAX_COUNT, description="How many textures to choose from"
)
register, unregister = with_scene((GenerateAgain, Variations), **{COUNT: _HOW_MANY})
