"""Shares tasks out among engines and sees each to its end: done, tried again, or failed for a reason."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Sequence
from pathlib import Path

from .. import protocol
from ..client.child import may_lack_memory
from ..client.engine_process import EXITED, SILENCE_S
from ..disk import failure
from ..errors import DiskError, UserError, column, flag
from ..export import room
from ..json_lines import Event, Report
from . import tasks
from .engines import LOST, EnginePool, Events, JobEngine, why_it_ended
from .folder import BatchFolder, resumable
from .progress import OverallProgress
from .recorder import TaskRecorder
from .tasks import BatchTask, TaskQueue
from .worker_slot import WorkerSlot

CANCEL_S = 4.0  # an engine answers a cancel within two seconds, or is killed
TICK_S = 0.5
LOSSES_BORNE = 6  # machines lost, and two for each worker there should be, with no job done in between


class Coordinator:
    """One run over ``all_tasks`` in ``folder``, by the engines of ``pool``.

    time_limit: seconds that an attempt may take, None for ever. report: called with every event, as a message
    of the protocol. ``recorder``: what became of the tasks. Where all engines share one machine's memory,
    what needs care is done while nothing else runs.
    """

    def __init__(
        self,
        folder: BatchFolder,
        all_tasks: Sequence[BatchTask],
        pool: EnginePool,
        time_limit: float | None,
        report: Report,
    ) -> None:
        self._folder, self._pool, self._time_limit, self._report = folder, pool, time_limit, report
        self._losses = self._running = 0
        self._stopped: DiskError | None = None  # why no further task begins
        self._slot_of: dict[JobEngine, WorkerSlot] = {}
        self.recorder = TaskRecorder(folder, all_tasks, report)
        self._events: Events = queue.SimpleQueue()
        self._queue = TaskQueue(all_tasks)
        self._slots = [WorkerSlot(number) for number in range(min(pool.size, max(1, len(self._queue))))]
        self._overall = OverallProgress(report)

    def run(self) -> None:
        """Until nothing is left. Raises UserError or OSError when that makes no sense any more, and DiskError
        when the disk says no: what runs then comes to its end first."""
        try:
            self._hand_out()
            tick = time.monotonic() + TICK_S
            while self._running:
                running = self._running
                with contextlib.suppress(queue.Empty):
                    self._handle(*self._events.get(timeout=max(0.0, tick - time.monotonic())))
                if time.monotonic() >= tick:  # not at every event: of a thousand engines there are many
                    self._check_clocks()
                    tick = time.monotonic() + TICK_S
                    running = -1
                if self._running != running:
                    self._hand_out()
                self._report_overall()
            if self._stopped:
                raise self._stopped
        finally:
            for slot in self._slots:
                slot.end_engine()
                if slot.task is not None:
                    self.recorder.stop(slot.task)

    def _report_overall(self) -> None:
        fractions = [slot.fraction for slot in self._slots if slot.task]
        done, failed = self.recorder.done, self.recorder.failed
        self._overall(done, failed, len(self._queue), fractions, len(self._slots))

    def _hand_out(self) -> None:
        if self._stopped:
            return
        for slot in self._slots:
            while slot.task is None and (chosen := self._next_task(slot)):
                self._start(slot, chosen)
            if slot.task is None:
                break  # what is left isn't for the others either
        self._relieve_waiting_engines()

    def _next_task(self, slot: WorkerSlot) -> BatchTask | None:
        """What the slot is to do: of what needs care, on one machine, nothing beside others."""
        if (chosen := self._queue.next_easy(slot.model)) is not None:
            return chosen
        if self._pool.one_machine and self._running:
            return None
        chosen = self._queue.next_careful()
        if chosen is not None and self._pool.one_machine:
            for other in self._slots:
                if other is not slot:
                    other.end_engine()
        return chosen

    def _relieve_waiting_engines(self) -> None:
        """What an engine is to do for which there is no room yet, one that has nothing to do takes over."""
        with_engine = [slot for slot in self._slots if slot.engine is not None]
        stuck = [slot for slot in with_engine if slot.task and slot.engine and slot.engine.waiting]
        idle = [slot for slot in with_engine if not slot.task and slot.engine and not slot.engine.waiting]
        for giver, taker in zip(stuck, idle, strict=False):
            task, staging = self._release(giver)
            giver.end_engine()
            self._folder.remove(staging)
            task.attempts -= 1
            self.recorder.stop(task)
            self._start(taker, task)

    def _start(self, slot: WorkerSlot, task: BatchTask) -> None:
        try:
            self._folder.check(task.job)
        except UserError as error:
            self.recorder.fail(task, *error.wording.by(column), error.code)
            return
        if slot.engine is None or slot.frugal != task.careful:
            slot.end_engine()
            slot.frugal = task.careful
            slot.engine = self._pool.start(slot.number, slot.frugal, self._events)
            self._slot_of[slot.engine] = slot
        self._running += 1
        slot.begin(task, self._folder.new_staging())
        self.recorder.start(task, slot.number)
        request = {**task.request.as_dict(), "out": str(slot.staging)}
        slot.engine.send(protocol.message(protocol.JOB, id=task.job.name, request=request))

    def _handle(self, engine: JobEngine, event: Event) -> None:
        """An event of ``engine``; one that has been ended has nothing to say any more."""
        slot = self._slot_of[engine]
        if slot.engine is not engine:
            return
        kind = event["kind"]
        slot.answered |= kind not in (EXITED, LOST)
        if kind == EXITED:
            self._engine_ended(slot, int(event["status"]), engine.tail)
        elif kind == LOST:
            self._machine_lost(slot, " | ".join([*engine.tail[-2:]]))
        elif slot.task is None or event.get("id") != slot.task.job.name:
            return
        elif kind == protocol.PROGRESS:
            slot.note_progress(event)
            self._report(event)
        elif kind == protocol.DONE:
            self._done(slot, event)
        elif kind == protocol.FAILED:
            self._failed(slot, str(event["error"]), str(event["fix"]), int(event["code"]))
        elif kind == protocol.CANCELLED:
            self._timed_out(slot)

    def _release(self, slot: WorkerSlot) -> tuple[BatchTask, Path]:
        """The slot's task and the folder of its files; the slot is free."""
        self._running -= 1
        return slot.release()

    def _take_back(self, slot: WorkerSlot) -> BatchTask:
        """The slot's task, its unfinished work gone; the slot is free."""
        task, staging = self._release(slot)
        self._folder.remove(staging)
        return task

    def _done(self, slot: WorkerSlot, event: Event) -> None:
        task, staging = self._release(slot)
        self._overall.remaining.add(task.seconds, slot.jobs == 1)
        task.result = protocol.moved(event["result"], staging, Path())
        task.warnings = [*event["result"].get("warnings", [])]
        if task.careful:
            task.warnings.append("done with one view at a time, to save memory")
        self._hand_out()  # first: the engine needn't wait for the disk
        try:
            self._folder.commit(task.job, staging, task.record())
        except UserError as error:
            self.recorder.fail(task, *error.wording.by(column), error.code)
        except OSError as error:
            if of_disk := failure(error, self._folder.path, room.of_request(task.request)):
                self._folder.remove(staging)
                self._stop(task, of_disk)
                return
            what = f"its files can't be put in place ({error.strerror})"
            self.recorder.fail(task, what, "check its folder", protocol.EXIT_BAD_INPUT)
        else:
            self._losses = 0
            target = self._folder.target(task.job)
            self.recorder.finish(task, protocol.moved(event["result"], staging, target))

    def _failed(self, slot: WorkerSlot, error: str, fix: str, code: int) -> None:
        staging = str(slot.staging)
        task = self._take_back(slot)
        if code == protocol.EXIT_DISK:
            self._stop(task, DiskError(error.replace(staging, str(self._folder.path)), fix))
        elif of_disk := self._disk_error(task):
            self._stop(task, of_disk)  # it isn't the job's fault
        elif code == protocol.EXIT_BAD_INPUT:
            self.recorder.fail(task, error, fix, code)
        else:
            slot.end_engine()  # whatever a bug or a full memory left behind goes with the process
            self._retry(task, error, fix, code)

    def _disk_error(self, task: BatchTask) -> DiskError | None:
        """Why the files of ``task`` couldn't be written, None where they could."""
        need = room.of_request(task.request)
        try:
            self._folder.probe(need)
        except (OSError, DiskError) as error:
            return failure(error, self._folder.path, need)
        return None

    def _stop(self, task: BatchTask, error: DiskError) -> None:
        """Because of the disk nothing more begins, ``task`` is left for the next run, and so is what waits
        for room. What came of it isn't told: it is nothing of its own."""
        self._stopped = self._stopped or resumable(error)
        self.recorder.stop(task)
        for slot in self._slots:
            if slot.task and slot.engine and slot.engine.waiting:
                self.recorder.stop(self._take_back(slot))
            if slot.task is None:
                slot.end_engine()

    def _engine_ended(self, slot: WorkerSlot, status: int, tail: Sequence[str]) -> None:
        """The engine has ended by itself."""
        what = why_it_ended(status, tail)
        if not slot.answered and status > 0:
            raise UserError(f"no engine starts here: {what}", "see what doctor says")
        self._engine_failed(slot, what, may_lack_memory(status))

    def _engine_failed(self, slot: WorkerSlot, error: str, memory: bool) -> None:
        """The slot is without its engine; memory: because that ran out."""
        slot.end_engine()
        if (task := self._task_left(slot)) is None:
            return
        if of_disk := self._disk_error(task):
            self._stop(task, of_disk)  # what maps a file into memory dies of that
            return
        code = protocol.EXIT_OUT_OF_MEMORY if memory else protocol.EXIT_BUG
        self._retry(task, error, "close other programs, or use a smaller mesh, texture or model", code)

    def _task_left(self, slot: WorkerSlot) -> BatchTask | None:
        """The task that ``slot`` had when its engine ended; None where it had none, or none that goes on."""
        if slot.task is None:
            return None
        if slot.cancelled is not None:
            self._timed_out(slot)
            return None
        return self._take_back(slot)

    def _machine_lost(self, slot: WorkerSlot, why: str) -> None:
        """What the engine ran on is gone, which is hardly its job's fault."""
        slot.end_engine()
        self._losses += 1
        if self._losses > LOSSES_BORNE + 2 * len(self._slots):
            fix = "see the cluster's own logs; the same command goes on where it was"
            raise UserError(f"workers get lost, one after the other ({why})", fix)
        if (task := self._task_left(slot)) is None:
            return
        task.losses += 1
        error, fix = f"its worker was lost ({why})", "see the cluster's own logs"
        if task.losses >= tasks.LOSSES:
            self.recorder.fail(task, error, fix, protocol.EXIT_BUG)
            return
        task.attempts -= 1
        task.careful |= task.losses > 1
        self._queue.put_first(task)
        self.recorder.put_off(task, error, "another worker does it", protocol.EXIT_BUG)

    def _timed_out(self, slot: WorkerSlot) -> None:
        slot.end_engine()  # one that had to end to answer the cancel may still be at it
        what = f"it took longer than {self._time_limit:g} s, the time limit"
        self.recorder.fail(
            self._take_back(slot), what, f"give it more by {flag('time_limit')}", protocol.EXIT_CANCELLED
        )

    def _retry(self, task: BatchTask, error: str, fix: str, code: int) -> None:
        """Another attempt, with more care, where there is one left."""
        if task.attempts >= tasks.ATTEMPTS:
            self.recorder.fail(task, error, fix, code)
            return
        self._queue.put_last(task)
        when = "at the end, alone" if self._pool.one_machine else "at the end"
        self.recorder.put_off(task, error, f"it is tried again {when}", code)

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
                    self._timed_out(slot)
            elif self._time_limit is not None and now - slot.began > self._time_limit:
                slot.cancelled = now
                slot.engine.send(protocol.message(protocol.CANCEL, id=slot.task.job.name))
            elif now - max(slot.engine.heard, slot.began) > SILENCE_S:
                what = f"the engine said nothing for {SILENCE_S:.0f} s and was ended"
                self._engine_failed(slot, what, memory=False)
