"""`build.py guide`: the pictures of docs/guide.md, made anew in a real Blender window."""

from __future__ import annotations

import os
import tempfile

from . import blender, environments, package
from .run import ROOT, BuildError, call, say

PICTURES = ROOT / "docs/guide"
MOST_BYTES = 200_000
SCRIPT = ROOT / "tests/gui/guide_in_window.py"


def run() -> int:
    """Install the zip into a profile of its own, go through the guide's steps and keep the pictures."""
    found = blender.find()
    if not found:
        raise BuildError("the pictures need a Blender with a window: put blender on PATH, or set BLENDER")
    engine = environments.engine("engine")
    archive = package.build()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        env = {
            "BLENDER_USER_RESOURCES": profile,
            "SYNC_TEXTURE_ENGINE": str(engine),
            "SYNC_TEXTURE_SHOTS": str(PICTURES),
        }
        install = (found, "--command", "extension", "install-file", "-r", "user_default", "-e", archive)
        if status := call([*install], env):
            raise BuildError(f"installing {archive} ended with status {status}")
        os.environ.pop("SYNC_TEXTURE_PYTHON", None)
        status = call([found, "--python", SCRIPT], env)
    return status or _check()


def _check() -> int:
    """1 when a picture is missing in the guide, or too large for a repository."""
    text = (PICTURES.parent / "guide.md").read_text(encoding="utf-8")
    bad = 0
    for path in sorted(PICTURES.glob("*.png")):
        size = path.stat().st_size
        wrong = "not in the guide" if f"guide/{path.name}" not in text else ""
        wrong = f"{size} bytes" if size > MOST_BYTES else wrong
        say(f"{path.relative_to(ROOT)}: {wrong or 'good'}")
        bad |= bool(wrong)
    return bad
