"""From finished views to the texture: every texel averages the views that see it.

Baking gathers: a texel's surface point is projected into each view that sees it and reads four pixels
(bilinear), so a texture finer than the views is smooth instead of blocky. Pixels of another surface, at a
silhouette or behind a depth edge, are left out. Pixels close to one hardly count (visibility.py); what only
they paint takes the colour next to it on the surface. Weights are cosine^6, as published for the final bake.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, maximum_filter, minimum_filter

from ..views.cameras import Camera
from ..views.raster import EmbreeRaster, Fragments, interpolate, texel_fragments
from ..views.visibility import edge_trust

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

EXPONENT = 6.0  # published
CLEAR = 0.01  # a texel of which a view shows less than this share clear of edges isn't shown well
NEXT_TO = 0.15  # on the surface, in units of the mesh's radius: a few times the width of an untrusted edge


@dataclass(frozen=True)
class Atlas:
    """The texels of a ``size``^2 texture that lie on the mesh, n of them: flat index (n,) int32 from the top
    left, surface point (n, 3) and face normal (n, 3) float32 in normalised space."""

    size: int
    index: NDArray[np.int32]
    point: Floats
    normal: Floats

    @classmethod
    def build(cls, raster: EmbreeRaster, uvs: Floats, size: int) -> Atlas:
        """uvs: (F, 3, 2) float32 per corner."""
        texels = texel_fragments(uvs, size)
        point = interpolate(raster.corners, texels.face, texels.bary)
        return cls(size, texels.pixel, point, raster.normals[texels.face])


def bake(
    raster: EmbreeRaster,
    atlas: Atlas,
    cameras: Sequence[Camera],
    fragments: Sequence[Fragments],
    pictures: Floats,
    check: Callable[[], None] = lambda: None,
) -> tuple[Floats, Bools]:
    """The texture from ``pictures`` (N, R, R, 3) float32 and what each of their pixels shows (``fragments``).

    Returns (texture (T, T, 3) float32, 0 where nothing was painted; painted (T, T) bool).
    """
    colours = np.zeros((len(atlas.index), 3), np.float32)
    weights = np.zeros(len(atlas.index), np.float32)
    clear = np.zeros(len(atlas.index), bool)

    def part(i: int) -> tuple[NDArray[np.int64], Floats, Floats, Bools]:
        check()
        return _view_part(raster, atlas, cameras[i], fragments[i], pictures[i])

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for texel, weight, colour, is_clear in pool.map(part, range(len(cameras))):  # always the same order
            colours[texel] += weight[:, None] * colour
            weights[texel] += weight
            clear[texel] |= is_clear
    done = weights > 0
    colours[done] /= weights[done, None]
    _mend(atlas, colours, np.flatnonzero(done & ~clear), np.flatnonzero(clear))
    texture = np.zeros((atlas.size**2, 3), np.float32)
    painted = np.zeros(atlas.size**2, bool)
    texture[atlas.index[done]] = colours[done]
    painted[atlas.index[done]] = True
    return texture.reshape(atlas.size, atlas.size, 3), painted.reshape(atlas.size, atlas.size)


def _mend(atlas: Atlas, colours: Floats, doubtful: NDArray[np.int64], clear: NDArray[np.int64]) -> None:
    """Give ``doubtful`` texels the colour of the ``clear`` one nearest in UV, if near on the surface too."""
    if not len(doubtful) or not len(clear):
        return
    owner = np.full(atlas.size**2, -1, np.int32)
    owner[atlas.index[clear]] = clear
    free = (owner < 0).reshape(atlas.size, atlas.size)
    nearest = distance_transform_edt(free, return_distances=False, return_indices=True)
    row, column = nearest.reshape(2, -1)[:, atlas.index[doubtful]]
    source = owner[row * atlas.size + column]
    apart = np.linalg.norm(atlas.point[doubtful] - atlas.point[source], axis=1)
    near = apart < NEXT_TO
    colours[doubtful[near]] = colours[source[near]]


def _view_part(
    raster: EmbreeRaster, atlas: Atlas, camera: Camera, view: Fragments, picture: Floats
) -> tuple[NDArray[np.int64], Floats, Floats, Bools]:
    """(texels (m,), weights (m,), colours (m, 3), clear of edges (m,)) that one view gives."""
    taps = _Taps.build(camera, view, picture)
    pixel, depth = camera.project(atlas.point, taps.resolution)
    facing = _facing(camera, atlas)
    cosine = np.abs(facing)
    # A pixel's footprint along the view direction grows as the surface turns away.
    footprint = 2 * camera.half_extent * depth / taps.resolution
    reach = (2 * footprint / np.maximum(cosine, 0.1)).astype(np.float32, copy=False)
    # The cheap tests first: most of a closed mesh ends here, or is plainly seen, and casts no ray.
    may, plain = taps.may_see(pixel, depth, reach)
    plain &= facing > 0  # the far side of a thin plate has its near side's depth
    unsure = np.flatnonzero(may & ~plain)
    plain[unsure], _ = raster.visible(camera, atlas.point[unsure], atlas.normal[unsure])
    texel = np.flatnonzero(plain)
    colour, found = _bilinear(taps, pixel[texel], depth[texel], reach[texel])
    good = found > 0
    texel, colour, found = texel[good], colour[good], found[good]
    return texel, cosine[texel] ** EXPONENT * found, colour / found[:, None], found > CLEAR


def _facing(camera: Camera, atlas: Atlas) -> Floats:
    """The cosine (n,) between each texel's normal and the direction to the camera, negative from behind."""
    towards = camera.position - atlas.point
    length = np.sqrt(np.einsum("nk,nk->n", towards, towards))
    facing: Floats = np.einsum("nk,nk->n", atlas.normal, towards) / length
    return facing


