"""A cancel is answered within two seconds, whatever the engine is doing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import protocol
from engine.protocol import Request
from tests.engine.serve.child import ANSWER_S, EngineChild, Start, alive, at_work
from tests.processes import SLACK_S


@pytest.mark.parametrize("stage", ["views", "denoise", "bake", "measure"])
def test_cancel_answers_in_time(engine: EngineChild, request_for: Callable[..., Request], stage: str) -> None:
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
    engine: EngineChild, request_for: Callable[..., Request], big_mesh: Path
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


def test_a_job_that_waits_is_cancelled_at_once(
    engine: EngineChild, request_for: Callable[..., Request]
) -> None:
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
