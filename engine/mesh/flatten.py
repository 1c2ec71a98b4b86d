"""Single polygons laid flat, each as a chart of its own: one UV per vertex, whatever the polygon is like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import overlap

_STEEP = 0.05  # share of a face's area that must be seen
_SLIVER = 1e-3  # share of its polygon's area below which it doesn't matter how much of a face is seen
_SHARES = (0.25, 0.5, 0.75, 1.0)  # of the way to the circle

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Indices = NDArray[np.int64]


def normals(points: Floats, faces: Ints, polygons: Indices) -> NDArray[np.float64]:
    """(n, 3) the polygons' normals, twice the area long; polygons (F,): 0 to n - 1, that of each face."""
    a, b, c = (points[faces[:, i]].astype(np.float64) for i in range(3))
    cross = np.cross(b - a, c - a)
    return np.stack([np.bincount(polygons, cross[:, i]) for i in range(3)], axis=1)


def flatten(points: Floats, faces: Ints, polygons: Indices) -> Floats:
    """(F, 3, 2) float32: each polygon on a plane of its own, about as large as it is in space.

    points (V, 3), faces (F, 3), polygons (F,) 0 to n - 1. Corners of one polygon at one vertex get the same
    UV, and no polygon lies on itself as long as its triangles form a disc: where projecting along its
    normal would fold it, it is spread towards a circle.
    """
    uvs = _projected(points, faces, polygons)
    turned = polygons[hidden(points, faces, polygons, overlap.areas(uvs))]
    folded = np.union1d(turned, overlap.overlapping_charts(uvs, polygons))
    order = np.argsort(polygons, kind="stable")
    starts = np.searchsorted(polygons[order], np.arange(polygons.max(initial=-1) + 2))
    for polygon in folded:
        members = order[starts[polygon] : starts[polygon + 1]]
        uvs[members] = _unfolded(faces[members], uvs[members], areas(points, faces[members]))
    return uvs


def hidden(points: Floats, faces: Ints, polygons: Indices, seen: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(F,) faces of which almost nothing is ``seen`` (F,), the signed area in some projection. Slivers of
    their polygon, as between points on a line, don't count."""
    area = areas(points, faces)
    whole = np.bincount(polygons, area)[polygons]
    return np.asarray((seen < _STEEP * area) & (area > _SLIVER * whole))


def areas(points: Floats, faces: Ints) -> NDArray[np.float64]:
    """(F,) the triangles' areas in space."""
    return np.asarray(np.linalg.norm(normals(points, faces, np.arange(len(faces))), axis=1) / 2)


def _projected(points: Floats, faces: Ints, polygons: Indices) -> Floats:
    """(F, 3, 2) each polygon seen along its normal."""
    normal = normals(points, faces, polygons)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    normal = np.where(length > 0, normal / np.maximum(length, 1e-300), (0.0, 0.0, 1.0))
    side = np.eye(3)[np.abs(normal).argmin(axis=1)]
    right = np.cross(side, normal)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    up = np.cross(normal, right)
    corners = points[faces].astype(np.float64)
    return np.stack(
        [np.einsum("fki,fi->fk", corners, axis[polygons]) for axis in (right, up)], axis=2
    ).astype(np.float32)


def _unfolded(faces: Ints, uvs: Floats, area: NDArray[np.float64]) -> Floats:
    """(n, 3, 2) the triangles of one polygon moved from ``uvs`` as far as needed towards a circle on which
    its vertices lie in the order of its outline: there any triangulation of a polygon is free of overlaps."""
    places = np.zeros(int(faces.max()) + 1, np.complex128)
    places[faces] = uvs[..., 0] + 1j * uvs[..., 1]
    outline = _outline(faces)
    flat = places[outline] - places[outline].mean()
    circle = np.exp(2j * np.pi * np.arange(len(outline)) / len(outline)) * np.sqrt(area.sum() / np.pi)
    turn = (flat * circle.conj()).sum()
    circle *= turn / abs(turn) if abs(turn) > 0 else 1.0
    for share in _SHARES:
        places[outline] = (1 - share) * flat + share * circle
        moved = np.stack([places[faces].real, places[faces].imag], axis=2).astype(np.float32)
        none = np.zeros(len(faces), np.int64)
        if (overlap.areas(moved) > _STEEP * area).all() and not len(overlap.overlapping_charts(moved, none)):
            break
    total = float(np.abs(overlap.areas(moved)).sum())
    return moved * np.float32(np.sqrt(area.sum() / total)) if total > 0 else moved


def _outline(faces: Ints) -> Indices:
    """The vertices of ``faces`` (n, 3) once each: along the outline where there is one, else in any order."""
    edges = [(int(f[i]), int(f[(i + 1) % 3])) for f in faces for i in range(3)]
    inner = set(edges)
    follow = {a: b for a, b in edges if (b, a) not in inner}
    vertices = np.unique(faces)
    loop = [next(iter(follow), int(vertices[0]))]
    while (after := follow.get(loop[-1])) is not None and after != loop[0] and len(loop) < len(vertices):
        loop.append(after)
    return np.array(loop) if len(set(loop)) == len(vertices) else vertices.astype(np.int64)
