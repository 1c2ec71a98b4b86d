"""What stands beside a mesh: the faces of the same object that views see, and that aren't painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..inputs import named_file
from .raw import Doubles, RawBeside

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Beside:
    """B faces. corners: (B, 3, 3) float32, in the axes, units and from the origin of the mesh that they stand
    beside. uvs: (B, 3, 2) float32 on the picture of each one's look, which goes on beyond the unit square.
    look: (B,) int32, the number of how each looks. colours: (L, 3) float32 in [0, 1], sRGB, of each look;
    pictures: (L,), over the colours, None where there is none."""

    corners: Floats
    uvs: Floats
    look: Ints
    colours: Floats
    pictures: tuple[Path | None, ...]

    @classmethod
    def of(cls, raw: RawBeside, vertices: Doubles, origin: Doubles, owner: Path) -> Beside | None:
        """What the file ``owner`` says of it, whose ``vertices`` (V, 3) are to count from ``origin`` (3,);
        None without faces. Raises UserError for a picture that doesn't lie beside the file."""
        corners = (vertices[raw.faces] - origin).astype(np.float32)
        there = np.isfinite(corners).all(axis=(1, 2))
        if not there.any():
            return None
        uvs = np.nan_to_num(raw.uvs[there], nan=0, posinf=0, neginf=0).astype(np.float32)
        pictures = tuple(named_file(owner, name) if name else None for name in raw.pictures)
        colours = np.nan_to_num(raw.colours).clip(0, 1).astype(np.float32)
        return cls(corners[there], uvs, raw.look[there].astype(np.int32), colours, pictures)


def joined(several: Sequence[Beside | None], moves: Sequence[Doubles]) -> Beside | None:
    """What stands beside ``several`` meshes, each of which was moved; None where nothing does."""
    found: Beside | None = None
    for one, move in zip(several, moves, strict=True):
        if one is not None:
            placed = replace(one, corners=(one.corners + move).astype(np.float32))
            found = placed if found is None else _and(found, placed)
    return found


def _and(one: Beside, other: Beside) -> Beside:
    return Beside(
        np.concatenate([one.corners, other.corners]),
        np.concatenate([one.uvs, other.uvs]),
        np.concatenate([one.look, other.look + len(one.colours)]).astype(np.int32),
        np.concatenate([one.colours, other.colours]),
        (*one.pictures, *other.pictures),
    )
