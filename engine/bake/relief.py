"""From heights to a normal map: the same relief as light sees it.

The map is in tangent space, green up (OpenGL's, as Blender and glTF have it). Tangents are those of the
texture's own axes in each face's plane, as in MikkTSpace up to its averaging over faces: T along u, B across
it towards v. The relief's gradient is reckoned in space, from how far texels lie apart there, so that it is
as steep on every chart, however large, skewed or mirrored that is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..options.channels import CHANNELS, RELIEF
from ..pictures.pages import shaped
from .fill import padded
from .texels import SurfaceTexels

AT_ONCE = 1 << 18  # texels
JOINED = 0.75  # of a texel: nearer to where it should be, a texel beside it is on the same piece of surface

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]


def normal_map(height: Floats, texels: SurfaceTexels, reach: float = RELIEF) -> Floats:
    """(T, T, 3), or of pages, float32 in [0, 1], of ``height`` (T, T, 1), or of pages: the unit normal n as
    (n + 1) / 2. Between the charts the nearest texel's. reach: how far above the mesh 1 lies, and below it 0,
    in the radii of the unit sphere that the mesh is in."""
    relief = (height.reshape(-1) - np.float32(0.5)) * np.float32(2 * reach)
    flat = np.array(CHANNELS["normal"].neutral, np.float32)
    if not len(texels.index):
        return shaped(np.tile(flat, (len(relief), 1)), texels.size)
    axes, found = _Axes.build(texels), np.empty((len(texels.index), 3), np.float32)
    for start in range(0, len(found), AT_ONCE):
        own = slice(start, start + AT_ONCE)
        rises = [_rise(relief, texels, own, axis) for axis in axes.both(texels.size)]
        found[own] = (axes.normals(texels.face[own], *rises) + 1) / 2
    return padded(texels.size, found, texels.near)


@dataclass(frozen=True)
class _Axis:
    """One texel on in the texture, of each of F faces: ``to`` (3, F) in space, ``length`` (F,) of that.
    step: so much further is its flat index."""

    step: int
    to: Floats
    length: Floats


@dataclass(frozen=True)
class _Axes:
    """The texture's axes on each of F faces: ``u`` to the right and ``v`` upwards, (3, F), one texel long;
    uu, uv, vv: their products, (F,). scale: the inverse of their determinant, 0 for a face without area in
    the texture; height: the part of v across u, relative to the length of u."""

    u: Floats
    v: Floats
    uu: Floats
    uv: Floats
    vv: Floats
    scale: Floats
    height: Floats

    @classmethod
    def build(cls, texels: SurfaceTexels) -> _Axes:
        u, v = texels.planes.across, -texels.planes.down
        uu, uv, vv = ((a * b).sum(axis=0) for a, b in ((u, u), (u, v), (v, v)))
        det = uu * vv - uv * uv
        scale = np.divide(1, det, out=np.zeros_like(det), where=det > 1e-12 * uu * vv)
        return cls(u, v, uu, uv, vv, scale, np.sqrt(np.maximum(det, 0)))

    def both(self, size: int) -> tuple[_Axis, _Axis]:
        """To the right and upwards in a texture of ``size``^2."""
        return _Axis(1, self.u, np.sqrt(self.uu)), _Axis(-size, self.v, np.sqrt(self.vv))

    def normals(self, face: Ints, rise_u: Floats, rise_v: Floats) -> Floats:
        """(n, 3) unit normals in their tangent spaces, of texels of the faces ``face`` (n,) where the relief
        rises so much from one texel to the next."""
        uu, uv, vv = self.uu.take(face), self.uv.take(face), self.vv.take(face)
        scale, height = self.scale.take(face), self.height.take(face)
        slope_u, slope_v = (vv * rise_u - uv * rise_v) * scale, (uu * rise_v - uv * rise_u) * scale
        length = np.sqrt(np.maximum(uu, 1e-30))
        # Gradient g = slope_u u + slope_v v; T = u / |u|; B is v without its part along u, at length 1.
        along = (slope_u * uu + slope_v * uv) / length
        across = slope_v * height / length
        size = np.sqrt(along * along + across * across + 1)
        unit: Floats = np.stack([-along / size, -across / size, 1 / size], axis=1)
        return unit


def _rise(relief: Floats, texels: SurfaceTexels, own: slice, axis: _Axis) -> Floats:
    """(n,) how much ``relief`` rises from each of ``own`` texels to the next one along the ``axis``: between
    both neighbours where both lie on the same piece of surface; where one does, as from it to the one behind,
    too, if there is one, so that slopes go on to the chart's border as steep as they are; else 0."""
    index, face = texels.index[own], texels.face[own]
    here, total = relief[index], np.zeros(len(index), np.float32)
    beside = {sign: _beside(texels, index, face, axis, sign) for sign in (1, -1)}
    both = beside[1][1] & beside[-1][1]
    total[both] = (relief[beside[1][0][both]] - relief[beside[-1][0][both]]) / 2
    for sign, (next_to, joined) in beside.items():
        alone = np.flatnonzero(joined & ~both)
        behind, too = _beside(texels, next_to[alone], texels.face[texels.near[next_to[alone]]], axis, sign)
        first = relief[next_to[alone]] - here[alone]
        second = relief[behind] - relief[next_to[alone]]
        total[alone] = sign * np.where(too, (3 * first - second) / 2, first)
    return total


def _beside(texels: SurfaceTexels, index: Ints, face: Ints, axis: _Axis, sign: int) -> tuple[Ints, Bools]:
    """Of texels with the flat ``index`` (n,) on the faces ``face`` (n,) the flat index of those beside them,
    ``sign`` times along the ``axis``; and whether these lie where the face, or one that it meets, goes on."""
    beside = index + np.int32(sign * axis.step)
    there = (beside >= 0) & (beside < len(texels.near))
    if axis.step == 1:  # no row goes on in the next
        there &= index % texels.size != (texels.size - 1 if sign == 1 else 0)
    beside[~there] = index[~there]
    number = texels.near[beside]
    joined = there & (texels.index[number] == beside)
    odd = np.flatnonzero(joined & (texels.face[number] != face))  # on one face they lie so
    of, way = face[odd], sign * axis.to.take(face[odd], axis=1)
    here = texels.planes.places(of, index[odd], texels.size)
    apart = texels.points(number[odd]).T - here - way
    joined[odd] = np.sqrt((apart * apart).sum(axis=0)) < JOINED * axis.length.take(of)
    return beside, joined
