"""The one place for axes, handedness and normalisation. Numpy alone: the add-on reads this file, too.

Engine space is glTF's: right-handed, +Y up, the front of an object faces +Z. Mesh files are read in their own
axes, which for all kinds but the add-on's are taken to be these. A job works on a normalised copy: centred on
the bounding box (the published vertex mean depends on the tessellation) and scaled into the unit sphere,
which a camera at distance 2 with a 60 degree field of view exactly frames. A few stray faces far away don't
count: they would shrink the object to a dot.

UVs have their origin at the bottom left, as Blender has them: row 0 of a texture is at v = 1 (see
pictures/pages.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Number = TypeVar("Number", np.float32, np.float64)

UDIM_FIRST, UDIM_COLUMNS = 1001, 10
FAR = 256.0  # sizes of an object from zero: there float32 tells places 1/65,536 of it apart
STRAY_SHARE = 0.01  # of the surface, at most, that is left out of the frame
STRAY_FACTOR = 8.0  # as much larger, at least, the object then is in it
SPIKE_FACTOR = 32.0  # sizes of the object that a single vertex must lie away to be no part of it
ROOM = 1.15  # of a part's own sphere: what stands beside it is seen all around
NEAREST = 4.0  # times as near, at most, cameras come for a part of an object
_MANY = 1 << 16


def from_z_up(points: NDArray[Number]) -> NDArray[Number]:
    """Blender's axes (+Z up, front -Y) to engine axes: (x, y, z) -> (x, z, -y). ``points`` (..., 3)."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def from_y_down(points: NDArray[Number]) -> NDArray[Number]:
    """Axes of captures (+Y down, +Z ahead) to engine axes: (x, y, z) -> (x, -y, -z). ``points`` (..., 3)."""
    return points * np.array([1, -1, -1], points.dtype)


Axes: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
AXES: dict[str, Axes] = {"y": lambda points: points, "z": from_z_up, "-y": from_y_down}
"""By what is up in a file: its axes (..., 3) to engine axes."""


def to_gltf_uvs(uvs: Array) -> Array:
    """``uvs`` (n, 2) with glTF's origin, the top left."""
    return np.stack([uvs[:, 0], 1 - uvs[:, 1]], axis=1)


def udim_tile(corner: NDArray[Any]) -> NDArray[Any]:
    """The numbers (...) of UDIM tiles by their lower left corners (..., 2) in the UV plane: ten in a row."""
    found: NDArray[Any] = UDIM_FIRST + corner[..., 0] + UDIM_COLUMNS * corner[..., 1]
    return found


