"""A place for an engine: which one is there, what it does, how far it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from ..client.engine_process import Event
from .engines import JobEngine
from .task import Task


@dataclass(eq=False)
class Slot:
    """A place for one engine. greeted: it came so far; part: of its job, done; jobs: how many it had."""

    number: int
    engine: JobEngine | None = None
    frugal: bool = False
    greeted: bool = False
    task: Task | None = None
    stage: Path = Path()
    model: tuple[str, str] | None = None
    began: float = 0.0
    cancelled: float | None = None
    part: float = 0.0
    jobs: int = 0

    def begin(self, task: Task, stage: Path) -> None:
        """Its engine is given ``task``, whose files go into the folder ``stage``."""
        self.task, self.stage, self.model = task, stage, task.model
        self.began, self.cancelled, self.part = time.monotonic(), None, 0.0

    def release(self) -> tuple[Task, Path]:
        """Its task and the files of that; free for another."""
        assert self.task is not None
        released, self.task = self.task, None
        released.seconds = time.monotonic() - self.began
        self.jobs += 1
        return released, self.stage

    def progressed(self, msg: Event) -> None:
        """Take note of a progress message."""
        self.part = max(self.part, _part(msg))

    def dismiss(self) -> None:
        """Without an engine from now on."""
        if self.engine is not None:
            self.engine.kill()
        self.engine, self.model, self.jobs, self.greeted = None, None, 0, False


def _part(msg: Event) -> float:
    """How much of its job a progress message stands for; painting is what takes the time."""
    if msg["stage"] == "denoise":
        return float(0.05 + 0.85 * msg["i"] / max(1, msg["n"]))
    return 0.9 if msg["stage"] in ("bake", "measure", "save") else 0.0
