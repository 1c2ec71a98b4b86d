"""Processes that tests look at from outside."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

SLACK_S = 1.0  # more than a limit allows, for a machine that is busy with other things
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")


def lives(pid: int) -> bool:
    """Whether the process lives (a zombie doesn't)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until ``condition`` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it didn't come to that in time"
        time.sleep(0.005)


def number_in(path: Path) -> int:
    """The number that some process writes into ``path``, with a blank after it."""
    until(lambda: path.exists() and path.read_text().endswith(" "))
    return int(path.read_text())
