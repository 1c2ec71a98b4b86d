"""Cuts a large mesh into connected patches that face one way, which xatlas unwraps in linear time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


def patches(points: Floats, faces: Ints) -> Ints:
    """(F,) int32 patch of each face: connected over edges, same dominant axis of the normal."""
    side = _sides(points, faces)
    first, second = neighbours(faces, len(points))
    same = side[first] == side[second]
    pairs = (first[same], second[same])
    graph = coo_matrix((np.ones(len(pairs[0]), bool), pairs), shape=(len(faces), len(faces)))
    return np.asarray(connected_components(graph, directed=False)[1], np.int32)


def neighbours(faces: Ints, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of faces that share an edge, as two arrays; of more than two along an edge, consecutive ones."""
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64), axis=1)
    key = edges[:, 0] * count + edges[:, 1]
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order][1:] == key[order][:-1])
    return order[same] // 3, order[same + 1] // 3


def _sides(points: Floats, faces: Ints) -> NDArray[np.int64]:
    """(F,) 0 to 5: the axis, and its sign, that each face's normal is closest to."""
    a, b, c = (points[faces[:, i]].astype(np.float64) for i in range(3))
    normal = np.cross(b - a, c - a)
    axis = np.abs(normal).argmax(axis=1)
    return axis * 2 + (np.take_along_axis(normal, axis[:, None], axis=1)[:, 0] > 0)
