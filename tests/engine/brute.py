"""Independent judges: a ray caster in plain numpy, and meshes made from numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Made:
    """vertices (V, 3), faces (F, 3), uvs (F, 3, 2) float32 and int32, as the engine takes them."""

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    uvs: NDArray[np.float32]


def cast(corners: Array, origins: Array, directions: Array) -> tuple[NDArray[np.int64], Array, Array]:
    """Moeller and Trumbore, every ray against every triangle, both sides, float64.

    corners (F, 3, 3), origins and directions (n, 3). Returns (face (n,), -1 for a miss; ray parameter (n,),
    inf for a miss; barycentric weights (n, 3)).
    """
    slack = 1e-9  # no ray slips through a shared edge
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac = b - a, c - a
    p = np.cross(directions[:, None], ac[None])
    determinant = (p * ab).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        s = origins[:, None] - a[None]
        u = (s * p).sum(-1) / determinant
        q = np.cross(s, ab[None])
        v = (directions[:, None] * q).sum(-1) / determinant
        t = (q * ac).sum(-1) / determinant
        hit = (u >= -slack) & (v >= -slack) & (u + v <= 1 + slack) & (t > 0) & (np.abs(determinant) > 1e-14)
    t = np.where(hit, t, np.inf)
    face = t.argmin(axis=1)
    rows = np.arange(len(t))
    nearest = t[rows, face]
    some = np.isfinite(nearest)
    u, v = np.where(some, u[rows, face], 0), np.where(some, v[rows, face], 0)
    return np.where(some, face, -1), nearest, np.stack([1 - u - v, u, v], axis=1)


def own_charts(faces: int, size: int = 1) -> NDArray[np.float32]:
    """(F, 3, 2): every face a chart of its own, right triangles in a square grid with gaps between them."""
    side = int(np.ceil(np.sqrt(faces)))
    cell = np.stack(np.divmod(np.arange(faces), side), axis=1)[:, None, ::-1] / side
    corner = np.array([[0.1, 0.1], [0.8, 0.1], [0.1, 0.8]])[None] / side
    return (cell + corner).astype(np.float32)


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Made:
    """An axis-aligned box, outward normals, 12 faces."""
    a, b = np.array(low), np.array(high)
    corner = np.array([[(i >> k) & 1 for k in range(3)] for i in range(8)])
    quads = [(0, 4, 6, 2), (1, 3, 7, 5), (0, 1, 5, 4), (2, 6, 7, 3), (0, 2, 3, 1), (4, 5, 7, 6)]
    faces = np.array([t for q in quads for t in ((q[0], q[1], q[2]), (q[0], q[2], q[3]))], np.int32)
    return Made((a + corner * (b - a)).astype(np.float32), faces, own_charts(12))


def join(*parts: Made) -> Made:
    """The parts as one mesh, every face with a chart of its own."""
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    faces = np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=False)])
    vertices = np.concatenate([part.vertices for part in parts])
    return Made(vertices, faces.astype(np.int32), own_charts(len(faces)))


def lathe(
    radius: list[float], height: list[float], around: int, uv: tuple[float, float] = (0.02, 0.98)
) -> Made:
    """A surface of revolution about Y through (radius, height) rings, one chart, cut open along one seam."""
    rings, turn = len(radius), np.arange(around + 1)
    angle = 2 * np.pi * (turn % around) / around
    r, y = np.array(radius)[:, None], np.array(height)[:, None]
    points = np.stack([r * np.sin(angle), y + 0 * angle, r * np.cos(angle)], axis=-1).reshape(-1, 3)
    span = uv[1] - uv[0]
    u, v = np.meshgrid(uv[0] + span * turn / around, uv[0] + span * np.arange(rings) / (rings - 1))
    grid = np.stack([u, v], axis=-1).reshape(-1, 2).astype(np.float32)
    index = np.arange(rings * (around + 1)).reshape(rings, around + 1)
    a, b, c, d = (x.reshape(-1) for x in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    area = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    faces = faces[np.linalg.norm(area, axis=1) > 1e-9]
    return Made(points.astype(np.float32), faces, grid[faces])


def sphere(rings: int = 64, around: int = 128) -> Made:
    """The unit sphere as a lathe: one chart."""
    polar = np.linspace(-np.pi / 2, np.pi / 2, rings)
    return lathe(list(np.cos(polar)), list(np.sin(polar)), around)


def torus(large: float = 0.7, small: float = 0.28, rings: int = 24, around: int = 40) -> Made:
    """A torus about Y as a lathe: one chart, concave, hides parts of itself."""
    angle = np.linspace(0, 2 * np.pi, rings)
    return lathe(list(large + small * np.cos(angle)), list(small * np.sin(angle)), around)
