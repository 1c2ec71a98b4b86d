"""Files to arrays, unchecked: opened in one way, read by their kind, and every failure one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import Cancelled, UserError
from ..inputs import read_input
from .formats import gltf, npz, obj, ply, stl
from .raw import Check, Damaged, Raw, never

ENDINGS = (".obj", ".glb", ".gltf", ".ply", ".stl", ".npz")
_FIX_FILE = "export it again from the program it came from, or open and re-export it in Blender"
_COPIES = {
    ".obj": obj.COPIES,
    ".ply": ply.COPIES,
    ".stl": stl.COPIES,
    ".npz": npz.COPIES,
    ".glb": gltf.COPIES,
    ".gltf": gltf.COPIES,
}


def read(path: Path, by: str = "", check: Check = never) -> Raw:
    """What ``path`` holds, its parts told ``by`` "object" or "material", "" for not at all; UserError when it
    isn't there, isn't a mesh or can't be read. ``check`` is called all along and may raise."""
    ending = path.suffix.lower()
    name = title(path)
    if ending not in ENDINGS and not path.is_dir():
        raise UserError(
            f"'{name}' is not a kind of mesh file that can be read",
            f"export the mesh as one of {' '.join(ENDINGS[:-1])}",
        )
    data = read_input(path, check, copies=_COPIES.get(ending, 1.0))
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what isn't finite is reported later
            return _reader(ending)(path, data, by, check)
    except (UserError, Cancelled):
        raise
    except MemoryError as error:
        raise UserError(f"'{name}' does not fit into memory", "use a mesh with fewer faces") from error
    except Exception as error:  # whatever a reader trips over, to a person it is one thing
        raise UserError(
            f"'{name}' can't be read as {ending[1:].upper()}: {_reason(error)}", _FIX_FILE
        ) from error


def title(path: Path) -> str:
    """What messages call the mesh in ``path``: as the file, but the add-on's arrays as their object."""
    return path.stem if path.suffix.lower() == ".npz" else path.name


def _reader(ending: str) -> Callable[[Path, bytes, str, Check], Raw]:
    """What reads files with this ending."""
    if ending in (".glb", ".gltf"):
        return gltf.read
    if ending == ".obj":
        return lambda path, data, by, check: obj.read(data, by, check)
    if ending == ".npz":
        return lambda path, data, by, check: npz.read(data, by, check)
    module = ply if ending == ".ply" else stl
    return lambda path, data, by, check: module.read(data, check)


def _reason(error: BaseException) -> str:
    """The first line of an exception, short enough for one line of a report."""
    text = " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error, Damaged):
        text = f"it is damaged ({text})"
    return text if len(text) <= 160 else text[:157] + "..."
