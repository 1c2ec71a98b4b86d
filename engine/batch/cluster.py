"""Engines on a Ray cluster: a Ray actor, wherever it is, holds a child process and passes its words on.

Ray is optional, and its ports are its own affair: whoever says ``--cluster`` starts it or names one that
runs. What crosses are lines of our protocol; meshes and results are files on storage that all machines share.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import blend, protocol
from ..client.engine_process import EXITED, Event
from ..errors import UserError
from . import machine_share
from .engines import LOST, Events, LocalEngine, command

LOCAL = "local"  # as an address: a cluster of this machine alone, started here and ended with us
CORES = 4  # of an engine without a card, where nobody says otherwise
PASSED_ON = ("SYNC_TEXTURE_", "HF_HUB_OFFLINE", "HF_HOME", "OMP_WAIT_POLICY")  # variables, from here to there
QUIET_S = 10.0  # a worker with nothing to tell says so that often
GATHER_S = 1.0  # progress is told that often
GOODBYE_S = 2.0
KNOCK_S = 10.0
START_S = 120.0  # so long a cluster may take to start here; Ray itself gives each part of it 30 s
SLOW_S = 20.0  # what fails sooner than this doesn't fail for lack of time
STORE = 100 * 1024**2  # bytes of shared memory that Ray keeps for data, of which we have none


@dataclass(frozen=True)
class Room:
    """What the cluster has for us. engines: so many at once; cards, cores: of each."""

    engines: int
    cards: int
    cores: int


class Worker:
    """Runs inside an actor: an engine as a child process of it."""

    def __init__(self) -> None:
        self._events: Events = queue.SimpleQueue()
        self._child: LocalEngine | None = None

    def start(
        self, words: Sequence[str] | None, frugal: bool, variables: Mapping[str, str], folder: str
    ) -> list[str]:
        """Start an engine, or ``words``; variables: added to the environment. folder: must be seen from here.
        Returns the engine's version, and why there is none, if so."""
        host = socket.gethostname()
        if not Path(folder).is_dir():
            return [protocol.VERSION, f"{host} sees no folder {folder}, which all machines have to share"]
        try:
            engine = [*words, *(["--frugal"] if frugal else [])] if words else command(frugal)
            self._child = LocalEngine(engine, {**os.environ, **variables}, self._events)
        except UserError as error:
            return [protocol.VERSION, f"{host}: {error}"]
        return [protocol.VERSION]

    def send(self, msg: Event) -> None:
        """As LocalEngine.send."""
        assert self._child is not None
        self._child.send(msg)

    def take(self) -> tuple[list[Event], list[str], float]:
        """The engine's next event, if any, its last lines that were none, and its seconds of silence. Of
        progress only the newest now and then: a thousand engines have one listener."""
        assert self._child is not None
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
        return newest, self._child.tail, time.monotonic() - self._child.heard

    def kill(self) -> None:
        """As LocalEngine.kill."""
        if self._child is not None:
            self._child.kill()


class Remote:
    """A coordinator's engine that lives in an actor; see engines.JobEngine."""

    def __init__(self, actor: Any, started: Any, events: Events) -> None:
        """started: Ray's promise of what Worker.start returns."""
        self._actor, self._started, self._events = actor, started, events
        self._heard, self._tail = time.monotonic(), ["no word from its machine yet"]
        self._unsent: list[Event] = []
        self._lock = threading.Lock()
        self._placed = self._ending = False
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

    def send(self, msg: Event) -> None:
        """Tell it ``msg``, once it is there."""
        with self._lock:
            if self._placed:
                self._actor.send.remote(msg)
            else:
                self._unsent.append(msg)

    def kill(self) -> None:
        """End it; no event of it follows."""
        import ray

        self._ending = True
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
            self._place()
            while not self._ending and self._heed(*ray.get(self._actor.take.remote())):
                pass
        except Exception as error:  # whatever Ray calls it: worker, machine or cluster are gone
            self._tail = [str(error).strip().partition("\n")[0]]
            self._put({"kind": LOST})

    def _place(self) -> None:
        with self._lock:
            self._placed, self._heard = True, time.monotonic()
            for msg in self._unsent:
                self._actor.send.remote(msg)

    def _heed(self, found: list[Event], tail: list[str], silent: float) -> bool:
        """Pass on what take returned; whether there is more to come."""
        self._heard, self._tail = time.monotonic() - silent, tail
        for msg in found:
            self._put(msg)
        return not any(msg["kind"] == EXITED for msg in found)

    def _put(self, msg: Event) -> None:
        if not self._ending:
            self._events.put((self, msg))


