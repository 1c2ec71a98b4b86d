"""Smooth normals, as programs shade a mesh: averaged over the faces around a corner, not across creases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .edges import Edges, shared_edges

Floats = NDArray[np.float32]

CREASE = 30.0  # degrees between two faces from which on their edge stays sharp: Blender's Shade Auto Smooth


def corner_normals(corners: Floats, normals: Floats, crease: float = CREASE) -> Floats:
    """(F, 3, 3) float32 unit normals of each face's ``corners`` (F, 3, 3), normalised.

    A corner has the mean of the faces' ``normals`` (F, 3) around it that can be reached without crossing an
    edge of ``crease`` degrees, each by its angle there (Thürmer and Wüthrich, 1998).
    """
    edges = shared_edges(corners)
    group = _groups(edges, _is_smooth(edges, normals, crease), len(corners))
    weighted = (_angles(corners)[..., None] * normals[:, None]).reshape(-1, 3)
    total = np.stack([np.bincount(group, column) for column in weighted.T], axis=1)[group]
    length = np.linalg.norm(total, axis=1, keepdims=True)
    flat = np.repeat(normals, 3, axis=0)  # of corners without an angle
    unit = np.divide(total, length, out=flat.astype(np.float64), where=length > 1e-6)
    return np.asarray(unit.reshape(corners.shape), np.float32)


def _is_smooth(edges: Edges, normals: Floats, crease: float) -> NDArray[np.bool_]:
    """(m,) which of the ``edges`` have less than ``crease`` degrees between their faces. Faces wound against
    each other count as sharp: which side is out can't be told."""
    between = np.einsum("mk,mk->m", normals[edges.face[:, 0]], normals[edges.face[:, 1]])
    return np.asarray(between > np.cos(np.radians(crease)))


def _groups(edges: Edges, smooth: NDArray[np.bool_], count: int) -> NDArray[np.int32]:
    """(3 F,) a number for each corner of ``count`` faces: the same where ``smooth`` edges join them."""
    chosen = edges.pick(smooth)
    ends = [3 * chosen.face.astype(np.int64) + corner for corner in (chosen.start, chosen.end)]
    one, other = np.concatenate(ends).T
    graph = coo_matrix((np.ones(len(one), bool), (one, other)), shape=(3 * count, 3 * count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int32)


def _angles(corners: Floats) -> NDArray[np.float64]:
    """(F, 3) radians: the angle of each face at each of its corners, 0 where an edge has no length."""
    points = corners.astype(np.float64)
    onward = np.roll(points, -1, axis=1) - points
    back = np.roll(points, 1, axis=1) - points
    cross = np.linalg.norm(np.cross(onward, back), axis=2)
    return np.asarray(np.arctan2(cross, np.einsum("fck,fck->fc", onward, back)))
