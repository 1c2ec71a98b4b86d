"""Setting up does one thing at a time, and says how it ended."""

from __future__ import annotations

import os
import sys

import pytest
from sync_texture.blender_sync_addon.problem import Problem
from sync_texture.blender_sync_addon.setup import models
from sync_texture.blender_sync_addon.setup.activity import Activity
from sync_texture.blender_sync_addon.setup.status import SetupStatus

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no sleep")


def test_one_thing_at_a_time(tmp_path):
    status = SetupStatus()
    results = []
    status.begin(
        "One", lambda running: running.run(["sleep", "30"], os.environ), results.append, tmp_path / "log"
    )
    with pytest.raises(Problem, match="One isn't finished"):
        status.begin("Two", lambda _: None, results.append, tmp_path / "log")
    assert not status.settle()
    status.cancel()
    status.current.wait(5)
    assert status.settle()
    assert status.message == "One: cancelled"
    status.begin("Three", lambda _: 3, results.append, tmp_path / "log").wait(5)
    assert status.settle()
    assert results == [3]
    assert status.message == "Three: done"
    status.begin("Four", lambda _: 1 / 0, results.append, tmp_path / "log").wait(5)
    status.settle()
    assert "ZeroDivisionError" in status.message


def test_why_models_fail_is_told_as_the_engine_has_it(tmp_path):
    """What is wrong may have full stops in it; options are called as the panel does."""
    told = (
        'import json; from engine import protocol; named = {"model": None};'
        'w = protocol.Wording("a. b is off", "see {model}", named);'
        "print(json.dumps(protocol.failed(w, 2))); raise SystemExit(2)"
    )

    def work(running: Activity) -> object:
        return models.run_command(running, [sys.executable, "-c", told])

    status = SetupStatus()
    status.begin("Models", work, lambda _: None, tmp_path / "log").wait(20)
    assert status.settle()
    assert (status.problem.what, status.problem.fix) == ("A. b is off", "See Model")
