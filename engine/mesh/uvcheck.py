"""Can the UVs a mesh came with carry a texture? Each texel must belong to one place on the surface."""

from __future__ import annotations

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

Floats = NDArray[np.float32]

OUTSIDE = 1e-4  # UVs may leave [0, 1] by this much: rounding
SHARE = 0.01  # of the surface or of the covered texture that may be unusable before we unwrap anew
_SAMPLES = 512  # a side; overlap is measured to about 0.1 %
_SHIFT = (0.37, 0.59)  # of a sample's cell: keeps samples off edges and diagonals of regular layouts


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
    if out := int(outside(uvs).sum()):
        return f"leave the square from 0 to 1 in {out:,} of {len(uvs):,} faces"
    overlap = overlapping_share(uvs)
    return f"overlap in {overlap:.0%} of their area" if overlap > SHARE else None


def outside(uvs: Floats) -> NDArray[np.bool_]:
    """(F,) which faces have a corner outside [0, 1] by more than OUTSIDE."""
    return np.asarray(((uvs < -OUTSIDE) | (uvs > 1 + OUTSIDE)).any(axis=(1, 2)))


def share_without_area(vertices: Floats, faces: NDArray[np.int32], uvs: Floats) -> float:
    """Share of the surface's area whose triangles have (almost) no area in ``uvs``."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    painted = np.abs(uv_areas(uvs))
    mean = painted.sum() / max(area.sum(), 1e-300)  # UV area per surface area, on the whole
    return float(area[painted <= 1e-6 * mean * area].sum() / max(area.sum(), 1e-300))


def uv_areas(uvs: Floats) -> NDArray[np.float64]:
    """(F,) signed areas of the triangles in ``uvs``, positive when anticlockwise."""
    a, b, c = (uvs[:, i].astype(np.float64) for i in range(3))
    first, second = b - a, c - a
    return np.asarray((first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2)


def overlapping_share(uvs: Floats) -> float:
    """Share, 0 to 1, of the triangles' summed UV area that lies on other triangles: 1 - union / sum.

    The union is sampled with rays on a grid over the UVs' bounding box, so small layouts count too.
    """
    low, high = uvs.min(axis=(0, 1)), uvs.max(axis=(0, 1))
    unit = ((uvs - low) / np.maximum(high - low, 1e-12)).astype(np.float32)
    total = float(np.abs(uv_areas(unit)).sum())
    if total <= 0:
        return 1.0
    return max(0.0, 1 - float((_first_hits(unit) >= 0).mean()) / total)


def _first_hits(unit: Floats) -> NDArray[np.int32]:
    """(_SAMPLES^2,) a triangle of ``unit`` (F, 3, 2) in [0, 1] at each sample, or -1."""
    flat = np.zeros((len(unit), 3, 3), np.float32)
    flat[..., :2] = unit
    scene = EmbreeScene()
    TriangleMesh(scene, flat)
    steps = np.arange(_SAMPLES, dtype=np.float32)
    x, y = np.meshgrid((steps + _SHIFT[0]) / _SAMPLES, (steps + _SHIFT[1]) / _SAMPLES)
    origins = np.stack([x, y, np.ones_like(x)], axis=-1).reshape(-1, 3).astype(np.float32)
    down = np.zeros_like(origins)
    down[:, 2] = -1
    return np.asarray(scene.run(origins, down), np.int32)
