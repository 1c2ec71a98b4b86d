"""What Preferences can do: set up the engine, mend and remove it, look at it, manage models.

Each runs beside Blender when pressed in a window; called from a script it returns when it is done.
"""

# bpy's classes are of unknown type here; annotations of a property are values, not types.
# mypy: disable-error-code="valid-type,misc"

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from .. import package, preferences, task
from ..problem import Problem, Stopped
from . import make, models
from .activity import Activity
from .desk import Done, desk
from .make import Plan
from .place import Place

TICK_S = 0.2
ONLINE = "Turn on Allow Online Access in Preferences > System > Network."
Work = Callable[[Activity], object]


def where() -> Place:
    """Where the private environment is, or would be."""
    return Place(package.user_folder(), package.LOCKS)


class _Beside:
    """An operator whose work runs beside Blender. Subclasses say what in ``job``."""

    title = ""

    @classmethod
    def poll(cls, _context: Any) -> bool:
        if desk.current:
            cls.poll_message_set(f"{desk.current.title} isn't finished yet")  # type: ignore[attr-defined]
            return False
        return True

    def job(self) -> tuple[Work, Done]:
        """What to do, and what to do with its result. Raises Problem."""
        raise NotImplementedError

    def execute(self, _context: Any) -> set[str]:
        try:
            activity = desk.begin(self.title, *self.job(), where().log)
        except Problem as problem:
            return self._failed(problem)
        if self.options.is_invoke and not bpy.app.background:  # type: ignore[attr-defined]
            bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)
            return {"FINISHED"}
        _wait(activity)
        return self._failed(desk.problem) if desk.problem else {"FINISHED"}

    def _failed(self, problem: Problem) -> set[str]:
        self.report({"ERROR"}, str(problem))  # type: ignore[attr-defined]
        return {"CANCELLED"}


def _wait(activity: Activity) -> None:
    """Wait for the end; say on the console what is being done."""
    said = ""
    try:
        while not activity.wait(TICK_S):
            if (stage := activity.stage.partition(":")[0]) != said:
                said = stage
                print(f"sync_texture: {stage}", file=sys.stderr, flush=True)
    finally:  # interrupted, it mustn't go on
        if not activity.ended:
            activity.cancel()
        activity.wait()
        desk.settle()


def _tick() -> float | None:
    """Draw what is being done until it ends."""
    ended = desk.settle()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("PREFERENCES", "VIEW_3D"):
                area.tag_redraw()
    return None if ended else TICK_S


def _leave_engine() -> None:
    """End the warm engine: what it runs from is about to change. Raises Problem while it is at work."""
    if task.supervisor.busy:
        raise Problem("A texture is being made just now", "Wait for it, or cancel it.")
    task.supervisor.shutdown()


def _found(answer: Any) -> None:
    desk.found = answer


class _Make(_Beside):
    def job(self) -> tuple[Work, Done]:
        _leave_engine()
        plan = Plan(
            place=where(),
            wish=preferences.get("torch", "auto"),
            python=sys.executable,
            version=sys.version_info[:2],
            online=bpy.app.online_access,
            source=preferences.get("source", ""),
            wheels=package.WHEELS,
            engine=package.ENGINE,
        )
        return lambda activity: make.make(activity, plan), _found


class SetUp(_Make, bpy.types.Operator):
    """Make the engine's own environment: PyTorch and other packages, in a folder of the extension's own.
    Nothing else on this computer is changed"""

    bl_idname = "sync_texture.setup"
    bl_label = "Set Up the Engine"
    title = "Setting up the engine"


class Repair(_Make, bpy.types.Operator):
    """Make the environment anew from what was downloaded before; only what is damaged is downloaded again"""

    bl_idname = "sync_texture.setup_repair"
    bl_label = "Repair"
    title = "Repairing the engine"


class Remove(_Beside, bpy.types.Operator):
    """Delete the engine's environment and everything that was downloaded for it. Models and textures stay"""

    bl_idname = "sync_texture.setup_remove"
    bl_label = "Remove"
    title = "Removing the engine"

    def invoke(self, context: Any, event: Any) -> set[str]:
        answer: set[str] = context.window_manager.invoke_confirm(self, event)
        return answer

    def job(self) -> tuple[Work, Done]:
        _leave_engine()
        place = where()
        return lambda activity: make.remove(activity, place), _found


class Cancel(bpy.types.Operator):
    """Stop it; what was downloaded is kept, so that it can go on there"""

    bl_idname = "sync_texture.setup_cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @classmethod
    def poll(cls, _context: Any) -> bool:
        return desk.current is not None

    def execute(self, _context: Any) -> set[str]:
        desk.stop()
        return {"FINISHED"}


class Check(_Beside, bpy.types.Operator):
    """Have the engine say what runs here: devices, packages, models"""

    bl_idname = "sync_texture.check_engine"
    bl_label = "Check"
    title = "Looking at the engine"

    def job(self) -> tuple[Work, Done]:
        python, place = preferences.python(), where()
        own = place.environment if python == str(place.python()) else None
        return lambda activity: make.check(activity, python, package.ENGINE, own), _found


