"""f and g of a textured mesh: pixels look texels up, texels average the pixels of the views that see them.

g, as published: each view's pixels are scattered to the texels they hit (mean of several), spread over the
texture by a Voronoi fill, weighted by visibility times cosine^exponent, summed over the views and normalised;
texels that no view weighs take the nearest one that is. Mended on the way:

- visibility is a ray cast per texel, not "one pixel of the triangle was seen";
- the Voronoi fill goes by distance on the surface, stays inside a chart and reaches no farther than REACH: a
  pixel far away says nothing of a texel that another view has hit;
- pixels at a silhouette or a depth edge hardly count (visibility.py), so the background doesn't bleed in;
- near the border of a crop, beyond which another view goes on, pixels count less and less;
- the normaliser divides by the sum itself, without the epsilon that darkens grazing texels.

f reads only texels that some pixel hits. So K counts those alone, at most one a pixel: nothing else of a
1536 x 1536 texture can influence a view. A texel reads the pixels that hit it and at most one more of each
other view, so whatever the UVs, g has no more than P + K N numbers for P pixels of N views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from .. import threads
from ..pictures.pages import page_of, texel_of
from ..sync.spaces import Averaging, LinearMaps, LinearSpace, normalise
from ..views.neighbours import nearest_first
from ..views.raster import interpolate
from ..views.surface import Surface, View
from ..views.visibility import edge_trust

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

PUBLISHED = Averaging()
REACH = 1.5  # sides of a view's pixel, facing the camera: how far on the surface its colour is carried
LEAST_INWARDS = 1e-3  # of a crop: what it alone sees it paints up to its border
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


@dataclass(frozen=True)
class _Sources:
    """What a ``view`` can give to texels: its pixels, numbered among those of all views, the ``texel`` (p,)
    that each hits, and a tree of their ``places``, see _places. apart: how far off another chart is."""

    view: View
    pixel: Ints
    texel: Ints
    tree: cKDTree
    apart: float

    def given(
        self, texels: _ReadTexels, weight: NDArray[np.float64]
    ) -> tuple[Ints, Ints, NDArray[np.float64]]:
        """The view's part of g as (row, column, value) triplets: texels with a ``weight`` (K,) take the mean
        of the pixels that hit them, else the nearest pixel within REACH."""
        trust, count = edge_trust(self.view), np.bincount(self.texel, minlength=len(weight))
        hit = np.flatnonzero(weight[self.texel] > 0)
        free = np.flatnonzero((weight > 0) & (count == 0))
        far, number = self.nearest(texels, free, REACH)
        close = np.isfinite(far)
        free, number = free[close], number[close]
        own = self.texel[hit]
        return (
            np.concatenate([own, free]),
            self.pixel[np.concatenate([hit, number])],
            np.concatenate([weight[own] / count[own] * trust[hit], weight[free] * trust[number]]),
        )

    def nearest(self, texels: _ReadTexels, chosen: Ints, reach: float) -> tuple[NDArray[np.float64], Ints]:
        """For the ``chosen`` texels (m,): how far the nearest pixel of their chart is, inf where that is more
        than ``reach`` times a pixel's side there, and its number in the view."""
        place = _places(texels.point[chosen], texels.chart[chosen], self.apart)
        _, depth = self.view.camera.project(texels.point[chosen], 1)
        side = 2 * self.view.camera.half_extent * depth / self.view.resolution
        limit = np.minimum(reach * side, self.apart / 2)
        far, number = self.tree.query(place, distance_upper_bound=limit.max(initial=0.0))
        return np.where(far <= limit, far, np.inf), number


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
    sources = _sources(surface, views, element)

    def part(own: _Sources) -> tuple[Ints, Ints, NDArray[np.float64]]:
        seen, cosine = surface.raster.visible(own.view.camera, texels.point, texels.normal)
        worth = cosine.astype(np.float64)
        if own.view.crop:
            worth *= np.maximum(own.view.inwards(texels.point), LEAST_INWARDS)
        return own.given(texels, np.where(seen, worth**averaging.exponent, 0.0))

    shape = len(texels.index), len(views) * pixels
    average = normalise(_stack(threads.each(part, sources), shape))
    average += _out_of_reach(surface, texels, sources, np.flatnonzero(np.diff(average.indptr) == 0), shape)
    seen, source = _filled_from(average, texels.seeds(size))
    average = average[source] if not seen.all() else average
    cosine = _cosines(texels, source, views, average) if averaging.reweighted else None
    pixel = np.concatenate([own.pixel for own in sources]) if sources else np.zeros(0, np.int64)
    return MeshMaps(pixel, element, average, seen, cosine, texel=texels.index)


def space_of(
    surface: Surface,
    shots: Sequence[View],
    scale: int,
    sizes: Mapping[str, int],
    averaging: Averaging,
    device: torch.device,
) -> LinearSpace:
    """f and g for ``shots`` in elements of ``scale``^2 pixels, of a texture that has a size of its own for
    latents and for pixels: ``sizes``, by the sync space."""
    size = sizes["rgb"]
    if scale > 1:
        size = sizes["latent"]
        side = shots[0].resolution // scale
        shots = [replace(surface.seen(one.camera, side), crop=one.crop) for one in shots]
    maps = mesh_maps(surface, shots, size, averaging)
    order = nearest_first([one.camera for one in shots]) if averaging.earlier else ()
    return LinearSpace.build(maps, device, order)


def _sources(surface: Surface, views: Sequence[View], element: Ints) -> list[_Sources]:
    """Of the ``views`` that see something; ``element``: the texel of each pixel of all of them."""
    charts, apart = _charts(surface), 4.0 * float(np.abs(surface.corners).max(initial=1.0))
    ends = np.cumsum([len(view.fragments.pixel) for view in views])

    def of_view(i: int) -> _Sources:
        view, shown = views[i], views[i].fragments
        place = _places(surface.points(shown), charts[shown.face], apart)
        texel = element[ends[i] - len(shown.pixel) : ends[i]]
        pixel = shown.pixel.astype(np.int64) + i * view.resolution**2
        return _Sources(view, pixel, texel, cKDTree(place), apart)

    return threads.each(of_view, (i for i, view in enumerate(views) if len(view.fragments.pixel)))


def _places(point: Floats, chart: Ints, apart: float) -> NDArray[np.float64]:
    """(n, 4) surface points and their charts; those of different charts are ``apart``."""
    return np.column_stack([point.astype(np.float64), chart * apart])


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


def _out_of_reach(
    surface: Surface, texels: _ReadTexels, sources: list[_Sources], lost: Ints, shape: tuple[int, int]
) -> csr_matrix:
    """g's rows for ``lost`` texels, which have none within REACH: the nearest pixel of any view that sees
    them."""
    best, pixel = np.full(len(lost), np.inf), np.zeros(len(lost), np.int64)
    for own in sources if len(lost) else ():
        seen, _ = surface.raster.visible(own.view.camera, texels.point[lost], texels.normal[lost])
        far, number = own.nearest(texels, lost, np.inf)
        better = np.flatnonzero(seen & (far < best))
        best[better], pixel[better] = far[better], own.pixel[number[better]]
    found = np.flatnonzero(np.isfinite(best))
    return csr_matrix((np.ones(len(found)), (lost[found], pixel[found])), shape=shape)


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
