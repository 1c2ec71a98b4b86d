"""What Preferences do beside Blender: operators, watched in windows, waited for in scripts."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

import sys
from collections.abc import Callable
from typing import Any

import bpy

from ..problem import Problem, say
from ..setup import engine_folder
from ..setup.activity import Activity
from ..setup.status import OnDone, setup_status

TICK_S = 0.2
Work = Callable[[Activity], object]


class BackgroundOperator:
    """An operator whose work runs beside Blender. Subclasses say what in ``job``."""

    title = ""

    @classmethod
    def poll(cls, _context: Any) -> bool:
        if setup_status.current:
            cls.poll_message_set(f"{setup_status.current.title} isn't finished yet")  # type: ignore[attr-defined]
            return False
        return True

    def job(self) -> tuple[Work, OnDone]:
        """What to do, and what to do with its result. Raises Problem."""
        raise NotImplementedError

    def execute(self, _context: Any) -> set[str]:
        try:
            activity = setup_status.begin(self.title, *self.job(), engine_folder.own().log)
        except Problem as problem:
            return self._failed(problem)
        if self.options.is_invoke and not bpy.app.background:  # type: ignore[attr-defined]
            bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)
            return {"FINISHED"}
        _wait(activity)
        return self._failed(setup_status.problem) if setup_status.problem else {"FINISHED"}

    def _failed(self, problem: Problem) -> set[str]:
        say(self, "ERROR", str(problem))  # type: ignore[attr-defined]
        return {"CANCELLED"}


def _wait(activity: Activity) -> None:
    """Wait for the end; say on the console what is being done."""
    shown = ""
    try:
        while not activity.wait(TICK_S):
            if (stage := activity.stage.partition(":")[0]) != shown:
                shown = stage
                print(f"sync_texture: {stage}", file=sys.stderr, flush=True)
    finally:  # interrupted, it mustn't go on
        if not activity.ended:
            activity.cancel()
        activity.wait()
        setup_status.settle()


def _tick() -> float | None:
    """Draw what is being done until it ends."""
    ended = setup_status.settle()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("PREFERENCES", "VIEW_3D"):
                area.tag_redraw()
    return None if ended else TICK_S


def stop_background_work() -> None:
    """Stop what runs, and look no more whether it has ended."""
    setup_status.cancel()
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
