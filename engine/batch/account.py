"""What becomes of a run's tasks: every change is noted in the folder's journal, and told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from .. import protocol
from ..client.engine_process import Event
from . import journal, task
from .folder import Folder
from .task import Task

Tell = Callable[[Event], None]


class Account:
    """Of ``tasks``, jobs of ``folder``. done, failed: how many are, those of earlier runs among them.

    tell: told every change but a stop, in protocol's words. All methods raise OSError where the journal can't
    be written, but for ``stop``.
    """

    def __init__(self, folder: Folder, tasks: Sequence[Task], tell: Tell) -> None:
        self._folder, self._tell = folder, tell
        self.done = sum(t.state == task.DONE for t in tasks)
        self.failed = sum(t.state == task.FAILED for t in tasks)

    def start(self, started: Task, worker: int) -> None:
        """An attempt begins, by the ``worker`` of this number from 0."""
        started.state, started.attempts = task.RUNNING, started.attempts + 1
        self._note(journal.START, started)
        told = {"line": started.job.line, "attempt": started.attempts, "worker": worker + 1}
        self._tell(protocol.message(protocol.STARTED, id=started.job.name, **told))

    def stop(self, stopped: Task) -> None:
        """A running task is left for later, or for the next run."""
        stopped.state = task.WAITING
        with contextlib.suppress(OSError):
            self._note(journal.STOPPED, stopped)

    def finish(self, done: Task, result: dict[str, object]) -> None:
        """Its files are in place; result: the engine's, as it is told."""
        done.state, self.done = task.DONE, self.done + 1
        self._note(journal.DONE, done)
        told = {"seconds": round(done.seconds, 2), "attempts": done.attempts, "result": result}
        self._tell(protocol.message(protocol.DONE, id=done.job.name, **told))

    def put_off(self, later: Task, error: str, fix: str, code: int) -> None:
        """This attempt has failed; another follows."""
        later.state = task.WAITING
        self._note(journal.FAILED, later, error=error, final=False)
        self._tell_failure(later, error, fix, code, True)

    def fail(self, failed: Task, error: str, fix: str, code: int) -> None:
        """It has failed, for good."""
        failed.fail(error, fix, code)
        self.failed += 1
        why = {"error": error, "fix": fix, "code": code}
        self._note(journal.FAILED, failed, **why, final=True, attempts=failed.attempts)
        self._tell_failure(failed, error, fix, code, False)

    def _tell_failure(self, failed: Task, error: str, fix: str, code: int, again: bool) -> None:
        told = {"error": error, "fix": fix, "code": code, "again": again}
        self._tell(protocol.message(protocol.FAILED, id=failed.job.name, line=failed.job.line, **told))

    def _note(self, event: str, noted: Task, **more: object) -> None:
        job = noted.job
        self._folder.journal.tell(event, name=job.name, fingerprint=job.fingerprint, **more)
