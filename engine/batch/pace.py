"""How long the rest will take, from what was done so far."""

from __future__ import annotations

from collections.abc import Sequence


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
