"""Keeps an engine running, gives it one job at a time, and kills it where it must be. No bpy.

The caller's thread only looks into an inbox; what can block is done in threads of the engine's client.
"""

from __future__ import annotations

import atexit
import itertools
import os
import sys
import time
from collections.abc import Callable, Sequence

from ...engine import protocol
from ...engine.client.child import how_it_ended, last_words, without_python_settings
from ...engine.client.engine_process import EXITED, SILENCE_S, EngineProcess
from ...engine.json_lines import Event
from ..problem import Problem, Stopped
from .inbox import Inbox
from .state import State

CANCEL_S = 1.3  # so long the engine may take to answer a cancel before it is killed: all in all two seconds

Prepare = Callable[[], None]


class QueuedEngine(EngineProcess):
    """An engine whose events wait in an inbox until there is time for them."""

    def __init__(self, command: Sequence[str]) -> None:
        """Raises Problem when it can't be started at all."""
        self.events = Inbox()
        try:
            super().__init__(command, without_python_settings(os.environ), self.events.put)
        except OSError as error:
            fix = "Choose the engine's Python in Preferences > Add-ons > Sync Texture."
            raise Problem(f"The engine can't be started: {error}", fix) from error

    def give(self, job: Event, prepare: Prepare) -> None:
        """Hand ``job`` over after ``prepare``; where that can't be done, the job fails."""

        def make() -> Event | None:
            try:
                prepare()
            except (OSError, MemoryError, ValueError) as error:
                self.events.put(_not_written(job["id"], error))
                return None
            return job

        self.heard = time.monotonic()
        self.events.expect(job["id"])
        self.send_made(make)


class Supervisor:
    """Keeps at most one engine, and runs one job on it at a time."""

    def __init__(self) -> None:
        self._engine: QueuedEngine | None = None
        self._state: State | None = None
        self._cancelled_at: float | None = None
        self._reused = False  # whether the running job went to an engine that was there before
        self._give: Callable[[QueuedEngine], None] = lambda _engine: None  # hands the running job over
        self._numbers = itertools.count(1)
        self.silence_s = SILENCE_S
        atexit.register(self.shutdown)

    @property
    def busy(self) -> bool:
        return self._state is not None and not self._state.ended

    @property
    def pid(self) -> int | None:
        """Process id of the engine, None when there is none."""
        return self._engine.pid if self._engine and self._engine.alive else None

    def start_early(self, command: Sequence[str]) -> None:
        """Start the engine by ``command`` unless there is one, for a job to come: it takes seconds to import
        what it needs. Returns at once; raises Problem when it can't be started."""
        if self._engine is None or not self._engine.alive:
            self.shutdown()
            self._engine = QueuedEngine(command)

    def start(self, command: Sequence[str], request: protocol.AnyRequest, prepare: Prepare) -> State:
        """Start ``request`` on the engine that is there, or a new one by ``command``; returns at once.

        prepare: writes what the request names; called in another thread. Raises Problem when a job runs
        already or the engine can't be started.
        """
        if self.busy:
            raise Problem("A texture is being made already", "Wait for it, or cancel it.")
        state = State(id=f"{os.getpid()}-{next(self._numbers)}")
        job = protocol.message(protocol.JOB, id=state.id, request=request.as_dict())
        engine = self._engine
        self._reused = engine is not None and engine.alive and engine.command == list(command)
        if engine is None or not self._reused:
            self.shutdown()
            engine = self._engine = QueuedEngine(command)
        self._state, self._cancelled_at = state, None
        self._give = lambda new: new.give(job, prepare)
        self._give(engine)
        return state

    def poll(self, budget_s: float = 0.008) -> bool:
        """Bring the job's state up to date, in at most ``budget_s`` seconds; True once it has ended."""
        state, engine = self._state, self._engine
        if state is None or engine is None:
            return True
        deadline = time.monotonic() + budget_s
        while not state.ended and engine is self._engine and time.monotonic() < deadline:
            if (event := engine.events.take()) is None:
                self._check_clock(state, engine)
                break
            self._take(state, engine, event)
        return state.ended

    def _take(self, state: State, engine: QueuedEngine, event: Event) -> None:
        if event["kind"] != EXITED:
            state.apply(event)
        elif "why" in event:
            state.fail(_foreign(event["why"]))
            self.shutdown()
        elif self._reused and not state.started and not state.cancelling:
            # It was about to end by itself when it got the job (it does after a cancel that took too long)
            self._reused = False
            self._engine = QueuedEngine(engine.command)
            self._give(self._engine)
        else:
            state.fail(_died(event["status"], engine.tail))
            self.shutdown()

    def _check_clock(self, state: State, engine: QueuedEngine) -> None:
        """End what takes too long: an unanswered cancel, an engine that went silent."""
        now = time.monotonic()
        if state.ended:
            return
        if self._cancelled_at is not None and now - self._cancelled_at > CANCEL_S:
            state.fail(Stopped())
            self.shutdown()
        elif now - engine.heard > self.silence_s:
            state.fail(_silent(self.silence_s, engine.tail))
            self.shutdown()

    def cancel(self) -> None:
        """Ask the engine to cancel the job; ``poll`` kills it if it doesn't within CANCEL_S seconds."""
        if self._state and self._engine and self.busy and self._cancelled_at is None:
            self._cancelled_at = time.monotonic()
            self._state.cancel()
            self._engine.send(protocol.message(protocol.CANCEL, id=self._state.id))

    def abandon(self) -> None:
        """End the running job now, engine and all: nobody will poll any more (a file is loaded)."""
        if self._state and self.busy:
            self._state.cancel()
            self._state.fail(Stopped())
            self.shutdown()

    def shutdown(self) -> None:
        """End the engine, if there is one. A running job fails."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.kill()
        if self._state is not None:
            self._state.fail(Problem("The engine was shut down"))


def _not_written(job: str, error: Exception) -> Event:
    """The failure of ``job`` whose files could not be written."""
    what = f"The mesh can't be written into the temporary folder ({error or type(error).__name__})"
    fix = "Make room on the disk, or choose another temporary folder in Preferences > File Paths."
    return protocol.message(protocol.FAILED, id=job, error=what, fix=fix, code=protocol.EXIT_BAD_INPUT)


def _foreign(why: str) -> Problem:
    return Problem(why, "Install the extension again, so that the engine and the add-on are of one version.")


def _died(status: int, tail: Sequence[str]) -> Problem:
    what = f"The engine {how_it_ended(status)} before the texture was done{_last_words(tail)}"
    fix = "Generate again; Check in Preferences, or doctor, says what the engine lacks."
    return Problem(what, fix, protocol.EXIT_BUG)


def _silent(seconds: float, tail: Sequence[str]) -> Problem:
    what = f"The engine has not answered for {seconds:.0f} seconds and was ended{_last_words(tail)}"
    return Problem(what, "Generate again.", protocol.EXIT_BUG)


def _last_words(tail: Sequence[str]) -> str:
    """The end of ``tail`` for a one-line message; all of it goes to the system console."""
    lines = [protocol.shown(line) for line in tail]
    if lines:
        text = "\n".join(lines)
        print(f"Sync Texture: the engine's last lines:\n{text}", file=sys.stderr, flush=True)
    return last_words(lines)
