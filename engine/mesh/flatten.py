"""Single polygons laid flat, each as a chart of its own: one UV per vertex, whatever the polygon is like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import overlap

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
    normal would fold it, it is spread on a circle instead.
    """
    uvs = _projected(points, faces, polygons)
    count = np.bincount(polygons)[polygons]
    area = np.linalg.norm(normals(points, faces, np.arange(len(faces))), axis=1) / 2
    folded = (overlap.areas(uvs) <= 0.02 * area) & (count > 1) & (area > 0)
    stubborn = np.union1d(polygons[folded], overlap.overlapping_charts(uvs, polygons))
    order = np.argsort(polygons, kind="stable")
    starts = np.searchsorted(polygons[order], np.arange(polygons.max(initial=-1) + 2))
    for polygon in stubborn:
        members = order[starts[polygon] : starts[polygon + 1]]
        uvs[members] = _on_circle(faces[members], float(area[members].sum()))
    return uvs


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


def _on_circle(faces: Ints, area: float) -> Floats:
    """(n, 3, 2) the triangles of one polygon with its vertices spread evenly on a circle, in the order of its
    outline: any triangulation of a polygon is free of overlaps there."""
    outline = _outline(faces)
    angle = 2 * np.pi * np.arange(len(outline)) / len(outline)
    place = np.zeros((int(faces.max()) + 1, 2))
    place[outline] = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    uvs = place[faces].astype(np.float32)
    total = float(np.abs(overlap.areas(uvs)).sum())
    return uvs * np.float32(np.sqrt(area / total)) if total > 0 else uvs


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
