"""f and g of a textured mesh: pixels look texels up, texels average the pixels of the views that see them.

g, as published: each view's pixels are scattered to the texels they hit (mean of several), spread over the
texture by a Voronoi fill in UV space, weighted by visibility times cosine^exponent, summed over the views and
normalised; texels that no view weighs take the nearest one that is. Mended on the way:

- visibility is a ray cast per texel, not "one pixel of the triangle was seen";
- the Voronoi fill stays inside a chart, so it never carries colours over from an unrelated part;
- pixels at a silhouette or a depth edge hardly count (visibility.py), so the background doesn't bleed in;
- the normaliser divides by the sum itself, without the epsilon that darkens grazing texels.

f reads only texels that some pixel hits. So K counts those alone, at most one a pixel: nothing else of a
1536 x 1536 texture can influence a view, and the maps stay small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from .. import threads
from ..pictures.pages import page_of, texel_of
from ..sync.spaces import Averaging, LinearMaps, normalise
from ..views.raster import interpolate
from ..views.surface import Surface, View
from ..views.visibility import edge_trust

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

PUBLISHED = Averaging()
LEAST_COSINE = 1e-3  # in float32 its sixth power is a number still


@dataclass(frozen=True)
class MeshMaps(LinearMaps):
    """texel: (K,) flat texture index of each canonical element, row 0 at the top, page after page.

    A confidence is the cosine at which a view sees the texel, at least LEAST_COSINE."""

    texel: Ints = field(kw_only=True)


@dataclass(frozen=True)
class _ReadTexels:
    """The texels that pixels read: flat index, a surface point (K, 3), its normal (K, 3), its chart (K,)."""

    index: Ints
    point: Floats
    normal: Floats
    chart: Ints

    def seeds(self, size: int) -> NDArray[np.float64]:
        """(K, 3) row, column and chart; charts lie farther apart than any two texels of one chart."""
        row, column = np.divmod(self.index % size**2, size)
        return np.column_stack([row, column, self.chart * (4.0 * size)])


def mesh_maps(
    surface: Surface, views: Sequence[View], size: int, averaging: Averaging = PUBLISHED
) -> MeshMaps:
    """Build f and g for ``views`` of one resolution and a texture, or pages, of ``size``^2 texels.

    The exponent of the cosine weights is PUBLISHED as 1 while synchronising, through an accident that reads 0
    as 1, and as 6 in the final bake.
    """
    pixels = views[0].resolution ** 2
    hits = [texel_of(surface.uvs_of(view.fragments), size) for view in views]
    texels, element = _texels(surface, views, hits)
    pixel = np.concatenate([view.fragments.pixel + i * pixels for i, view in enumerate(views)])
    bounds = np.cumsum([0, *(len(view.fragments.pixel) for view in views)])
    pixel, seeds = pixel.astype(np.int64), texels.seeds(size)

    def part(i: int) -> tuple[Ints, Ints, NDArray[np.float64]]:
        own = slice(bounds[i], bounds[i + 1])
        seen, cosine = surface.raster.visible(views[i].camera, texels.point, texels.normal)
        weight = np.where(seen, cosine.astype(np.float64) ** averaging.exponent, 0.0)
        return _view_rows(seeds, weight, edge_trust(views[i]), element[own], pixel[own], 2.0 * size)

    parts = threads.each(part, (i for i, view in enumerate(views) if len(view.fragments.pixel)))
    average = normalise(_stack(parts, (len(texels.index), len(views) * pixels)))
    seen, source = _filled_from(average, seeds)
    average = average[source] if not seen.all() else average
    cosine = _cosines(texels, source, views, average) if averaging.reweighted else None
    return MeshMaps(pixel, element, average, seen, cosine, texel=texels.index)


def _charts(surface: Surface) -> Ints:
    """(F,) the number of each face's chart; charts of one page are closer than those of any others."""
    charts = surface.charts.astype(np.int64)
    return charts + page_of(surface.uvs[:, 0]) * 2 * (int(charts.max()) + 1)


def _texels(
    surface: Surface, views: Sequence[View], hits: list[NDArray[np.int32]]
) -> tuple[_ReadTexels, Ints]:
    """The distinct texels hit, and for each pixel the number of its texel among them.

    The first pixel to hit a texel lends it its surface point: within a texel of its centre, and on the mesh.
    """
    index, first, element = np.unique(np.concatenate(hits), return_index=True, return_inverse=True)
    face = np.concatenate([view.fragments.face for view in views])[first]
    bary = np.concatenate([view.fragments.bary for view in views])[first]
    point = interpolate(surface.corners, face, bary)
    found = _ReadTexels(index.astype(np.int64), point, surface.normals[face], _charts(surface)[face])
    return found, element.reshape(-1).astype(np.int64)


def _view_rows(
    seeds: NDArray[np.float64],
    weight: NDArray[np.float64],
    trust: Floats,
    element: Ints,
    pixel: Ints,
    reach: float,
) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """One view's part of g as (row, column, value) triplets.

    Each weighted texel takes the nearest texel of its chart that the view hits (Voronoi), and there the mean
    of the pixels that hit it. ``reach``: a distance that only texels of one chart keep.
    """
    order = np.argsort(element, kind="stable")
    hit, start, count = np.unique(element[order], return_index=True, return_counts=True)
    wanted = np.flatnonzero(weight > 0)
    place = np.full(len(seeds), -1)
    place[hit] = np.arange(len(hit))
    nearest = place[wanted]  # texels that the view hits are their own nearest ones
    free = np.flatnonzero(nearest < 0)
    nearest[free] = cKDTree(seeds[hit]).query(seeds[wanted[free]], distance_upper_bound=reach)[1]
    inside = nearest < len(hit)  # a chart that the view has no pixel in is not its business
    wanted, nearest = wanted[inside], nearest[inside]
    repeats = count[nearest]
    row = np.repeat(wanted, repeats)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    source = order[np.repeat(start[nearest], repeats) + offset]
    return row, pixel[source], np.repeat(weight[wanted] / repeats, repeats) * trust[source]


def _stack(parts: list[tuple[Ints, Ints, NDArray[np.float64]]], shape: tuple[int, int]) -> csr_matrix:
    if not parts:
        return csr_matrix(shape)
    row, column, value = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return csr_matrix((value, (row, column)), shape=shape)


def _filled_from(matrix: csr_matrix, seeds: NDArray[np.float64]) -> tuple[NDArray[np.bool_], Ints]:
    """Which rows (K,) aren't empty, and the row (K,) that each is to be read from: its own, or the nearest
    one that isn't empty. That is the final Voronoi fill."""
    seen = np.diff(matrix.indptr) > 0
    source = np.arange(len(seen))
    if seen.any() and not seen.all():
        filled = np.flatnonzero(seen)
        source[~seen] = filled[cKDTree(seeds[filled]).query(seeds[~seen])[1]]
    return seen, source


def _cosines(texels: _ReadTexels, source: Ints, views: Sequence[View], average: csr_matrix) -> Floats:
    """Of every value of ``average``: the cosine between the texel's normal and the direction to the view."""
    texel = np.repeat(source, np.diff(average.indptr))
    number = average.indices // views[0].resolution ** 2
    towards = np.stack([view.camera.position for view in views])[number] - texels.point[texel]
    facing = np.einsum("nk,nk->n", texels.normal[texel], towards) / np.linalg.norm(towards, axis=1)
    return np.asarray(np.maximum(np.abs(facing), LEAST_COSINE), np.float32)
