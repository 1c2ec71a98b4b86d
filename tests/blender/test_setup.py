"""Setting up the engine from within Blender: refused offline; for real where SYNC_TEXTURE_DOWNLOAD is set."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("set_up.py")


def run(python, tmp_path, *words, **more):
    env = {
        **{k: v for k, v in os.environ.items() if k != "SYNC_TEXTURE_PYTHON"},
        "BLENDER_USER_RESOURCES": str(tmp_path / "user"),
        "SYNC_TEXTURE_LINKS": str(tmp_path / "links.json"),
        **more,
    }
    command = [str(python), str(SCRIPT), *words, str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=1500)
    assert "setup: good" in done.stdout, (done.stdout + done.stderr)[-4000:]


def test_offline_is_refused_in_one_line(bpy_pythons, tmp_path):
    run(bpy_pythons[0], tmp_path, "offline", PIP_FIND_LINKS="", UV_FIND_LINKS="")


@pytest.mark.download
def test_set_up_texture_repair_remove(bpy_pythons, tmp_path):
    if not os.environ.get("SYNC_TEXTURE_DOWNLOAD"):
        pytest.skip("downloads hundreds of MB: set SYNC_TEXTURE_DOWNLOAD=1")
    for python in bpy_pythons:
        run(python, tmp_path)
