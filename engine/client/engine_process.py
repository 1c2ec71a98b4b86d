"""An engine as a child process (``serve``): messages to it and from it, its silence, its end.

Threads do all that can block: reading both pipes, writing, waiting for the end. Success is the engine's
explicit ``done``; the end of its output without one is a failure that carries the exit status and its last
words.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from .. import protocol
from ..json_lines import Event
from . import child

HEARTBEAT_S = 5.0  # an engine is told that often that its parent lives
SILENCE_S = 90.0  # without any message for so long it counts as hung: it has a heartbeat thread
END_S = 2.0  # so long a process may live on after it closed its output
TAIL = 12, 500  # lines that are kept of what it writes besides messages, and characters of each
EXITED = (
    "exited"  # a kind of event that no engine sends: {"kind": EXITED, "status": int}, and "why" where we know
)

Message = Callable[[], Event | None]


class EngineProcess:
    """One engine, started by ``command``.

    receive: called, in a thread, with every message but heartbeats, and at the engine's end with EXITED; with
    nothing any more after ``kill``. heard: when it last sent a message, by time.monotonic. One that speaks
    another protocol is ended as soon as it says so, EXIT_BAD_INPUT in place of its status.
    """

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], receive: Callable[[Event], None]
    ) -> None:
        """Start it, without waiting for anything. Raises OSError when it can't be started at all."""
        self.command = list(command)
        self.heard = time.monotonic()
        self._receive, self._killed = receive, False
        self._foreign = ""  # what is said of another protocol
        self._outgoing: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._tail = child.Tail(*TAIL)
        pipe = subprocess.PIPE
        self._process = child.spawn(self.command, environ, stdin=pipe, stdout=pipe, stderr=pipe)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._errors = child.follow(self._process.stderr, self._tail.add)
        child.follow(self._process.stdout, self._read, self._end)
        stdin = self._process.stdin
        threading.Thread(target=self._write, args=(stdin,), daemon=True, name="sync_texture writer").start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def tail(self) -> list[str]:
        """The last lines that it wrote and that were no messages."""
        return self._tail.lines

    def send(self, message: Event) -> None:
        """Send ``message`` soon; that the engine is dead is learnt from its last event, not here."""
        self._outgoing.put(lambda: message)

    def send_made(self, make: Message) -> None:
        """Call ``make`` in the writing thread, after all that was sent before, and send what it returns; None
        for nothing. It may take its time: to write the files that the message names."""
        self._outgoing.put(make)

    def kill(self) -> None:
        """End it and all it started. Returns at once; no event follows."""
        self._killed = True
        self._outgoing.put(None)
        child.kill_tree(self._process)

    def wait(self) -> int:
        """Wait for its end; the exit status."""
        return self._process.wait()

    def _read(self, line: bytes) -> None:
        if self._foreign:
            return
        try:
            message = protocol.decode(line)
        except ValueError:  # a library that prints: worth keeping for a post-mortem, no reason to fail
            self._tail.add(line)
            return
        self.heard = time.monotonic()  # what prints for ever may hang all the same
        if message["kind"] == protocol.HELLO and message.get("protocol") != protocol.PROTOCOL:
            self._refuse(message.get("protocol"))
        elif message["kind"] not in (protocol.HEARTBEAT, EXITED):
            self._pass_on(message)

    def _refuse(self, number: object) -> None:
        """End it: it would misunderstand us, and we it."""
        version = number if type(number) is int and abs(number) < 10**6 else "another version"
        self._foreign = f"the engine speaks protocol {version}, not {protocol.PROTOCOL}"
        self._tail.add(self._foreign.encode())
        child.kill_tree(self._process)

    def _end(self) -> None:
        """The output is at its end: wait for the exit status, and for the last words."""
        try:
            status = self._process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:  # it closed its output but lives on: of no use any more
            child.kill_tree(self._process)
            status = self._process.wait()
        self._errors.join(timeout=1.0)
        self._outgoing.put(None)
        if self._foreign:
            self._pass_on({"kind": EXITED, "status": protocol.EXIT_BAD_INPUT, "why": self._foreign})
        else:
            self._pass_on({"kind": EXITED, "status": status})

    def _pass_on(self, event: Event) -> None:
        if not self._killed:
            self._receive(event)

    def _write(self, stdin: IO[bytes]) -> None:
        """Write what is queued, heartbeats in the pauses, until None or a broken pipe."""
        with contextlib.suppress(OSError, ValueError), stdin:
            while True:
                try:
                    make = self._outgoing.get(timeout=HEARTBEAT_S)
                except queue.Empty:
                    make = _heartbeat
                if make is None:
                    return
                if message := make():
                    protocol.send(stdin, message)


def _heartbeat() -> Event:
    return protocol.message(protocol.HEARTBEAT)
