"""How far everything is, and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .. import protocol
from ..client.engine_process import Event

OVERALL_S = 1.0


class Pace:
    """Jobs' seconds. An engine's first, loading included, counts only while there are no others."""

    def __init__(self) -> None:
        self._first: list[float] = []
        self._sum, self._count = 0.0, 0

    def add(self, seconds: float, first: bool) -> None:
        """A job took ``seconds``; first: of its engine."""
        if first:
            self._first.append(seconds)
        else:
            self._sum += seconds
            self._count += 1

    def left(self, waiting: int, parts: Sequence[float], workers: int) -> float | None:
        """Seconds for ``waiting`` jobs and the rest of those that run, of which ``parts`` in [0, 1] are done;
        None while nobody knows."""
        if self._count:
            mean = self._sum / self._count
        elif self._first:
            mean = sum(self._first) / len(self._first)
        else:
            return None
        rest = [1 - part for part in parts]
        return mean * max((waiting + sum(rest)) / max(1, workers), max(rest, default=0.0))


class Overall:
    """Tells how far everything is: at once when a job has ended, else now and then."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self.pace = Pace()
        self._tell = tell
        self._told = (-1, -1, 0.0)  # done, failed and when, as of the last word

    def __call__(self, done: int, failed: int, waiting: int, parts: Sequence[float], workers: int) -> None:
        """So many are ``done``, ``failed`` and ``waiting``; of those that run, ``parts`` in [0, 1]."""
        now = time.monotonic()
        if (done, failed) == self._told[:2] and now - self._told[2] < OVERALL_S:
            return
        self._told = (done, failed, now)
        eta = self.pace.left(waiting, parts, workers)
        eta = None if eta is None else round(eta, 1)
        left = {"left": waiting + len(parts), "running": len(parts), "eta_s": eta}
        self._tell(protocol.message(protocol.OVERALL, done=done, failed=failed, **left))
