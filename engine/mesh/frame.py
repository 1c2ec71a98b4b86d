"""The one place for axes, handedness and normalisation. Numpy alone: the add-on reads this file, too.

Engine space is glTF's: right-handed, +Y up, the front of an object faces +Z. Mesh files are read in their own
axes, which for all kinds but the add-on's are taken to be these. A job works on a normalised copy: centred on
the bounding box (the published vertex mean depends on the tessellation) and scaled into the unit sphere,
which a camera at distance 2 with a 60 degree field of view exactly frames.

UVs have their origin at the bottom left, as Blender has them: row 0 of a texture is at v = 1 (see
pictures/pages.py).
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Number = TypeVar("Number", np.float32, np.float64)

UDIM_FIRST, UDIM_COLUMNS = 1001, 10


def from_z_up(points: NDArray[Number]) -> NDArray[Number]:
    """Blender's axes (+Z up, front -Y) to engine axes: (x, y, z) -> (x, z, -y). ``points`` (..., 3)."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def to_gltf_uvs(uvs: Array) -> Array:
    """``uvs`` (n, 2) with glTF's origin, the top left."""
    return np.stack([uvs[:, 0], 1 - uvs[:, 1]], axis=1)


def udim_tile(corner: NDArray[Any]) -> NDArray[Any]:
    """The numbers (...) of UDIM tiles by their lower left corners (..., 2) in the UV plane: ten in a row."""
    found: NDArray[Any] = UDIM_FIRST + corner[..., 0] + UDIM_COLUMNS * corner[..., 1]
    return found


def to_unit_sphere(vertices: Array) -> tuple[Array, Array, float]:
    """Centre ``vertices`` (V, 3) on their bounding box and scale them into the unit sphere.

    Returns (normalised (V, 3) float32, centre (3,), scale) with normalised = (vertices - centre) / scale.
    """
    points = vertices.astype(np.float64)  # a small object far from the origin keeps its digits
    centre = (points.max(axis=0) + points.min(axis=0)) / 2
    points -= centre
    scale = float(np.linalg.norm(points, axis=1).max()) or 1.0
    return (points / scale).astype(np.float32), centre.astype(np.float32), scale


def turned(points: NDArray[Number], front: float) -> NDArray[Number]:
    """``points`` (..., 3), engine axes, turned about +Y so that what faced the azimuth ``front`` faces +Z.

    front: degrees, 0 is +Z, 90 is +X; multiples of 90 are exact."""
    if not front:
        return points
    angle = np.radians(front)
    c, s = (round(float(value), 15) for value in (np.cos(angle), np.sin(angle)))
    x, y, z = np.moveaxis(points, -1, 0)
    found = np.stack([c * x - s * z, y, s * x + c * z], axis=-1)
    return found.astype(points.dtype, copy=False)
