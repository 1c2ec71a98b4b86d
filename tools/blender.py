"""Finding Blender, and Blender's own extension tool."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from . import environments
from .run import ROOT, BuildError, capture


def find() -> Path | None:
    """The Blender to use: $BLENDER, else one kept beside this checkout for tests, else one on PATH."""
    if named := os.environ.get("BLENDER"):
        found = shutil.which(named)
        if not found:
            raise BuildError(f"BLENDER={named} is not a program: set it to Blender's executable, or unset it")
        return Path(found)
    beside = ROOT.parent / "shared/tools/blender"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("blender")
    return Path(found) if found else None


def extension_tool() -> list[str | Path]:
    """The command that runs Blender's extension tool: add `build`, `validate` ... and their arguments."""
    if blender := find():
        return [blender, "--command", "extension"]
    python = environments.bpy_for_demo()
    if not python:
        raise BuildError(
            "no Blender and no Python for bpy found: put blender on PATH, or set BLENDER to its executable"
        )
    return [python, _tool_of_bpy(python)]


def _tool_of_bpy(python: Path) -> Path:
    """The extension tool that the bpy package of ``python`` carries (a script without bpy)."""
    where = "import importlib.util as u; print(u.find_spec('bpy').origin)"
    origin = capture([python, "-c", where])
    tools = sorted(Path(origin).parent.glob("**/addons_core/bl_pkg/cli/blender_ext.py")) if origin else []
    if not tools:
        raise BuildError(
            f"the bpy package of {python} has no extension tool: delete that folder and try again"
        )
    return tools[0]
