"""Runs *in_blender.py in each bpy (SYNC_TEXTURE_BPY_PYTHONS) and in the real Blender (BLENDER)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = [
    path for path in sorted(Path(__file__).parent.glob("*in_blender.py")) if path.name != Path(__file__).name
]
PYTHONS = [p for p in os.environ.get("SYNC_TEXTURE_BPY_PYTHONS", "").split(os.pathsep) if p]


STUDIO = {"OCIO": str(Path(__file__).with_name("studio.ocio"))}


def run(command: list[str], tmp_path: Path) -> None:
    own = STUDIO if command[-1].endswith("ocio_in_blender.py") else {}
    resources = {"BLENDER_USER_RESOURCES": str(tmp_path / "user"), "SYNC_TEXTURE_TEST_PYTHON": sys.executable}
    env = {k: v for k, v in os.environ.items() if k != "SYNC_TEXTURE_PYTHON"} | resources | own
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
    assert '"failed": []' in done.stdout, (done.stdout + done.stderr)[-8000:]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
@pytest.mark.parametrize("python", PYTHONS or [None])
def test_in_bpy(python, script, tmp_path):
    if python is None:
        pytest.skip("no Python with bpy: run the tests by `build.py test`, or set SYNC_TEXTURE_BPY_PYTHONS")
    run([python, str(script)], tmp_path)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_in_blender(blender, script, tmp_path):
    options = ["-b", "--factory-startup", "--python-exit-code", "1", "--python", str(script)]
    run([str(blender), *options], tmp_path)
