"""Every change of a run's tasks is written into the folder's journal, and reported."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from .. import protocol
from ..json_lines import Report
from . import journal, tasks
from .folder import BatchFolder
from .tasks import BatchTask


class TaskRecorder:
    """Changes the state of ``all_tasks``, jobs of ``folder``. done, failed: how many are, those of earlier
    runs among them.

    report: called with every change but a stop, as a message of the protocol. All methods raise OSError where
    the journal can't be written, but for ``stop``.
    """

    def __init__(self, folder: BatchFolder, all_tasks: Sequence[BatchTask], report: Report) -> None:
        self._folder, self._report = folder, report
        self.done = sum(one.state == tasks.DONE for one in all_tasks)
        self.failed = sum(one.state == tasks.FAILED for one in all_tasks)

    def start(self, task: BatchTask, worker: int) -> None:
        """An attempt begins, by the ``worker`` of this number from 0."""
        task.state, task.attempts = tasks.RUNNING, task.attempts + 1
        self._note(journal.START, task)
        fields = {"line": task.job.line, "attempt": task.attempts, "worker": worker + 1}
        self._report(protocol.message(protocol.STARTED, id=task.job.name, **fields))

    def stop(self, task: BatchTask) -> None:
        """A running task is left for later, or for the next run."""
        task.state = tasks.WAITING
        with contextlib.suppress(OSError):
            self._note(journal.STOPPED, task)

    def finish(self, task: BatchTask, result: dict[str, object]) -> None:
        """Its files are in place; result: the engine's, with whole paths."""
        task.state, self.done = tasks.DONE, self.done + 1
        self._note(journal.DONE, task)
        fields = {"seconds": round(task.seconds, 2), "attempts": task.attempts, "result": result}
        self._report(protocol.message(protocol.DONE, id=task.job.name, **fields))

    def put_off(self, task: BatchTask, error: str, fix: str, code: int) -> None:
        """This attempt has failed; another follows."""
        task.state = tasks.WAITING
        self._note(journal.FAILED, task, error=error, final=False)
        self._report_failure(task, error, fix, code, True)

    def fail(self, task: BatchTask, error: str, fix: str, code: int) -> None:
        """It has failed, for good."""
        task.fail(error, fix, code)
        self.failed += 1
        why = {"error": error, "fix": fix, "code": code}
        self._note(journal.FAILED, task, **why, final=True, attempts=task.attempts)
        self._report_failure(task, error, fix, code, False)

    def _report_failure(self, task: BatchTask, error: str, fix: str, code: int, again: bool) -> None:
        fields = {"error": error, "fix": fix, "code": code, "again": again}
        self._report(protocol.message(protocol.FAILED, id=task.job.name, line=task.job.line, **fields))

    def _note(self, event: str, task: BatchTask, **more: object) -> None:
        job = task.job
        self._folder.journal.add(event, name=job.name, fingerprint=job.fingerprint, **more)
