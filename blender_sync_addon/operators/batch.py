"""``bpy.ops.sync_texture.batch``: many objects from a script, one job after the other."""

# bpy's classes are of unknown type here; annotations of a property are values, not types.
# mypy: disable-error-code="misc,valid-type"

import dataclasses
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, StringProperty

from ...engine import protocol
from .. import package
from ..jobs import engine
from ..jobs.durations import in_words
from ..jobs.texture_job import Outcome, TextureJob
from ..problem import Problem, say
from ..read import objects as read_objects
from ..read import settings as read_settings
from ..read.settings import Settings
from ..results import recording
from ..setup import engine_python
from . import reference_rows, region_rows
from .properties import JobOptions


@dataclass(frozen=True)
class BatchResult:
    """What came of one object: ``outcome``, or else the ``problem``."""

    name: str
    seconds: float
    outcome: Outcome | None = None
    problem: Problem | None = None

    @property
    def sentence(self) -> str:
        """In words."""
        if self.problem:
            return f"'{self.name}' failed: {self.problem}"
        assert self.outcome
        images = ", ".join(f"'{name}'" for textured in self.outcome.objects for name in textured.images)
        return " ".join([f"'{self.name}': {images} in {in_words(self.seconds)}.", *self.outcome.warnings])


class Batch:
    """Objects by name, each with its settings: what one can't, costs no other. The engine keeps its model
    from one to the next.

    results: what came of those that are done. Ctrl-C or SIGTERM ends the one that runs and leaves out the
    rest; so does an engine that ends before it takes up its job: it would for the others, too.
    """

    def __init__(self, wanted: Mapping[str, Settings], pack: bool) -> None:
        """pack: images belong into the .blend even where they could lie beside it."""
        self.results: list[BatchResult] = []
        self._wanted, self._pack = wanted, pack
        self._stopped = False

    def run(self) -> None:
        """Do all."""
        with engine.on_interrupt(self._stop):
            for name, settings in self._wanted.items():
                if not self._stopped:
                    _say(f"{self._where()}'{name}': {settings.prompt.strip()}")
                    self.results.append(self._result(name, settings))
                    _say(self.results[-1].sentence)

    @property
    def complete(self) -> bool:
        """Whether all were textured."""
        return self.good == len(self._wanted)

    @property
    def good(self) -> int:
        """How many were textured."""
        return sum(one.outcome is not None for one in self.results)

    @property
    def summary(self) -> str:
        """How many were textured; below, a line each, which weren't and why."""
        count = len(self._wanted)
        left = f", {count - len(self.results)} left out" if len(self.results) < count else ""
        failed = [one.sentence for one in self.results if one.problem]
        return "\n".join([f"{self.good} of {count} objects textured{left}", *failed])

    def _stop(self) -> None:
        self._stopped = True
        engine.supervisor.cancel()

    def _where(self) -> str:
        """Which this is of how many, and how long the rest may take."""
        done, count = len(self.results), len(self._wanted)
        seconds = [one.seconds for one in self.results if one.outcome]
        left = f", about {in_words(sum(seconds) / len(seconds) * (count - done))} left" if seconds else ""
        return f"{done + 1} of {count}{left}: "

    def _result(self, name: str, settings: Settings) -> BatchResult:
        start = time.monotonic()
        try:
            outcome = self._texture(name, settings)
        except Problem as problem:
            self._stopped = self._stopped or problem.code == protocol.EXIT_DISK  # nor would the others
            return BatchResult(name, time.monotonic() - start, problem=problem)
        except Exception as error:  # whatever a strange object brings about, the others are still to be done
            traceback.print_exception(error, file=sys.stderr)
            what = f"{type(error).__name__}: {error}".splitlines()[0]
            bug = Problem(what, "This is a bug: please report it", protocol.EXIT_BUG)
            return BatchResult(name, time.monotonic() - start, problem=bug)
        return BatchResult(name, time.monotonic() - start, outcome)

    def _texture(self, name: str, settings: Settings) -> Outcome:
        """Raises Problem."""
        job = TextureJob([read_objects.named(name)], settings)
        try:
            job.wait_with_progress()
            self._stopped = self._stopped or not job.state.started
            return recording.finish(job, self._pack)
        finally:
            engine.supervisor.abandon()  # only where something interrupted the waiting
            job.close()


class ObjectPrompt(bpy.types.PropertyGroup):
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
        type=ObjectPrompt,
        name="Prompts",
        description='Objects with prompts of their own, such as [{"name": "Cube", "prompt": "red bricks"}]',
    )
    collection: StringProperty(name="Collection", description="All meshes in it and in those inside it")
    prompt_property: StringProperty(
        name="Prompt Property",
        description="Custom property of the objects that holds their prompts. Without one: the prompt",
    )
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
            batch = Batch(self._wanted(context), self.pack)
            engine_python.chosen_python()  # without an engine all would fail for the same reason
        except Problem as problem:
            say(self, "ERROR", str(problem))
            return {"CANCELLED"}
        batch.run()
        say(self, "INFO" if batch.complete else "ERROR", batch.summary)
        return {"FINISHED"} if batch.good else {"CANCELLED"}

    def _wanted(self, context: Any) -> dict[str, Settings]:
        """The settings of each object, by name; raises Problem."""
        reference_rows.ROWS.tell(context.scene)  # images may have new names
        region_rows.tell_names(context.scene)
        settings = read_settings.from_options(self, context.scene.sync_texture, package.device())
        own = {item.name: item.prompt for item in self.prompts}
        return {
            name: dataclasses.replace(settings, prompt=own.get(name) or self._prompt_of(context, name))
            for name in self._names(context)
        }

    def _names(self, context: Any) -> list[str]:
        """Of the objects, each once; raises Problem."""
        names = [item.name for item in (*self.prompts, *self.objects)]
        if self.collection:
            names += [obj.name for obj in read_objects.of_collection(self.collection)]
        if not names:
            names = [obj.name for obj in context.view_layer.objects.selected if obj.type == "MESH"]
        if not names:
            raise Problem("Nothing to texture", "Name objects or a collection, or select meshes.")
        return list(dict.fromkeys(names))

    def _prompt_of(self, context: Any, name: str) -> str:
        """What the object's custom property says; without one, the prompt for all."""
        own = read_objects.prompt_of(context.view_layer.objects.get(name), self.prompt_property)
        source = self if self.properties.is_property_set("prompt") else context.scene.sync_texture
        return own or source.prompt


def _say(text: str) -> None:
    print(f"sync_texture: {protocol.shown(text)}", file=sys.stderr, flush=True)


register, unregister = bpy.utils.register_classes_factory((ObjectPrompt, BatchGenerate))
