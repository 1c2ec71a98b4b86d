"""From finished views to the texture: every texel averages the views that see it.

Baking gathers: a texel's surface point is projected into each view that sees it and reads four pixels
(bilinear), so a texture finer than the views is smooth instead of blocky. Pixels of another surface, at a
silhouette or behind a depth edge, are left out. Pixels close to one (visibility.py), and views too flat to a
texel to count as seeing it (survey.py), paint only what nothing else does; filling (fill.py) may know better.
So what is painted clearly is what coverage counts, up to edges. Weights are cosine^6, as published for the
final bake.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from .. import threads
from ..pictures.pages import count
from ..pictures.sampling import taps
from ..views.cameras import Camera
from ..views.raster import EmbreeRaster, Fragments, interpolate, texel_fragments
from ..views.surface_points import COSINE
from ..views.visibility import edge_trust

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

EXPONENT = 6.0  # published
LEAST_COSINE = np.float32(0.1)  # the reach of a pixel grows no more beyond
FLAT = np.float32(0.02)  # of a pixel: so far off its plane a surface may curve; another is farther
BLOCK = 1 << 15  # texels at a time: their numbers stay in the processor's cache


@dataclass(frozen=True)
class Atlas:
    """The texels of a ``size``^2 texture that lie on the mesh, n of them: flat index (n,) int32 from the top
    left, page after page, face (n,) int32, surface point (n, 3) and face normal (n, 3) float32 in normalised
    space. pages: how many there are."""

    size: int
    index: NDArray[np.int32]
    face: NDArray[np.int32]
    point: Floats
    normal: Floats
    pages: int = 1

    @classmethod
    def build(cls, raster: EmbreeRaster, uvs: Floats, size: int) -> Atlas:
        """uvs: (F, 3, 2) float32 per corner, or (F, 3, 3) with pages."""
        texels = texel_fragments(uvs, size)
        point = interpolate(raster.corners, texels.face, texels.bary)
        return cls(size, texels.pixel, texels.face, point, raster.normals[texels.face], count(uvs))

    def pick(self, chosen: NDArray[np.int64]) -> Atlas:
        """The texels number ``chosen`` (m,) alone."""
        point, normal = self.point[chosen], self.normal[chosen]
        return Atlas(self.size, self.index[chosen], self.face[chosen], point, normal, self.pages)


@dataclass(frozen=True)
class Baked:
    """What the views paint of an atlas's n texels. colours: (n, 3) float32 in [0, 1], 0 where nothing is
    painted; clear: (n,) bool, painted; rim: (n,) bool, painted too, but only by pixels close to an edge or by
    views at a cosine of no more than COSINE (of the texels that were to be painted so)."""

    colours: Floats
    clear: Bools
    rim: Bools


def unclear(clear: Bools) -> NDArray[np.int64]:
    """The numbers of all texels that aren't ``clear`` (n,)."""
    return np.flatnonzero(~clear)


def bake(
    raster: EmbreeRaster,
    atlas: Atlas,
    cameras: Sequence[Camera],
    fragments: Sequence[Fragments],
    pictures: Floats,
    check: Callable[[], None] = lambda: None,
    rest: Callable[[Bools], NDArray[np.int64]] = unclear,
) -> Baked:
    """The texels' colours from ``pictures`` (N, R, R, 3) float32 and what each of their pixels shows
    (``fragments``). rest: from which texels are clear (n,), those others whose rim is painted: that costs
    nearly as much as all that is clear, and a fill may not look at it."""
    given = list(zip(cameras, fragments, pictures, strict=True))
    views = threads.each(lambda seen: _View.build(raster, *seen), given)
    colours, clear = _paint(raster, atlas, [view.trusting() for view in views], check)
    rim, others = np.zeros(len(clear), bool), rest(clear)
    colours[others], rim[others] = _paint(raster, atlas.pick(others), views, check)
    return Baked(colours, clear, rim)


