"""Shares tasks out among engines and sees each to its end: done, tried again, or failed for a reason."""

from __future__ import annotations

import contextlib
import errno
import queue
import time
from collections.abc import Iterable
from pathlib import Path

from .. import protocol
from ..client.child import may_lack_memory
from ..client.engine_process import EXITED, SILENCE_S, Event
from ..errors import UserError
from . import disk, task
from .account import Account, Tell
from .engines import LOST, Events, JobEngine, StartEngine, why_it_ended
from .folder import Folder
from .pace import Overall
from .slot import Slot
from .task import Task
from .waiting import Waiting

CANCEL_S = 4.0  # it answers a cancel within two seconds, or is killed
TICK_S = 0.5
PATIENCE = 6  # workers lost, and two for each there should be, with no job done in between
MOST_PROBED = 2**26  # bytes, whatever size of texture a job asks for
HOPELESS = (*disk.FULL, errno.EROFS, errno.EIO)  # what no other job would survive either


class Coordinator:
    """One run over ``tasks`` in ``folder``.

    start_engine: makes a new engine. time_limit: seconds that an
    attempt may take, None for ever. tell: told every event, in protocol's words. alone: what needs care is
    done while nothing else runs, since all engines share one machine's memory. ``account``: what became of
    the tasks.
    """

    def __init__(
        self,
        folder: Folder,
        tasks: Iterable[Task],
        start_engine: StartEngine,
        workers: int,
        time_limit: float | None,
        tell: Tell,
        alone: bool = True,
    ) -> None:
        self._folder, self._start_engine = folder, start_engine
        self._time_limit, self._tell = time_limit, tell
        self._alone, self._losses, self._running = alone, 0, 0
        self._hired: dict[JobEngine, Slot] = {}
        tasks = list(tasks)
        self.account = Account(folder, tasks, tell)
        self._events: Events = queue.SimpleQueue()
        self._waiting = Waiting(tasks)
        self._slots = [Slot(number) for number in range(min(workers, max(1, len(self._waiting))))]
        self._overall = Overall(tell)

    def run(self) -> None:
        """Until nothing is left. Raises UserError or OSError when that makes no sense any more."""
        try:
            self._hand_out()
            tick = time.monotonic() + TICK_S
            while self._running:
                running = self._running
                with contextlib.suppress(queue.Empty):
                    self._take(*self._events.get(timeout=max(0.0, tick - time.monotonic())))
                if time.monotonic() >= tick:  # not at every event: of a thousand engines there are many
                    self._check_clocks()
                    tick = time.monotonic() + TICK_S
                    running = -1
                if self._running != running:
                    self._hand_out()
                self._tell_overall()
        finally:
            for slot in self._slots:
                slot.dismiss()
                if slot.task is not None:
                    self.account.stop(slot.task)

    def _tell_overall(self) -> None:
        parts = [slot.part for slot in self._slots if slot.task]
        self._overall(self.account.done, self.account.failed, len(self._waiting), parts, len(self._slots))

    def _hand_out(self) -> None:
        for slot in self._slots:
            while slot.task is None and (chosen := self._next(slot)):
                self._start(slot, chosen)
            if slot.task is None:
                break  # what is left isn't for the others either
        self._make_use_of_idle()

    def _next(self, slot: Slot) -> Task | None:
        """What the slot is to do: of what needs care, where that has to be alone, nothing beside others."""
        if (chosen := self._waiting.easy(slot.model)) is not None:
            return chosen
        if self._alone and self._running:
            return None
        chosen = self._waiting.careful()
        if chosen is not None and self._alone:
            for other in self._slots:
                if other is not slot:
                    other.dismiss()
        return chosen

    def _make_use_of_idle(self) -> None:
        """What an engine is to do for which there is no room yet, one that has nothing to do takes over."""
        staffed = [slot for slot in self._slots if slot.engine is not None]
        stuck = [slot for slot in staffed if slot.task and slot.engine and slot.engine.waiting]
        idle = [slot for slot in staffed if not slot.task and slot.engine and not slot.engine.waiting]
        for giver, taker in zip(stuck, idle, strict=False):
            taken, stage = self._release(giver)
            giver.dismiss()
            self._folder.drop(stage)
            taken.attempts -= 1
            self.account.stop(taken)
            self._start(taker, taken)

    def _start(self, slot: Slot, chosen: Task) -> None:
        try:
            self._folder.check(chosen.job)
        except UserError as error:
            self.account.fail(chosen, str(error), error.fix, error.code)
            return
        if slot.engine is None or slot.frugal != chosen.careful:
            slot.dismiss()
            slot.engine, slot.frugal = (
                self._start_engine(slot.number, chosen.careful, self._events),
                chosen.careful,
            )
            self._hired[slot.engine] = slot
        self._running += 1
        slot.begin(chosen, self._folder.stage())
        self.account.start(chosen, slot.number)
        request = {**chosen.request.as_dict(), "out": str(slot.stage)}
        slot.engine.send(protocol.message(protocol.JOB, id=chosen.job.name, request=request))

    def _take(self, engine: JobEngine, msg: Event) -> None:
        """An event of ``engine``; one that has been dismissed has nothing to say any more."""
        slot = self._hired[engine]
        if slot.engine is not engine:
            return
        kind = msg["kind"]
        slot.greeted |= kind not in (EXITED, LOST)
        if kind == EXITED:
            status = int(msg["status"])
            what = why_it_ended(status, engine.tail)
            if not slot.greeted and status > 0:
                raise UserError(f"no engine starts here: {what}", "see what doctor says")
            self._lost(slot, what, may_lack_memory(status))
        elif kind == LOST:
            self._gone(slot, " | ".join([*engine.tail[-2:]]))
        elif slot.task is None or msg.get("id") != slot.task.job.name:
            return
        elif kind == protocol.PROGRESS:
            slot.progressed(msg)
            self._tell(msg)
        elif kind == protocol.DONE:
            self._done(slot, msg)
        elif kind == protocol.FAILED:
            self._failed(slot, str(msg["error"]), str(msg["fix"]), int(msg["code"]))
        elif kind == protocol.CANCELLED:
            self._overdue(slot)

    def _release(self, slot: Slot) -> tuple[Task, Path]:
        """The slot's task and its files; the slot is free."""
        self._running -= 1
        return slot.release()

    def _done(self, slot: Slot, msg: Event) -> None:
        done, stage = self._release(slot)
        self._overall.pace.add(done.seconds, slot.jobs == 1)
        done.result = task.moved(msg["result"], stage, Path())
        done.warnings = [*msg["result"].get("warnings", [])]
        if done.careful:
            done.warnings.append("done with one view at a time, to save memory")
        self._hand_out()  # first: the engine needn't wait for the disk
        try:
            self._folder.commit(done.job, stage, done.record())
        except UserError as error:
            self.account.fail(done, str(error), error.fix, error.code)
        except OSError as error:
            if error.errno in HOPELESS:
                done.state = task.WAITING
                raise
            self.account.fail(
                done, f"its files can't be put in place ({error.strerror})", "check its folder", 2
            )
        else:
            self._losses = 0
            self.account.finish(done, task.moved(msg["result"], stage, self._folder.target(done.job)))

    def _failed(self, slot: Slot, error: str, fix: str, code: int) -> None:
        failed, stage = self._release(slot)
        self._folder.drop(stage)
        if code == protocol.EXIT_BAD_INPUT:
            try:
                self._folder.probe(min(4 * failed.request.texture_size**2, MOST_PROBED))
            except OSError:
                failed.state = task.WAITING
                raise  # it isn't the job's fault
            self.account.fail(failed, error, fix, code)
            return
        slot.dismiss()  # whatever a bug or a full memory left behind goes with the process
        self._again(failed, error, fix, code)

    def _lost(self, slot: Slot, error: str, memory: bool) -> None:
        """The engine has ended by itself."""
        slot.dismiss()
        if (lost := self._without_engine(slot)) is None:
            return
        code = protocol.EXIT_OUT_OF_MEMORY if memory else protocol.EXIT_BUG
        self._again(lost, error, "close other programs, or use a smaller mesh, texture or model", code)

    def _without_engine(self, slot: Slot) -> Task | None:
        """The task that ``slot`` had when its engine ended, its unfinished work gone; None where it had none,
        or none that goes on."""
        if slot.task is None:
            return None
        if slot.cancelled is not None:
            self._overdue(slot)
            return None
        lost, stage = self._release(slot)
        self._folder.drop(stage)
        return lost

    def _gone(self, slot: Slot, why: str) -> None:
        """What the engine ran on is gone, which is hardly its job's fault."""
        slot.dismiss()
        self._losses += 1
        if self._losses > PATIENCE + 2 * len(self._slots):
            fix = "see the cluster's own logs; the same command goes on where it was"
            raise UserError(f"workers get lost, one after the other ({why})", fix)
        if (lost := self._without_engine(slot)) is None:
            return
        lost.losses += 1
        error, fix = f"its worker was lost ({why})", "see the cluster's own logs"
        if lost.losses >= task.LOSSES:
            self.account.fail(lost, error, fix, protocol.EXIT_BUG)
            return
        lost.attempts -= 1
        lost.careful |= lost.losses > 1
        self._waiting.put_first(lost)
        self.account.put_off(lost, error, "another worker does it", protocol.EXIT_BUG)

    def _overdue(self, slot: Slot) -> None:
        slot.dismiss()  # one that had to end to answer the cancel may still be at it
        late, stage = self._release(slot)
        self._folder.drop(stage)
        what = f"it took longer than {self._time_limit:g} s, the time limit"
        self.account.fail(late, what, "give it more by --time-limit", protocol.EXIT_CANCELLED)

    def _again(self, failed: Task, error: str, fix: str, code: int) -> None:
        """Another attempt, with more care, where there is one left."""
        if failed.attempts >= task.ATTEMPTS:
            self.account.fail(failed, error, fix, code)
            return
        self._waiting.put_last(failed)
        when = "at the end, alone" if self._alone else "at the end"
        self.account.put_off(failed, error, f"it is tried again {when}", code)

    def _check_clocks(self) -> None:
        """End what takes too long: a job, the answer to its cancel, an engine that says nothing at all."""
        now = time.monotonic()
        for slot in self._slots:
            if slot.engine is None or slot.task is None:
                continue
            if slot.engine.waiting:
                slot.began = now
            elif slot.cancelled is not None:
                if now - slot.cancelled > CANCEL_S:
                    self._overdue(slot)
            elif self._time_limit is not None and now - slot.began > self._time_limit:
                slot.cancelled = now
                slot.engine.send(protocol.message(protocol.CANCEL, id=slot.task.job.name))
            elif now - max(slot.engine.heard, slot.began) > SILENCE_S:
                self._lost(slot, f"the engine said nothing for {SILENCE_S:.0f} s and was ended", False)
