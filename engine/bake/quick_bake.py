"""A small texture in milliseconds: which pixels paint which texel is settled once, for all pictures to come.

Weights are those of the final bake, cosine^6, but of each texel the views that hardly count are left out,
edges aren't treated with care, and what no view sees takes the nearest texel that one does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ..pictures.pages import shaped
from ..pictures.sampling import taps
from ..views.cameras import Camera
from ..views.surface import Surface
from .bake import EXPONENT
from .texels import SurfaceTexels, nearest_of

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
LEAST_SHARE = 0.1  # of the weight of a texel's best view


@dataclass(frozen=True)
class QuickBake:
    """size: texels a side; pages: how many there are. average: (m, N R^2) sparse, the colours of the m
    painted texels from the pixels of all views; near: (P size^2,) the nearest painted texel of each."""

    size: int
    pages: int
    average: csr_matrix
    near: NDArray[np.int32]

    @classmethod
    def build(
        cls,
        surface: Surface,
        cameras: Sequence[Camera],
        resolution: int,
        size: int,
        check: Callable[[], None] = lambda: None,
    ) -> QuickBake:
        """A texture of ``size``^2 texels, or pages of them, for pictures of ``resolution``^2 pixels."""
        texels = SurfaceTexels.build(surface, size)
        weights = np.zeros((len(cameras), len(texels.index)), np.float32)
        point, normal = texels.point, texels.normal
        for weight, camera in zip(weights, cameras, strict=True):
            check()
            seen, cosine = surface.raster.visible(camera, point, normal)
            weight[seen] = cosine[seen] ** EXPONENT
        best = weights.max(axis=0, initial=0.0)
        weights[weights < LEAST_SHARE * best] = 0.0
        painted = np.flatnonzero(best > 0)
        average = _average(texels.pick(painted), cameras, weights[:, painted], resolution)
        near = np.zeros(0, np.int32)
        if len(painted):
            near = nearest_of(size, texels.index[painted], texels.pages)
        return cls(size, texels.pages, average, near)

    def paint(self, pictures: Floats, neutral: Floats) -> Floats:
        """The texture (T, T, k), or (P, T, T, k) of pages, from ``pictures`` (N, R, R, k) float32 of a
        channel; ``neutral`` (k,) where no view sees anything."""
        width = pictures.shape[-1]
        if not len(self.near):
            return shaped(np.tile(neutral, (self.pages * self.size**2, 1)), self.size)
        colours = self.average @ pictures.reshape(-1, width)
        return shaped(colours[self.near], self.size)


def _average(
    texels: SurfaceTexels, cameras: Sequence[Camera], weights: Floats, resolution: int
) -> csr_matrix:
    """The rows of QuickBake.average: bilinear taps in every view with a weight, (N, m), among ``weights``."""
    rows, columns, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    share = weights / np.maximum(weights.sum(axis=0), np.finfo(np.float32).tiny)
    for i, camera in enumerate(cameras):
        texel = np.flatnonzero(share[i])
        pixel, _ = camera.project(texels.points(texel), resolution)
        for place, part in taps(pixel, resolution, resolution):
            rows.append(texel)
            columns.append(place + i * resolution**2)
            values.append(share[i, texel] * part)
    triplets = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return csr_matrix(triplets, shape=(len(texels.index), len(cameras) * resolution**2))