def _paint(
    raster: EmbreeRaster, atlas: Atlas, views: list[_View], check: Callable[[], None]
) -> tuple[Floats, Bools]:
    """(colours (n, 3), painted (n,)) of the atlas's texels, from ``views`` alone."""
    colours = np.zeros((len(atlas.index), 3), np.float32)
    painted = np.zeros(len(atlas.index), bool)

    def block(start: int) -> None:
        own = slice(start, start + BLOCK)
        texels = _Texels(*(np.ascontiguousarray(rows[own].T) for rows in (atlas.point, atlas.normal)))
        colour = np.zeros_like(texels.point)
        weight = np.zeros(colour.shape[1], np.float32)
        for view in views:
            check()
            _add_view(raster, texels, view, colour, weight)
        painted[own] = weight > 0
        colours[own] = np.divide(colour, weight, out=colour, where=weight > 0).T

    threads.each(block, range(0, len(atlas.index), BLOCK))
    return colours, painted


@dataclass(frozen=True)
class _Texels:
    """Surface points and unit normals, (3, n) float32 each: three long rows, which numpy is fast with."""

    point: Floats
    normal: Floats

    def pick(self, chosen: NDArray[np.int64]) -> _Texels:
        return _Texels(self.point.take(chosen, axis=1), self.normal.take(chosen, axis=1))


def _add_view(raster: EmbreeRaster, texels: _Texels, view: _View, colour: Floats, weight: Floats) -> None:
    """Add what ``view`` gives the n ``texels`` to the sums ``colour`` (3, n) and ``weight`` (n,)."""
    pixel, depth = view.camera.project(texels.point.T, view.resolution)
    texel = np.flatnonzero(view.may_reach(pixel, depth))  # leaves out most of a closed mesh's far side
    texels, pixel, depth = texels.pick(texel), pixel.T.take(texel, axis=1).T, depth[texel]
    facing = _facing(view.camera, texels)
    steep = np.flatnonzero(np.abs(facing) > view.least)
    texels, texel, facing = texels.pick(steep), texel[steep], facing[steep]
    pixel, depth, cosine = pixel.T.take(steep, axis=1).T, depth[steep], np.abs(facing)
    reach = view.reach(depth, cosine)
    may, plain = view.may_see(pixel, depth, reach)
    plain &= facing > 0  # the far side of a thin plate has its near side's depth
    close = np.flatnonzero(plain)
    plain[close] = view.shows(pixel.T.take(close, axis=1).T, texels.point.take(close, axis=1))
    unsure = np.flatnonzero(may & ~plain)  # what is plainly seen casts no ray
    rays = texels.pick(unsure)
    plain[unsure], _ = raster.visible(view.camera, rays.point.T, rays.normal.T)
    seen = np.flatnonzero(plain)
    total, found = view.bilinear(pixel.T.take(seen, axis=1).T, depth[seen], reach[seen])
    good = np.flatnonzero(found > 0)
    seen, texel, total, found = seen[good], texel[seen[good]], total.take(good, axis=1), found[good]
    share = cosine[seen] ** EXPONENT
    weight[texel] += share
    for channel in range(3):
        colour[channel, texel] += share * (total[channel] / found)


def _facing(camera: Camera, texels: _Texels) -> Floats:
    """The cosine (n,) between each texel's normal and the direction to the camera, negative from behind."""
    towards = camera.position[:, None] - texels.point
    facing: Floats = (texels.normal * towards).sum(axis=0) / np.sqrt((towards**2).sum(axis=0))
    return facing


def _planes(raster: EmbreeRaster, view: Fragments, resolution: int) -> tuple[Floats, Floats]:
    """What the pixels of ``view`` show: normals (3, R^2) and heights (R^2,)."""
    normal = np.zeros((3, resolution**2), np.float32)
    height = np.zeros(resolution**2, np.float32)
    normals, points = raster.normals[view.face], interpolate(raster.corners, view.face, view.bary)
    normal[:, view.pixel] = normals.T
    height[view.pixel] = np.einsum("nk,nk->n", normals, points)
    return normal, height


