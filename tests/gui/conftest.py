"""Fixtures of tests in a real Blender window."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def in_window(blender, tmp_path):
    """in_window(script): run a script of this folder in a real Blender window on a virtual screen (BLENDER);
    fails unless all its tests pass, and returns the end of what Blender said."""

    def run(script: str) -> str:
        env = {
            **{k: v for k, v in os.environ.items() if k != "SYNC_TEXTURE_PYTHON"},
            "BLENDER_USER_RESOURCES": str(tmp_path / "user"),
            "SYNC_TEXTURE_TEST_PYTHON": sys.executable,
            "SYNC_TEXTURE_SHOTS": os.environ.get("SYNC_TEXTURE_SHOTS") or str(tmp_path),
        }
        command = [str(blender), "--factory-startup", "--python", str(Path(__file__).with_name(script))]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=400)
        log = (done.stdout + done.stderr)[-8000:]
        said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert said == [{"failed": []}], log
        return log

    return run
