"""Splats in .ply files, as 3D Gaussian splatting writes them: read whole, and written with other colours.

A row of ``vertex`` is a splat: x y z, f_dc_0 to 2 and f_rest_* (its colour by spherical harmonics), opacity
(before a sigmoid), scale_0 to 2 (logarithms), rot_0 to 3 (a quaternion, w first, of any length).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..inputs import read_input
from ..mesh.formats import ply_file
from ..mesh.formats.ply_rows import Columns, Element
from ..mesh.raw import Check, Damaged, never
from ..options.splats import COLOUR, DC, NEEDED, OPACITY, REST, ROTATION, SCALE
from .cloud import Splats

Floats = NDArray[np.float32]

COPIES = 10.0  # of a file's bytes are in memory at most while it is read
PLACE = ("x", "y", "z")
LARGEST = 80.0  # a scale's logarithm, either way: beyond, it is a point or all there is
_HOW = "give a .ply of splats as 3D Gaussian splatting or a splat editor writes it, uncompressed"


@dataclass(frozen=True)
class SplatFile:
    """All bytes of the file called ``name``, and the ``splats`` in it. tinted: whether their colours change
    with the direction that they are seen from."""

    name: str
    data: bytes
    splats: Splats
    tinted: bool

    @classmethod
    def read(cls, path: str, check: Check = never) -> SplatFile:
        """The splats in the .ply file ``path``. Raises UserError."""
        name = Path(path).name
        data = read_input(path, check, copies=COPIES)
        try:
            columns = ply_file.read(data, check)
            vertex = _vertex(data, columns)
        except Damaged as error:
            raise UserError(f"'{name}' can't be read as PLY: {error}", _HOW) from error
        if not vertex:
            raise UserError(f"'{name}' has no splats in it: it lists 0", "check that it is the file you mean")
        _require_splats(name, vertex)
        tinted = any(vertex[one].any() for one in vertex if one.startswith(REST))
        return cls(name, data, _splats(name, vertex), tinted)

    def painted(self, colour: Floats, tints: bool = False) -> bytes:
        """The file with ``colour`` (S, 3) in place of its own; nothing else is changed. tints: also what
        changes with the direction stays, else it is 0."""
        order, elements, start = ply_file.header(self.data)
        vertex = next(one for one in elements if one.name == "vertex")
        values = {one: (colour[:, i] - 0.5) / DC for i, one in enumerate(COLOUR)}
        if not tints:
            nothing = np.zeros(len(colour))
            values |= {one.name: nothing for one in vertex.properties if one.name.startswith(REST)}
        before = elements[: elements.index(vertex)]
        if not order:
            skipped = sum(one.count * len(one.properties) for one in before)
            return _with_words(self.data, start, skipped, vertex, values)
        data = bytearray(self.data)
        at = start + sum(one.count * _row(one, order).itemsize for one in before)
        rows = np.frombuffer(data, _row(vertex, order), vertex.count, at)
        for one, found in values.items():
            rows[one] = found
        return bytes(data)


def _row(element: Element, order: str) -> np.dtype[Any]:
    return np.dtype([(one.name, order + one.kind) for one in element.properties])


def _with_words(data: bytes, start: int, skipped: int, vertex: Element, values: dict[str, Any]) -> bytes:
    """A text file with ``values`` by property in the rows after so many ``skipped`` numbers."""
    parts = re.split(rb"(\s+)", data[start:])  # numbers, and what stands between them
    first = 2 * skipped + (0 if parts[0] else 2)
    names = [one.name for one in vertex.properties]
    for name, found in values.items():
        places = range(first + 2 * names.index(name), len(parts), 2 * len(names))
        for place, value in zip(places, found, strict=False):  # others may follow
            parts[place] = b"%.9g" % value
    return data[:start] + b"".join(parts)


def _vertex(data: bytes, columns: Columns | dict[str, Columns]) -> dict[str, NDArray[Any]]:
    """The columns of ``vertex``, {} where there are no rows. Raises Damaged where there are lists among
    them."""
    _, elements, _ = ply_file.header(data)
    for element in elements:
        if any(one.length for one in element.properties):
            raise Damaged(f"'{element.name}' has lists, and splats are numbers alone")
        if element.name == "vertex":
            found: Any = columns.get("vertex", {})
            return dict(found)
    raise Damaged("it lists no 'vertex'")


def _require_splats(name: str, vertex: dict[str, NDArray[Any]]) -> None:
    """Raise UserError where the columns aren't those of splats."""
    if "packed_position" in vertex:
        raise UserError(f"the splats in '{name}' are compressed", _HOW)
    missing = [one for one in (*PLACE, *NEEDED) if one not in vertex]
    if missing and not set(COLOUR) & set(vertex):
        what = f"'{name}' has no splats: its points have no {', '.join(missing[:3])}"
        raise UserError(what, f"{_HOW}; for a mesh use the command texture")
    if missing:
        raise UserError(f"the splats in '{name}' have no {', '.join(missing)}", _HOW)
    whole = [one for one in (*PLACE, *NEEDED) if vertex[one].dtype.kind != "f"]
    if whole:
        raise UserError(f"{', '.join(whole[:3])} of the splats in '{name}' are whole numbers", _HOW)


def _splats(name: str, vertex: dict[str, NDArray[Any]]) -> Splats:
    def together(names: tuple[str, ...]) -> NDArray[np.float64]:
        return np.stack([vertex[one].astype(np.float64) for one in names], axis=1)

    place, scale, rotation = (together(names) for names in (PLACE, SCALE, ROTATION))
    length = np.linalg.norm(rotation, axis=1, keepdims=True)
    strength = vertex[OPACITY].astype(np.float64)
    good = np.isfinite(np.concatenate([place, scale, length], axis=1)).all(axis=1) & (length[:, 0] > 0)
    good &= ~np.isnan(strength)
    if not good.all():
        what = f"{(~good).sum():,} of {len(good):,} splats in '{name}' have a place, a size, a rotation or an"
        raise UserError(f"{what} opacity that is no number", "export it again, or clean it in a splat editor")
    with np.errstate(over="ignore"):
        opacity = (1 / (1 + np.exp(-strength))).astype(np.float32)
    colour = np.nan_to_num(0.5 + DC * together(COLOUR), nan=0.5).astype(np.float32)
    size = np.exp(np.clip(scale, -LARGEST, LARGEST))
    return Splats(place, size, rotation / length, opacity, colour)
