"""Charts for dense meshes, where xatlas is slow (its cost grows faster than the number of faces) or fails (it
takes a finely divided sphere for a plane): connected polygons that face one way, seen from that way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from . import flatten, overlap

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Indices = NDArray[np.int64]
Pairs = tuple[Indices, Indices]

_SMOOTHING = 16  # rounds of averaging normals with the neighbours': straight borders, few islands
_STEEP = 0.35  # cosine between normal and viewing direction below which a polygon isn't seen from there
_ROUNDS = 40  # of halving charts that lie on themselves; single polygons are left long before


def planar_charts(
    points: Floats, faces: Ints, polygons: Indices, check: Callable[[], None]
) -> tuple[Floats, Indices]:
    """UVs (F, 3, 2) float32 in the units of ``points``, charts lying on one another, and charts (F,) from 0.

    points (V, 3), one vertex per position; faces (F, 3); polygons (F,) 0 to n - 1. No polygon is divided.
    Those that can't be seen from one of the six sides, and repeated faces, become charts of their own.
    ``check`` is called between steps, about every second per million faces.
    """
    direction, alone = _sides(points, faces, polygons)
    alone[polygons[_repeated(faces)]] = True
    check()
    uvs = _seen(points, faces, direction[polygons])
    _lay_flat(uvs, points, faces, polygons, alone)
    check()
    pairs = _polygon_pairs(faces, polygons, len(points))
    charts = _components(np.where(alone, 6 + np.arange(len(alone)), direction), pairs)
    changed = ~alone
    for _ in range(_ROUNDS):
        check()
        rows = np.flatnonzero(changed[polygons])
        doubled = overlap.overlapping_charts(uvs[rows], charts[polygons[rows]], check)
        crowded = np.setdiff1d(doubled, charts[alone])
        if not len(crowded):
            break
        changed = np.isin(charts, crowded)
        single = np.isin(charts, crowded[np.bincount(charts)[crowded] == 1])
        _lay_flat(uvs, points, faces, polygons, single)
        alone |= single
        charts = _components(_halved(points, faces, polygons, charts, crowded), pairs)
    return uvs, charts[polygons]


def _lay_flat(uvs: Floats, points: Floats, faces: Ints, polygons: Indices, which: NDArray[np.bool_]) -> None:
    """Write UVs of their own into ``uvs`` (F, 3, 2) for the polygons ``which`` (n,)."""
    rows = np.flatnonzero(which[polygons])
    uvs[rows] = flatten.flatten(points, faces[rows], np.unique(polygons[rows], return_inverse=True)[1])


def neighbours(faces: Ints, count: int) -> Pairs:
    """Pairs of faces that share an edge and run along it in opposite directions, as two arrays; of more than
    two along an edge, consecutive ones. ``count``: number of vertices. Two faces that face one way and run
    along their edge in the same direction would lie on one another."""
    ends = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    key, forward = ends.min(axis=1) * count + ends.max(axis=1), ends[:, 0] < ends[:, 1]
    order = np.argsort(key, kind="stable")
    key, forward = key[order], forward[order]
    same = np.flatnonzero((key[1:] == key[:-1]) & (forward[1:] != forward[:-1]))
    return np.asarray(order[same] // 3), np.asarray(order[same + 1] // 3)


def _polygon_pairs(faces: Ints, polygons: Indices, count: int) -> Pairs:
    """Pairs of different polygons that share an edge."""
    first, second = (polygons[faces_] for faces_ in neighbours(faces, count))
    differ = first != second
    return first[differ], second[differ]


def _sides(points: Floats, faces: Ints, polygons: Indices) -> tuple[Indices, NDArray[np.bool_]]:
    """For each polygon the side it is seen from, 0 to 5 (axis x 2, + 1 for its positive end), and whether
    some triangle of it can't be seen from there."""
    own = _unit(flatten.normals(points, faces, polygons))
    smooth = _smoothed(own, _polygon_pairs(faces, polygons, len(points)))
    side = _dominant(smooth)
    steep = _towards(own, side) < _STEEP
    side[steep] = _dominant(own)[steep]
    seen = _towards(flatten.normals(points, faces, np.arange(len(faces))), side[polygons]) / 2
    alone = np.zeros(len(own), bool)
    alone[polygons[flatten.hidden(points, faces, polygons, seen)]] = True
    return side, alone


def _smoothed(normals: NDArray[np.float64], pairs: Pairs) -> NDArray[np.float64]:
    """``normals`` (n, 3) averaged over ``pairs`` of neighbours, several times."""
    count = len(normals)
    rows, columns = np.concatenate(pairs), np.concatenate(pairs[::-1])
    links = coo_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(count, count)).tocsr()
    for _ in range(_SMOOTHING):
        normals = _unit(normals + links @ normals)
    return normals


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """``vectors`` (n, 3) at length 1; those without length stay zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-300))


def _dominant(normals: NDArray[np.float64]) -> Indices:
    """(n,) the side, 0 to 5, that each normal is closest to."""
    axis = np.abs(normals).argmax(axis=1)
    return np.asarray(axis * 2 + (np.take_along_axis(normals, axis[:, None], axis=1)[:, 0] > 0))


def _towards(vectors: NDArray[np.float64], side: Indices) -> NDArray[np.float64]:
    """(n,) how far each of ``vectors`` (n, 3) points to its ``side``."""
    along = np.take_along_axis(vectors, (side // 2)[:, None], axis=1)[:, 0]
    return np.asarray(np.where(side % 2 == 1, along, -along))


def _seen(points: Floats, faces: Ints, side: Indices) -> Floats:
    """(F, 3, 2) the faces seen from their ``side``, not mirrored."""
    right, up = (side // 2 + 1) % 3, (side // 2 + 2) % 3
    corners = points[faces]
    u = np.take_along_axis(corners, right[:, None, None].repeat(3, axis=1), axis=2)
    v = np.take_along_axis(corners, up[:, None, None].repeat(3, axis=1), axis=2)
    u[side % 2 == 0] *= -1
    return np.concatenate([u, v], axis=2).astype(np.float32)


def _repeated(faces: Ints) -> NDArray[np.bool_]:
    """(F,) faces whose three vertices an earlier face has too."""
    _, first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    repeated = np.ones(len(faces), bool)
    repeated[first] = False
    return repeated


def _components(label: Indices, pairs: Pairs) -> Indices:
    """(n,) numbers from 0 of the connected groups with one ``label``."""
    same = label[pairs[0]] == label[pairs[1]]
    links = (pairs[0][same], pairs[1][same])
    graph = coo_matrix((np.ones(len(links[0]), bool), links), shape=(len(label), len(label)))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _halved(points: Floats, faces: Ints, polygons: Indices, charts: Indices, crowded: Indices) -> Indices:
    """A label per polygon that halves the ``crowded`` charts across their longest extent in space."""
    centres = np.zeros((len(charts), 3))
    centres[polygons] = points[faces].mean(axis=1)  # any triangle's will do
    label = charts * 2
    order = np.argsort(charts, kind="stable")
    starts = np.searchsorted(charts[order], np.arange(charts.max(initial=-1) + 2))
    for chart in crowded:
        members = order[starts[chart] : starts[chart + 1]]
        axis = np.ptp(centres[members], axis=0).argmax()
        label[members[np.argsort(centres[members, axis], kind="stable")[: len(members) // 2]]] += 1
    return label
