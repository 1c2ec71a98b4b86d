"""What Preferences can do with the engine's environment: set it up, mend and remove it, look at it.

Each runs beside Blender when pressed in a window; called from a script it returns when it is done.
"""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

import sys
from typing import Any

import bpy

from .. import package
from ..jobs import engine
from ..problem import Problem
from ..setup import engine_folder, engine_python, installation
from ..setup.installation import InstallationPlan
from ..setup.status import OnDone, setup_status
from . import models
from .background_work import BackgroundOperator, Work, stop_background_work


def _leave_engine() -> None:
    """End the warm engine: what it runs from is about to change. Raises Problem while it is at work."""
    if engine.supervisor.busy:
        raise Problem("A texture is being made just now", "Wait for it, or cancel it.")
    engine.supervisor.shutdown()


def _store_report(answer: Any) -> None:
    setup_status.doctor_report = answer


class _Installs(BackgroundOperator):
    def job(self) -> tuple[Work, OnDone]:
        _leave_engine()
        plan = InstallationPlan(
            folder=engine_folder.own(),
            wanted=package.preference("torch", "auto"),
            python=sys.executable,
            version=sys.version_info[:2],
            online=bpy.app.online_access,
            source=package.preference("source", ""),
            wheels=package.WHEELS,
            engine=package.ENGINE,
        )
        return lambda activity: installation.install(activity, plan), _store_report


class SetUp(_Installs, bpy.types.Operator):
    """Make the engine's own environment: PyTorch and other packages, in a folder of the extension's own.
    Nothing else on this computer is changed"""

    bl_idname = "sync_texture.setup"
    bl_label = "Set Up the Engine"
    title = "Setting up the engine"


class Repair(_Installs, bpy.types.Operator):
    """Make the environment anew from what was downloaded before; only what is damaged is downloaded again"""

    bl_idname = "sync_texture.setup_repair"
    bl_label = "Repair"
    title = "Repairing the engine"


class Remove(BackgroundOperator, bpy.types.Operator):
    """Delete the engine's environment and everything that was downloaded for it. Models and textures stay"""

    bl_idname = "sync_texture.setup_remove"
    bl_label = "Remove"
    title = "Removing the engine"

    def invoke(self, context: Any, event: Any) -> set[str]:
        answer: set[str] = context.window_manager.invoke_confirm(self, event)
        return answer

    def job(self) -> tuple[Work, OnDone]:
        _leave_engine()
        folder = engine_folder.own()
        return lambda activity: installation.remove(activity, folder), _store_report


class CancelSetup(bpy.types.Operator):
    """Stop it; what was downloaded is kept, so that it can go on there"""

    bl_idname = "sync_texture.setup_cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @classmethod
    def poll(cls, _context: Any) -> bool:
        return setup_status.current is not None

    def execute(self, _context: Any) -> set[str]:
        setup_status.cancel()
        return {"FINISHED"}


class Check(BackgroundOperator, bpy.types.Operator):
    """Have the engine say what runs here: devices, packages, models"""

    bl_idname = "sync_texture.check_engine"
    bl_label = "Check"
    title = "Looking at the engine"

    def job(self) -> tuple[Work, OnDone]:
        python, folder = engine_python.chosen_python(), engine_folder.own()
        own = folder.environment if python == str(folder.python()) else None
        return lambda activity: installation.check(activity, python, package.ENGINE, own), _store_report


class ShowLog(bpy.types.Operator):
    """Open what happened the last time as a text"""

    bl_idname = "sync_texture.setup_log"
    bl_label = "Open Log"

    @classmethod
    def poll(cls, _context: Any) -> bool:
        return engine_folder.own().log.is_file()

    def execute(self, context: Any) -> set[str]:
        name = "Sync Texture Log"
        text = bpy.data.texts.get(name) or bpy.data.texts.new(name)
        text.from_string(engine_folder.own().log.read_text(encoding="utf-8", errors="replace"))
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


_CLASSES = (SetUp, Repair, Remove, CancelSetup, Check, ShowLog, *models.CLASSES)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    stop_background_work()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
