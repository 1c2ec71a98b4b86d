"""An engine on a Ray cluster: a Ray actor, wherever it is, holds a child process and passes its messages on.

What crosses are messages of our protocol; meshes and results are files on storage that all machines share.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import protocol
from ..client.engine_process import EXITED
from ..errors import UserError
from ..json_lines import Event
from .engines import LOST, Events, LocalEngine, command

QUIET_S = 10.0  # an actor with nothing to tell says so that often
GATHER_S = 1.0  # progress is passed on that often
GOODBYE_S = 2.0


class EngineActor:
    """Runs inside a Ray actor: an engine as a child process of it."""

    def __init__(self) -> None:
        self._events: Events = queue.SimpleQueue()
        self._engine: LocalEngine | None = None

    def start(
        self, engine: Sequence[str] | None, frugal: bool, variables: Mapping[str, str], folder: str
    ) -> list[str]:
        """Start an engine like this process, or by the command ``engine``; variables: added to the
        environment. folder: must be seen from here. Returns the engine's version, and why there is none, if
        so."""
        host = socket.gethostname()
        if not Path(folder).is_dir():
            return [protocol.VERSION, f"{host} sees no folder {folder}, which all machines have to share"]
        try:
            words = [*engine, *(["--frugal"] if frugal else [])] if engine else command(frugal)
            self._engine = LocalEngine(words, {**os.environ, **variables}, self._events)
        except UserError as error:
            return [protocol.VERSION, f"{host}: {error}"]
        return [protocol.VERSION]

    def send(self, message: Event) -> None:
        """As LocalEngine.send."""
        assert self._engine is not None
        self._engine.send(message)

    def next_event(self) -> tuple[list[Event], list[str], float]:
        """The engine's next event, if any, its last lines that were none, and its seconds of silence. Of
        progress only the newest now and then: a thousand engines have one listener."""
        assert self._engine is not None
        newest: list[Event] = []
        until = time.monotonic() + QUIET_S
        while (left := until - time.monotonic()) > 0:
            try:
                newest = [self._events.get(timeout=left)[1]]
            except queue.Empty:
                break
            if newest[0]["kind"] != protocol.PROGRESS:
                break
            until = min(until, time.monotonic() + GATHER_S)
        return newest, self._engine.tail, time.monotonic() - self._engine.heard

    def kill(self) -> None:
        """As LocalEngine.kill."""
        if self._engine is not None:
            self._engine.kill()


class ClusterEngine:
    """A coordinator's engine that lives in an actor; see engines.JobEngine."""

    def __init__(self, actor: Any, started: Any, events: Events) -> None:
        """started: Ray's promise of what EngineActor.start returns."""
        self._actor, self._started, self._events = actor, started, events
        self._heard, self._tail = time.monotonic(), ["no word from its machine yet"]
        self._unsent: list[Event] = []
        self._lock = threading.Lock()
        self._placed = self._killed = False
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def waiting(self) -> bool:
        """The cluster has no room for it yet."""
        return not self._placed

    @property
    def heard(self) -> float:
        return self._heard if self._placed else time.monotonic()

    @property
    def tail(self) -> Sequence[str]:
        return self._tail

    def send(self, message: Event) -> None:
        """Send it ``message``, once it is there."""
        with self._lock:
            if self._placed:
                self._actor.send.remote(message)
            else:
                self._unsent.append(message)

    def kill(self) -> None:
        """End it; no event of it follows."""
        import ray

        self._killed = True
        with contextlib.suppress(Exception):  # it may be dead, or its machine, or Ray itself
            if self._placed:
                ray.wait([self._actor.kill.remote()], timeout=GOODBYE_S)
            ray.kill(self._actor)

    def _listen(self) -> None:
        import ray

        try:
            version, *trouble = ray.get(self._started)
            if version != protocol.VERSION:
                trouble = [f"a machine has version {version} of the engine, this one {protocol.VERSION}"]
            if trouble:
                self._tail = trouble
                self._put({"kind": EXITED, "status": protocol.EXIT_BAD_INPUT})
                return
            self._send_unsent()
            while not self._killed and self._pass_on(*ray.get(self._actor.next_event.remote())):
                pass
        except Exception as error:  # whatever Ray calls it: actor, machine or cluster are gone
            self._tail = [str(error).strip().partition("\n")[0]]
            self._put({"kind": LOST})

    def _send_unsent(self) -> None:
        """It has its place: what waited for that is sent."""
        with self._lock:
            self._placed, self._heard = True, time.monotonic()
            for message in self._unsent:
                self._actor.send.remote(message)

    def _pass_on(self, found: list[Event], tail: list[str], silent: float) -> bool:
        """Pass on what next_event returned; whether there is more to come."""
        self._heard, self._tail = time.monotonic() - silent, tail
        for event in found:
            self._put(event)
        return not any(event["kind"] == EXITED for event in found)

    def _put(self, event: Event) -> None:
        if not self._killed:
            self._events.put((self, event))