class Cluster:
    """A connection to Ray. ``room``: what it has for us."""

    def __init__(self, ray: Any, room: Room, words: Sequence[str] | None = None) -> None:
        self._ray, self.room, self._words = ray, room, words

    def hire(self, folder: Path) -> Any:
        """What makes an engine for the coordinator; folder: of the batch."""
        actors = self._ray.remote(Worker).options(
            num_gpus=self.room.cards,
            num_cpus=self.room.cores,
            max_restarts=0,  # the coordinator replaces it, and knows what was lost
            max_concurrency=4,  # it listens while it waits
            runtime_env={"env_vars": {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}},
        )
        variables = {**passed_on(os.environ), machine_share.THREADS: str(max(1, self.room.cores))}

        def make(_number: int, frugal: bool, events: Events) -> Remote:
            actor = actors.remote()
            return Remote(actor, actor.start.remote(self._words, frugal, variables, str(folder)), events)

        return make


def passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """What of ``environ`` engines on other machines are to have, too: BLENDER is what --blender names."""
    return {k: v for k, v in environ.items() if k.startswith(PASSED_ON) or k == blend.VARIABLE}


@contextlib.contextmanager
def joined(address: str, cores: int | None = None, words: Sequence[str] | None = None) -> Iterator[Cluster]:
    """A connection to the cluster at ``address``, or to one started here: LOCAL.

    cores: of an engine where there are no cards. words: the command of an engine, this one's by default.
    Raises UserError when Ray is missing, nobody answers, or there is no room for a single engine.
    """
    if address == LOCAL:  # its ports are open to the network: only we and our children know the word
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "60")
    ray = _ray()
    _knock(address)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    own = {"num_cpus": machine_share.cores(), "object_store_memory": STORE, "include_dashboard": False}
    _begin(ray, address, {**quiet, **(own if address == LOCAL else {})})
    try:
        # Ray prints there what happens to its workers; it is ours, for events.
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            yield Cluster(ray, room(ray.nodes(), cores), words)
    finally:
        ray.shutdown()


def _begin(ray: Any, address: str, options: Mapping[str, Any]) -> None:
    """Connect to ``address``. What Ray starts here for LOCAL is tried again while the machine is too busy for
    it. Raises UserError."""
    until = time.monotonic() + START_S
    while True:
        begun = time.monotonic()
        try:
            with _signals_kept():
                ray.init(address=address, **options)
            return
        except Exception as error:  # Ray raises bare ones, too
            ray.shutdown()  # what it has started so far
            now = time.monotonic()
            if address != LOCAL or now - begun < SLOW_S or now > until:
                raise _silent(address, error) from error


def room(nodes: Sequence[Mapping[str, Any]], cores: int | None = None) -> Room:
    """As much as fits on ``nodes``, as ray.nodes() has them: an engine for each card, or where there are
    none, for each ``cores``. Raises UserError when that is nothing."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    with_cards = [(int(n["GPU"]), int(n.get("CPU", 0))) for n in alive if n.get("GPU", 0) >= 1]
    if with_cards:
        share_of = min(cpus // cards for cards, cpus in with_cards)
        return Room(sum(cards for cards, _ in with_cards), 1, min(share_of, cores or share_of))
    cpus = [int(node.get("CPU", 0)) for node in alive]
    most = max(cpus, default=0)
    each = cores or max(1, min(CORES, most))
    engines = sum(count // each for count in cpus)
    if not engines:
        what = f"an engine is to have {each} cores, and no machine of the cluster has more than {most}"
        raise UserError(what, "choose fewer by --cores, or add machines")
    return Room(engines, 0, each)


def _knock(address: str) -> None:
    """UserError when nobody answers at HOST:PORT; Ray itself would try for five minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # local, auto, or something that Ray refuses at once
    try:
        socket.create_connection((host, int(port)), timeout=KNOCK_S).close()
    except (OSError, OverflowError) as error:
        raise _silent(address, error) from error


def _silent(address: str, error: Exception) -> UserError:
    why = " ".join(str(error).split())[:300]
    if address == LOCAL:
        fix = "try again when this machine is less busy, or without --cluster"
        return UserError(f"Ray doesn't start here ({why})", fix)
    fix = "start Ray there (`ray start --head`), or say --cluster local"
    return UserError(f"no Ray cluster answers at {address} ({why})", fix)


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it tells nobody about us
    os.environ.setdefault("RAY_DISABLE_IMPORT_WARNING", "1")
    try:
        import ray
    except ImportError:
        lock = Path(__file__).resolve().parents[2] / "requirements" / "cluster.txt"
        fix = f"{sys.executable} -m pip install -r {lock}" if lock.exists() else "install the package ray"
        raise UserError("--cluster needs Ray, which isn't installed here", fix) from None
    return ray


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself: afterwards it is ours again."""
    kept = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, kept)
