"""Shares tasks out among engines and sees each to its end: done, tried again, or failed for a reason."""

from __future__ import annotations

import contextlib
import errno
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .. import protocol
from ..errors import UserError
from . import disk, journal, task
from .child import ENDED, Event, Events, died
from .folder import Folder
from .pace import Pace
from .task import Task

SILENCE_S = 90.0  # an engine has a heartbeat of its own: without a word for so long it hangs
CANCEL_S = 4.0  # it answers a cancel within two seconds, or is killed
TICK_S = 0.5
OVERALL_S = 1.0
HOPELESS = (*disk.FULL, errno.EROFS, errno.EIO)  # what no other job would survive either


class Engine(Protocol):
    """What can do jobs: a child process, or one on another machine."""

    @property
    def heard(self) -> float: ...
    @property
    def tail(self) -> Sequence[str]: ...
    def send(self, msg: Event) -> None: ...
    def kill(self) -> None: ...


Hire = Callable[[int, bool, Events], Engine]
Tell = Callable[[Event], None]


@dataclass(eq=False)
class _Slot:
    """A place for one engine. greeted: it came so far; part: of its job, done; jobs: how many it had."""

    number: int
    engine: Engine | None = None
    frugal: bool = False
    greeted: bool = False
    task: Task | None = None
    stage: Path = Path()
    model: tuple[str, str] | None = None
    began: float = 0.0
    cancelled: float | None = None
    part: float = 0.0
    jobs: int = 0

    def dismiss(self) -> None:
        """Without an engine from now on."""
        if self.engine is not None:
            self.engine.kill()
        self.engine, self.model, self.jobs, self.greeted = None, None, 0, False


