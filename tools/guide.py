"""`build.py guide`: the pictures of docs/guide.md, made anew in a real Blender window."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from . import blender, environments, package
from .run import ROOT, BuildError, call, say

PICTURES = ROOT / "docs/guide"
MOST_BYTES = 200_000
RUN, SCRIPT = ROOT / "tests/gui/run.py", ROOT / "tests/gui/guide_in_window.py"


def run() -> int:
    """Install the zip into a profile of its own, go through the guide's steps, and keep the pictures if all
    of them went well."""
    found = blender.find()
    if not found:
        raise BuildError("the pictures need a Blender with a window: put blender on PATH, or set BLENDER")
    engine = environments.engine("engine")
    archive = package.build()
    os.environ.pop("SYNC_TEXTURE_PYTHON", None)
    with tempfile.TemporaryDirectory() as profile, tempfile.TemporaryDirectory() as shots:
        env = {
            "BLENDER_USER_RESOURCES": profile,
            "SYNC_TEXTURE_ENGINE": str(engine),
            "SYNC_TEXTURE_SHOTS": shots,
        }
        install = (found, "--command", "extension", "install-file", "-r", "user_default", "-e", archive)
        if status := call([*install], env):
            raise BuildError(f"installing {archive} ended with status {status}")
        if failed := _walk(found, env):
            raise BuildError(f"not all steps went well, so the old pictures stay: {', '.join(failed)}")
        PICTURES.mkdir(exist_ok=True)
        for path in sorted(Path(shots).glob("[0-9]_*.png")):
            shutil.copyfile(path, PICTURES / path.name)
    return _check()


def _walk(executable: Path, env: Mapping[str, str]) -> list[str]:
    """Go through the guide's steps in a window; the names of those that failed."""
    command = [str(executable), "--python", str(RUN), "--", str(SCRIPT)]
    failed = ["Blender's window"]  # until it says how the steps went
    with subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True) as window:
        assert window.stdout
        for line in window.stdout:
            if line.startswith('{"failed"'):
                failed = json.loads(line)["failed"]
            else:
                say(line.rstrip())
    return failed


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
