"""The processes that run cases, from outside: one with the engine's Python, one with Blender's."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from tests.bench.fuzz import isolated, watch
from tests.bench.fuzz.case import CRASHED, Case, Outcome
from tests.bench.fuzz.watch import Limits

ROOT = Path(__file__).parents[3]
ENGINE_KINDS = ("meshes", "pictures", "models", "lines", "jobs", "words")
BLENDER_KINDS = ("blender",)
START_S = 300.0  # in which bpy is imported, on a machine however busy


class Driver(Protocol):
    def run(self, kind: str, seed: int) -> Outcome:
        """Run one case."""

    def close(self) -> None:
        """End."""


class EngineDriver:
    """Runs cases in forks of one process that has all imported. folder: for what it needs and makes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def run(self, kind: str, seed: int) -> Outcome:
        process = self._started()
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{kind} {seed} {self._folder / 'case'}\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if line:
            return Outcome.from_dict(json.loads(line))
        self.close()
        return Outcome(kind, seed, "", [CRASHED], 0, 0, 0, [], "the process that runs the cases ended")

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            shared = self._folder / "shared"
            shared.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "tests.bench.fuzz.runner", str(shared)]
            env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
            with (self._folder / "engine.log").open("ab") as log:
                self._process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=env,
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for us
                )
        return self._process

    def close(self) -> None:
        if self._process is not None:
            _end(self._process)
            self._process = None


class BlenderDriver:
    """Runs cases one after the other in one Blender; after a crash in a new one. python: one that has bpy."""

    def __init__(self, python: Path, folder: Path, limits: Limits | None = None) -> None:
        self._python, self._folder = python, folder
        self._limits = limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, kind: str, seed: int) -> Outcome:
        process = self._started()
        case = Case(kind, seed, self._folder / "blender-case", self._folder)
        case.lay_out()
        assert process.stdin
        process.stdin.write(f"{kind} {seed} {case.root}\n".encode())
        process.stdin.flush()
        watched = watch.watch_until(process.pid, self._limits, self._answers, process.poll)
        if watched.status is not None or watched.killed_for:
            self.close()
        return isolated.judged(case, watched)

    def _answers(self, seconds: float) -> bool:
        """Wait for a line, at most so long."""
        assert self._process
        assert self._process.stdout
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            return False
        return bool(self._process.stdout.readline())

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            script = Path(__file__).with_name("in_blender.py")
            temporary = self._folder / "blender-tmp"
            temporary.mkdir(parents=True, exist_ok=True)
            env = {**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}
            with (self._folder / "blender.log").open("ab") as log:
                self._process = subprocess.Popen(
                    [str(self._python), str(script), sys.executable],
                    env=env,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,
                )
            if not self._answers(START_S):
                raise RuntimeError(f"Blender doesn't start: see {self._folder / 'blender.log'}")
        return self._process

    def close(self) -> None:
        if self._process is not None:
            _end(self._process)
            self._process = None


def _end(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Close its stdin, and kill it where that isn't enough."""
    with contextlib.suppress(OSError):
        if process.stdin:
            process.stdin.close()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        watch.kill(watch.tree(process.pid))
        process.wait()
    if process.stdout:
        process.stdout.close()


def bpy_python() -> Path | None:
    """A Python with bpy: of SYNC_TEXTURE_BPY_PYTHONS, or one that build.py has made."""
    named = os.environ.get("SYNC_TEXTURE_BPY_PYTHONS", "").split(os.pathsep)
    made = sorted(ROOT.glob(".venv-bpy-*/bin/python"), reverse=True)
    return next((Path(one) for one in (*filter(None, named), *made) if Path(one).exists()), None)