class Coordinator:
    """One run over ``tasks`` in ``folder``.

    hire: a new engine for (number of the worker, frugal, where its events go). time_limit: seconds that an
    attempt may take, None for ever. tell: told every event, in protocol's words.
    """

    def __init__(
        self,
        folder: Folder,
        tasks: Iterable[Task],
        hire: Hire,
        workers: int,
        time_limit: float | None,
        tell: Tell,
    ) -> None:
        self._folder, self._hire, self._time_limit, self._tell = folder, hire, time_limit, tell
        tasks = list(tasks)
        self.done = sum(t.state == task.DONE for t in tasks)
        self.failed = sum(t.state == task.FAILED for t in tasks)
        self._events: Events = queue.SimpleQueue()
        waiting = [t for t in tasks if t.state == task.WAITING]
        self._waiting = deque(t for t in waiting if not t.careful)
        self._careful = deque(t for t in waiting if t.careful)
        self._slots = [_Slot(number) for number in range(min(workers, max(1, len(waiting))))]
        self._pace = Pace()
        self._told = (-1, -1, 0.0)  # done, failed and when, as of the last word on everything

    def run(self) -> None:
        """Until nothing is left. Raises UserError or OSError when that makes no sense any more."""
        try:
            self._hand_out()
            while any(slot.task for slot in self._slots):
                with contextlib.suppress(queue.Empty):
                    self._take(*self._events.get(timeout=TICK_S))
                self._check_clocks()
                self._hand_out()
                self._overall()
        finally:
            for slot in self._slots:
                slot.dismiss()
                if slot.task is not None:
                    self._stop(slot.task)

    def _overall(self) -> None:
        """Tell how far everything is: at once when a job has ended, else now and then."""
        counts, now = (self.done, self.failed), time.monotonic()
        if counts == self._told[:2] and now - self._told[2] < OVERALL_S:
            return
        self._told = (*counts, now)
        waiting, parts = (
            len(self._waiting) + len(self._careful),
            [slot.part for slot in self._slots if slot.task],
        )
        eta = self._pace.left(waiting, parts, len(self._slots))
        eta = None if eta is None else round(eta, 1)
        left = {"left": waiting + len(parts), "running": len(parts), "eta_s": eta}
        self._tell(protocol.message(protocol.OVERALL, done=self.done, failed=self.failed, **left))

    def _stop(self, stopped: Task) -> None:
        """A running task is left for the next run."""
        stopped.state = task.WAITING
        with contextlib.suppress(OSError):
            self._note(journal.STOPPED, stopped)

    def _hand_out(self) -> None:
        for slot in self._slots:
            while slot.task is None and (chosen := self._next(slot)):
                self._start(slot, chosen)

    def _next(self, slot: _Slot) -> Task | None:
        """The first task that waits for the model which this engine has loaded, else the first; those that
        need care only when nothing else runs."""
        if self._waiting:
            fitting = (t for t in self._waiting if t.model == slot.model)
            chosen = next(fitting, self._waiting[0])
            self._waiting.remove(chosen)
            return chosen
        if not self._careful or any(other.task for other in self._slots):
            return None
        for other in self._slots:
            if other is not slot:
                other.dismiss()
        return self._careful.popleft()

    def _start(self, slot: _Slot, chosen: Task) -> None:
        try:
            self._folder.check(chosen.job)
        except UserError as error:
            self._fail(chosen, str(error), error.fix, error.code)
            return
        if slot.engine is None or slot.frugal != chosen.careful:
            slot.dismiss()
            slot.engine, slot.frugal = self._hire(slot.number, chosen.careful, self._events), chosen.careful
        slot.task, slot.stage, slot.model = chosen, self._folder.stage(), chosen.model
        slot.began, slot.cancelled, slot.part = time.monotonic(), None, 0.0
        chosen.state, chosen.attempts = task.RUNNING, chosen.attempts + 1
        self._note(journal.START, chosen)
        name = chosen.job.name
        request = {**chosen.request.as_dict(), "out": str(slot.stage)}
        slot.engine.send(protocol.message(protocol.JOB, id=name, request=request))
        told = {"line": chosen.job.line, "attempt": chosen.attempts, "worker": slot.number + 1}
        self._tell(protocol.message(protocol.STARTED, id=name, **told))

    def _take(self, engine: Engine, msg: Event) -> None:
        """An event of ``engine``; one that has been dismissed has nothing to say any more."""
        slot = next((slot for slot in self._slots if slot.engine is engine), None)
        if slot is None:
            return
        kind = msg["kind"]
        slot.greeted |= kind != ENDED
        if kind == ENDED and not slot.greeted and msg["status"] > 0:
            what = died(msg["status"], engine.tail)[0]
            raise UserError(f"no engine starts here: {what}", "see what doctor says")
        if kind == ENDED:
            self._lost(slot, *died(msg["status"], engine.tail))
        elif slot.task is None or msg.get("id") != slot.task.job.name:
            return
        elif kind == protocol.PROGRESS:
            slot.part = max(slot.part, _part(msg))
            self._tell(msg)
        elif kind == protocol.DONE:
            self._done(slot, msg)
        elif kind == protocol.FAILED:
            self._failed(slot, str(msg["error"]), str(msg["fix"]), int(msg["code"]))
        elif kind == protocol.CANCELLED:
            self._overdue(slot)

    def _release(self, slot: _Slot) -> tuple[Task, Path]:
        """The slot's task and its files; the slot is free."""
        assert slot.task is not None
        released, slot.task = slot.task, None
        released.seconds = time.monotonic() - slot.began
        slot.jobs += 1
        return released, slot.stage

    def _done(self, slot: _Slot, msg: Event) -> None:
        done, stage = self._release(slot)
        self._pace.add(done.seconds, slot.jobs == 1)
        done.result = _moved(msg["result"], stage, Path())
        done.warnings = [*msg["result"].get("warnings", [])]
        if done.careful:
            done.warnings.append("done with one view at a time, to save memory")
        self._hand_out()  # first: the engine needn't wait for the disk
        try:
            self._folder.commit(done.job, stage, done.record())
        except UserError as error:
            self._fail(done, str(error), error.fix, error.code)
        except OSError as error:
            if error.errno in HOPELESS:
                done.state = task.WAITING
                raise
            self._fail(done, f"its files can't be put in place ({error.strerror})", "check its folder", 2)
        else:
            done.state, self.done = task.DONE, self.done + 1
            self._note(journal.DONE, done)
            result = _moved(msg["result"], stage, self._folder.target(done.job))
            told = {"seconds": round(done.seconds, 2), "attempts": done.attempts, "result": result}
            self._tell(protocol.message(protocol.DONE, id=done.job.name, **told))

    def _failed(self, slot: _Slot, error: str, fix: str, code: int) -> None:
        failed, stage = self._release(slot)
        self._folder.drop(stage)
        if code == protocol.EXIT_BAD_INPUT:
            try:
                self._folder.probe(4 * failed.request.texture_size**2)
            except OSError:
                failed.state = task.WAITING
                raise  # it isn't the job's fault
            self._fail(failed, error, fix, code)
            return
        slot.dismiss()  # whatever a bug or a full memory left behind goes with the process
        self._again(failed, error, fix, code)

    def _lost(self, slot: _Slot, error: str, memory: bool) -> None:
        """The engine has ended by itself."""
        slot.dismiss()
        if slot.task is None:
            return
        if slot.cancelled is not None:
            self._overdue(slot)
            return
        lost, stage = self._release(slot)
        self._folder.drop(stage)
        code = protocol.EXIT_OUT_OF_MEMORY if memory else protocol.EXIT_BUG
        self._again(lost, error, "close other programs, or use a smaller mesh, texture or model", code)

    def _overdue(self, slot: _Slot) -> None:
        slot.dismiss()  # one that had to end to answer the cancel may still be at it
        late, stage = self._release(slot)
        self._folder.drop(stage)
        what = f"it took longer than {self._time_limit:g} s, the time limit"
        self._fail(late, what, "give it more by --time-limit", protocol.EXIT_CANCELLED)

    def _again(self, failed: Task, error: str, fix: str, code: int) -> None:
        """Another attempt, with more care, where there is one left."""
        if failed.attempts >= task.ATTEMPTS:
            self._fail(failed, error, fix, code)
            return
        failed.state, failed.careful = task.WAITING, True
        self._careful.append(failed)
        self._note(journal.FAILED, failed, error=error, final=False)
        told = {"error": error, "fix": "it is tried again at the end, alone", "code": code, "again": True}
        self._tell(protocol.message(protocol.FAILED, id=failed.job.name, line=failed.job.line, **told))

    def _fail(self, failed: Task, error: str, fix: str, code: int) -> None:
        failed.fail(error, fix, code)
        self.failed += 1
        why = {"error": error, "fix": fix, "code": code}
        self._note(journal.FAILED, failed, **why, final=True, attempts=failed.attempts)
        self._tell(
            protocol.message(protocol.FAILED, id=failed.job.name, line=failed.job.line, **why, again=False)
        )

    def _note(self, event: str, noted: Task, **more: object) -> None:
        job = noted.job
        self._folder.journal.tell(event, name=job.name, fingerprint=job.fingerprint, **more)

    def _check_clocks(self) -> None:
        """End what takes too long: a job, the answer to its cancel, an engine that says nothing at all."""
        now = time.monotonic()
        for slot in self._slots:
            if slot.engine is None or slot.task is None:
                continue
            if slot.cancelled is not None:
                if now - slot.cancelled > CANCEL_S:
                    self._overdue(slot)
            elif self._time_limit is not None and now - slot.began > self._time_limit:
                slot.cancelled = now
                slot.engine.send(protocol.message(protocol.CANCEL, id=slot.task.job.name))
            elif now - max(slot.engine.heard, slot.began) > SILENCE_S:
                self._lost(slot, f"the engine said nothing for {SILENCE_S:.0f} s and was ended", False)


def _part(msg: Event) -> float:
    """How much of its job a progress message stands for; painting is what takes the time."""
    if msg["stage"] == "denoise":
        return float(0.05 + 0.85 * msg["i"] / max(1, msg["n"]))
    return 0.9 if msg["stage"] in ("bake", "measure", "save") else 0.0


def _moved(value: Any, stage: Path, target: Path) -> Any:
    """``value``, whatever JSON it is, with paths in ``stage`` turned into paths in ``target``."""
    if isinstance(value, dict):
        return {name: _moved(one, stage, target) for name, one in value.items()}
    if isinstance(value, list):
        return [_moved(one, stage, target) for one in value]
    if isinstance(value, str) and Path(value).parent == stage:
        return str(target / Path(value).name)
    return value
