"""A job and how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..protocol import Request
from .folder import Folder
from .jobs import Job
from .journal import Past

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
ATTEMPTS = 2  # the second in a new engine, alone, one view at a time
LOSSES = 3  # attempts that the job's machine didn't survive; two of them may be by chance
ENDINGS = 3  # so many runs that ended under a job make it suspect: it comes last, and alone


@dataclass(eq=False)
class Task:
    """A job of this run. careful: to be done after all others, alone, in as little memory as possible.

    losses: attempts lost with their machine. seconds: what the last attempt took. error, fix, code: why it
    failed. earlier: done or failed before this run. result: the engine's, its paths counted from the job's
    folder. warnings: the engine's, and ours.
    """

    job: Job
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
    def request(self) -> Request:
        return self.job.request

    def fail(self, error: str, fix: str, code: int) -> None:
        """It has failed, for good."""
        self.state, self.error, self.fix, self.code = FAILED, error, fix, code

    def record(self) -> dict[str, Any]:
        """What job.json keeps, besides the folder's own words."""
        asked = {name: value for name, value in self.job.request.as_dict().items() if name != "out"}
        return {
            "request": asked,
            "seconds": round(self.seconds, 2),
            "attempts": self.attempts,
            "result": self.result,
            "warnings": self.warnings,
        }


def plan(jobs: Iterable[Job], folder: Folder) -> list[Task]:
    """A task for each job, as far as earlier runs in ``folder`` got with it."""
    tasks = []
    for job in jobs:
        task = Task(job)
        past = folder.journal.past.get(job.name)
        if (said := folder.done(job)) is not None:
            _take_up(task, said)
        elif past is not None and past.fingerprint == job.fingerprint:
            _go_on(task, past)
        tasks.append(task)
    return tasks


def _take_up(task: Task, said: dict[str, Any]) -> None:
    task.state, task.earlier = DONE, True
    task.seconds, task.attempts = float(said.get("seconds", 0)), int(said.get("attempts", 1))
    task.result = said["result"] if isinstance(said.get("result"), dict) else {}
    task.warnings = [str(warning) for warning in said.get("warnings", [])]


def _go_on(task: Task, past: Past) -> None:
    if said := past.failure:
        task.earlier, task.attempts = True, int(said.get("attempts", 1))
        task.fail(str(said.get("error")), str(said.get("fix")), int(said.get("code", 1)))
    task.careful = past.ended >= ENDINGS


def moved(value: Any, stage: Path, target: Path) -> Any:
    """``value``, whatever JSON it is, with paths in ``stage`` turned into paths in ``target``."""
    if isinstance(value, dict):
        return {name: moved(one, stage, target) for name, one in value.items()}
    if isinstance(value, list):
        return [moved(one, stage, target) for one in value]
    if isinstance(value, str) and Path(value).parent == stage:
        return str(target / Path(value).name)
    return value
