"""Whole runs of ``python -m engine batch`` as child processes, and the processes that they start."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine import protocol

QUICK = ("--steps", 1, "--views", 2, "--texture-size", 64, "--device", "cpu")
STARTED_S = 400.0  # a loaded machine takes its time to import torch


def write(path: Path, mesh: Path, *lines: dict[str, Any] | str) -> Path:
    text = [line if isinstance(line, str) else json.dumps({"mesh": str(mesh), **line}) for line in lines]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return path


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "summary.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def starts(out: Path) -> list[str]:
    """The names of the jobs that were started, in all runs."""
    journal = out / ".sync_texture-batch" / "journal.jsonl"
    said = [json.loads(line) for line in journal.read_text("utf-8").splitlines() if line]
    return [one["name"] for one in said if one["event"] == "start"]


class BatchProcess:
    """A running batch and what it has told."""

    def __init__(self, words: list[str], root: Path, env: dict[str, str]) -> None:
        command = [sys.executable, "-m", "engine", "batch", *words, "--json"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=root, env=env, stdout=pipe, stderr=pipe, text=True)

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next event that is ``wanted``; AssertionError with what it said if it ends before."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + STARTED_S
        for line in self.process.stdout:
            if wanted(event := protocol.decode(line)):
                return event
            assert time.monotonic() < deadline
        raise AssertionError(f"it ended: {self.process.communicate()[1]}")

    def engines(self) -> list[int]:
        """Its children that serve."""
        said = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        )
        return [int(line.split()[0]) for line in said.stdout.splitlines() if " serve" in line]


def ended(pids: list[int], seconds: float = 10.0) -> bool:
    """Whether all ``pids`` are gone in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}/cmdline").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


def denoising(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda e: e["kind"] == protocol.PROGRESS and e["id"] == name and e["stage"] == "denoise"


def below(process: int) -> dict[int, str]:
    """The processes that ``process`` and its own have started, and their command lines."""
    said = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
    lines = [line.split(None, 2) for line in said.stdout.splitlines()]
    found: dict[int, str] = {}
    new = [process]
    while new:
        children = {int(pid): text for pid, above, text in lines if int(above) in new}
        found |= children
        new = [*children]
    return found


def parent(process: int) -> int:
    """Who started ``process``."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
