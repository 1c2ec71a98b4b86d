"""Runs *_in_window.py in a real Blender window on a virtual screen (BLENDER): see run.py."""

from __future__ import annotations

import os
from pathlib import Path


def test_generate(in_window):
    told, _ = in_window("generate_in_window.py", "--factory-startup")
    work = told["work_ms"]
    slow = {
        name: ms
        for name, ms in work.items()
        if ms > (500 if name in ("__init__", "read") else 50)  # 180 k triangles are read, once
    }
    assert not slow, told
    waits = {
        name: ms for name, ms in told["held_ms"].items() if ms > 250 and name not in ("__init__", "read")
    }  # wall time, which a busy machine stretches: what waits for something would take longer still
    assert not waits, told
    assert work["poll"] < 25
    assert work["draw_generate"] < 10
    assert work["draw_progress"] < 10
    engine = Path(f"/proc/{told['left_running']}/cmdline")
    assert not engine.exists() or b"fake_engine" not in engine.read_bytes(), "an engine outlived its Blender"


def test_previews(in_window):
    _, log = in_window("preview_in_window.py", "--factory-startup")
    assert "no previews here" not in log


def test_results(in_window):
    in_window("results_in_window.py", "--factory-startup")


def test_a_first_session(installed, in_window, engine_python):
    in_window("session_in_window.py", seconds=3600, SYNC_TEXTURE_ENGINE=str(engine_python))


def test_preferences(installed, in_window):
    nowhere = {} if "SYNC_TEXTURE_DOWNLOAD" in os.environ else {"PIP_FIND_LINKS": "", "UV_FIND_LINKS": ""}
    told, _ = in_window("setup_in_window.py", seconds=1500, **nowhere)
    assert told["work_ms"]["draw"] < 10, "drawing Preferences holds Blender's main thread"


def test_solid_shows_textures_at_a_button(installed, in_window):
    in_window("solid_in_window.py", seconds=1200)
