"""A connection to a Ray cluster, or to one started here, and how many engines it has room for.

Ray is optional, and its ports are its own affair: whoever says ``--cluster`` starts it or names one that
runs.
"""

from __future__ import annotations

import contextlib
import logging
import os
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

from .. import blend
from ..errors import UserError
from . import resources
from .cluster_engine import ClusterEngine, EngineActor
from .engines import EnginePool, Events

LOCAL = "local"  # as an address: a cluster of this machine alone, started here and ended with us
CORES = 4  # of an engine without a GPU, where nobody says otherwise
SHARED_VARIABLES = ("SYNC_TEXTURE_", "HF_HUB_OFFLINE", "HF_HOME", "OMP_WAIT_POLICY")  # from here to there
ANSWER_S = 10.0  # so long an address may take to answer
START_S = 120.0  # so long a cluster may take to start here; Ray itself gives each part of it 30 s
SLOW_S = 20.0  # what fails sooner than this doesn't fail for lack of time
STORE = 100 * 1024**2  # bytes of shared memory that Ray keeps for data, of which we have none


@dataclass(frozen=True)
class Capacity:
    """What the cluster has for us. engines: so many at once; gpus, cores: of each."""

    engines: int
    gpus: int
    cores: int


class Cluster:
    """A connection to Ray. ``capacity``: what it has for us. engine: the command of an engine, this one's by
    default. one_machine: it is this machine alone."""

    def __init__(self, ray: Any, capacity: Capacity, engine: Sequence[str] | None, one_machine: bool) -> None:
        self._ray, self.capacity, self._engine, self._one_machine = ray, capacity, engine, one_machine

    def pool(self, folder: Path, size: int) -> EnginePool:
        """Engines for the coordinator, ``size`` at once; folder: of the batch."""
        actors = self._ray.remote(EngineActor).options(
            num_gpus=self.capacity.gpus,
            num_cpus=self.capacity.cores,
            max_restarts=0,  # the coordinator replaces it, and knows what was lost
            max_concurrency=4,  # it listens while it waits
            runtime_env={"env_vars": {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}},
        )
        variables = {**shared_variables(os.environ), resources.THREADS: str(max(1, self.capacity.cores))}

        def start(_number: int, frugal: bool, events: Events) -> ClusterEngine:
            actor = actors.remote()
            started = actor.start.remote(self._engine, frugal, variables, str(folder))
            return ClusterEngine(actor, started, events)

        return EnginePool(start, size, self._one_machine)


def shared_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """What of ``environ`` engines on other machines are to have, too: BLENDER is what --blender names."""
    return {k: v for k, v in environ.items() if k.startswith(SHARED_VARIABLES) or k == blend.VARIABLE}


@contextlib.contextmanager
def connected(
    address: str, cores: int | None = None, engine: Sequence[str] | None = None
) -> Iterator[Cluster]:
    """A connection to the cluster at ``address``, or to one started here: LOCAL.

    cores: of an engine where there are no GPUs. engine: the command of an engine, this one's by default.
    Raises UserError when Ray is missing, nobody answers, or there is no room for a single engine.
    """
    if address == LOCAL:  # its ports are open to the network: only we and our children know the word
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "60")
    ray = _ray()
    _check_address(address)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    own = {"num_cpus": resources.cores(), "object_store_memory": STORE, "include_dashboard": False}
    _begin(ray, address, {**quiet, **(own if address == LOCAL else {})})
    try:
        # Ray prints there what happens to its workers; it is ours, for events.
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            yield Cluster(ray, capacity(ray.nodes(), cores), engine, address == LOCAL)
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
                raise _no_answer(address, error) from error


def capacity(nodes: Sequence[Mapping[str, Any]], cores: int | None = None) -> Capacity:
    """As much as fits on ``nodes``, as ray.nodes() has them: an engine for each GPU, or where there are none,
    for each ``cores``. Raises UserError when that is nothing."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    with_gpus = [(int(n["GPU"]), int(n.get("CPU", 0))) for n in alive if n.get("GPU", 0) >= 1]
    if with_gpus:
        each = min(cpus // gpus for gpus, cpus in with_gpus)
        return Capacity(sum(gpus for gpus, _ in with_gpus), 1, min(each, cores or each))
    cpus = [int(node.get("CPU", 0)) for node in alive]
    largest = max(cpus, default=0)
    each = cores or max(1, min(CORES, largest))
    engines = sum(count // each for count in cpus)
    if not engines:
        what = f"an engine is to have {each} cores, and no machine of the cluster has more than {largest}"
        raise UserError(what, "choose fewer by {cores}, or add machines", cores=None)
    return Capacity(engines, 0, each)


def _check_address(address: str) -> None:
    """UserError when nobody answers at HOST:PORT; Ray itself would try for five minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # local, auto, or something that Ray refuses at once
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise _no_answer(address, error) from error


def _no_answer(address: str, error: Exception) -> UserError:
    why = " ".join(str(error).split())[:300]
    if address == LOCAL:
        fix = "try again when this machine is less busy, or without {cluster}"
        return UserError(f"Ray doesn't start here ({why})", fix, cluster=None)
    fix = "start Ray there (`ray start --head`), or say {cluster}"
    return UserError(f"no Ray cluster answers at {address} ({why})", fix, cluster=LOCAL)


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it tells nobody about us
    os.environ.setdefault("RAY_DISABLE_IMPORT_WARNING", "1")
    try:
        import ray
    except ImportError:
        lock = Path(__file__).resolve().parents[2] / "requirements" / "cluster.txt"
        fix = f"{sys.executable} -m pip install -r {lock}" if lock.exists() else "install the package ray"
        raise UserError("{cluster} needs Ray, which isn't installed here", fix, cluster=None) from None
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
