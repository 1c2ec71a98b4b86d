"""The desk does one thing at a time, and says how it ended."""

from __future__ import annotations

import os

import pytest
from sync_texture.blender_sync_addon.problem import Problem
from sync_texture.blender_sync_addon.setup.status import Desk

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no sleep")


def test_one_thing_at_a_time(tmp_path):
    desk = Desk()
    told = []
    desk.begin("One", lambda running: running.run(["sleep", "30"], os.environ), told.append, tmp_path / "log")
    with pytest.raises(Problem, match="One isn't finished"):
        desk.begin("Two", lambda _: None, told.append, tmp_path / "log")
    assert not desk.settle()
    desk.stop()
    desk.current.wait(5)
    assert desk.settle()
    assert desk.message == "One: cancelled"
    desk.begin("Three", lambda _: 3, told.append, tmp_path / "log").wait(5)
    assert desk.settle()
    assert told == [3]
    assert desk.message == "Three: done"
    desk.begin("Four", lambda _: 1 / 0, told.append, tmp_path / "log").wait(5)
    desk.settle()
    assert "ZeroDivisionError" in desk.message
