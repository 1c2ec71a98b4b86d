"""One of a batch's workers: which engine it has, what that does, how far it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from ..json_lines import Event
from .engines import JobEngine
from .tasks import BatchTask


@dataclass(eq=False)
class WorkerSlot:
    """A place for one engine at a time.

    engine: None until there is a task for it. answered: its engine has sent something. task: what it does;
    staging: the folder that receives the files of that. model: what its engine has loaded. began, cancelled:
    when the task was, by time.monotonic. fraction: how much of the task is done, 0 to 1. jobs: how many its
    engine has done.
    """

    number: int
    engine: JobEngine | None = None
    frugal: bool = False
    answered: bool = False
    task: BatchTask | None = None
    staging: Path = Path()
    model: tuple[str, str] | None = None
    began: float = 0.0
    cancelled: float | None = None
    fraction: float = 0.0
    jobs: int = 0

    def begin(self, task: BatchTask, staging: Path) -> None:
        """Its engine is given ``task``, whose files go into the folder ``staging``."""
        self.task, self.staging, self.model = task, staging, task.model
        self.began, self.cancelled, self.fraction = time.monotonic(), None, 0.0

    def release(self) -> tuple[BatchTask, Path]:
        """Its task and the folder with the files of that; free for another."""
        assert self.task is not None
        released, self.task = self.task, None
        released.seconds = time.monotonic() - self.began
        self.jobs += 1
        return released, self.staging

    def note_progress(self, message: Event) -> None:
        """Take note of a progress message."""
        self.fraction = max(self.fraction, _fraction(message))

    def end_engine(self) -> None:
        """Without an engine from now on."""
        if self.engine is not None:
            self.engine.kill()
        self.engine, self.model, self.jobs, self.answered = None, None, 0, False


def _fraction(message: Event) -> float:
    """How much of its job a progress message stands for; painting is what takes the time."""
    if message["stage"] == "denoise":
        return float(0.05 + 0.85 * message["i"] / max(1, message["n"]))
    return 0.9 if message["stage"] in ("detail", "bake", "measure", "save") else 0.0
