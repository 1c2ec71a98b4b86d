"""``bpy.ops.sync_texture.batch``: many objects from a script."""

# bpy's classes are of unknown type here; annotations of a property are values, not types.
# mypy: disable-error-code="misc,valid-type"

import dataclasses
import sys
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, FloatProperty, StringProperty

from .. import preferences
from ..jobs import batch, engine
from ..jobs.batch import Batch, Wish
from ..problem import Problem
from ..read import objects as choose
from ..read import settings as read_settings
from .properties import JobOptions


class Prompt(bpy.types.PropertyGroup):
    """An object, by name, and its prompt. A script has to give both: Blender wants all of a group."""

    bl_idname = "SYNC_TEXTURE_prompt"

    prompt: StringProperty(name="Prompt", description="What the object should look like")


class BatchGenerate(JobOptions, bpy.types.Operator):
    """Texture many objects one after the other, each by itself: those that are named, those of a collection,
    or all selected meshes. What isn't given is the panel's"""

    bl_idname = "sync_texture.batch"
    bl_label = "Texture Many Objects"
    bl_options = {"UNDO", "INTERNAL"}  # noqa: RUF012

    objects: CollectionProperty(
        type=bpy.types.OperatorFileListElement, name="Objects", description='Such as [{"name": "Cube"}]'
    )
    prompts: CollectionProperty(
        type=Prompt,
        name="Prompts",
        description='Objects with prompts of their own, such as [{"name": "Cube", "prompt": "red bricks"}]',
    )
    collection: StringProperty(name="Collection", description="All meshes in it and in those inside it")
    prompt_property: StringProperty(
        name="Prompt Property",
        description="Custom property of the objects that holds their prompts. Without one: the prompt",
    )
    time_limit: FloatProperty(name="Time Limit", min=0, description="Seconds an object may take. 0: no limit")
    pack: BoolProperty(
        name="Pack", description="Put images into the .blend even where they could lie beside it"
    )

    @classmethod
    def poll(cls, _context: Any) -> bool:
        if engine.supervisor.busy:
            cls.poll_message_set("A texture is being made already")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        try:
            wishes = self._wishes(context)
            preferences.python()  # without an engine all would fail for the same reason
        except Problem as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        run = Batch(wishes, _say, self.time_limit or None)
        ended = run.run(self.pack)
        good = sum(one.outcome is not None for one in ended)
        self.report({"INFO" if good == len(wishes) else "ERROR"}, batch.summary(len(wishes), ended))
        return {"FINISHED"} if good else {"CANCELLED"}

    def _wishes(self, context: Any) -> list[Wish]:
        """What is to be done; raises Problem."""
        names = [item.name for item in (*self.prompts, *self.objects)]
        if self.collection:
            names += [obj.name for obj in choose.of_collection(self.collection)]
        if not names:
            names = [obj.name for obj in context.view_layer.objects.selected if obj.type == "MESH"]
        if not names:
            raise Problem("Nothing to texture", "Name objects or a collection, or select meshes.")
        settings = read_settings.from_options(self, context.scene.sync_texture, preferences.device())
        given = {item.name: item.prompt for item in self.prompts}
        return [
            Wish(name, dataclasses.replace(settings, prompt=given.get(name) or self._own(context, name)))
            for name in dict.fromkeys(names)
        ]

    def _own(self, context: Any, name: str) -> str:
        """The prompt in the object's custom property; without one, that for all."""
        own = choose.prompt_of(context.view_layer.objects.get(name), self.prompt_property)
        said = self if self.properties.is_property_set("prompt") else context.scene.sync_texture
        return own or said.prompt


def _say(text: str) -> None:
    print(f"sync_texture: {text}", file=sys.stderr, flush=True)


register, unregister = bpy.utils.register_classes_factory((Prompt, BatchGenerate))
