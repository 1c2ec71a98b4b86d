"""Running jobs from an operator: gather -> start -> poll -> finish, one job after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

from ..background_lookup import redraw_sidebars
from ..datablocks import is_main
from ..jobs import engine
from ..jobs.image_job import Finished, ImageJob
from ..jobs.texture_job import Outcome, TextureJob
from ..problem import Problem, Stopped, say
from ..results import recording
from . import reference_rows, region_rows

TICK_S = 0.1
CANCELLED: set[str] = {"CANCELLED"}

AnyJob = TextureJob | ImageJob

_running: AnyJob | None = None
"""The job of the window, for the panel to draw and for Cancel to cancel."""


_noted: tuple[set[int], tuple[str, ...]] | None = None
"""The objects that show what was made last, by their session-wide numbers, and the warnings."""


_watching: JobOperator | None = None
"""The operator that runs it."""


def running() -> AnyJob | None:
    """The job that runs in the window, None without."""
    return _running


def last_warnings(obj: Any) -> tuple[str, ...]:
    """What there was to say about the last texture, if it is ``obj``'s (an object or None)."""
    return _noted[1] if _noted and obj and obj.session_uid in _noted[0] else ()


class JobOperator:
    """What operators that run jobs have in common: blocking in a script, else letting the artist go on."""

    report: Any
    job: AnyJob | None = None
    timer: Any = None

    @classmethod
    def poll(cls, _context: Any) -> bool:
        if engine.supervisor.busy:
            cls.poll_message_set("A texture is being made already")  # type: ignore[attr-defined]
            return False
        return True

    def start(self, context: Any) -> AnyJob:
        """The first job, begun. Raises Problem."""
        raise NotImplementedError

    def next_job(self, _context: Any, _outcome: Outcome) -> AnyJob | None:
        """The next job, begun, after a texture with that ``outcome``; None: that was all. Raises Problem."""
        return None

    def execute(self, context: Any) -> set[str]:
        """Blocking: from the console, from scripts, in the background."""
        job: AnyJob | None
        try:
            job = self._begin(context)
            while job:
                job = self._wait(context, job)
        except Problem as problem:
            say(self, "ERROR", str(problem))
            return CANCELLED
        return {"FINISHED"}

    def _wait(self, context: Any, job: AnyJob) -> AnyJob | None:
        try:
            job.wait()
            outcome = self._use(job)
        finally:
            engine.supervisor.abandon()  # only where something interrupted the waiting
            job.close()
        return self.next_job(context, outcome) if outcome else None

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """In a window: the job runs while the artist goes on working."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        try:
            self._run(self._begin(context))
        except Problem as problem:
            say(self, "ERROR", str(problem))
            return CANCELLED
        self.timer = context.window_manager.event_timer_add(TICK_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        _watch(self)
        redraw_sidebars()
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """Look at how the job is doing."""
        if event.type != "TIMER" or self.job is None:
            return {"PASS_THROUGH"}
        redraw_sidebars()
        if not self.job.poll():
            return {"PASS_THROUGH"}
        if self.job.state.result and (why := self.job.blocked):
            self.job.state.wait_for_artist(why)
            return {"PASS_THROUGH"}
        return self._finish(context)

    def cancel(self, context: Any) -> None:
        """Blender ends the operator: a file is loaded, the window is closed, Blender quits."""
        engine.supervisor.abandon()
        self._leave(context)

    def _begin(self, context: Any) -> AnyJob:
        global _noted
        _noted = None
        reference_rows.ROWS.tell(context.scene)  # images may have new names
        region_rows.tell_names(context.scene)
        return self.start(context)

    def _run(self, job: AnyJob | None) -> None:
        global _running
        self.job = _running = job

    def _finish(self, context: Any) -> set[str]:
        assert self.job
        try:
            outcome = self._use(self.job)
            self._close()
            self._run(self.next_job(context, outcome) if outcome else None)
        except Stopped as stopped:
            say(self, "INFO", str(stopped))
            engine.start_early()  # one that was too deep in a step to answer was ended
            return self._end(context, CANCELLED)
        except Problem as problem:
            say(self, "ERROR", str(problem))
            return self._end(context, CANCELLED)
        except BaseException:
            self._end(context, CANCELLED)
            raise
        return {"PASS_THROUGH"} if self.job else self._end(context, {"FINISHED"})

    def _end(self, context: Any, status: set[str]) -> set[str]:
        self._leave(context)
        return status

    def _leave(self, context: Any) -> None:
        _watch(None)
        context.window_manager.event_timer_remove(self.timer)
        self._close()

    def _use(self, job: AnyJob) -> Outcome | None:
        """Put what the ended ``job`` made into the .blend, and say so; what became of a texture. Raises
        Problem."""
        if isinstance(job, ImageJob):
            self._report(job.finish())
            return None
        outcome = recording.finish(job)
        pictures = (_listed(one.images) for one in outcome.objects)
        names = tuple(one.object for one in outcome.objects)
        said = (f"Textured '{name}' with {shown}" for name, shown in zip(names, pictures, strict=True))
        self._report(Finished("\n".join(said), outcome.warnings, names))
        return outcome

    def _report(self, finished: Finished) -> None:
        global _noted
        objects = {bpy.data.objects[name].session_uid for name in finished.objects}
        _noted = (objects, finished.warnings)
        for warning in finished.warnings:
            say(self, "WARNING", warning)
        for line in finished.said.splitlines():
            say(self, "INFO", line)

    def _close(self) -> None:
        if self.job:
            self.job.close()
        self._run(None)
        redraw_sidebars()


def _watch(operator: JobOperator | None) -> None:
    global _watching
    _watching = operator


def end_running_job() -> None:
    """End the job of the window. For before the operators go: Blender then forgets one that runs, without
    calling its ``cancel``."""
    if _watching:
        _watching.cancel(bpy.context)


def _listed(names: Sequence[str]) -> str:
    """The images of these ``names``, those of other channels than the first by their number alone."""
    first = [name for name in names if is_main(bpy.data.images[name])]
    more = len(names) - len(first)
    others = f" and {more} more channel{'s' * (more > 1)}" if more else ""
    return ", ".join(f"'{name}'" for name in first) + others
