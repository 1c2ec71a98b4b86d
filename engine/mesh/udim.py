"""UVs in UDIM tiles: the squares of the UV plane from (0, 0) on, ten a row, numbered from 1001."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import overlap
from .frame import UDIM_COLUMNS, UDIM_FIRST, udim_tile

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

ROWS = 100  # Blender knows tiles up to 2000
MAX_TILES = 100  # in use
SLACK = 1 / 512  # UVs may leave their tile by this much, and are cut off there: rounding


def tiles(uvs: Floats) -> Ints | None:
    """(F,) the tile that each face of ``uvs`` (F, 3, 2) lies in, 1001 throughout where nothing leaves it.

    None where some face lies in several or where no tile is, and where there are more than MAX_TILES: UVs
    like these are laid out for a picture that repeats.
    """
    if inside(uvs, np.zeros((1, 2))).all():
        return np.full(len(uvs), UDIM_FIRST, np.int32)
    corner = np.floor(uvs.mean(axis=1, dtype=np.float64))
    solid = np.abs(overlap.areas(uvs)) > 0
    own = (
        solid & inside(uvs, corner) & (corner >= 0).all(axis=1) & (corner < (UDIM_COLUMNS, ROWS)).all(axis=1)
    )
    if not own.any() or not own[solid].all():
        return None
    tile = np.full(len(uvs), UDIM_FIRST, np.int32)
    tile[own] = udim_tile(corner[own])
    used = np.unique(tile[own])
    if len(used) > MAX_TILES:
        return None
    flat = np.flatnonzero(~solid)
    if len(flat):  # they may lie right between two tiles, and need none of their own
        centre = uvs[flat].mean(axis=1, dtype=np.float64)
        far = np.stack([np.abs(centre - middle).max(axis=1) for middle in _corner(used) + 0.5])
        tile[flat] = used[far.argmin(axis=0)]
    return tile


def local(uvs: Floats, tile: Ints) -> Floats:
    """``uvs`` (F, 3, 2) as places of their tiles (F,), in [0, 1]."""
    return np.asarray(np.clip(uvs - _corner(tile)[:, None], 0.0, 1.0), np.float32)


def spread(uvs: Floats, tile: Ints) -> Floats:
    """The reverse of :func:`local`."""
    return np.asarray(uvs + _corner(tile)[:, None], np.float32)


def inside(uvs: Floats, corner: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(F,) which faces of ``uvs`` (F, 3, 2) lie in the tile whose lower left ``corner`` (F or 1, 2) is, but
    for SLACK."""
    low = corner[:, None]
    return np.asarray(((uvs >= low - SLACK) & (uvs <= low + 1 + SLACK)).all(axis=(1, 2)))


def _corner(tile: Ints) -> Floats:
    """(n, 2) the lower left corner of each tile (n,)."""
    row, column = np.divmod(tile - UDIM_FIRST, UDIM_COLUMNS)
    return np.stack([column, row], axis=1).astype(np.float32)
