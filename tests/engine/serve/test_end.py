"""The engine ends at once when it is told to, and with its parent; it leaves no process behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import protocol
from engine.protocol import Request
from tests.engine.serve.child import ANSWER_S, Start, alive, at_work
from tests.processes import SLACK_S


def test_nothing_is_left_after_a_quit(start: Start, engine_python: Path, tmp_path: Path, root: Path) -> None:
    """By path, isolated, from another folder: as Blender starts it."""
    engine = start(str(engine_python), "-I", str(root / "engine"), "serve", cwd=tmp_path)
    assert engine.hear(lambda m: True)[0]["kind"] == protocol.HELLO
    engine.say(protocol.HEARTBEAT)
    engine.say(protocol.QUIT)
    assert engine.process.wait(ANSWER_S + SLACK_S) == protocol.EXIT_DONE
    assert engine.words == []


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without asking")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("stage", ["", "start", "unwrap"])
def test_it_ends_when_it_is_asked_to(
    start: Start, request_for: Callable[..., Request], big_mesh: Path, number: int, stage: str
) -> None:
    """A busy one only cancelled its job, and lived on."""
    engine = start()
    engine.hear(lambda m: True)
    if stage:
        engine.job("endless", request_for(mesh=str(big_mesh), unwrap="always"))
        engine.reach(stage)
    engine.process.send_signal(number)
    expected = protocol.EXIT_CANCELLED if stage else protocol.EXIT_DONE
    assert engine.process.wait(ANSWER_S + SLACK_S) == expected


@pytest.mark.parametrize("ends", ["quit", "close"])
def test_it_ends_at_once_while_it_imports(start: Start, ends: str) -> None:
    engine = start()
    engine.hear(lambda m: True)
    begin = time.monotonic()
    engine.say(protocol.QUIT) if ends == "quit" else engine.close()
    assert engine.process.wait(ANSWER_S + SLACK_S) == protocol.EXIT_DONE
    assert time.monotonic() - begin < ANSWER_S + SLACK_S


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
