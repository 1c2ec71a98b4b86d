"""Models of the user's own that were given a name: a file that says which folder or checkpoint it means.

It lies where programs keep their settings, so that the command line and Blender know the same names; the
environment variable SYNC_TEXTURE_LINKS names another file.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from .. import disk, inputs
from ..errors import UserError
from . import catalogue

VARIABLE = "SYNC_TEXTURE_LINKS"
MOST_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,39}")


def path() -> Path:
    """The file; it needn't exist."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or home / "AppData/Roaming")
    elif sys.platform == "darwin":
        base = home / "Library/Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return base / "sync_texture" / "models.json"


def read() -> dict[str, str]:
    """{name: path of a folder or .safetensors file}; empty when there are none. Raises UserError."""
    if not os.path.lexists(path()):
        return {}
    again = "delete it, and link your models again"
    try:
        listed = inputs.read_json(path(), MOST_BYTES)
    except UserError as error:
        raise UserError(f"the list of linked models can't be used: {error}", again) from error
    if not isinstance(listed, dict):
        raise UserError(f"{path()} lists no models", again)
    return {name: str(place) for name, place in listed.items()}


def resolve(name: str) -> str:
    """The path that ``name`` was given to, or for TREE/FOLDER/NAME a file of the folder that TREE was given
    to; any other name as it is."""
    if catalogue.known(name):
        return name
    listed = read()
    tree, _, rest = name.partition("/")
    if name not in listed and rest and tree in listed:
        file = Path(listed[tree]) / f"{rest}.safetensors"
        return str(file) if file.is_file() else name
    return listed.get(name, name)


def add(name: str, place: Path) -> None:
    """Give ``name`` to ``place``, a model that was looked at before. Raises UserError."""
    if (entry := catalogue.known(name)) or not _NAME.fullmatch(name):
        taken = "is taken" if entry else "isn't a name"
        raise UserError(f"{name!r} {taken}", "choose another: letters, digits, dots, dashes")
    _write({**read(), name: str(place.expanduser().resolve())})


def spelled(text: str) -> str:
    """``text`` as a name may be."""
    return re.sub(r"[^\w.-]", "-", text, flags=re.ASCII).lstrip("_.-")[:40] or "models"


def remove(name: str) -> None:
    """Forget ``name``; its files stay. Raises UserError when there is no such name."""
    listed = read()
    if name not in listed:
        raise UserError(f"no model is linked as {name!r}", "models list shows the known ones")
    del listed[name]
    _write(listed)


def _write(listed: dict[str, str]) -> None:
    file = path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.{os.getpid()}.new")
        new.write_text(json.dumps(listed, indent=1, sort_keys=True), encoding="utf-8")
        new.replace(file)  # whole or not at all
    except OSError as error:
        if full := disk.failure(error, file.parent):
            raise full from error
        raise UserError(f"{file} can't be written: {error}", f"set {VARIABLE} to another file") from error
