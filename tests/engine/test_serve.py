"""The engine as a child process, over its pipes: what Blender relies on."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trimesh

from engine import protocol
from engine.protocol import Request

Message = dict[str, Any]
ANSWER_S = 2.0  # what the contract allows a cancel, and the end of the parent
SLACK_S = 1.0  # for a machine that is busy with other things


class Engine:
    """A child engine and the messages it has sent."""

    def __init__(self, command: list[str], cwd: Path, env: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=cwd, env=env, stdin=pipe, stdout=pipe, stderr=pipe)
        self.messages: queue.Queue[Message | None] = queue.Queue()
        self.words: list[str] = []  # from stderr
        for target in (self._listen, self._overhear):
            threading.Thread(target=target, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.messages.put(protocol.decode(line))  # anything else kills this thread, and so the test
        self.messages.put(None)

    def _overhear(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.words.append(line.decode(errors="replace"))

    def say(self, kind: str, **fields: Any) -> None:
        assert self.process.stdin is not None
        protocol.send(self.process.stdin, protocol.message(kind, **fields))

    def say_raw(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def job(self, job_id: str, request: Request) -> None:
        self.say(protocol.JOB, id=job_id, request=request.as_dict())

    def hear(self, wanted: Callable[[Message], bool], seconds: float = 120) -> list[Message]:
        """All messages up to the first ``wanted`` one."""
        heard: list[Message] = []
        deadline = time.monotonic() + seconds
        while True:
            try:
                message = self.messages.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"nothing of the kind in {seconds} s; heard {heard[-3:]}, {self.words[-5:]}")
            if message is None:
                pytest.fail(f"the engine ended; heard {heard[-3:]}, {self.words[-5:]}")
            heard.append(message)
            if wanted(message):
                return heard

    def finish(self, job_id: str, seconds: float = 120) -> list[Message]:
        """All messages up to the one that ends the job."""
        return self.hear(lambda m: m.get("id") == job_id and m["kind"] in protocol.FINAL, seconds)

    def reach(self, stage: str) -> None:
        self.hear(lambda m: m.get("stage") == stage)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


Start = Callable[..., Engine]


@pytest.fixture(scope="module")
def start(root: Path, engine_python: Path, engine_environment: dict[str, str]) -> Iterator[Start]:
    """Start an engine; it is killed at the end."""
    engines = []

    def run(*command: str, cwd: Path = root, **environment: str) -> Engine:
        words = list(command) or [str(engine_python), "-m", "engine", "serve"]
        engine = Engine(words, cwd, {**engine_environment, **environment})
        engines.append(engine)
        return engine

    yield run
    for engine in engines:
        engine.kill()


@pytest.fixture(scope="module")
def _warm(start: Start) -> list[Engine]:
    return [start()]


@pytest.fixture
def engine(_warm: list[Engine], start: Start) -> Engine:
    """An engine that earlier tests may have warmed up; another one where they ended it."""
    try:
        _warm[0].process.wait(0.3)  # one that had to end to answer a cancel may still be at it
    except subprocess.TimeoutExpired:
        return _warm[0]
    _warm[0] = start()
    return _warm[0]


@pytest.fixture(scope="module")
def big_mesh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mesh whose unwrapping takes long: one call into native code that nothing interrupts."""
    path = tmp_path_factory.mktemp("big") / "big.ply"
    trimesh.creation.icosphere(subdivisions=6).export(path)
    return path


