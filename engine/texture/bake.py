"""From finished views to the texture: every texel averages the views that see it.

Baking gathers: a texel's surface point is projected into each view that sees it and reads four pixels
(bilinear), so a texture finer than the views is smooth instead of blocky. Pixels of another surface, at a
silhouette or behind a depth edge, are left out. Pixels close to one (visibility.py) paint only what no other
pixel does; filling (fill.py) may know better. Weights are cosine^6, as published for the final bake.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from ..views.cameras import Camera
from ..views.raster import EmbreeRaster, Fragments, interpolate, texel_fragments
from ..views.visibility import edge_trust

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

EXPONENT = 6.0  # published


@dataclass(frozen=True)
class Atlas:
    """The texels of a ``size``^2 texture that lie on the mesh, n of them: flat index (n,) int32 from the top
    left, face (n,) int32, surface point (n, 3) and face normal (n, 3) float32 in normalised space."""

    size: int
    index: NDArray[np.int32]
    face: NDArray[np.int32]
    point: Floats
    normal: Floats

    @classmethod
    def build(cls, raster: EmbreeRaster, uvs: Floats, size: int) -> Atlas:
        """uvs: (F, 3, 2) float32 per corner."""
        texels = texel_fragments(uvs, size)
        point = interpolate(raster.corners, texels.face, texels.bary)
        return cls(size, texels.pixel, texels.face, point, raster.normals[texels.face])

    def pick(self, chosen: NDArray[np.int64]) -> Atlas:
        """The texels number ``chosen`` (m,) alone."""
        rows = (array[chosen] for array in (self.index, self.face, self.point, self.normal))
        return Atlas(self.size, *rows)


@dataclass(frozen=True)
class Baked:
    """What the views paint of an atlas's n texels. colours: (n, 3) float32 in [0, 1], 0 where nothing is
    painted; clear: (n,) bool, painted; rim: (n,) bool, painted too, but by pixels close to an edge alone."""

    colours: Floats
    clear: Bools
    rim: Bools


def bake(
    raster: EmbreeRaster,
    atlas: Atlas,
    cameras: Sequence[Camera],
    fragments: Sequence[Fragments],
    pictures: Floats,
    check: Callable[[], None] = lambda: None,
) -> Baked:
    """The texels' colours from ``pictures`` (N, R, R, 3) float32 and what each of their pixels shows
    (``fragments``)."""
    views = [_View.build(*given) for given in zip(cameras, fragments, pictures, strict=True)]
    colours, clear = _paint(raster, atlas, views, True, check)
    rest = np.flatnonzero(~clear)
    colours[rest], painted = _paint(raster, atlas.pick(rest), views, False, check)
    rim = np.zeros(len(clear), bool)
    rim[rest] = painted
    return Baked(colours, clear, rim)


def _paint(
    raster: EmbreeRaster, atlas: Atlas, views: list[_View], trusted: bool, check: Callable[[], None]
) -> tuple[Floats, Bools]:
    """(colours (n, 3), painted (n,)) of the atlas's texels, from the ``trusted`` pixels only or from all."""
    colours = np.zeros((len(atlas.index), 3), np.float32)
    weights = np.zeros(len(atlas.index), np.float32)

    def part(view: _View) -> tuple[NDArray[np.integer], Floats, Floats]:
        check()
        return _view_part(raster, atlas, view, trusted)

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for texel, weight, colour in pool.map(part, views):  # always in the same order, for the same sums
            colours[texel] += weight[:, None] * colour
            weights[texel] += weight
    painted = weights > 0
    colours[painted] /= weights[painted, None]
    return colours, painted


