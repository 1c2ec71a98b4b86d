"""Which files a job reads, and stamps of them, by which a later run sees that one has changed.

A stamp is a file's size and time. What a file names in turn is looked for without a library of its format,
in so many bytes and files at most: a stamp too few costs a job that isn't done anew, no more than that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import UserError
from ..inputs import MOST_JSON, PIECE, named_file, open_input, read_json
from ..models import files, loras, sources
from ..models.catalogue import BY_NAME
from ..options import areas, controls, job_fields
from ..options.weighted import LORA, REFERENCE
from ..outputs import pictures_of

Stamp: TypeAlias = list[int] | None
MOST_NAMED = 500  # files that one file names, directly or by way of others
MOST_HEAD = 1 << 16  # bytes of an .obj or .usda: they name others first
MOST_BLEND = 1 << 32  # bytes of a .blend that are looked at
_LONGEST = 1024  # bytes of a path, as Blender has them
_LIBRARY = re.compile(rb"((?:/|[A-Za-z]:[\\/])[^\x00]{1,1023}?\.(?:blend|abc|usd[acz]?))\x00", re.IGNORECASE)
_MTLLIB = re.compile(rb"^[ \t]*mtllib[ \t]+([^\r\n]+?)[ \t]*\r?$", re.MULTILINE)
_LAYER = re.compile(rb"@([^@\n]{1,1000})@")


class Stamps:
    """Of the jobs of one file, whose meshes and models are often the same: each is looked at once."""

    def __init__(self) -> None:
        self._below: dict[str, list[Stamp]] = {}

    def of_job(self, fields: Mapping[str, Any], folder: Path) -> list[Stamp]:
        """Of all that the job with these ``fields`` reads, whose paths count from ``folder``. Raises
        UserError where a file that the job itself names isn't there."""
        found: list[Stamp] = []
        named: list[Stamp] = []
        for mesh in filter(None, (fields.get("mesh"), *fields.get("other_meshes", ()))):
            path = str(folder / mesh)
            found.append(_required(path))
            named += self._named(path)
        masks = areas.masks(fields.get("region", ()), fields.get("repaint", ()))
        for file in filter(None, (*map(fields.get, job_fields.FILES), *masks)):
            path = str(folder / file)
            found += [_required(one) for one in pictures_of(path) or [path]]
        for text in fields.get("lora", ()):
            if file := loras.file_of(LORA.beside(text, folder)):
                found.append(_required(str(file)))
        for text in fields.get("reference", ()):
            found.append(_required(REFERENCE.file(REFERENCE.beside(text, folder))))
        names = (str(fields.get(name) or "") for name in ("model", "ip_adapter"))
        others = (*fields.get("estimator", ()), *_control_sources(fields.get("controls", ())))
        for source in (*names, *others):
            named += self._of_model(source)
        return found + named

    def _named(self, mesh: str) -> list[Stamp]:
        """Of what the file ``mesh`` names."""
        if mesh not in self._below:
            self._below[mesh] = [_stamp(path) for path in _all_named(Path(mesh))]
        return self._below[mesh]

    def _of_model(self, name: str) -> list[Stamp]:
        """Of the files of a model of the user's own; those of the catalogue and the hub don't change."""
        if name not in self._below:
            self._below[name] = [_stamp(path) for path in _model_files(name)]
        return self._below[name]


def _required(path: str) -> Stamp:
    try:
        return _sized(os.stat(path))
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise UserError(f"there is no file {path!r} ({why})", "check the path's spelling") from None


def _stamp(path: Path) -> Stamp:
    """None where there is none."""
    try:
        return _sized(os.stat(path))
    except (OSError, ValueError):
        return None


def _sized(found: os.stat_result) -> Stamp:
    return [found.st_size, found.st_mtime_ns]


def _all_named(mesh: Path) -> list[Path]:
    """The files that ``mesh`` names, and those that they name, each once, MOST_NAMED at most."""
    seen: dict[Path, None] = {}
    waiting = [mesh]
    while waiting and len(seen) < MOST_NAMED:
        for path in _names(waiting.pop()):
            if path != mesh and path not in seen and len(seen) < MOST_NAMED:
                seen[path] = None
                waiting.append(path)
    return sorted(seen)


def _names(path: Path) -> list[Path]:
    """The files that ``path`` itself names; none where it can't be read, which its job will say."""
    named = _KINDS.get(path.suffix.lower())
    try:
        return list(named(path)) if named else []
    except (UserError, OSError, ValueError):
        return []


def _of_gltf(path: Path) -> Iterator[Path]:
    """Buffers and pictures."""
    header = read_json(path, MOST_JSON)
    for kind in ("buffers", "images"):
        listed = header.get(kind) if isinstance(header, dict) else None
        for one in listed[:MOST_NAMED] if isinstance(listed, list) else ():
            uri = one.get("uri") if isinstance(one, dict) else None
            if isinstance(uri, str) and not uri.startswith("data:"):
                yield from _inside(path, uri)


def _of_obj(path: Path) -> Iterator[Path]:
    """Libraries of materials."""
    for name in _MTLLIB.findall(_head(path)):
        yield from _inside(path, name.decode("utf-8", "surrogateescape"))


def _of_usda(path: Path) -> Iterator[Path]:
    """Layers."""
    for name in _LAYER.findall(_head(path)):
        yield path.parent / name.decode("utf-8", "surrogateescape")


def _inside(owner: Path, reference: str) -> Iterator[Path]:
    """The file, where it is one that ``owner`` may name at all."""
    try:
        yield named_file(owner, reference)
    except UserError:
        return


def _of_blend(path: Path) -> Iterator[Path]:
    """Libraries that it links, and caches; not its pictures, which may be results. Of a compressed one none
    are found."""
    seen = b""
    for piece in _pieces(path):
        seen = seen[-_LONGEST:] + piece
        for name in _LIBRARY.findall(seen):
            text = name.decode("utf-8", "surrogateescape").replace("\\", "/")
            yield path.parent / text[2:] if text.startswith("//") else Path(text)


def _head(path: Path) -> bytes:
    file, _ = open_input(path)
    with file:
        return file.read(MOST_HEAD)


def _pieces(path: Path) -> Iterator[bytes]:
    file, _ = open_input(path)
    with file:
        for _ in range(MOST_BLEND // PIECE):
            if not (piece := file.read(PIECE)):
                return
            yield piece


_KINDS: Mapping[str, Callable[[Path], Iterable[Path]]] = {
    ".gltf": _of_gltf,
    ".obj": _of_obj,
    ".usda": _of_usda,
    ".blend": _of_blend,
}


def _control_sources(said: Iterable[str]) -> list[str]:
    """The ControlNets that the texts of a job's ``controls`` name."""
    try:
        return [one.source for one in controls.read_all(tuple(said))]
    except UserError:
        return []  # the job's line is refused for it


def _model_files(name: str) -> list[Path]:
    """Those of the model ``name`` and of its ControlNet that lie in a folder or file of the user's own."""
    found: set[Path] = set()
    try:
        for part in sources.split(name):
            place = files.local(part)
            if part not in ("", *BY_NAME) and place.exists():
                found |= {place} if place.is_file() else _in_folder(place)
    except (UserError, OSError, ValueError):
        return []  # the engine will say what is wrong with it
    return sorted(found)[:MOST_NAMED]


def _in_folder(folder: Path) -> set[Path]:
    """What a model is made of lies no deeper than in the folders of its parts."""
    return {path for pattern in ("*", "*/*") for path in folder.glob(pattern) if path.is_file()}
