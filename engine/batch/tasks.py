"""The jobs of a run, how far each is, and the order in which they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .folder import BatchFolder
from .jobs import BatchRequest, JobLine
from .journal import JobHistory

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
ATTEMPTS = 2  # the second in a new engine, alone, one view at a time
LOSSES = 3  # attempts that the job's machine didn't survive; two of them may be by chance
ENDINGS = 3  # so many runs that ended under a job make it suspect: it comes last, and alone


@dataclass(eq=False)
class BatchTask:
    """A job of this run. careful: to be done after all others, alone, in as little memory as possible.

    losses: attempts lost with their machine. seconds: what the last attempt took. error, fix, code: why it
    failed. earlier: done or failed before this run. result: the engine's, its paths counted from the job's
    folder. warnings: the engine's, and ours.
    """

    job: JobLine
    state: str = WAITING
    careful: bool = False
    attempts: int = 0
    losses: int = 0
    seconds: float = 0.0
    error: str = ""
    fix: str = ""
    code: int = 0
    earlier: bool = False
    result: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def model(self) -> tuple[str, str]:
        """What an engine has to have loaded for it."""
        return self.job.request.model, self.job.request.device

    @property
    def request(self) -> BatchRequest:
        return self.job.request

    def fail(self, error: str, fix: str, code: int) -> None:
        """It has failed, for good."""
        self.state, self.error, self.fix, self.code = FAILED, error, fix, code

    def record(self) -> dict[str, Any]:
        """What job.json keeps of it, besides what the folder adds."""
        asked = {name: value for name, value in self.job.request.as_dict().items() if name != "out"}
        return {
            "request": asked,
            "seconds": round(self.seconds, 2),
            "attempts": self.attempts,
            "result": self.result,
            "warnings": self.warnings,
        }


class TaskQueue:
    """The tasks that are still to be done: first those that give no trouble, at last those that need care."""

    def __init__(self, tasks: Iterable[BatchTask]) -> None:
        left = [one for one in tasks if one.state == WAITING]
        self._easy = deque(one for one in left if not one.careful)
        self._careful = deque(one for one in left if one.careful)

    def __len__(self) -> int:
        return len(self._easy) + len(self._careful)

    def next_easy(self, model: tuple[str, str] | None) -> BatchTask | None:
        """The first that waits for the ``model`` that an engine has loaded, else the first."""
        if not self._easy:
            return None
        chosen = next((one for one in self._easy if one.model == model), self._easy[0])
        self._easy.remove(chosen)
        return chosen

    def next_careful(self) -> BatchTask | None:
        """The first that needs care."""
        return self._careful.popleft() if self._careful else None

    def put_first(self, again: BatchTask) -> None:
        """Before the others of its kind: it has waited before."""
        (self._careful if again.careful else self._easy).appendleft(again)

    def put_last(self, again: BatchTask) -> None:
        """After all others, with more care than before."""
        again.careful = True
        self._careful.append(again)


def tasks_of(jobs: Iterable[JobLine], folder: BatchFolder) -> list[BatchTask]:
    """A task for each job, as far as earlier runs in ``folder`` got with it."""
    tasks = []
    for job in jobs:
        task = BatchTask(job)
        history = folder.journal.histories.get(job.name)
        if (record := folder.finished(job)) is not None:
            _take_result(task, record)
        elif history is not None and history.fingerprint == job.fingerprint:
            _take_history(task, history)
        tasks.append(task)
    return tasks


def _take_result(task: BatchTask, record: dict[str, Any]) -> None:
    """An earlier run has done it; record: its job.json, of the right types."""
    task.state, task.earlier = DONE, True
    task.seconds, task.attempts = float(record.get("seconds", 0)), int(record.get("attempts", 1))
    task.result, task.warnings = record.get("result", {}), record.get("warnings", [])


def _take_history(task: BatchTask, history: JobHistory) -> None:
    """Earlier runs have tried it."""
    if event := history.failure:
        task.earlier, task.attempts = True, int(event.get("attempts", 1))
        task.fail(str(event.get("error")), str(event.get("fix")), int(event.get("code", 1)))
    task.careful = history.ended >= ENDINGS