class ShowLog(bpy.types.Operator):
    """Open what happened the last time as a text"""

    bl_idname = "sync_texture.setup_log"
    bl_label = "Open Log"

    @classmethod
    def poll(cls, _context: Any) -> bool:
        return where().log.is_file()

    def execute(self, context: Any) -> set[str]:
        name = "Sync Texture Log"
        text = bpy.data.texts.get(name) or bpy.data.texts.new(name)
        text.from_string(where().log.read_text(encoding="utf-8", errors="replace"))
        if not bpy.app.background:
            _show_text(context, text)
        return {"FINISHED"}


def _show_text(context: Any, text: Any) -> None:
    """In a text editor that is open, else in a window of its own."""
    areas = [area for window in context.window_manager.windows for area in window.screen.areas]
    area = next((area for area in areas if area.type == "TEXT_EDITOR"), None)
    if area is None:
        bpy.ops.wm.window_new()
        area = context.window_manager.windows[-1].screen.areas[0]
        area.type = "TEXT_EDITOR"
    area.spaces.active.text = text
    area.spaces.active.show_word_wrap = True


class _Models(_Beside):
    """An operator on models; the list is read again afterwards."""

    def words(self) -> list[str]:
        """What follows ``models``; none: only list them. Raises Problem."""
        return []

    def job(self) -> tuple[Work, Done]:
        words = self.words()
        listing = preferences.command(["models", "list", "--json"])
        command = preferences.command(["models", *words, "--json"]) if words else None

        def work(activity: Activity) -> object:
            try:
                if command:
                    activity.say(self.title)
                    models.ask(activity, command)
            except Problem as problem:
                if not isinstance(problem, Stopped):
                    desk.models = models.rows(activity, listing)
                raise
            return models.rows(activity, listing)

        return work, _listed


def _listed(answer: Any) -> None:
    desk.models = answer


class ListModels(_Models, bpy.types.Operator):
    """Look which models are on this computer"""

    bl_idname = "sync_texture.models_list"
    bl_label = "Look for Models"
    title = "Looking for models"


class _OneModel(_Models):
    name: StringProperty(name="Model", description="The model's name")


class DownloadModel(_OneModel, bpy.types.Operator):
    """Download the model; what is there already isn't downloaded again"""

    bl_idname = "sync_texture.model_download"
    bl_label = "Download Model"
    title = "Downloading a model"

    def words(self) -> list[str]:
        if not bpy.app.online_access:
            raise Problem("Blender's online access is off, so nothing can be downloaded", ONLINE)
        return ["download", self.name]


class VerifyModel(_OneModel, bpy.types.Operator):
    """Check all of the model's files against what was published"""

    bl_idname = "sync_texture.model_verify"
    bl_label = "Verify Model"
    title = "Verifying a model"

    def words(self) -> list[str]:
        return ["verify", self.name]


class DeleteModel(_OneModel, bpy.types.Operator):
    """Delete the model's files from this computer. Of a model of your own, only the link"""

    bl_idname = "sync_texture.model_delete"
    bl_label = "Delete Model"
    title = "Deleting a model"

    def invoke(self, context: Any, event: Any) -> set[str]:
        answer: set[str] = context.window_manager.invoke_confirm(self, event)
        return answer

    def words(self) -> list[str]:
        return ["delete", self.name]


class LinkModel(_Models, bpy.types.Operator):
    """Add a model of your own to the list: a folder in diffusers layout, or a .safetensors file. It stays
    where it is"""

    bl_idname = "sync_texture.model_link"
    bl_label = "Link Model"
    title = "Linking a model"

    filepath: StringProperty(subtype="FILE_PATH")
    filter_glob: StringProperty(default="*.safetensors", options={"HIDDEN"})
    name: StringProperty(name="Name", description="What to call it. Empty: as the file or folder is called")

    def invoke(self, context: Any, _event: Any) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def words(self) -> list[str]:
        path = Path(bpy.path.abspath(self.filepath))
        chosen = path if path.is_file() else path.parent if not path.is_dir() else path
        name = self.name.strip() or "".join(c if c.isalnum() or c in "._-" else "-" for c in chosen.stem)[:40]
        return ["link", name, str(chosen)]


class UseModel(bpy.types.Operator):
    """Make textures with this model from now on, in this scene"""

    bl_idname = "sync_texture.model_use"
    bl_label = "Use Model"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    name: StringProperty(name="Model")

    def execute(self, context: Any) -> set[str]:
        context.scene.sync_texture.model = self.name
        return {"FINISHED"}


_CLASSES = (
    *(SetUp, Repair, Remove, Cancel, Check, ShowLog),
    *(ListModels, DownloadModel, VerifyModel, DeleteModel, LinkModel, UseModel),
)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    desk.stop()
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
