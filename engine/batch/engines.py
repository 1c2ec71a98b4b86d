"""What can do jobs for the coordinator, and the first kind of it: an engine on this machine."""

from __future__ import annotations

import contextlib
import queue
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..client.child import how_it_ended, last_words
from ..client.engine_process import EngineProcess
from ..errors import UserError
from ..json_lines import Event

KILL_ME_FIRST = 500  # of 1000: when memory runs out, Linux is to end an engine rather than the batch
LOST = "lost"  # instead of EXITED, {"kind": LOST}: not the engine ended but what it ran on
Events = queue.SimpleQueue[tuple[Any, Event]]  # an engine, and what it told or what became of it


class JobEngine(Protocol):
    """Puts (itself, event) into the queue that it was started with, but heartbeats, and as its last event
    EXITED or LOST; nothing after ``kill``. It may be on another machine, and wait for room there.

    waiting: it has no room yet. heard: when it last spoke, by time.monotonic. tail: its last lines that were
    no messages.
    """

    @property
    def waiting(self) -> bool: ...
    @property
    def heard(self) -> float: ...
    @property
    def tail(self) -> Sequence[str]: ...
    def send(self, message: Event) -> None: ...
    def kill(self) -> None: ...


StartEngine = Callable[[int, bool, Events], JobEngine]  # number of the worker, frugal, where its events go


@dataclass(frozen=True)
class EnginePool:
    """Where engines come from. start: makes one. size: so many at once. one_machine: they share one machine's
    memory."""

    start: StartEngine
    size: int
    one_machine: bool = True


class LocalEngine(EngineProcess):
    """An engine on this machine: a child process. Whatever it does, the batch lives on."""

    waiting = False  # it runs from the start

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], events: Events) -> None:
        """Start ``command``; UserError when that can't be done at all."""
        try:
            super().__init__(command, environ, lambda event: events.put((self, event)))
        except OSError as error:
            raise UserError(f"the engine can't be started: {error}", "see what doctor says") from error
        with contextlib.suppress(OSError):  # only Linux has such a file
            Path(f"/proc/{self.pid}/oom_score_adj").write_text(str(KILL_ME_FIRST), encoding="ascii")

    def kill(self) -> None:
        """End it and all it started, and wait for that; no event of it follows."""
        super().kill()
        self.wait()


def command(frugal: bool) -> list[str]:
    """The command line of an engine like this process; frugal: as of worker.Worker."""
    engine = Path(__file__).resolve().parents[1]
    isolated = ["-I"] if sys.flags.isolated else []
    return [sys.executable, *isolated, str(engine), "serve", *(["--frugal"] if frugal else [])]


def why_it_ended(status: int, tail: Sequence[str]) -> str:
    """How an engine ended, in words."""
    return f"the engine {how_it_ended(status)}{last_words(tail)}"