def descendants(pid: int) -> set[int]:
    """Processes started by ``pid``, by those, and so on."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue  # it has just ended
    found, new = set(), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def at_work(pid: int) -> set[int]:
    """The children of ``pid``, as soon as there are two: one that unwraps and one that guards it."""
    deadline = time.monotonic() + 60
    while len(found := descendants(pid)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def alive(pids: set[int]) -> set[int]:
    """Those of ``pids`` that still run."""
    return {pid for pid in pids if Path(f"/proc/{pid}/stat").exists() and not _is_zombie(pid)}


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_it_greets_works_and_reports(engine: Engine, request_for: Callable[..., Request]) -> None:
    (hello,) = engine.hear(lambda m: True)
    assert hello == {
        "kind": protocol.HELLO,
        "version": protocol.VERSION,
        "protocol": protocol.PROTOCOL,
        "pid": engine.process.pid,
    }
    engine.job("first", request_for())
    messages = [m for m in engine.finish("first") if m["kind"] != protocol.HEARTBEAT]
    assert messages[0] == {"kind": protocol.STARTED, "id": "first"}
    assert {m["kind"] for m in messages[1:-1]} == {protocol.PROGRESS}
    stages = list(dict.fromkeys(m["stage"] for m in messages[1:-1]))
    order = ["start", "mesh", "unwrap", "model", "views", "denoise", "bake", "measure", "save"]
    assert stages == order
    for message in messages[1:-1]:
        assert message["id"] == "first"
        assert 0 <= message["i"] <= message["n"]
        assert message["eta_s"] is None or message["eta_s"] >= 0
    assert messages[-1]["kind"] == protocol.DONE
    result = protocol.Result.from_dict(messages[-1]["result"])
    for path in (result.texture, result.mesh, result.views, result.turntable, result.report):
        assert Path(path).stat().st_size > 0
    assert result.uvs is None  # only an .npz, whose face order its writer knows, gets its new UVs back
    assert any("no UVs" in warning for warning in result.warnings)


def test_the_second_job_loads_nothing(engine: Engine, request_for: Callable[..., Request]) -> None:
    engine.job("again", request_for())
    done = engine.finish("again")[-1]
    report = json.loads(Path(done["result"]["report"]).read_text(encoding="utf-8"))
    assert report["seconds"]["load"] < 0.1


def test_a_failed_job_and_nonsense_are_survived(engine: Engine, request_for: Callable[..., Request]) -> None:
    engine.job("bad", request_for(mesh="nowhere.obj"))
    failed = engine.finish("bad")[-1]
    assert failed["kind"] == protocol.FAILED
    assert failed["code"] == protocol.EXIT_BAD_INPUT
    assert "nowhere.obj" in failed["error"]
    assert failed["fix"]
    for line in (
        b"nonsense\n",
        b"\xff\xfe\n",
        b"[1]\n",
        b"{}\n",
        b"[" * 50_000 + b"\n",
        b'{"kind": "sing"}\n',
    ):
        engine.say_raw(line)
    engine.say(protocol.CANCEL, id="never heard of")
    engine.say(protocol.JOB, id="odd", request={"colour": "red"})
    odd = engine.finish("odd")[-1]
    assert (odd["kind"], odd["code"]) == (protocol.FAILED, protocol.EXIT_BAD_INPUT)
    engine.job("good", request_for())
    assert engine.finish("good")[-1]["kind"] == protocol.DONE


@pytest.mark.parametrize("stage", ["views", "denoise", "bake", "measure"])
def test_cancel_answers_in_time(engine: Engine, request_for: Callable[..., Request], stage: str) -> None:
    steps = 1000 if stage == "denoise" else 1
    request = request_for(steps=steps, texture_size=1024, views="16")
    engine.job(stage, request)
    engine.reach(stage)
    start = time.monotonic()
    engine.say(protocol.CANCEL, id=stage)
    end = engine.finish(stage)[-1]
    assert end["kind"] == protocol.CANCELLED
    assert time.monotonic() - start < ANSWER_S + SLACK_S
    assert list(Path(request.out).iterdir()) == []


def test_cancel_answers_while_native_code_is_busy(
    engine: Engine, request_for: Callable[..., Request], big_mesh: Path
) -> None:
    engine.job("unwrap", request_for(mesh=str(big_mesh), unwrap="always"))
    engine.reach("unwrap")
    children = at_work(engine.process.pid)
    start = time.monotonic()
    engine.say(protocol.CANCEL, id="unwrap")
    assert engine.finish("unwrap")[-1]["kind"] == protocol.CANCELLED
    assert time.monotonic() - start < ANSWER_S + SLACK_S
    assert engine.process.poll() is None  # it goes on: a warm engine is worth keeping
    time.sleep(0.2)
    assert alive(children) == set()


def test_a_job_that_waits_is_cancelled_at_once(engine: Engine, request_for: Callable[..., Request]) -> None:
    engine.job("running", request_for(steps=1000))
    engine.job("waiting", request_for())
    engine.reach("denoise")
    start = time.monotonic()
    engine.say(protocol.CANCEL, id="waiting")
    assert engine.finish("waiting")[-1]["kind"] == protocol.CANCELLED
    assert time.monotonic() - start < ANSWER_S + SLACK_S
    engine.say(protocol.CANCEL, id="running")
    heard = engine.finish("running")
    assert heard[-1]["kind"] == protocol.CANCELLED
    engine.job("next", request_for(mesh="nowhere.obj"))
    heard = engine.finish("next")
    assert not [m for m in heard if m.get("id") == "waiting"]


def test_nothing_is_left_after_a_quit(start: Start, engine_python: Path, tmp_path: Path, root: Path) -> None:
    """By path, isolated, from another folder: as Blender starts it."""
    engine = start(str(engine_python), "-I", str(root / "engine"), "serve", cwd=tmp_path)
    assert engine.hear(lambda m: True)[0]["kind"] == protocol.HELLO
    engine.say(protocol.HEARTBEAT)
    engine.say(protocol.QUIT)
    assert engine.process.wait(ANSWER_S + SLACK_S) == protocol.EXIT_DONE
    assert engine.words == []


@pytest.mark.parametrize("ends", ["quit", "close"])
def test_it_ends_at_once_while_it_imports(start: Start, ends: str) -> None:
    engine = start()
    engine.hear(lambda m: True)
    begin = time.monotonic()
    engine.say(protocol.QUIT) if ends == "quit" else engine.close()
    assert engine.process.wait(ANSWER_S + SLACK_S) == protocol.EXIT_DONE
    assert time.monotonic() - begin < ANSWER_S


def test_what_a_job_needs_is_imported_before_there_is_one(
    start: Start, engine_python: Path, root: Path, request_for: Callable[..., Request]
) -> None:
    program = (
        "import sys\n"
        "from engine import serve, worker\n"
        "def look(self, request, host):\n"
        "    there = {'torch', 'diffusers', 'engine.pipeline'} <= sys.modules.keys()\n"
        "    return worker.Failure(str(there), '', 1)\n"
        "serve.Worker.run = look\n"
        "sys.exit(serve.serve())\n"
    )
    engine = start(str(engine_python), "-c", program, cwd=root)
    engine.job("first", request_for())
    assert engine.finish("first")[-1]["error"] == "True"
    engine.kill()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_it_is_alive_while_it_waits(start: Start) -> None:
    engine = start()
    engine.hear(lambda m: m["kind"] == protocol.HEARTBEAT, seconds=10)
    engine.close()
    assert engine.process.wait(ANSWER_S + SLACK_S) == protocol.EXIT_DONE


def test_cancel_answers_while_python_imports_and_models_load(
    start: Start, request_for: Callable[..., Request]
) -> None:
    for delay in (0.0, 3.0):
        engine = start()
        engine.hear(lambda m: True)
        engine.job("early", request_for(steps=200))  # still at work after the longer delay
        engine.hear(lambda m: m["kind"] == protocol.STARTED)
        time.sleep(delay)
        begin = time.monotonic()
        engine.say(protocol.CANCEL, id="early")
        assert engine.finish("early")[-1]["kind"] == protocol.CANCELLED
        assert time.monotonic() - begin < ANSWER_S + SLACK_S
        engine.kill()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("stage", ["", "start", "unwrap"])
def test_it_ends_with_its_parent(
    start: Start, request_for: Callable[..., Request], big_mesh: Path, stage: str
) -> None:
    engine = start()
    engine.hear(lambda m: True)
    engine.job("orphan", request_for(mesh=str(big_mesh), unwrap="always"))
    if stage:
        engine.reach(stage)
    family = at_work(engine.process.pid) if stage == "unwrap" else set()
    engine.close()
    assert engine.process.wait(ANSWER_S + SLACK_S) == protocol.EXIT_CANCELLED
    time.sleep(0.3)
    assert alive(family) == set()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_killed_engine_leaves_no_process(
    start: Start, request_for: Callable[..., Request], big_mesh: Path
) -> None:
    engine = start()
    engine.job("killed", request_for(mesh=str(big_mesh), unwrap="always"))
    engine.reach("unwrap")
    family = at_work(engine.process.pid)
    engine.kill()
    time.sleep(0.5)
    assert alive(family) == set()


@pytest.mark.skipif(sys.platform == "win32", reason="signals a child")
def test_whatever_prints_stdout_carries_messages_only(
    start: Start, engine_python: Path, root: Path, request_for: Callable[..., Request]
) -> None:
    """A stand-in for a chatty library: Python's print, and native code that writes to the descriptor."""
    program = (
        "import os, sys\n"
        "from engine import serve, worker\n"
        "def chatty(self, request, host):\n"
        "    print('from Python'); sys.stdout.flush(); os.write(1, b'from native code\\n')\n"
        "    os.system('echo from a child')\n"
        "    return worker.Failure('enough', 'said', 1)\n"
        "serve.Worker.run = chatty\n"
        "sys.exit(serve.serve())\n"
    )
    engine = start(str(engine_python), "-c", program, cwd=root)
    engine.job("loud", request_for())
    kinds = [m["kind"] for m in engine.finish("loud") if m["kind"] != protocol.HEARTBEAT]
    assert kinds == [protocol.HELLO, protocol.STARTED, protocol.FAILED]
    engine.close()
    assert engine.process.wait(10) == protocol.EXIT_DONE
    time.sleep(0.2)
    said = "".join(engine.words)
    assert all(words in said for words in ("from Python", "from native code", "from a child"))


