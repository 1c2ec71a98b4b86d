"""What happened in a batch's folder, a line of JSON an event: what a run that was killed leaves to the next.

A line that was cut off in mid-write is skipped. Jobs that are done are known by their folders; from here come
those that failed, and those that were running when their run came to an end.
"""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from . import records

BEGIN, START, DONE, FAILED, STOPPED, END = "begin", "start", "done", "failed", "stopped", "end"
LONGEST = 1 << 30  # bytes
LONGEST_LINE = 1 << 20  # bytes, many times what an event takes: of longer lines nothing is understood


@dataclass
class JobHistory:
    """One job's history since the last run that came to its end. ended: how often a run ended under it."""

    fingerprint: str
    ended: int = 0
    failure: dict[str, Any] | None = None


class Journal:
    """Appends to ``path``; ``histories`` are what it said before, by the job's name. damaged: it told of a
    failure in words that make no sense, and that job counts as not done; or it was no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        foreign = _moved_away(path)
        self.histories, damaged = _read(path)
        self.damaged = damaged or foreign
        self._file = path.open("ab")
        self._write(b"\n")  # the last line may have been cut off

    def add(self, event: str, **values: Any) -> None:
        """Add an event. It survives this process; failures and the end, the loss of power too."""
        line = json.dumps({"event": event, "time": round(time.time(), 3), **values})
        self._write(line.encode() + b"\n")
        if event in (FAILED, END):
            os.fsync(self._file.fileno())

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _moved_away(path: Path) -> bool:
    """Whether something else than a journal was there, which has another name now: a pipe would be waited
    for, what a link leads to would be written to, and a file of zeros be read for hours."""
    if not os.path.lexists(path):
        return False
    found = os.lstat(path)
    if stat.S_ISREG(found.st_mode) and found.st_size <= LONGEST:
        return False
    path.replace(path.with_name(f"{path.name}.damaged"))
    return True


def _read(path: Path) -> tuple[dict[str, JobHistory], bool]:
    """The histories, and whether some of it makes no sense."""
    histories: dict[str, JobHistory] = {}
    damaged = False
    if not path.exists():
        return histories, damaged
    with path.open("rb") as lines:
        for line in iter(partial(lines.readline, LONGEST_LINE), b""):
            try:
                values = json.loads(line)
                event, name, fingerprint = values["event"], values.get("name"), values.get("fingerprint")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                continue
            if event == END:
                histories.clear()
            elif event == FAILED and values.get("final") and not records.is_failure(values):
                damaged = True
            elif isinstance(name, str) and isinstance(fingerprint, str):
                _note(histories, name, JobHistory(fingerprint), values)
    return histories, damaged


def _note(histories: dict[str, JobHistory], name: str, fresh: JobHistory, values: dict[str, Any]) -> None:
    """The event ``values`` changes the history of job ``name``: ``fresh`` where it has none, or another."""
    known = histories.get(name)
    if known is None or known.fingerprint != fresh.fingerprint:
        known = histories[name] = fresh
    event = values["event"]
    if event == START:
        known.ended += 1  # until its end is told
    elif event == DONE:
        histories.pop(name)
    elif event in (FAILED, STOPPED):
        known.ended = max(0, known.ended - 1)
        known.failure = values if values.get("final") else known.failure
