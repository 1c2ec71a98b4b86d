"""Preferences in a real Blender window, from the zip that artists get (BLENDER); see setup_in_window.py."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tools import package

SCRIPT = Path(__file__).with_name("setup_in_window.py")


def test_preferences_in_a_window(blender, root, tmp_path):
    package.fetch_wheels(package.locked_wheels(root), root / "wheels")
    env = {
        **{k: v for k, v in os.environ.items() if k != "SYNC_TEXTURE_PYTHON"},
        "BLENDER_USER_RESOURCES": str(tmp_path / "user"),
        "SYNC_TEXTURE_LINKS": str(tmp_path / "links.json"),
        "SYNC_TEXTURE_SHOTS": os.environ.get("SYNC_TEXTURE_SHOTS") or str(tmp_path),
    }
    if "SYNC_TEXTURE_DOWNLOAD" not in env:
        env |= {"PIP_FIND_LINKS": "", "UV_FIND_LINKS": ""}

    def call(*words):
        done = subprocess.run(
            [blender, *map(str, words)], env=env, capture_output=True, text=True, timeout=1500
        )
        return done.stdout + done.stderr

    archive = tmp_path / "sync_texture.zip"
    said = call("--command", "extension", "build", "--source-dir", root, "--output-filepath", archive)
    assert archive.is_file(), said
    said = call("--command", "extension", "install-file", "-r", "user_default", "-e", archive)
    said = call("--python", SCRIPT)
    answer = next((json.loads(line) for line in said.splitlines() if line.startswith('{"failed"')), None)
    assert answer, said[-4000:]
    assert answer["failed"] == [], said[-4000:]
    assert answer["held_ms"]["draw"] < 10, "drawing Preferences holds Blender's main thread"
