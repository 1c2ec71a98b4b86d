"""The operators: gather -> start -> poll -> finish."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from typing import Any

import bpy

from . import preferences, task
from .problem import Problem, Stopped
from .properties import Options
from .read import settings as read_settings
from .task import Outcome, Task
from .write import material as write_material

TICK_S = 0.1
_NOTHING: set[str] = {"CANCELLED"}

_running: Task | None = None
"""The job of the window, for the panel to draw and for Cancel to cancel."""


_noted: tuple[set[int], tuple[str, ...]] | None = None
"""The objects that were textured last, by their session-wide numbers, and the warnings."""


def running() -> Task | None:
    """The job that runs in the window, None without."""
    return _running


def warnings(obj: Any) -> tuple[str, ...]:
    """What there was to say about the last texture, if it is ``obj``'s (an object or None)."""
    return _noted[1] if _noted and obj and obj.session_uid in _noted[0] else ()


def chosen_objects(context: Any, which: str) -> list[Any]:
    """The "active" object, None where there is none, or all "selected" meshes, the active one first."""
    active = context.view_layer.objects.active
    if which == "active":
        return [active]
    meshes = [obj for obj in context.view_layer.objects.selected if obj.type == "MESH"]
    return sorted(meshes, key=lambda obj: obj != active) or [active]


class Generate(Options, bpy.types.Operator):
    """Texture the active object, or all selected ones, from the prompt. What isn't given is the panel's"""

    bl_idname = "sync_texture.generate"
    bl_label = "Generate Texture"
    # No REGISTER: "Adjust Last Operation" would run the whole job again at each change of a slider.
    bl_options = {"UNDO"}  # noqa: RUF012

    task: Task | None = None
    timer: Any = None

    @classmethod
    def poll(cls, _context: Any) -> bool:
        if task.supervisor.busy:
            cls.poll_message_set("A texture is being made already")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Blocking: from the console, from scripts, in the background."""
        try:
            job = self._start(context)
            try:
                job.wait()
                self._report(job.finish())
            finally:
                task.supervisor.abandon()  # only where something interrupted the waiting
                job.close()
        except Problem as problem:
            self.report({"ERROR"}, str(problem))
            return _NOTHING
        return {"FINISHED"}

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """In a window: the job runs while the artist goes on working."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        global _running
        try:
            self.task = _running = self._start(context)
        except Problem as problem:
            self.report({"ERROR"}, str(problem))
            return _NOTHING
        self.timer = context.window_manager.event_timer_add(TICK_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        redraw_panels()
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        if event.type != "TIMER" or self.task is None:
            return {"PASS_THROUGH"}
        redraw_panels()
        if not self.task.poll():
            return {"PASS_THROUGH"}
        if self.task.state.result and (why := self.task.blocked):
            self.task.state.hold(why)
            return {"PASS_THROUGH"}
        return self._finish(context)

    def cancel(self, _context: Any) -> None:
        """Blender ends the operator: a file is loaded, the window is closed, Blender quits."""
        task.supervisor.abandon()
        self._close()

    def _start(self, context: Any) -> Task:
        global _noted
        _noted = None
        scene = context.scene.sync_texture
        settings = read_settings.from_options(self, scene, preferences.device())
        chosen = self if self.properties.is_property_set("target") else scene
        first, *others = chosen_objects(context, chosen.target)
        return Task(first, context.evaluated_depsgraph_get(), settings, others=others)

    def _finish(self, context: Any) -> set[str]:
        assert self.task
        context.window_manager.event_timer_remove(self.timer)
        try:
            self._report(self.task.finish())
        except Stopped as stopped:
            self.report({"INFO"}, str(stopped))
            return {"CANCELLED"}
        except Problem as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        finally:
            self._close()
        return {"FINISHED"}

    def _report(self, outcome: Outcome) -> None:
        global _noted
        _noted = ({bpy.data.objects[one.object].session_uid for one in outcome.objects}, outcome.warnings)
        for warning in outcome.warnings:
            self.report({"WARNING"}, warning)
        for one in outcome.objects:
            images = ", ".join(f"'{name}'" for name in one.images)
            self.report({"INFO"}, f"Textured '{one.object}' with {images}")

    def _close(self) -> None:
        global _running
        if self.task:
            self.task.close()
        self.task = _running = None
        redraw_panels()


class Cancel(bpy.types.Operator):
    """Stop making the texture; nothing is changed"""

    bl_idname = "sync_texture.cancel"
    bl_label = "Cancel Texture"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @classmethod
    def poll(cls, _context: Any) -> bool:
        return _running is not None

    def execute(self, _context: Any) -> set[str]:
        if _running:
            _running.cancel()
        return {"FINISHED"}


class RestoreMaterials(bpy.types.Operator):
    """Show again the materials that the active object had before it was textured"""

    bl_idname = "sync_texture.restore_materials"
    bl_label = "Restore Materials"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: Any) -> bool:
        return write_material.can_restore(context.view_layer.objects.active)

    def execute(self, context: Any) -> set[str]:
        write_material.restore(context.view_layer.objects.active)
        return {"FINISHED"}


def redraw_panels() -> None:
    """Have the sidebars of all 3D views drawn again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


_CLASSES = (Generate, Cancel, RestoreMaterials)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    task.supervisor.shutdown()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
