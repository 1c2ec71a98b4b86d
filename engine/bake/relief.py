"""From heights to a normal map: the same relief as light sees it.

The map is in tangent space, green up (OpenGL's, as Blender and glTF have it). Tangents are those of the
texture's own axes in each face's plane, as in MikkTSpace up to its averaging over faces: T along u, B across
it towards v. The relief's gradient is reckoned in space, from how far texels lie apart there, so that it is
as steep on every chart, however large, skewed or mirrored that is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..options.channels import CHANNELS, RELIEF
from ..pictures.pages import shaped
from .fill import padded
from .texels import SurfaceTexels, nearest_of

AT_ONCE = 1 << 18  # texels
JOINED = 0.75  # of a texel: nearer to where it should be, a texel beside it is on the same piece of surface

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


def normal_map(height: Floats, texels: SurfaceTexels) -> Floats:
    """(T, T, 3), or of pages, float32 in [0, 1], of ``height`` (T, T, 1), or of pages: the unit normal n as
    (n + 1) / 2. Between the charts the nearest texel's."""
    relief = (height.reshape(-1) - np.float32(0.5)) * np.float32(2 * RELIEF)
    flat = np.array(CHANNELS["normal"].neutral, np.float32)
    if not len(texels.index):
        return shaped(np.tile(flat, (len(relief), 1)), texels.size)
    found = np.empty((len(texels.index), 3), np.float32)
    for start in range(0, len(found), AT_ONCE):
        own = texels.pick(slice(start, start + AT_ONCE))
        found[start : start + AT_ONCE] = (_normals(relief, own, texels) + 1) / 2
    return padded(texels.size, found, nearest_of(texels.size, texels.index, texels.pages))


def _normals(relief: Floats, own: SurfaceTexels, texels: SurfaceTexels) -> Floats:
    """(n, 3) unit normals of ``own`` texels in their tangent spaces."""
    face = own.face.astype(np.intp)
    u, v = texels.planes.across[:, face].T, -texels.planes.down[:, face].T
    rise_u = _rise(relief, own, texels, 1, u)
    rise_v = _rise(relief, own, texels, -texels.size, v)
    uu, uv, vv = ((a * b).sum(axis=1) for a, b in ((u, u), (u, v), (v, v)))
    det = uu * vv - uv * uv
    solid = det > 1e-12 * uu * vv  # else the face has no area in the texture
    scale = np.divide(1, det, out=np.zeros_like(det), where=solid)
    slope_u, slope_v = (vv * rise_u - uv * rise_v) * scale, (uu * rise_v - uv * rise_u) * scale
    length = np.sqrt(np.maximum(uu, 1e-30))
    # Gradient g = slope_u u + slope_v v; T = u / |u|; B is v without its part along u, at length 1.
    along = (slope_u * uu + slope_v * uv) / length
    across = slope_v * np.sqrt(np.maximum(det, 0)) / length
    normal = np.stack([-along, -across, np.ones_like(along)], axis=1)
    unit: Floats = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    return unit


def _rise(relief: Floats, own: SurfaceTexels, texels: SurfaceTexels, step: int, to: Floats) -> Floats:
    """(n,) how much ``relief`` rises from each of ``own`` texels to the one ``step`` on in the texture, which
    lies at ``to`` (n, 3) from it: between both neighbours where both lie so, else to one of them, else 0."""
    here, places = relief[own.index], own.point
    total, count = np.zeros(len(here), np.float32), np.zeros(len(here), np.float32)
    reach = JOINED * np.linalg.norm(to, axis=1)
    for sign in (1, -1):
        beside = own.index + np.int32(sign * step)
        number = _number(texels, beside)
        known = number >= 0
        apart = np.full(len(here), np.inf, np.float32)
        there = texels.points(number[known])
        apart[known] = np.linalg.norm(there - places[known] - sign * to[known], axis=1)
        joined = apart < reach
        total[joined] += sign * (relief[beside[joined]] - here[joined])
        count += joined
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0)


def _number(texels: SurfaceTexels, index: Ints) -> NDArray[np.int64]:
    """(n,) which of ``texels`` have the flat ``index`` (n,), -1 where none has."""
    at = np.searchsorted(texels.index, index)
    at = np.minimum(at, len(texels.index) - 1)
    return np.where(texels.index[at] == index, at, -1)
