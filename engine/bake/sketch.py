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
from ..views.raster import EmbreeRaster
from .bake import EXPONENT, Atlas
from .fill import NEUTRAL, nearest_of

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
LEAST_SHARE = 0.1  # of the weight of a texel's best view


@dataclass(frozen=True)
class Sketch:
    """size: texels a side; pages: how many there are. average: (m, N R^2) sparse, the colours of the m
    painted texels from the pixels of all views; near: (P size^2,) the nearest painted texel of each."""

    size: int
    pages: int
    average: csr_matrix
    near: NDArray[np.int32]

    @classmethod
    def build(
        cls,
        raster: EmbreeRaster,
        uvs: Floats,
        cameras: Sequence[Camera],
        resolution: int,
        size: int,
        check: Callable[[], None] = lambda: None,
    ) -> Sketch:
        """For pictures of ``resolution``^2 pixels; uvs: (F, 3, 2) per corner, or (F, 3, 3) with pages."""
        atlas = Atlas.build(raster, uvs, size)
        weights = np.zeros((len(cameras), len(atlas.index)), np.float32)
        for weight, camera in zip(weights, cameras, strict=True):
            check()
            seen, cosine = raster.visible(camera, atlas.point, atlas.normal)
            weight[seen] = cosine[seen] ** EXPONENT
        best = weights.max(axis=0, initial=0.0)
        weights[weights < LEAST_SHARE * best] = 0.0
        painted = np.flatnonzero(best > 0)
        average = _average(atlas.pick(painted), cameras, weights[:, painted], resolution)
        pages = atlas.pages
        if not len(painted):
            return cls(size, pages, average, np.zeros(0, np.int32))
        return cls(size, pages, average, nearest_of(size, atlas.index[painted], pages))

    def paint(self, pictures: Floats) -> Floats:
        """The texture (T, T, 3), or (P, T, T, 3) of pages, from ``pictures`` (N, R, R, 3) float32."""
        if not len(self.near):
            return shaped(np.full((self.pages * self.size**2, 3), NEUTRAL, np.float32), self.size)
        colours = self.average @ pictures.reshape(-1, 3)
        return shaped(colours[self.near], self.size)


def _average(atlas: Atlas, cameras: Sequence[Camera], weights: Floats, resolution: int) -> csr_matrix:
    """The rows of Sketch.average: bilinear taps in every view with a weight, (N, m), among ``weights``."""
    rows, columns, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    share = weights / np.maximum(weights.sum(axis=0), np.finfo(np.float32).tiny)
    for i, camera in enumerate(cameras):
        texel = np.flatnonzero(share[i])
        pixel, _ = camera.project(atlas.point[texel], resolution)
        for place, part in taps(pixel, resolution, resolution):
            rows.append(texel)
            columns.append(place + i * resolution**2)
            values.append(share[i, texel] * part)
    triplets = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return csr_matrix(triplets, shape=(len(atlas.index), len(cameras) * resolution**2))
