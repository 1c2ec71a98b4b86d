"""One engine as a child process: `serve`, over its pipes. Whatever it does, the batch lives on."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from .. import protocol
from ..errors import UserError

TAIL_LINES = 12
KILL_ME_FIRST = 500  # of 1000: when memory runs out, Linux is to end an engine rather than the batch
ENDED = "ended"  # the last event of every engine, put there by us: {"kind": "ended", "status": int}
LOST = "lost"  # or this, {"kind": "lost"}: not the engine ended but what it ran on
Event = dict[str, Any]
Events = queue.SimpleQueue[tuple[Any, Event]]


def command(frugal: bool) -> list[str]:
    """The command line of an engine like this process; frugal: as of worker.Worker."""
    engine = Path(__file__).resolve().parents[1]
    isolated = ["-I"] if sys.flags.isolated else []
    return [sys.executable, *isolated, str(engine), "serve", *(["--frugal"] if frugal else [])]


class Child:
    """One engine. Puts (itself, message) into ``events``, but heartbeats; ``heard``: when it last spoke."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], events: Events) -> None:
        """Start ``command``; UserError when that can't be done at all."""
        self.heard = time.monotonic()
        self._events = events
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._process = _spawn(command, environment)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdin, self._ending = self._process.stdin, False
        self._errors = _thread(self._overhear, self._process.stderr)
        _thread(self._listen, self._process.stdout)

    @property
    def waiting(self) -> bool:
        """Never: it runs from the start."""
        return False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def tail(self) -> list[str]:
        """The last lines that it wrote and that were no messages."""
        return list(self._tail)

    def send(self, msg: Event) -> None:
        """Tell it ``msg``; that it is dead is learnt from its last event, not here."""
        with contextlib.suppress(OSError, ValueError):
            protocol.send(self._stdin, msg)

    def kill(self) -> None:
        """End it and all it started, at once; no event of it follows."""
        self._ending = True
        _kill_tree(self._process)
        self._process.wait()
        with contextlib.suppress(OSError):
            self._stdin.close()

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self.heard = time.monotonic()
                try:
                    msg = protocol.decode(line)
                except ValueError:
                    self._note(line)
                    continue
                if msg["kind"] not in (protocol.HEARTBEAT, ENDED):
                    self._put(msg)
        status = self._status()
        self._errors.join(timeout=1.0)
        self._put({"kind": ENDED, "status": status})

    def _put(self, msg: Event) -> None:
        if not self._ending:
            self._events.put((self, msg))

    def _status(self) -> int:
        try:
            return self._process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:  # it closed its output but lives on: of no use any more
            _kill_tree(self._process)
            return self._process.wait()

    def _overhear(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self._note(line)

    def _note(self, line: bytes) -> None:
        if text := line.decode(errors="replace").rstrip().rpartition("\r")[2]:
            self._tail.append(text[:500])


def died(status: int, tail: Sequence[str]) -> tuple[str, bool]:
    """How an engine ended, in words, and whether it looks as if memory had run out."""
    text = " | ".join([*tail[-2:]])
    last = f"; its last words: {text}" if text else ""
    if status == -9:
        return f"the engine was killed, as happens when memory runs out{last}", True
    if status < 0:
        return f"the engine crashed (signal {-status}){last}", False
    return f"the engine ended with status {status}{last}", False


def _spawn(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            list(command),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=dict(environment),
            start_new_session=os.name != "nt",  # its own group: Ctrl-C is ours, and it ends with its children
        )
    except OSError as error:
        raise UserError(f"the engine can't be started: {error}", "see what doctor says") from error
    with contextlib.suppress(OSError):  # only Linux has such a file
        Path(f"/proc/{process.pid}/oom_score_adj").write_text(str(KILL_ME_FIRST), encoding="ascii")
    return process


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    if os.name == "nt":
        quiet = subprocess.DEVNULL
        with contextlib.suppress(OSError):
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(process.pid)], stdout=quiet, stderr=quiet, check=False
            )
    else:
        # the group outlives its leader while members live, so this is right even after the child's end
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _thread(target: Any, stream: IO[bytes]) -> threading.Thread:
    thread = threading.Thread(target=target, args=(stream,), daemon=True)
    thread.start()
    return thread