@dataclass(frozen=True)
class _Taps:
    """What can be read of a view, (R^2,) float32 each, colour (R^2, 3). nearest, farthest: depth in the 3 x 3
    pixels around. The background's depth is -inf, which no texel is near."""

    colour: Floats
    depth: Floats
    trust: Floats
    nearest: Floats
    farthest: Floats
    resolution: int

    @classmethod
    def build(cls, camera: Camera, view: Fragments, picture: Floats) -> _Taps:
        resolution = picture.shape[0]
        depth = np.full(resolution**2, -np.inf, np.float32)
        trust = np.zeros(resolution**2, np.float32)
        depth[view.pixel] = view.depth
        trust[view.pixel] = edge_trust(camera, view, resolution)
        square = depth.reshape(resolution, resolution)
        nearest = minimum_filter(np.where(np.isfinite(square), square, np.inf), size=3, mode="nearest")
        farthest = maximum_filter(square, size=3, mode="nearest")
        colour = picture.reshape(-1, 3)
        return cls(colour, depth, trust, nearest.reshape(-1), farthest.reshape(-1), resolution)

    def may_see(self, pixel: Floats, depth: Floats, reach: Floats) -> tuple[Bools, Bools]:
        """For points at ``pixel`` (n, 2) and ``depth`` (n,): whether any pixel around is within ``reach`` (n,)
        of it, and whether each is plainly the surface that its pixel shows, with no edge about."""
        whole = np.clip(pixel.astype(np.int32), 0, self.resolution - 1)
        index = whole[:, 1] * self.resolution + whole[:, 0]
        may: Bools = (depth > self.nearest[index] - reach) & (depth < self.farthest[index] + reach)
        plain: Bools = (self.trust[index] == 1) & (np.abs(self.depth[index] - depth) < reach / 4)
        return may, plain


def _bilinear(taps: _Taps, pixel: Floats, depth: Floats, reach: Floats) -> tuple[Floats, Floats]:
    """Weighted colours (n, 3) and weights (n,) of the four pixels around each ``pixel`` (n, 2) whose depth is
    within ``reach`` (n,) of ``depth`` (n,); weight 0 where none is."""
    resolution = taps.resolution
    corner = np.floor(pixel - 0.5)
    share = (pixel - 0.5 - corner).astype(np.float32)
    corner = corner.astype(np.int32)
    colour = np.zeros((len(pixel), 3), np.float32)
    weight = np.zeros(len(pixel), np.float32)
    for right in (0, 1):
        for down in (0, 1):
            column = np.clip(corner[:, 0] + right, 0, resolution - 1)
            row = np.clip(corner[:, 1] + down, 0, resolution - 1)
            index = row * resolution + column
            tap = np.abs(1 - right - share[:, 0]) * np.abs(1 - down - share[:, 1]) * taps.trust[index]
            tap = np.where(np.abs(taps.depth[index] - depth) < reach, tap, 0)
            colour += tap[:, None] * taps.colour[index]
            weight += tap
    return colour, weight
