"""The engine as a child process: started, kept warm, watched and, where it must be, killed. No bpy.

Threads do all that can block (reading both pipes, writing, waiting for the end); the caller's thread only
looks into a queue. Success is the engine's explicit ``done``: the end of its output without one is a
failure that carries the exit status and its last words.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO, Any

from ...engine import protocol
from ..problem import Problem, Stopped
from . import child, environment
from .state import State

HEARTBEAT_S = 5.0  # how often the engine is told that Blender lives
SILENCE_S = 90.0  # without any message for so long the engine counts as hung; it has a heartbeat thread
CANCEL_S = 1.3  # so long the engine may take to answer a cancel before it is killed: all in all two seconds
TAIL_LINES = 12

_ENDED = "ended"  # put into the event queue by us, never sent: the engine's output is at its end
Event = dict[str, Any]
Prepare = Callable[[], None]


class Process:
    """One engine process. ``events`` gives its messages, and at last {"kind": "ended", "status": int}."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start ``command`` (non-blocking). Raises Problem when it can't be started at all."""
        self.command = list(command)
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.heard = time.monotonic()
        self._out: queue.SimpleQueue[Event | tuple[str, Prepare] | None] = queue.SimpleQueue()
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._child = _spawn(self.command)
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        self._errors = _thread(self._read_errors, self._child.stderr)
        _thread(self._read_messages, self._child.stdout)
        _thread(self._write, self._child.stdin)

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def tail(self) -> str:
        """The last lines that the engine wrote and that were no messages."""
        return "\n".join(tuple(self._tail))

    def send(self, msg: Event) -> None:
        """Send ``msg`` soon; a dead engine is noticed by the end of its output, not here."""
        self._out.put(msg)

    def prepare(self, job: str, work: Prepare) -> None:
        """Do ``work`` (writing arrays) in the writing thread, before anything sent later.

        If it raises OSError, ``job`` gets a failed event.
        """
        self._out.put((job, work))

    def kill(self) -> None:
        """End the process and all it started, at once."""
        self._out.put(None)
        child.kill_tree(self._child)

    def _read_messages(self, stream: IO[bytes]) -> None:
        for line in stream:
            self.heard = time.monotonic()
            try:
                msg = protocol.decode(line)
            except ValueError:  # a library that prints: worth keeping for a post-mortem, no reason to fail
                self._note(line)
                continue
            if msg["kind"] != protocol.HEARTBEAT:  # nobody empties the queue between jobs
                self.events.put(msg)
        self._end()

    def _end(self) -> None:
        """The output is at its end: wait for the exit status, and for the last words."""
        try:
            status = self._child.wait(timeout=2.0)
        except subprocess.TimeoutExpired:  # it closed its output but lives on: of no use any more
            child.kill_tree(self._child)
            status = self._child.wait()
        self._errors.join(timeout=1.0)
        self._out.put(None)
        self.events.put({"kind": _ENDED, "status": status})

    def _read_errors(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._note(line)

    def _note(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip().rpartition("\r")[2]  # progress bars overwrite a line
        if text:
            self._tail.append(text[:500])

    def _write(self, stream: IO[bytes]) -> None:
        """Write what is queued, heartbeats in the pauses, until None or a broken pipe."""
        with contextlib.suppress(OSError, ValueError), stream:
            while True:
                try:
                    item = self._out.get(timeout=HEARTBEAT_S)
                except queue.Empty:
                    item = protocol.message(protocol.HEARTBEAT)
                if item is None:
                    return
                if isinstance(item, dict):
                    protocol.send(stream, item)
                elif not self._prepare(*item):
                    self._out.get()  # the job message that this was for

    def _prepare(self, job: str, work: Prepare) -> bool:
        """Do ``work``; False, and a failed event for ``job``, when the disk doesn't want it."""
        try:
            work()
        except OSError as error:
            what = f"The mesh can't be written into the temporary folder ({error})"
            fix = "Make room on the disk, or choose another temporary folder in Preferences > File Paths."
            code = protocol.EXIT_BAD_INPUT
            self.events.put(protocol.message(protocol.FAILED, id=job, error=what, fix=fix, code=code))
            return False
        return True


class Supervisor:
    """Keeps at most one warm engine, and runs one job on it at a time."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._state: State | None = None
        self._cancelled_at: float | None = None
        self._warm = False  # whether the running job went to an engine that was there before
        self._again: Callable[[Process], None] = lambda _process: None  # hands the running job over
        self._numbers = itertools.count(1)
        self.silence_s = SILENCE_S
        atexit.register(self.shutdown)

    @property
    def busy(self) -> bool:
        return self._state is not None and not self._state.ended

    @property
    def pid(self) -> int | None:
        """Process id of the engine, None when there is none."""
        return self._process.pid if self._process and self._process.alive else None

    def warm_up(self, command: Sequence[str]) -> None:
        """Start the engine by ``command`` unless there is one, for a job to come: it takes seconds to import
        what it needs. Returns at once; raises Problem when it can't be started."""
        if self._process is None or not self._process.alive:
            self.shutdown()
            self._process = Process(command)

    def start(self, command: Sequence[str], request: protocol.Request, prepare: Prepare) -> State:
        """Start ``request`` on the warm engine, or a new one by ``command``; returns at once.

        prepare: writes the request's mesh; called in another thread. Raises Problem when a job runs
        already or the engine can't be started.
        """
        if self.busy:
            raise Problem("A texture is being made already", "Wait for it, or cancel it.")
        state = State(id=f"{os.getpid()}-{next(self._numbers)}")
        job = protocol.message(protocol.JOB, id=state.id, request=request.as_dict())
        process = self._process
        self._warm = process is not None and process.alive and process.command == list(command)
        if process is None or not self._warm:
            self.shutdown()
            process = self._process = Process(command)
        self._state, self._cancelled_at = state, None
        self._again = lambda new: _hand_over(new, prepare, job)
        self._again(process)
        return state

    def poll(self, budget_s: float = 0.008) -> bool:
        """Bring the job's state up to date, in at most ``budget_s`` seconds; True once it has ended."""
        state, process = self._state, self._process
        if state is None or process is None:
            return True
        deadline = time.monotonic() + budget_s
        while not state.ended and process is self._process and time.monotonic() < deadline:
            try:
                event = process.events.get_nowait()
            except queue.Empty:
                self._check_clock(state, process)
                break
            self._take(state, process, event)
        return state.ended

    def _take(self, state: State, process: Process, event: Event) -> None:
        if event["kind"] != _ENDED:
            state.apply(event)
        elif self._warm and not state.started and not state.cancelling:
            # it was about to end by itself when it got the job (it does after a cancel that took too long)
            self._warm = False
            self._process = Process(process.command)
            self._again(self._process)
        else:
            state.fail(_died(event["status"], process.tail))
            self.shutdown()

    def _check_clock(self, state: State, process: Process) -> None:
        """End what takes too long: an unanswered cancel, an engine that went silent."""
        now = time.monotonic()
        if state.ended:
            return
        if self._cancelled_at is not None and now - self._cancelled_at > CANCEL_S:
            state.fail(Stopped())
            self.shutdown()
        elif now - process.heard > self.silence_s:
            state.fail(_silent(self.silence_s, process.tail))
            self.shutdown()

    def cancel(self) -> None:
        """Ask the engine to cancel the job; ``poll`` kills it if it doesn't within CANCEL_S seconds."""
        if self._state and self._process and self.busy and self._cancelled_at is None:
            self._cancelled_at = time.monotonic()
            self._state.cancel()
            self._process.send(protocol.message(protocol.CANCEL, id=self._state.id))

    def abandon(self) -> None:
        """End the running job now, engine and all: nobody will poll any more (a file is loaded)."""
        if self._state and self.busy:
            self._state.cancel()
            self._state.fail(Stopped())
            self.shutdown()

    def shutdown(self) -> None:
        """End the engine, if there is one. A running job fails."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
        if self._state is not None:
            self._state.fail(Problem("The engine was shut down"))


def _hand_over(process: Process, prepare: Prepare, job: Event) -> None:
    process.heard = time.monotonic()
    process.prepare(job["id"], prepare)
    process.send(job)


def _thread(target: Callable[[IO[bytes]], None], stream: IO[bytes]) -> threading.Thread:
    thread = threading.Thread(
        target=target, args=(stream,), daemon=True, name=f"sync_texture {target.__name__}"
    )
    thread.start()
    return thread


def _spawn(command: Sequence[str]) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    environ = environment.child_environment(os.environ)
    try:
        return child.spawn(command, environ, stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as error:
        fix = "Choose the engine's Python in Preferences > Add-ons > Sync Texture."
        raise Problem(f"The engine can't be started: {error}", fix) from error


def _died(status: int, tail: str) -> Problem:
    how = f"was killed by signal {-status}" if status < 0 else f"ended with exit status {status}"
    what = f"The engine {how} before the texture was done{_last_words(tail)}"
    fix = "Generate again; Check in Preferences, or doctor, says what the engine lacks."
    return Problem(what, fix, protocol.EXIT_BUG)


def _silent(seconds: float, tail: str) -> Problem:
    what = f"The engine has not answered for {seconds:.0f} seconds and was ended{_last_words(tail)}"
    return Problem(what, "Generate again.", protocol.EXIT_BUG)


def _last_words(tail: str) -> str:
    """The end of ``tail`` for a one-line message; all of it goes to the system console."""
    if not tail:
        return ""
    print(f"Sync Texture: the engine's last lines:\n{tail}", file=sys.stderr, flush=True)
    return "; its last words: " + " | ".join(tail.splitlines()[-2:])