def origin_of(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) what to take from ``points`` (V, 3) so that float32 holds their shape: the middle of an object
    that lies farther from zero than FAR times its size, else zero."""
    low, high = points.min(axis=0), points.max(axis=0)
    if max(abs(low).max(), abs(high).max()) <= FAR * (high - low).max():
        return np.zeros(3)
    return np.asarray((low + high) / 2)


def to_unit_sphere(vertices: Array) -> tuple[Array, Array, float]:
    """Centre ``vertices`` (V, 3) on their bounding box and scale them into the unit sphere.

    Returns (normalised (V, 3) float32, centre (3,), scale) with normalised = (vertices - centre) / scale.
    """
    points = vertices.astype(np.float64)  # a small object far from the origin keeps its digits
    centre = (points.max(axis=0) + points.min(axis=0)) / 2
    points -= centre
    scale = float(np.linalg.norm(points, axis=1).max()) or 1.0
    return (points / scale).astype(np.float32), centre.astype(np.float32), scale


def framed(
    vertices: Array, faces: NDArray[np.int32], beside: Array | None = None
) -> tuple[Array, NDArray[np.int32], Array, float]:
    """``vertices`` (V, 3) as :func:`to_unit_sphere` has them without the stray ones of ``faces`` (F, 3), and
    the faces with the stray ones on one point, where nothing sees them; centre and scale.

    beside: (B, 3, 3) the corners of what else the object has. Then the sphere has room for some of it."""
    points, own, centre, scale = _framed(vertices, faces)
    if beside is None:
        return points, own, centre, scale
    _, _, _, whole = _framed(*with_beside(vertices, faces, beside))
    wider = max(scale, min(scale * ROOM, whole), whole / NEAREST)
    return points * np.float32(scale / wider), own, centre, wider


def with_beside(vertices: Array, faces: NDArray[np.int32], beside: Array) -> tuple[Array, NDArray[np.int32]]:
    """``vertices`` (V, 3) and ``faces`` (F, 3), and behind them those of ``beside`` (B, 3, 3)."""
    number = np.arange(len(vertices), len(vertices) + 3 * len(beside), dtype=np.int32)
    return np.concatenate([vertices, beside.reshape(-1, 3)]), np.concatenate([faces, number.reshape(-1, 3)])


def _framed(vertices: Array, faces: NDArray[np.int32]) -> tuple[Array, NDArray[np.int32], Array, float]:
    stray = stray_faces(vertices, faces)
    if stray is None:
        points, centre, scale = to_unit_sphere(vertices)
        return points, faces, centre, scale
    used = np.zeros(len(vertices), bool)
    used[faces[~stray]] = True
    own, centre, scale = to_unit_sphere(vertices[used])
    points = np.zeros_like(vertices)
    points[used] = own
    kept = faces.copy()
    kept[stray] = faces[~stray][0, 0]
    return points, kept, centre, scale


def stray_faces(vertices: Array, faces: NDArray[np.int32]) -> NDArray[np.bool_] | None:
    """(F,) the faces of ``vertices`` (V, 3), ``faces`` (F, 3), that lie so far out, and are so little of the
    surface, that the frame is for the others; None where there are none.

    Spikes are strays, too, whatever their area: the faces of a single vertex that was moved still farther.
    """
    some = faces[:: max(1, len(faces) // _MANY)]
    _, compact = _areas(vertices, some)
    if not compact.sum() > 0:
        return None
    corners = vertices[some].astype(np.float64).mean(axis=1)
    middle = np.array([_quantile(corners[:, axis], compact, 0.5) for axis in range(3)])
    away = np.linalg.norm(vertices.astype(np.float64) - middle, axis=1)
    limit = float(away.max()) / STRAY_FACTOR
    if compact[away[some].max(axis=1) > limit].sum() > 5 * STRAY_SHARE * compact.sum():
        return None  # not even nearly
    return _strays(_areas(vertices, faces)[0], away[faces], faces, limit)


def _strays(
    area: NDArray[np.float64], away: NDArray[np.float64], faces: NDArray[np.int32], limit: float
) -> NDArray[np.bool_] | None:
    """The same for the ``area`` (F,) of faces, and how far ``away`` (F, 3) their corners are, where something
    lies beyond ``limit``."""
    out, farthest = away > limit, away.max(axis=1)
    pulled = np.zeros(int(faces.max()) + 1, bool)  # vertices that are far out alone
    pulled[faces[out]] = True
    pulled[faces[out & (out.sum(axis=1) > 1)[:, None]]] = False
    spike = pulled[faces].any(axis=1)
    inner = _quantile(farthest, np.where(spike, 0.0, area), 1 - STRAY_SHARE)
    weight = np.where(spike & (farthest > SPIKE_FACTOR * inner), 0.0, area)
    stray = np.asarray(farthest > 2 * inner)
    few = weight[stray].sum() <= STRAY_SHARE * weight.sum()
    return stray if few and inner <= limit and stray.any() else None


def _areas(vertices: Array, faces: NDArray[np.int32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) the areas of ``faces`` (n, 3), and the same for those that are about as wide as long, less for
    others."""
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    shortest = np.minimum.reduce([((p - q) ** 2).sum(axis=1) for p, q in ((a, b), (b, c), (c, a))])
    return area, np.minimum(area, shortest)


def _quantile(values: NDArray[np.float64], weight: NDArray[np.float64], share: float) -> float:
    """The value that ``share`` of the ``weight`` (n,) of ``values`` (n,) doesn't exceed."""
    order = np.argsort(values)
    sums = np.cumsum(weight[order])
    return float(values[order[np.searchsorted(sums, sums[-1] * share)]])


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
