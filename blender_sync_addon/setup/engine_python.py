"""Which Python runs the engine, and with which command.

The environment variable SYNC_TEXTURE_PYTHON wins over the preferences: a render farm or a test says once
for a whole process tree what it wants, whatever preferences the machine's user happens to have.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import package
from ..problem import Problem
from . import engine_folder

VARIABLE = "SYNC_TEXTURE_PYTHON"
_CHOOSE = f"Choose it in Preferences > Add-ons > Sync Texture, or set {VARIABLE}."
SET_UP = "Set it up in Preferences > Add-ons > Sync Texture."


def find_python(preference: str, environ: Mapping[str, str], private: Path | None = None) -> str:
    """Path of the Python that has the engine's packages.

    preference: what the preferences say ("" when nothing); ``environ`` may override it. A folder is taken
    for a virtual environment. private: the Python of the private environment, None when there is none; used
    when nothing was chosen. Raises Problem when there is none at all or it can't be run.
    """
    override = environ.get(VARIABLE, "")
    chosen = override or preference or (str(private) if private else "")
    if not chosen:
        raise Problem("The engine is not set up", SET_UP)
    found = _executable(Path(chosen).expanduser())
    if found is None:
        source = f"{VARIABLE} names" if override else "the preferences name"
        raise Problem(f"The engine was not found: {source} '{chosen}', which is no Python to run", _CHOOSE)
    return found


def _executable(path: Path) -> str | None:
    """``path`` made absolute when it can be run; the Python inside when it is a virtual environment."""
    inside = ("bin/python", "Scripts/python.exe", "python.exe")
    candidates = [path / name for name in inside] if path.is_dir() else [path]
    for candidate in candidates:
        if candidate.is_file() and os.access(candidate, os.X_OK):
            # absolute, but not resolved: a virtual environment is known by its link's own place
            return os.path.abspath(candidate)
    if os.sep not in str(path) and (found := shutil.which(str(path))):
        return os.path.abspath(found)
    return None


def chosen_python() -> str:
    """The Python of the preferences, or of the environment made here. Raises Problem when there is none."""
    private = engine_folder.in_use(engine_folder.own())
    return find_python(package.preference("python", ""), os.environ, private)


def command(arguments: Sequence[str]) -> list[str]:
    """The command line that runs the engine with ``arguments``. Raises Problem when there is none.

    While Blender's online access is off, the engine doesn't use the network either.
    """
    offline = [] if package.online_access() else ["--offline"]
    return command_of(chosen_python(), [*offline, *arguments])


def command_of(python: str, arguments: Sequence[str], engine: Path = package.ENGINE) -> list[str]:
    """The command line that runs the engine by ``python``: isolated from the user's own Python settings."""
    return [python, "-I", str(engine), *arguments]