def test_a_stuck_native_call_costs_the_process_not_the_answer(
    start: Start, engine_python: Path, root: Path, request_for: Callable[..., Request]
) -> None:
    """The job never looks whether it is cancelled; the engine answers for it and ends."""
    program = (
        "import sys, time\n"
        "from engine import serve\n"
        "serve.Worker.run = lambda self, request, host: time.sleep(60)\n"
        "sys.exit(serve.serve())\n"
    )
    engine = start(str(engine_python), "-c", program, cwd=root)
    engine.job("stuck", request_for())
    engine.hear(lambda m: m["kind"] == protocol.STARTED)
    begin = time.monotonic()
    engine.say(protocol.CANCEL, id="stuck")
    assert engine.finish("stuck")[-1]["kind"] == protocol.CANCELLED
    assert engine.process.wait(ANSWER_S + SLACK_S) == protocol.EXIT_CANCELLED
    assert time.monotonic() - begin < ANSWER_S + SLACK_S


def test_paths_that_are_no_text_cross() -> None:
    """On Linux a path may hold any bytes, which Python keeps as halves of surrogate pairs."""
    told = protocol.message(
        protocol.JOB, id="a", request={"out": b"/tmp/caf\xe9/\xf0\x9f".decode(errors="surrogateescape")}
    )
    assert protocol.decode(protocol.encode(told)) == told
    assert protocol.encode(told).endswith(b"\n")
