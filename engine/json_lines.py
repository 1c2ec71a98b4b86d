"""What happens, as events in lines of JSON: what ``--json`` of both commands writes.

Standard library only: Blender's own Python reads it, too.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

from . import protocol

Event = dict[str, Any]  # a message of the protocol
Report = Callable[[Event], None]
ID = "texture"  # of the job, where a command does but one
PROGRESS_S = 0.1  # steps of a fast stage closer together than this aren't reported


class EventLines:
    """Every event as a line on ``stream``; a reader that has gone away stops nothing."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._heard = stream, True

    def __call__(self, event: Event) -> None:
        if self._heard:
            try:
                protocol.send(self._stream, event)
            except (OSError, ValueError):
                self._heard = False


class ProgressEvents:
    """Progress of job ``job_id`` as events, at most one every PROGRESS_S but for the first of each stage."""

    def __init__(self, report: Report, job_id: str) -> None:
        self._report, self._id = report, job_id
        self._stage, self._last = "", 0.0

    def __call__(self, stage: str, i: int, n: int, eta_s: float | None) -> None:
        now = time.monotonic()
        if stage == self._stage and i < n and now - self._last < PROGRESS_S:
            return
        self._stage, self._last = stage, now
        self._report(protocol.message(protocol.PROGRESS, id=self._id, stage=stage, i=i, n=n, eta_s=eta_s))


@contextlib.contextmanager
def on_stdout() -> Iterator[EventLines]:
    """Inside, stdout is for events, which this is called with; whatever else prints there goes to stderr."""
    if sys.stdout:  # a program without a console has none
        sys.stdout.flush()
    out = sys.__stdout__.fileno() if sys.__stdout__ else 1
    kept = os.dup(out)
    os.dup2(sys.__stderr__.fileno() if sys.__stderr__ else 2, out)
    lines = os.fdopen(os.dup(kept), "wb")
    try:
        yield EventLines(lines)
    finally:
        if sys.stdout:
            sys.stdout.flush()
        os.dup2(kept, out)
        os.close(kept)
        with contextlib.suppress(OSError):  # what nobody reads can't be written any more
            lines.close()
