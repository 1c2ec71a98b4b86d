"""Shared by the tests of batches: job files, a stand-in engine, whole runs with it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.batch import folder, jobs
from engine.batch.coordinator import Coordinator
from engine.batch.engines import EnginePool, Events, LocalEngine
from engine.batch.tasks import BatchTask, tasks_of
from engine.json_lines import Event
from tests.engine.batch.runs import BatchProcess

STAND_IN = Path(__file__).with_name("stand_in.py")
Lines = Sequence[dict[str, Any] | str]
Write = Callable[..., Path]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """An empty folder, in memory where that can be had: thousands of files take their time on a disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def write(place: Path) -> Write:
    """Write a job file of objects (or raw lines) beside a mesh called m.obj, which no stand-in reads."""
    (place / "m.obj").write_text("v 0 0 0\n", encoding="utf-8")

    def make(lines: Lines, name: str = "jobs.jsonl") -> Path:
        path = place / name
        text = [line if isinstance(line, str) else json.dumps({"mesh": "m.obj", **line}) for line in lines]
        path.write_text("\n".join(text) + "\n", encoding="utf-8")
        return path

    return make


@dataclass
class Ran:
    """What became of a run with stand-ins."""

    out: Path
    tasks: list[BatchTask] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def states(self) -> dict[str, str]:
        return {one.job.name: one.state for one in self.tasks}

    def task(self, name: str) -> BatchTask:
        return next(one for one in self.tasks if one.job.name == name)

    def kinds(self, name: str) -> list[str]:
        return [event["kind"] for event in self.events if event.get("id") == name]

    @property
    def starts(self) -> list[tuple[str, int, bool]]:
        """(name, process, frugal) of every start, in all runs so far."""
        path = self.out.parent / "starts.txt"
        words = [line.split("\t") for line in path.read_text("utf-8").splitlines()] if path.exists() else []
        return [(name, int(process), frugal == "True") for name, process, frugal in words]


Run = Callable[..., Ran]


@pytest.fixture
def run(place: Path, write: Write) -> Run:
    """Do the jobs with stand-ins; each job's folder is its ``out``."""

    def stand_in(_number: int, frugal: bool, events: Events) -> LocalEngine:
        return LocalEngine(
            [sys.executable, "-S", str(STAND_IN), *(["--frugal"] if frugal else [])], os.environ, events
        )

    def make(lines: Lines, workers: int = 1, time_limit: float | None = None) -> Ran:
        ran = Ran(place / "out")
        found, refused = jobs.read(write(lines), {})
        assert not refused, refused
        with folder.opened(ran.out) as there:
            ran.tasks = tasks_of(found, there)
            Coordinator(there, ran.tasks, EnginePool(stand_in, workers), time_limit, ran.events.append).run()
            there.journal.add("end")
        return ran

    return make


@pytest.fixture
def batch(root: Path, engine_environment: dict[str, str]) -> Iterator[Callable[..., BatchProcess]]:
    """Start a batch; it is killed at the end."""
    begun: list[BatchProcess] = []

    def start(*words: object) -> BatchProcess:
        begun.append(BatchProcess([*map(str, words)], root, engine_environment))
        return begun[-1]

    yield start
    for one in begun:
        one.process.kill()
        one.process.communicate()
