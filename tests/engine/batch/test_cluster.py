"""Batches on a real Ray cluster of this machine: work is shared, workers that are killed are replaced."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import protocol
from engine.batch import cluster, coordinator, folder, jobs
from engine.batch.cluster import Capacity, Cluster
from engine.batch.coordinator import Coordinator
from engine.batch.tasks import DONE, FAILED, WAITING, tasks_of
from engine.errors import UserError
from tests.engine.batch.conftest import STAND_IN, Lines, Ran, Write
from tests.engine.batch.runs import BatchProcess, below, denoising, ended, parent, starts
from tests.engine.batch.runs import write as write_jobs

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="no Ray: pip install -r requirements/cluster.txt"
)
Cli = Callable[..., subprocess.CompletedProcess[str]]
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds parents in /proc")


@pytest.fixture(scope="module")
def local() -> Iterator[Cluster]:
    """A cluster of this machine, whose engines are stand-ins."""
    stand_in = [sys.executable, "-S", str(STAND_IN)]
    with cluster.connected(cluster.LOCAL, 1, stand_in) as connected:
        yield connected


@pytest.fixture
def run(place: Path, write: Write, local: Cluster) -> Callable[..., Ran]:
    """Do the jobs with two workers of the cluster; react: told every event as it comes."""

    def make(lines: Lines, react: Callable[[Ran, dict[str, object]], None] = lambda *_: None) -> Ran:
        ran = Ran(place / "out")
        found, refused = jobs.read(write(lines), {})
        assert not refused

        def told(event: dict[str, object]) -> None:
            ran.events.append(event)
            react(ran, event)

        with folder.opened(ran.out) as there:
            ran.tasks = tasks_of(found, there)
            pool = dataclasses.replace(local.pool(there.path, 2), one_machine=False)
            Coordinator(there, ran.tasks, pool, 60.0, told).run()
        return ran

    return make


@needs_ray
def test_the_cluster_s_workers_share_the_jobs(run: Callable[..., Ran]) -> None:
    slow = [{"prompt": f"slow {i}", "out": str(i)} for i in range(8)]
    ran = run([*slow, {"prompt": "bad", "out": "bad"}, {"prompt": "oom", "out": "oom"}])
    assert ran.states == {**{str(i): DONE for i in range(8)}, "bad": FAILED, "oom": DONE}
    assert (ran.out / "3" / "texture.png").read_bytes() == b"3"
    assert len({process for name, process, _ in ran.starts if name != "oom"}) == 2
    assert [frugal for name, _, frugal in ran.starts if name == "oom"] == [False, True]


@needs_ray
@needs_proc
def test_a_worker_killed_in_mid_job_is_replaced_and_its_job_done_again(run: Callable[..., Ran]) -> None:
    """kill -9 of the Ray actor itself: its engine goes with it, the other worker never notices."""
    killed: list[int] = []

    def kill(ran: Ran, event: dict[str, object]) -> None:
        if event["kind"] == protocol.PROGRESS and event["id"] == "victim" and not killed:
            (engine,) = (process for name, process, _ in ran.starts if name == "victim")
            killed.append(engine)
            os.kill(parent(engine), signal.SIGKILL)

    lines = [{"prompt": "sleepy", "out": "victim"}, *({"prompt": "slow", "out": str(i)} for i in range(6))]
    ran = run(lines, kill)
    assert set(ran.states.values()) == {DONE}
    assert [name for name, _, _ in ran.starts].count("victim") == 2
    assert sorted(name for name, _, _ in ran.starts if name != "victim") == list("012345")
    assert ran.task("victim").attempts == 1, "it isn't the job's fault"
    again = next(e for e in ran.events if e["kind"] == protocol.FAILED)
    assert (again["id"], again["again"]) == ("victim", True)
    assert "its worker was lost" in again["error"]
    assert ended(killed)


@needs_ray
def test_where_workers_get_lost_again_and_again_the_batch_stops(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(ran: Ran, event: dict[str, object]) -> None:
        if event["kind"] == protocol.PROGRESS:
            os.kill(parent(ran.starts[-1][1]), signal.SIGKILL)

    monkeypatch.setattr(coordinator, "LOSSES_BORNE", -4)
    with pytest.raises(UserError, match="workers get lost, one after the other"):
        run([{"prompt": "sleepy", "out": "a"}], kill)


@needs_ray
def test_a_cluster_that_runs_already_is_joined_and_left(
    cli: Cli,
    local: Cluster,
    engine_environment: dict[str, str],
    tiny_model: Path,
    box_file: Path,
    tmp_path: Path,
) -> None:
    import ray

    word = {name: os.environ[name] for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")}
    quick = {"model": str(tiny_model), "steps": 1, "views": 2, "texture_size": 64, "device": "cpu"}
    path = write_jobs(tmp_path / "jobs.jsonl", box_file, {"prompt": "red", "out": "a", **quick})
    address = ray.get_runtime_context().gcs_address
    there = ("--cluster", address, "--cores", 1, "--workers", 1, "--json")
    ran = cli("batch", path, "--out", tmp_path / "out", *there, env={**engine_environment, **word})
    assert ran.returncode == protocol.EXIT_DONE, ran.stderr
    last = protocol.decode(ran.stdout.splitlines()[-1])
    assert (last["kind"], last["done"]) == (protocol.ENDED, 1)
    assert (tmp_path / "out" / "a" / "texture.png").is_file()
    assert any(node["Alive"] for node in ray.nodes())


@needs_ray
def test_strangers_are_refused_by_a_cluster_started_here(local: Cluster) -> None:
    import ray

    address = ray.get_runtime_context().gcs_address
    join = f"import ray; ray.init(address='{address}', log_to_driver=False); print('in')"
    strange = {**os.environ, "RAY_AUTH_TOKEN": "0" * 64}
    said = [
        subprocess.run([sys.executable, "-c", join], env=env, capture_output=True, text=True).stdout.strip()
        for env in (os.environ, strange)
    ]
    assert said == ["in", ""]


@needs_ray
def test_a_machine_that_doesn_t_share_the_folder_is_told(local: Cluster, place: Path, write: Write) -> None:
    found, _ = jobs.read(write([{"prompt": "a"}]), {})
    with folder.opened(place / "out") as there:
        pool = local.pool(place / "elsewhere", 1)
        coordinator = Coordinator(there, tasks_of(found, there), pool, None, print)
        with pytest.raises(UserError, match=r"sees no folder .*elsewhere"):
            coordinator.run()


@needs_ray
def test_where_no_cluster_answers_that_is_told(cli: Cli, write: Write, place: Path) -> None:
    ran = cli("batch", write([{"prompt": "a"}]), "--out", place / "out", "--cluster", "127.0.0.1:9")
    assert (ran.returncode, ran.stdout) == (protocol.EXIT_BAD_INPUT, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith("error: no Ray cluster answers at 127.0.0.1:9")


@needs_ray
@needs_proc
def test_a_worker_then_the_coordinator_killed_with_real_engines(
    batch: Callable[..., BatchProcess], tiny_model: Path, box_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    quick = {"model": str(tiny_model), "views": 2, "texture_size": 64, "device": "cpu"}
    lines = [{"prompt": name, "out": name, "steps": steps, **quick} for name, steps in (("a", 1), ("b", 200))]
    path = write_jobs(tmp_path / "jobs.jsonl", box_file, *lines)
    running = batch(path, "--out", out, "--cluster", "local", "--workers", 1)
    running.until(denoising("b"))
    (engine,) = [p for p, text in below(running.process.pid).items() if " serve" in text]
    os.kill(parent(engine), signal.SIGKILL)
    failed = running.until(lambda e: e["kind"] == protocol.FAILED)
    assert (failed["id"], failed["again"]) == ("b", True)
    running.until(denoising("b"))
    engines = [p for p, text in below(running.process.pid).items() if " serve" in text]
    running.process.kill()
    running.process.wait()
    assert engines
    assert ended(engines, 60.0)
    assert starts(out) == ["a", "b", "b"]
    with folder.opened(out) as there:  # as the same command would, here or there
        assert [one.state for one in tasks_of(jobs.read(path, {})[0], there)] == [DONE, WAITING]


class Slow:
    """Of Ray, what starts it: the first attempts come to nothing."""

    def __init__(self, failures: int) -> None:
        self.failures, self.begun, self.ended = failures, 0, 0

    def init(self, **_: object) -> None:
        self.begun += 1
        if self.begun <= self.failures:
            raise RuntimeError("timed out")

    def shutdown(self) -> None:
        self.ended += 1


def test_a_busy_machine_is_given_time_to_start_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for slow_s, failures, begun in ((0.0, 2, 3), (20.0, 2, 1)):  # what fails at once isn't tried again
        monkeypatch.setattr(cluster, "SLOW_S", slow_s)
        slow = Slow(failures)
        with contextlib.suppress(UserError) if slow_s else contextlib.nullcontext():
            cluster._begin(slow, cluster.LOCAL, {})
        assert (slow.begun, slow.ended) == (begun, min(failures, begun))
    monkeypatch.setattr(cluster, "SLOW_S", 0.0)
    monkeypatch.setattr(cluster, "START_S", -1.0)
    with pytest.raises(UserError, match=r"Ray doesn't start here \(timed out\)"):
        cluster._begin(Slow(1), cluster.LOCAL, {})
    with pytest.raises(UserError, match="no Ray cluster answers"):
        cluster._begin(Slow(1), "auto", {})


def test_without_ray_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match="needs Ray") as caught, cluster.connected(cluster.LOCAL):
        pass
    assert "requirements/cluster.txt" in caught.value.fix.replace("\\", "/")
    assert "\n" not in str(caught.value)


def node(alive: bool = True, **resources: float) -> dict[str, object]:
    return {"Alive": alive, "Resources": resources}


def test_there_is_an_engine_for_each_card_or_for_some_cores() -> None:
    cards = [node(CPU=64, GPU=8), node(CPU=32, GPU=2), node(CPU=64), node(False, CPU=8, GPU=8)]
    assert cluster.capacity(cards) == Capacity(engines=10, gpus=1, cores=8)
    assert cluster.capacity(cards, 2) == Capacity(10, 1, 2)
    assert cluster.capacity([node(CPU=64), node(CPU=6)]) == Capacity(17, 0, 4)
    assert cluster.capacity([node(CPU=2)]) == Capacity(1, 0, 2)
    assert cluster.capacity([node(CPU=2)], 1) == Capacity(2, 0, 1)
    for nodes, cores in (([], None), ([node(CPU=2)], 3), ([node(CPU=0)], None)):
        with pytest.raises(UserError, match="no machine of the cluster has more than"):
            cluster.capacity(nodes, cores)


def test_what_the_command_line_chose_goes_along() -> None:
    environ = {"BLENDER": "/opt/blender", "SYNC_TEXTURE_X": "1", "HF_HUB_OFFLINE": "1", "PATH": "/bin"}
    assert cluster.shared_variables(environ) == {name: environ[name] for name in environ if name != "PATH"}
    assert not cluster.shared_variables({"BLENDER_USER_RESOURCES": "/home/me"})
