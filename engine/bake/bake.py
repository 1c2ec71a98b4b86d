"""From finished views to the texture: every texel averages the views that see it.

Baking gathers: a texel's surface point is projected into each view that sees it and reads four pixels
(bilinear), so a texture finer than the views is smooth instead of blocky. Pixels of another surface, at a
silhouette or behind a depth edge, are left out. Pixels close to one (visibility.py), and views too flat to a
texel to count as seeing it (surface_points.py), are doubtful: they paint only what nothing else does, and
filling (fill.py) may know better. So what trusted pixels paint is what coverage counts, up to edges. Weights
are cosine^6, as published for the final bake.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from .. import threads
from ..pictures.sampling import taps
from ..views.cameras import Camera
from ..views.raster import EmbreeRaster
from ..views.surface import Surface, View
from ..views.surface_points import COSINE
from ..views.visibility import edge_trust
from .texels import SurfaceTexels

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

EXPONENT = 6.0  # published
LEAST_COSINE = np.float32(0.1)  # the reach of a pixel grows no more beyond
FLAT = np.float32(0.02)  # of a pixel: so far off its plane a surface may curve; another is farther
BLOCK = 1 << 15  # texels at a time: their numbers stay in the processor's cache


@dataclass(frozen=True)
class Baked:
    """What the views paint of n texels. colours: (n, K) float32 in [0, 1], all channels side by side, 0 where
    nothing is painted; trusted: (n,) bool, painted well; doubtful: (n,) bool, painted too, but only by pixels
    close to an edge or by views at a cosine of no more than COSINE (of the texels that were to be painted
    so)."""

    colours: Floats
    trusted: Bools
    doubtful: Bools


def untrusted(trusted: Bools) -> NDArray[np.int64]:
    """The numbers of all texels that aren't ``trusted`` (n,)."""
    return np.flatnonzero(~trusted)


def bake(
    surface: Surface,
    texels: SurfaceTexels,
    views: Sequence[View],
    pictures: Floats,
    check: Callable[[], None] = lambda: None,
    doubtful_too: Callable[[Bools], NDArray[np.int64]] = untrusted,
) -> Baked:
    """The colours of ``texels`` of ``surface`` from the ``pictures`` (N, R, R, K) float32 of its ``views``,
    all channels of which share their weights.

    doubtful_too: from which texels are trusted (n,), those others that pixels of little trust paint as well:
    that costs nearly as much as all the rest, and a fill may not look at it."""
    seen = list(zip(views, pictures, strict=True))
    readers = threads.each(lambda one: _ViewReader.build(surface, *one), seen)
    width = pictures.shape[-1]
    colours, trusted = _paint(surface, texels, [reader.trusting() for reader in readers], width, check)
    doubtful, others = np.zeros(len(trusted), bool), doubtful_too(trusted)
    colours[others], doubtful[others] = _paint(surface, texels.pick(others), readers, width, check)
    return Baked(colours, trusted, doubtful)


def _paint(
    surface: Surface,
    texels: SurfaceTexels,
    readers: list[_ViewReader],
    width: int,
    check: Callable[[], None],
) -> tuple[Floats, Bools]:
    """(colours (n, K), painted (n,)) of ``texels``, from what ``readers`` read alone; width: K."""
    colours = np.zeros((len(texels.index), width), np.float32)
    painted = np.zeros(len(texels.index), bool)

    def block(start: int) -> None:
        own = slice(start, start + BLOCK)
        places = _Places(*(np.ascontiguousarray(rows[own].T) for rows in (texels.point, texels.normal)))
        weight = np.zeros(places.point.shape[1], np.float32)
        colour = np.zeros((width, len(weight)), np.float32)
        for reader in readers:
            check()
            _add_view(surface.raster, places, reader, colour, weight)
        painted[own] = weight > 0
        colours[own] = np.divide(colour, weight, out=colour, where=weight > 0).T

    threads.each(block, range(0, len(texels.index), BLOCK))
    return colours, painted


@dataclass(frozen=True)
class _Places:
    """Surface points and unit normals, (3, n) float32 each: three long rows, which numpy is fast with."""

    point: Floats
    normal: Floats

    def pick(self, chosen: NDArray[np.int64]) -> _Places:
        return _Places(self.point.take(chosen, axis=1), self.normal.take(chosen, axis=1))


