"""The engine as a child process, over its pipes: what Blender relies on."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import protocol
from engine.client import child
from engine.protocol import Request
from tests.engine.serve.child import ANSWER_S, EngineChild, Start
from tests.processes import SLACK_S


def test_it_greets_works_and_reports(engine: EngineChild, request_for: Callable[..., Request]) -> None:
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
    assert result.uvs is None  # nobody asked for them
    assert any("no UVs" in warning for warning in result.warnings)


def test_the_second_job_loads_nothing(engine: EngineChild, request_for: Callable[..., Request]) -> None:
    engine.job("again", request_for())
    done = engine.finish("again")[-1]
    report = json.loads(Path(done["result"]["report"]).read_text(encoding="utf-8"))
    assert report["seconds"]["load"] < 0.1


def test_a_failed_job_and_nonsense_are_survived(
    engine: EngineChild, request_for: Callable[..., Request]
) -> None:
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


@pytest.mark.parametrize("request_", [[], None, True, 1, "text", [1], {"steps": []}, {"mesh": None}])
def test_a_request_of_the_wrong_type_fails_and_the_process_lives(
    engine: EngineChild, request_: object
) -> None:
    engine.say(protocol.JOB, id="typed", request=request_)
    failed = engine.finish("typed")[-1]
    assert (failed["kind"], failed["code"]) == (protocol.FAILED, protocol.EXIT_BAD_INPUT)
    assert "request" in failed["error"]
    assert engine.process.poll() is None


@pytest.mark.parametrize("job_id", [None, [], {}, True, "", 0.5, "x" * 5000])
def test_a_job_without_an_id_is_answered(engine: EngineChild, job_id: object) -> None:
    engine.say(protocol.JOB, id=job_id, request={})
    failed = engine.hear(lambda m: m["kind"] == protocol.FAILED)[-1]
    assert failed["id"] is None
    assert "id is" in failed["error"]
    engine.say(protocol.CANCEL, id=job_id)


def test_each_of_two_jobs_with_one_id_is_answered(
    engine: EngineChild, request_for: Callable[..., Request]
) -> None:
    for _ in range(2):
        engine.job("twice", request_for(mesh="nowhere.obj"))
    assert [engine.finish("twice")[-1]["kind"] for _ in range(2)] == [protocol.FAILED] * 2
    engine.job("running", request_for(steps=1000))
    for _ in range(2):
        engine.job("twice", request_for(mesh="nowhere.obj"))
    engine.reach("denoise")
    engine.say(protocol.CANCEL, id="twice")
    assert [engine.finish("twice")[-1]["kind"] for _ in range(2)] == [protocol.CANCELLED] * 2
    engine.job("twice", request_for(mesh="nowhere.obj"))
    engine.say(protocol.CANCEL, id="running")
    engine.finish("running")
    assert engine.finish("twice")[-1]["kind"] == protocol.FAILED  # it was asked for after the cancel


def test_a_cancel_before_a_job_doesnt_count(engine: EngineChild, request_for: Callable[..., Request]) -> None:
    engine.say(protocol.CANCEL, id="to come")
    engine.job("to come", request_for(mesh="nowhere.obj"))
    assert engine.finish("to come")[-1]["kind"] == protocol.FAILED


def test_a_line_without_an_end_costs_no_memory(
    engine: EngineChild, request_for: Callable[..., Request]
) -> None:
    for _ in range(20):
        engine.say_raw(b"x" * child.LONGEST_LINE)
    engine.say_raw(b"\n")
    engine.job("after", request_for(mesh="nowhere.obj"))
    assert engine.finish("after")[-1]["kind"] == protocol.FAILED


def test_what_a_job_needs_is_imported_before_there_is_one(
    start: Start, engine_python: Path, root: Path, request_for: Callable[..., Request]
) -> None:
    program = (
        "import sys\n"
        "from engine import serve, worker\n"
        "def look(self, request, host):\n"
        "    there = {'torch', 'diffusers', 'engine.pipeline'} <= sys.modules.keys()\n"
        "    return worker.Failure(worker.Wording(str(there), ''), 1)\n"
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
        "    return worker.Failure(worker.Wording('enough', 'said'), 1)\n"
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


def test_paths_that_are_no_text_cross() -> None:
    """On Linux a path may hold any bytes, which Python keeps as halves of surrogate pairs."""
    told = protocol.message(
        protocol.JOB, id="a", request={"out": b"/tmp/caf\xe9/\xf0\x9f".decode(errors="surrogateescape")}
    )
    assert protocol.decode(protocol.encode(told)) == told
    assert protocol.encode(told).endswith(b"\n")
