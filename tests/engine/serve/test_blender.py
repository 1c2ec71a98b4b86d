"""While Blender reads a .blend: a cancel is answered in time, and Blender goes with the engine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import protocol
from engine.protocol import Request
from tests.engine.serve.child import ANSWER_S, EngineChild, Start, at_work
from tests.processes import SLACK_S, lives, until

pytestmark = pytest.mark.skipif(
    os.name == "nt" or not Path("/proc/self/stat").exists(), reason="finds processes in /proc"
)


@pytest.fixture
def reading(start: Start, request_for: Callable[..., Request], tmp_path: Path) -> EngineChild:
    """An engine whose Blender, a script that starts another program as some installations do, reads."""
    blender, scene = tmp_path / "blender", tmp_path / "scene.blend"
    blender.write_text("#!/bin/sh\nsleep 60\nexit 1\n")
    blender.chmod(0o755)
    scene.write_bytes(b"BLENDER")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    engine = start(BLENDER=str(blender), TMPDIR=str(temporary))
    engine.job("scene", request_for(mesh=str(scene)))
    return engine


def test_a_cancel_is_answered_in_time_and_ends_blender(reading: EngineChild, tmp_path: Path) -> None:
    family = at_work(reading.process.pid, 3)
    begin = time.monotonic()
    reading.say(protocol.CANCEL, id="scene")
    assert reading.finish("scene")[-1]["kind"] == protocol.CANCELLED
    assert time.monotonic() - begin < ANSWER_S + SLACK_S
    until(lambda: not any(map(lives, family)), 2.0)
    assert reading.process.poll() is None
    assert not list((tmp_path / "temporary").glob("sync_texture_*"))


@pytest.mark.parametrize("how", ["its parent is gone", "it is killed"])
def test_blender_goes_with_the_engine(reading: EngineChild, tmp_path: Path, how: str) -> None:
    family = at_work(reading.process.pid, 3)
    reading.kill() if how == "it is killed" else reading.close()
    until(lambda: not any(map(lives, family)), ANSWER_S + SLACK_S)
    assert reading.process.wait(ANSWER_S) != protocol.EXIT_DONE
    until(lambda: not list((tmp_path / "temporary").glob("sync_texture_*")), ANSWER_S)
