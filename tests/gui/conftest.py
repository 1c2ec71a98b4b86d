"""Fixtures of tests in a real Blender window."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import package

FOLDER = Path(__file__).parent


@pytest.fixture
def call(blender, tmp_path) -> Callable[..., str]:
    """call(*words, seconds=...): run the real Blender (BLENDER) with a profile of its own; what it said."""
    env = {
        **{k: v for k, v in os.environ.items() if k != "SYNC_TEXTURE_PYTHON"},
        "BLENDER_USER_RESOURCES": str(tmp_path / "user"),
        "SYNC_TEXTURE_LINKS": str(tmp_path / "links.json"),
        "SYNC_TEXTURE_TEST_PYTHON": sys.executable,
        "SYNC_TEXTURE_SHOTS": os.environ.get("SYNC_TEXTURE_SHOTS") or str(tmp_path),
    }

    def call(*words: object, seconds: float = 600, **more: str) -> str:
        command = [str(blender), *map(str, words)]
        done = subprocess.run(command, env=env | more, capture_output=True, text=True, timeout=seconds)
        return done.stdout + done.stderr

    return call


@pytest.fixture
def in_window(call):
    """in_window(script, *options): run a script of this folder in a real Blender window on a virtual screen;
    fails unless all its tests pass. Gives what it told as JSON, and the end of what Blender said."""

    def run(script: str, *options: str, seconds: float = 600, **more: str) -> tuple[dict, str]:
        log = call(*options, "--python", FOLDER / "run.py", "--", FOLDER / script, seconds=seconds, **more)
        told: dict = {}
        for line in log.splitlines():
            if line.startswith("{"):
                told |= json.loads(line)
        assert told.get("failed") == [], log[-8000:]
        return told, log[-8000:]

    return run


@pytest.fixture
def installed(call, root, tmp_path) -> None:
    """The extension, built and installed from its zip into the profile of ``call``."""
    package.fetch_wheels(package.locked_wheels(root), root / "wheels")
    archive = tmp_path / "sync_texture.zip"
    said = call("--command", "extension", "build", "--source-dir", root, "--output-filepath", archive)
    assert archive.is_file(), said
    said = call("--command", "extension", "install-file", "-r", "user_default", "-e", archive)
    assert list((tmp_path / "user").rglob("blender_manifest.toml")), said
