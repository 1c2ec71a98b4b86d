"""Runs results_in_window.py in a real Blender window on a virtual screen (BLENDER)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("results_in_window.py")


def test_results_in_a_window(blender, tmp_path):
    env = {
        **{k: v for k, v in os.environ.items() if k != "SYNC_TEXTURE_PYTHON"},
        "BLENDER_USER_RESOURCES": str(tmp_path / "user"),
        "SYNC_TEXTURE_TEST_PYTHON": sys.executable,
        "SYNC_TEXTURE_SHOTS": os.environ.get("SYNC_TEXTURE_SHOTS") or str(tmp_path),
    }
    command = [str(blender), "--factory-startup", "--python", str(SCRIPT)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=400)
    log = (done.stdout + done.stderr)[-8000:]
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert said == [{"failed": []}], log
