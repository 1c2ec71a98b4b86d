"""What a job needs of whoever runs it: somebody to tell about progress, and a way to be stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from . import protocol
from .errors import Cancelled

T = TypeVar("T")
Progress = Callable[[str, int, int, float | None], None]


def _never() -> bool:
    return False


def _silent(stage: str, i: int, n: int, eta_s: float | None) -> None:
    pass


def _unsaid(notes: Sequence[str]) -> None:
    pass


def _unseen(preview: protocol.Preview) -> None:
    pass


@dataclass
class Host:
    """progress(stage, i, n, eta_s) is told how far a stage is, preview(preview) of the texture so far where
    the request wants that; note(warnings) of those of the result that are worth knowing before the work
    begins; cancelled() is asked all along.

    start: when the job began, by time.perf_counter, before torch and the model's libraries were imported.
    """

    progress: Progress = _silent
    cancelled: Callable[[], bool] = _never
    start: float = field(default_factory=time.perf_counter)
    preview: Callable[[protocol.Preview], None] = _unseen
    note: Callable[[Sequence[str]], None] = _unsaid

    def check(self) -> None:
        """Raise Cancelled when the job is to stop."""
        if self.cancelled():
            raise Cancelled


@dataclass
class Clock:
    """Seconds by part. Parts may nest: the outer one doesn't count what an inner one took.

    settle: called before the clock is read; a device that works asynchronously finishes there.
    """

    settle: Callable[[], None] = lambda: None
    seconds: dict[str, float] = field(default_factory=dict)
    _open: list[float] = field(default_factory=list)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        self.settle()
        start = time.perf_counter()
        self._open.append(0.0)
        try:
            yield
        finally:
            self.settle()
            took = time.perf_counter() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + took - self._open.pop()
            if self._open:
                self._open[-1] += took

    def timed(self, name: str, thing: T) -> T:
        """``thing``, whose calls are counted as the part ``name``: of a function, or of an object's methods
        and of what these give of its own kind."""
        return cast("T", _Timed(self, name, thing))


class _Timed:
    """Stands for ``thing``; see Clock.timed."""

    def __init__(self, clock: Clock, name: str, thing: Any) -> None:
        self._clock, self._name, self._thing = clock, name, thing

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._thing, name)
        return self._clock.timed(self._name, value) if callable(value) else value

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        with self._clock.part(self._name):
            result = self._thing(*arguments, **named)
        owner = getattr(self._thing, "__self__", self._thing)
        return self._clock.timed(self._name, result) if isinstance(result, type(owner)) else result
