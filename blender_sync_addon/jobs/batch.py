"""Many objects, one after the other, each by itself: what one can't, costs no other.

The engine keeps its model from one to the next. Where it dies under an object, or memory runs out, the
object is tried once more at the end, one view at a time.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import bpy

from ...engine import protocol
from ..command import interrupt
from ..problem import Problem, Stopped
from ..read import objects
from ..read.settings import Settings
from ..ui.panel import progress_text
from . import engine
from .durations import duration
from .state import State
from .texture_job import Outcome, TextureJob

AGAIN = (protocol.EXIT_BUG, protocol.EXIT_OUT_OF_MEMORY)  # what another engine may do better
Say = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """An object, by name, and what is to be made for it."""

    name: str
    settings: Settings


@dataclass(frozen=True)
class Ended:
    """What came of one: ``outcome``, or else the ``problem``."""

    name: str
    seconds: float
    outcome: Outcome | None = None
    problem: Problem | None = None


class Batch:
    """One run over ``wishes``. say: told the progress in lines of words. time_limit: seconds an object may
    take, None for ever.
    """

    def __init__(self, wishes: Sequence[Wish], say: Say, time_limit: float | None = None) -> None:
        self._wishes, self._say, self._time_limit = wishes, say, time_limit
        self._ended: dict[str, Ended] = {}
        self._stopped = False
        self._stillborn = 0  # engines, in a row, that ended before they took their job up

    def run(self, pack: bool = False) -> list[Ended]:
        """Do all; what came of each, in the wishes' order. Ctrl-C or SIGTERM ends the one that runs and
        leaves out the rest. pack: as of Task.finish."""
        with interrupt.calls(self._stop):
            again = [wish for wish in self._wishes if not self._do(wish, pack)]
            for wish in again:
                self._do(wish, pack, last=True)
        return [self._ended[wish.name] for wish in self._wishes if wish.name in self._ended]

    @property
    def stopped(self) -> bool:
        """Whether it was ended before its end."""
        return self._stopped

    def _stop(self) -> None:
        self._stopped = True
        engine.supervisor.cancel()

    def _do(self, wish: Wish, pack: bool, last: bool = False) -> bool:
        """False when it has to be done once more."""
        if self._stopped:
            return True
        self._say(f"{self._where()}'{wish.name}': {wish.settings.prompt.strip()}")
        start = time.monotonic()
        try:
            outcome = self._texture(wish, pack, frugal=last)
        except Problem as problem:
            if problem.code in AGAIN and not last and not self._stopped:
                self._say(f"'{wish.name}': {problem.what}. It is tried again at the end, one view at a time")
                return False
            ended = Ended(wish.name, time.monotonic() - start, problem=problem)
        else:
            ended = Ended(wish.name, time.monotonic() - start, outcome)
        self._ended[wish.name] = ended
        self._say(sentence(ended))
        return True

    def _where(self) -> str:
        """Which this is of how many, and how long the rest may take."""
        done, count = len(self._ended), len(self._wishes)
        seconds = [one.seconds for one in self._ended.values() if one.outcome]
        left = f", about {duration(sum(seconds) / len(seconds) * (count - done))} left" if seconds else ""
        return f"{done + 1} of {count}{left}: "

    def _texture(self, wish: Wish, pack: bool, frugal: bool) -> Outcome:
        """Raises Problem, whatever happens."""
        try:
            job = TextureJob(
                objects.named(wish.name), bpy.context.evaluated_depsgraph_get(), wish.settings, frugal=frugal
            )
            try:
                self._wait(job)
                return job.finish(pack)
            finally:
                engine.supervisor.abandon()  # only where something interrupted the waiting
                job.close()
        except Problem:
            raise
        except Exception as error:  # whatever a strange object brings about, the others are still to be done
            traceback.print_exception(error, file=sys.stderr)
            what = f"{type(error).__name__}: {error}".splitlines()[0]
            raise Problem(what, "This is a bug: please report it", protocol.EXIT_BUG) from error

    def _wait(self, job: TextureJob) -> None:
        """Until the job has ended; raises Problem when it took too long."""
        deadline = None if self._time_limit is None else time.monotonic() + self._time_limit
        show = Live()

        def watch(state: State) -> None:
            show(f"'{job.name}': {progress_text(state)}")
            if deadline is not None and time.monotonic() > deadline:
                job.cancel()

        job.wait(watch)
        show.close()
        self._stillborn = 0 if job.state.started else self._stillborn + 1
        if self._stillborn > 1:
            self._stopped = True  # no engine starts here: it wouldn't for the others either
        if deadline is not None and isinstance(job.state.problem, Stopped) and not self._stopped:
            what = f"It took longer than {self._time_limit:g} s, the time limit"
            raise Problem(what, "Give it more.", protocol.EXIT_CANCELLED)


class Live:
    """One line of stderr that is drawn again, on a terminal only."""

    def __init__(self) -> None:
        self._drawn = False

    def __call__(self, text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
            self._drawn = True

    def close(self) -> None:
        """The line goes."""
        if self._drawn:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def sentence(one: Ended) -> str:
    """What came of it, in words."""
    if one.problem:
        return f"'{one.name}' failed: {one.problem}"
    assert one.outcome
    images = ", ".join(f"'{name}'" for textured in one.outcome.objects for name in textured.images)
    return " ".join([f"'{one.name}': {images} in {duration(one.seconds)}.", *one.outcome.warnings])


def summary(count: int, ended: Iterable[Ended]) -> str:
    """How many of ``count`` were done; below, a line each, which weren't and why."""
    ended = list(ended)
    failed = [sentence(one) for one in ended if one.problem]
    left = f", {count - len(ended)} left out" if len(ended) < count else ""
    return "\n".join([f"{len(ended) - len(failed)} of {count} objects textured{left}", *failed])
