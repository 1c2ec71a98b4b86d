"""What a file says before anything is checked: one soup of vertices, faces and UVs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .areas import Areas

Check = Callable[[], None]
Doubles = NDArray[np.float64]
Indices = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Damaged(Exception):
    """A file that isn't what its kind promises; str() is the reason, the end of "'x.obj' is damaged: ..."."""


def never() -> None:
    """A check that never stops anything."""


@dataclass
class Raw:
    """vertices (V, 3) float64; faces (F, 3) int64, may point outside; uvs (F, 3, 2) float64 or None where no
    face has any; bare (F,) the faces without UVs, zero in ``uvs``, None where all have some; polygons (F,)
    int32 or None; part (F,) int32, the number among ``parts`` of each face's object or material, None where
    all are of one. others: further UV sets, each with what to call it, in case ``uvs`` can't carry a
    texture. areas: what the file calls its faces. beside: what else of the object views see."""

    vertices: Doubles
    faces: Indices
    uvs: Doubles | None = None
    polygons: NDArray[np.int32] | None = None
    warnings: list[str] = field(default_factory=list)
    part: NDArray[np.int32] | None = None
    parts: list[str] = field(default_factory=list)
    bare: Bools | None = None
    others: list[UVSet] = field(default_factory=list)
    areas: Areas = field(default_factory=Areas)
    beside: RawBeside | None = None


@dataclass(frozen=True)
class RawBeside:
    """As beside.Beside, unchecked but for shapes and numbers of looks: faces (B, 3) int64 of the Raw's
    vertices; uvs (B, 3, 2), look (B,), colours (L, 3); pictures (L,): names of files, "" for none."""

    faces: Indices
    uvs: Doubles
    look: Indices
    colours: Doubles
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class UVSet:
    """name: what to call it; uvs (F, 3, 2), float64 in Raw and float32 in a Mesh; bare as there."""

    name: str
    uvs: NDArray[Any]
    bare: Bools | None = None

    def pick(self, faces: NDArray[Any]) -> UVSet:
        """Of ``faces``, by a mask or by number, alone."""
        return UVSet(self.name, self.uvs[faces], None if self.bare is None else self.bare[faces])


def empty(points: bool) -> Raw:
    """No faces; with or without ``points``."""
    return Raw(np.zeros((int(points), 3)), np.zeros((0, 3), np.int64))


def parted(raw: Raw, keys: Sequence[str], piece: Indices) -> None:
    """Say which part each face of ``raw`` is of. keys: "number:name" of the part of each piece, parts in the
    order in which pieces are; piece (F,): the piece that each face is of."""
    found = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    if len(found) > 1:
        raw.part = np.array([found[key] for key in keys], np.int32)[piece]
        raw.parts = [part_name(key) for key in found]


def part_name(key: str) -> str:
    """Of a part by its "number:name"."""
    return key.partition(":")[2]


def bare_parts(bare: int, count: int) -> list[str]:
    """A warning where ``bare`` of ``count`` parts have no UVs, and others have."""
    return [f"{bare} of {count} parts have no UVs"] if 0 < bare < count else []
