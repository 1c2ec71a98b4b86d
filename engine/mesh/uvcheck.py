"""Can the UVs a mesh came with carry a texture? Each texel must belong to one place on the surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import overlap, udim

Floats = NDArray[np.float32]

OUTSIDE = 1e-4  # UVs may leave [0, 1] by this much: rounding
SHARE = 0.01  # of the surface or of the covered texture that may be unusable before we unwrap anew


def problem(vertices: Floats, faces: NDArray[np.int32], uvs: Floats) -> str | None:
    """Why ``uvs`` (F, 3, 2) can't carry a texture, as the end of "the UVs ..."; None when they can.

    vertices (V, 3), faces (F, 3). About 0.05 s, and a second per million faces.
    """
    low, high = float(uvs.min()), float(uvs.max())
    if low == high:
        return "all lie on one point"
    flat = share_without_area(vertices, faces, uvs)
    if flat > SHARE:
        return f"have no area for {flat:.0%} of the surface"
    if (out := int(outside(uvs).sum())) and udim.tiles(uvs) is None:
        return f"leave the square from 0 to 1 in {out:,} of {len(uvs):,} faces"
    doubled = overlap.share(uvs)
    return f"overlap in {doubled:.0%} of what they cover" if doubled > SHARE else None


def outside(uvs: Floats) -> NDArray[np.bool_]:
    """(F,) which faces have a corner outside [0, 1] by more than OUTSIDE."""
    return np.asarray(((uvs < -OUTSIDE) | (uvs > 1 + OUTSIDE)).any(axis=(1, 2)))


def share_without_area(vertices: Floats, faces: NDArray[np.int32], uvs: Floats) -> float:
    """Share of the surface's area whose triangles have (almost) no area in ``uvs``."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    painted = np.abs(overlap.areas(uvs))
    mean = painted.sum() / max(area.sum(), 1e-300)  # UV area per surface area, on the whole
    return float(area[painted <= 1e-6 * mean * area].sum() / max(area.sum(), 1e-300))