def _view_part(
    raster: EmbreeRaster, atlas: Atlas, view: _View, trusted: bool
) -> tuple[NDArray[np.integer], Floats, Floats]:
    """(texels (m,), weights (m,), colours (m, 3)) that one view gives."""
    camera = view.camera
    pixel, depth = camera.project(atlas.point, view.resolution)
    facing = _facing(camera, atlas)
    cosine = np.abs(facing)
    # A pixel's footprint along the view direction grows as the surface turns away.
    footprint = 2 * camera.half_extent * depth / view.resolution
    reach = (2 * footprint / np.maximum(cosine, 0.1)).astype(np.float32, copy=False)
    # The cheap tests first: most of a closed mesh ends here, or is plainly seen, and casts no ray.
    may, plain = view.may_see(pixel, depth, reach, trusted)
    plain &= facing > 0  # the far side of a thin plate has its near side's depth
    unsure = np.flatnonzero(may & ~plain)
    plain[unsure], _ = raster.visible(camera, atlas.point[unsure], atlas.normal[unsure])
    texel = np.flatnonzero(plain)
    colour, found = view.bilinear(pixel[texel], depth[texel], reach[texel], trusted)
    good = found > 0
    texel, colour, found = texel[good], colour[good], found[good]
    weight = (cosine[texel] ** EXPONENT).astype(np.float32, copy=False)
    return texel, weight, colour / found[:, None]


def _facing(camera: Camera, atlas: Atlas) -> Floats:
    """The cosine (n,) between each texel's normal and the direction to the camera, negative from behind."""
    towards = camera.position - atlas.point
    square = np.einsum("nk,nk->n", towards, towards)
    facing: Floats = np.einsum("nk,nk->n", atlas.normal, towards) / np.sqrt(square)
    return facing


@dataclass(frozen=True)
class _View:
    """What can be read of a view: colour (R^2, 3) and, (R^2,) each, depth, whether it can be trusted, and the
    nearest and farthest depth in the 3 x 3 pixels around. The background's depth is -inf, near nothing."""

    camera: Camera
    resolution: int
    colour: Floats
    depth: Floats
    trusted: Bools
    nearest: Floats
    farthest: Floats

    @classmethod
    def build(cls, camera: Camera, view: Fragments, picture: Floats) -> _View:
        resolution = picture.shape[0]
        depth = np.full(resolution**2, -np.inf, np.float32)
        trusted = np.zeros(resolution**2, bool)
        depth[view.pixel] = view.depth
        trusted[view.pixel] = edge_trust(camera, view, resolution) == 1
        square = depth.reshape(resolution, resolution)
        nearest = minimum_filter(np.where(np.isfinite(square), square, np.inf), size=3, mode="nearest")
        farthest = maximum_filter(square, size=3, mode="nearest")
        colour = picture.reshape(-1, 3)
        return cls(camera, resolution, colour, depth, trusted, nearest.reshape(-1), farthest.reshape(-1))

    def may_see(self, pixel: Floats, depth: Floats, reach: Floats, trusted: bool) -> tuple[Bools, Bools]:
        """For points at ``pixel`` (n, 2), ``depth`` (n,): whether any pixel around is within ``reach`` (n,),
        and whether each is plainly the surface that its pixel shows. ``trusted``: only for trusted pixels."""
        whole = np.clip(pixel.astype(np.int32), 0, self.resolution - 1)
        index = whole[:, 1] * self.resolution + whole[:, 0]
        may: Bools = (depth > self.nearest[index] - reach) & (depth < self.farthest[index] + reach)
        plain: Bools = self.trusted[index] & (np.abs(self.depth[index] - depth) < reach / 2)
        return (may & self.trusted[index] if trusted else may), plain

    def bilinear(self, pixel: Floats, depth: Floats, reach: Floats, trusted: bool) -> tuple[Floats, Floats]:
        """Weighted colours (n, 3) and weights (n,) of the four pixels around each ``pixel`` (n, 2) that are
        within ``reach`` (n,) of ``depth`` (n,), and trusted if that is asked; weight 0 where none is."""
        corner = np.floor(pixel - 0.5)
        share = (pixel - 0.5 - corner).astype(np.float32)
        corner = corner.astype(np.int32)
        colour = np.zeros((len(pixel), 3), np.float32)
        weight = np.zeros(len(pixel), np.float32)
        for right in (0, 1):
            for down in (0, 1):
                column = np.clip(corner[:, 0] + right, 0, self.resolution - 1)
                row = np.clip(corner[:, 1] + down, 0, self.resolution - 1)
                index = row * self.resolution + column
                good = np.abs(self.depth[index] - depth) < reach
                if trusted:
                    good &= self.trusted[index]
                tap = np.abs(1 - right - share[:, 0]) * np.abs(1 - down - share[:, 1]) * good
                colour += tap[:, None] * self.colour[index]
                weight += tap
        return colour, weight