@dataclass(frozen=True)
class _View:
    """What can be read of a view: colour (3, R^2), normal (3, R^2) and height (R^2,) of the plane that each
    pixel shows (all x with normal . x = height) and, (R^2,) each, depth, the depth of trusted pixels, and the
    nearest and farthest depth in the 3 x 3 pixels around. No depth is -inf, near nothing. least: the cosine
    that a texel must be seen at."""

    camera: Camera
    resolution: int
    colour: Floats
    normal: Floats
    height: Floats
    depth: Floats
    trusted: Floats
    nearest: Floats
    farthest: Floats
    least: float = 0.0

    @classmethod
    def build(cls, raster: EmbreeRaster, camera: Camera, view: Fragments, picture: Floats) -> _View:
        resolution = picture.shape[0]
        depth = np.full(resolution**2, -np.inf, np.float32)
        depth[view.pixel] = view.depth
        trusted = depth.copy()
        trusted[view.pixel[edge_trust(camera, view, resolution) < 1]] = -np.inf
        square = depth.reshape(resolution, resolution)
        nearest = minimum_filter(np.where(np.isfinite(square), square, np.inf), size=3, mode="nearest")
        farthest = maximum_filter(square, size=3, mode="nearest")
        colour = np.ascontiguousarray(picture.reshape(-1, 3).T)
        around = nearest.reshape(-1), farthest.reshape(-1)
        return cls(camera, resolution, colour, *_planes(raster, view, resolution), depth, trusted, *around)

    def trusting(self) -> _View:
        """The same without the pixels, and the angles, that can't be trusted."""
        farthest = np.where(np.isfinite(self.trusted), self.farthest, -np.inf)
        return dataclasses.replace(self, depth=self.trusted, farthest=farthest, least=COSINE)

    @property
    def _pixel(self) -> np.float32:
        """The side of a pixel at depth 1."""
        return np.float32(2 * self.camera.half_extent / self.resolution)

    def reach(self, depth: Floats, cosine: Floats | np.float32) -> Floats:
        """How much deeper or nearer (n,) the same surface may be two pixels on: a pixel's footprint along the
        view direction grows as the surface turns away."""
        return np.asarray(2 * self._pixel * depth / np.maximum(cosine, LEAST_COSINE), np.float32)

    def may_reach(self, pixel: Floats, depth: Floats) -> Bools:
        """For points at ``pixel`` (n, 2), ``depth`` (n,): False outside the frame, and where :meth:`may_see`
        will be, however the surface is turned, because all around is nearer."""
        column, row = pixel.T
        inside = (column >= 0) & (column <= self.resolution) & (row >= 0) & (row <= self.resolution)
        near = depth - self.reach(depth, LEAST_COSINE) < self.farthest.take(self._index(pixel))
        may: Bools = near & inside & (depth > 0)
        return may

    def may_see(self, pixel: Floats, depth: Floats, reach: Floats) -> tuple[Bools, Bools]:
        """Whether any pixel around ``pixel`` (n, 2) is within ``reach`` (n,) of ``depth`` (n,), and whether
        the point is plainly the surface that its pixel, a trusted one, shows."""
        index = self._index(pixel)
        may: Bools = (depth > self.nearest.take(index) - reach) & (depth < self.farthest.take(index) + reach)
        plain: Bools = np.abs(self.trusted.take(index) - depth) < reach / 2
        return may, plain

    def shows(self, pixel: Floats, point: Floats) -> Bools:
        """Whether each ``point`` (3, n) lies in the plane that its ``pixel`` (n, 2) shows, so that it is no
        other surface close behind."""
        index = self._index(pixel)
        off = (self.normal.take(index, axis=1) * point).sum(axis=0) - self.height.take(index)
        near: Bools = np.abs(off) < FLAT * self._pixel * self.depth.take(index)
        return near

    def _index(self, pixel: Floats) -> NDArray[np.intp]:
        column, row = np.clip(pixel.T.astype(np.intp), 0, self.resolution - 1)
        flat: NDArray[np.intp] = row * self.resolution + column
        return flat

    def bilinear(self, pixel: Floats, depth: Floats, reach: Floats) -> tuple[Floats, Floats]:
        """Weighted colours (3, n) and weights (n,) of the four pixels around each ``pixel`` (n, 2) that are
        within ``reach`` (n,) of ``depth`` (n,); weight 0 where none is."""
        colour = np.zeros((3, len(pixel)), np.float32)
        weight = np.zeros(len(pixel), np.float32)
        for index, share in taps(pixel, self.resolution, self.resolution):
            tap = share * (np.abs(self.depth.take(index) - depth) < reach)
            colour += tap * self.colour.take(index, axis=1)
            weight += tap
        return colour, weight