def _add_view(
    raster: EmbreeRaster, places: _Places, view: _ViewReader, colour: Floats, weight: Floats
) -> None:
    """Add what ``view`` gives the n ``places`` to the sums ``colour`` (K, n) and ``weight`` (n,)."""
    pixel, depth = view.camera.project(places.point.T, view.resolution)
    texel = np.flatnonzero(view.may_reach(pixel, depth))  # leaves out most of a closed mesh's far side
    places, pixel, depth = places.pick(texel), pixel.T.take(texel, axis=1).T, depth[texel]
    facing = _facing(view.camera, places)
    steep = np.flatnonzero(np.abs(facing) > view.least)
    places, texel, facing = places.pick(steep), texel[steep], facing[steep]
    pixel, depth, cosine = pixel.T.take(steep, axis=1).T, depth[steep], np.abs(facing)
    reach = view.reach(depth, cosine)
    may, plain = view.may_see(pixel, depth, reach)
    plain &= facing > 0  # the far side of a thin plate has its near side's depth
    close = np.flatnonzero(plain)
    plain[close] = view.shows(pixel.T.take(close, axis=1).T, places.point.take(close, axis=1))
    unsure = np.flatnonzero(may & ~plain)  # what is plainly seen casts no ray
    rays = places.pick(unsure)
    plain[unsure], _ = raster.visible(view.camera, rays.point.T, rays.normal.T)
    seen = np.flatnonzero(plain)
    total, found = view.bilinear(pixel.T.take(seen, axis=1).T, depth[seen], reach[seen])
    good = np.flatnonzero(found > 0)
    seen, texel, total, found = seen[good], texel[seen[good]], total.take(good, axis=1), found[good]
    share = cosine[seen] ** EXPONENT
    weight[texel] += share
    for row, own in zip(colour, total, strict=True):
        row[texel] += share * (own / found)


def _facing(camera: Camera, places: _Places) -> Floats:
    """The cosine (n,) between the normal of each place and the direction to the camera, negative from
    behind."""
    towards = camera.position[:, None] - places.point
    facing: Floats = (places.normal * towards).sum(axis=0) / np.sqrt((towards**2).sum(axis=0))
    return facing


def _planes(surface: Surface, view: View) -> tuple[Floats, Floats]:
    """What the pixels of ``view`` show: normals (3, R^2) and heights (R^2,)."""
    normal = np.zeros((3, view.resolution**2), np.float32)
    height = np.zeros(view.resolution**2, np.float32)
    shown = view.fragments
    normals, points = surface.normals[shown.face], surface.points(shown)
    normal[:, shown.pixel] = normals.T
    height[shown.pixel] = np.einsum("nk,nk->n", normals, points)
    return normal, height


@dataclass(frozen=True)
class _ViewReader:
    """What can be read of a view: colour (K, R^2), normal (3, R^2) and height (R^2,) of the plane that each
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
    def build(cls, surface: Surface, view: View, picture: Floats) -> _ViewReader:
        resolution, shown = view.resolution, view.fragments
        depth = np.full(resolution**2, -np.inf, np.float32)
        depth[shown.pixel] = shown.depth
        trusted = depth.copy()
        trusted[shown.pixel[edge_trust(view) < 1]] = -np.inf
        square = depth.reshape(resolution, resolution)
        nearest = minimum_filter(np.where(np.isfinite(square), square, np.inf), size=3, mode="nearest")
        farthest = maximum_filter(square, size=3, mode="nearest")
        colour = np.ascontiguousarray(picture.reshape(-1, picture.shape[-1]).T)
        around = nearest.reshape(-1), farthest.reshape(-1)
        return cls(view.camera, resolution, colour, *_planes(surface, view), depth, trusted, *around)

    def trusting(self) -> _ViewReader:
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
        """Weighted colours (K, n) and weights (n,) of the four pixels around each ``pixel`` (n, 2) that are
        within ``reach`` (n,) of ``depth`` (n,); weight 0 where none is."""
        colour = np.zeros((len(self.colour), len(pixel)), np.float32)
        weight = np.zeros(len(pixel), np.float32)
        for index, share in taps(pixel, self.resolution, self.resolution):
            tap = share * (np.abs(self.depth.take(index) - depth) < reach)
            colour += tap * self.colour.take(index, axis=1)
            weight += tap
        return colour, weight
