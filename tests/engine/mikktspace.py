"""MikkTSpace after its paper (Mikkelsen, Simulation of Wrinkled Surfaces Revisited, 2008) and reference code,
by numpy alone: the tangents in which Blender and glTF read normal maps. Blender's own are compared with these
by tests/blender/channels_in_blender.py."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def unit(vectors: Floats) -> Floats:
    """``vectors`` (..., 3) of length 1; those of none stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-20)


def tangents(points: Floats, normals: Floats, uvs: Floats) -> tuple[Floats, Floats]:
    """Of the corners of triangles with ``points``, ``normals`` (F, 3, 3) and ``uvs`` (F, 3, 2): unit tangents
    (F, 3, 3), and per face the sign (F,) of the bitangent cross(normal, tangent).

    A face's tangent follows u; a corner's is the average over the faces that share its place, normal and UV
    and are of one handedness, each in the plane of the normal and by the angle that the face has there."""
    edge, flat = points[:, 1:] - points[:, :1], uvs[:, 1:] - uvs[:, :1]
    sign = np.where(np.linalg.det(flat) < 0, -1.0, 1.0)
    along = edge[:, 0] * flat[:, 1, 1, None] - edge[:, 1] * flat[:, 0, 1, None]
    faces = unit(along * sign[:, None])
    own = np.stack([_flattened(faces, normals[:, k]) for k in range(3)], axis=1)
    angle = np.stack([_angle(points, normals, k) for k in range(3)], axis=1)
    key = np.concatenate([points, normals, uvs, np.broadcast_to(sign[:, None, None], (*own.shape[:2], 1))], 2)
    _, group = np.unique(key.reshape(-1, 9).round(6), axis=0, return_inverse=True)
    total = np.zeros((group.max() + 1, 3))
    np.add.at(total, group.reshape(-1), (own * angle[..., None]).reshape(-1, 3))
    return unit(total[group.reshape(-1)]).reshape(own.shape), sign


def _flattened(vectors: Floats, normals: Floats) -> Floats:
    """``vectors`` (n, 3) in the planes of ``normals`` (n, 3), of length 1."""
    return unit(vectors - (vectors * normals).sum(axis=1, keepdims=True) * normals)


def _angle(points: Floats, normals: Floats, corner: int) -> Floats:
    """(F,) of the faces at a ``corner``, seen along its normal."""
    before, after = (points[:, (corner + k) % 3] - points[:, corner] for k in (2, 1))
    cosine = (_flattened(before, normals[:, corner]) * _flattened(after, normals[:, corner])).sum(axis=1)
    return np.asarray(np.arccos(np.clip(cosine, -1, 1)))


def seen(normal: Floats, tangent: Floats, sign: Floats, stored: Floats) -> Floats:
    """(n, 3) the unit normals in space that a map's ``stored`` (n, 3) in [0, 1], green up, means where the
    surface's ``normal`` and ``tangent`` (n, 3) are interpolated, and as shaders do it not made unit again."""
    x, y, z = (stored * 2.0 - 1).T[..., None]
    bitangent = sign[:, None] * np.cross(normal, tangent)
    return unit(x * tangent + y * bitangent + z * normal)
