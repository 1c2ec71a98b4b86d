"""What every UV layout must be, checked triangle by triangle with nothing of the engine's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.mesh.mesh import Mesh

Floats = NDArray[np.float32]


def crossings(uvs: Floats, size: int = 400) -> int:
    """Texel centres of a picture with ``size`` texels a side that lie clearly inside several triangles."""
    return int((_cover(uvs, size) > 1).sum())


def covered(uvs: Floats, size: int = 400) -> int:
    """Texel centres that lie clearly inside a triangle."""
    return int((_cover(uvs, size) > 0).sum())


def _cover(uvs: Floats, size: int) -> NDArray[np.int32]:
    """(size, size) how many triangles cover each texel centre."""
    count = np.zeros((size, size), np.int32)
    for corners in uvs.astype(np.float64) * size - 0.5:
        low = np.maximum(np.ceil(corners.min(axis=0)).astype(int), 0)
        high = np.minimum(np.floor(corners.max(axis=0)).astype(int), size - 1)
        if (high < low).any():
            continue
        x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
        a, b, c = corners
        whole = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if abs(whole) < 1e-9:
            continue
        second = ((x - a[0]) * (c[1] - a[1]) - (y - a[1]) * (c[0] - a[0])) / whole
        third = ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / whole
        inside = (second > 1e-3) & (third > 1e-3) & (1 - second - third > 1e-3)
        count[y[inside], x[inside]] += 1
    return count


def uv_areas(uvs: Floats) -> NDArray[np.float64]:
    a, b, c = (uvs[:, i].astype(np.float64) for i in range(3))
    return np.abs(np.cross(np.pad(b - a, ((0, 0), (0, 1))), np.pad(c - a, ((0, 0), (0, 1))))[:, 2]) / 2


def areas(mesh: Mesh) -> NDArray[np.float64]:
    a, b, c = (mesh.vertices[mesh.faces[:, i]].astype(np.float64) for i in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def require_one_uv_per_loop(mesh: Mesh) -> None:
    """Triangles of one polygon agree on the UV of a vertex they share."""
    assert mesh.uvs is not None
    polygons = np.arange(len(mesh.faces)) if mesh.polygons is None else mesh.polygons
    seen: dict[tuple[int, int], tuple[float, float]] = {}
    for polygon, face, uvs in zip(polygons.tolist(), mesh.faces.tolist(), mesh.uvs.tolist(), strict=True):
        for vertex, uv in zip(face, uvs, strict=True):
            assert seen.setdefault((polygon, vertex), tuple(uv)) == tuple(uv)


def require_valid(mesh: Mesh, allowed_crossings: int = 0) -> None:
    """UVs finite, in [0, 1], one for each polygon's vertex, none on another."""
    assert mesh.uvs is not None
    assert mesh.uvs.shape == (len(mesh.faces), 3, 2)
    assert mesh.uvs.dtype == np.float32
    assert np.isfinite(mesh.uvs).all()
    assert mesh.uvs.min() >= 0
    assert mesh.uvs.max() <= 1
    require_one_uv_per_loop(mesh)
    assert crossings(mesh.uvs) <= allowed_crossings
