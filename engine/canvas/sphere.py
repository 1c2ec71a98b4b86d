"""Views of all directions on an equirectangular picture: f and g of a panorama.

f reads the texel in which a pixel's direction lies. Texels are so fine that each pixel has one of its own, or
nearly: near the poles and in a view's corners too; only those that some pixel reads count. g averages the
views that see a texel's middle, between their latents bilinearly, each weighted by how far from its own
border it shows it. So nothing has to be filled. Published are a scatter of pixels, of which the last one wins
a texel, a nearest fill of the rest, and equal weights, with which every border of a view is a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from .. import threads
from ..measure.wrapping import pole_error, wrap_error
from ..pictures.sampling import sample, taps
from ..sync.spaces import Averaging, LinearMaps, normalise
from ..views import sphere
from ..views.cameras import Camera
from ..views.neighbours import beside, nearest_first
from .windows import trust_at

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]
Places = NDArray[np.int32]

FINE = 4  # texels for each pixel in the middle of a view; in its corners pixels are half as large
BLEND = 2.0  # finished views differ a little: each counts by so high a power of its trust
BAND = 1 << 19  # directions at a time, so that the largest picture needs little beside itself


@dataclass(frozen=True)
class Sphere:
    """Views of ``side``^2 elements by ``cameras`` at the origin, which see all directions together.

    nearest: elements are small enough to be read one by one; else between four of them.
    """

    cameras: Sequence[Camera]
    side: int
    nearest: bool = True

    @property
    def count(self) -> int:
        return len(self.cameras)

    @property
    def order(self) -> list[int]:
        """From the middle of the picture to what lies behind."""
        return nearest_first(list(self.cameras))

    def neighbours(self, number: int) -> tuple[int, ...]:
        """The views beside the one with the ``number``."""
        return self._beside[number]

    @cached_property
    def _beside(self) -> list[tuple[int, ...]]:
        return beside(list(self.cameras))

    def at(self, side: int) -> Sphere:
        """The same with views of ``side``^2 elements, read between four of them where these are larger."""
        return replace(self, side=side, nearest=self.nearest and side >= self.side)

    def texels(self) -> tuple[int, int]:
        """Height and width of the picture that f reads."""
        height = round(FINE * np.pi * self.side / (2 * self.cameras[0].half_extent))
        return height, 2 * height

    def maps(self, averaging: Averaging) -> LinearMaps:
        """f and g between the views' elements and the texels that they read."""
        height, width = self.texels()
        rays = np.concatenate([camera.rays(self.side) for camera in self.cameras]).astype(np.float64)
        column, row = np.floor(sphere.places(rays, height, width)).astype(np.int64).T
        texel = np.clip(row, 0, height - 1) * width + np.clip(column, 0, width - 1)
        read, element = np.unique(texel, return_inverse=True)
        middle = _middles(read, height, width)
        parts = threads.each(lambda i: self._part(i, middle), range(self.count))
        which, pixel, tap, trust = (np.concatenate(column) for column in zip(*parts, strict=True))

        def matrix(values: Doubles) -> csr_matrix:
            return coo_matrix((values, (which, pixel)), (len(read), len(rays))).tocsr()

        average, confidence = matrix(trust**averaging.exponent * tap), None
        if averaging.reweighted:
            confidence = matrix(trust * tap).data / matrix(tap).data
        every = np.ones(len(read), bool)
        return LinearMaps(np.arange(len(rays)), element, normalise(average), every, confidence)

    def _part(self, number: int, vectors: Doubles) -> tuple[Places, Places, Doubles, Doubles]:
        """What the view with the ``number`` gives to the directions ``vectors`` (n, 3): of each value the
        direction's number, the element's, how much of that is read, and how much the view counts."""
        inside, place, trust = _seen(self.cameras[number], vectors)
        first, found = number * self.side**2, self._taps(place)
        values = [(inside, (first + index).astype(np.int32), tap, trust) for index, tap in found]
        which, pixel, tap, weight = (np.concatenate(column) for column in zip(*values, strict=True))
        kept = tap > 0
        return which[kept], pixel[kept], tap[kept], weight[kept]

    def _taps(self, place: Doubles) -> Iterator[tuple[Ints, Doubles]]:
        """The elements (n,) that are read at each ``place`` (n, 2) in [0, 1], and how much of them."""
        if self.nearest:
            column, row = np.minimum((place * self.side).astype(np.int64), self.side - 1).T
            yield row * self.side + column, np.ones(len(place))
            return
        for index, share in taps((place * self.side).astype(np.float32), self.side, self.side):
            yield index.astype(np.int64), share.astype(np.float64)

    def joined(self, pictures: Floats, height: int, width: int) -> Floats:
        """(height, width, K) float32: the picture that views (N, h, h, K) of any resolution make together."""
        whole = np.empty((height, width, pictures.shape[-1]), np.float32)
        rows = max(1, BAND // width)
        for top in range(0, height, rows):
            vectors = sphere.directions(height, width, slice(top, top + rows))
            band = self._blended(pictures, vectors.reshape(-1, 3))
            whole[top : top + rows] = band.reshape(-1, width, band.shape[1])
        return whole

    def _blended(self, pictures: Floats, vectors: Doubles) -> Doubles:
        """(n, K): what ``pictures`` of all views show in the directions ``vectors`` (n, 3)."""
        total, weight = np.zeros((len(vectors), pictures.shape[-1])), np.zeros((len(vectors), 1))
        for camera, picture in zip(self.cameras, pictures, strict=True):
            inside, place, trust = _seen(camera, vectors)
            share = trust[:, None] ** BLEND
            uv = np.stack([place[:, 0], 1 - place[:, 1]], axis=1).astype(np.float32)
            total[inside] += share * sample(picture, uv)
            weight[inside] += share
        return total / weight

    def measure(self, picture: Floats) -> dict[str, Any]:
        """How visible it is in a joined ``picture`` (H, W, k) where it closes."""
        return {"seam_error": wrap_error(picture, (1,)), "pole_error": pole_error(picture)}

    def report(self) -> list[dict[str, Any]]:
        """Of each view where it looks, in degrees."""
        return [
            {"heading": -one.azimuth + 0.0, "pitch": -one.elevation + 0.0, "fov": one.fov}
            for one in self.cameras
        ]


def _middles(texels: Ints, height: int, width: int) -> Doubles:
    """(n, 3) unit vectors through the middles of ``texels`` (n,), flat indices."""
    row, column = np.divmod(texels, width)
    return sphere.vectors(np.stack([column, row], axis=1) + 0.5, height, width)


def _seen(camera: Camera, vectors: Doubles) -> tuple[Places, Doubles, Doubles]:
    """Which of the directions ``vectors`` (n, 3), of length 1, ``camera`` sees, their numbers (m,) int32;
    where (m, 2), column and row in [0, 1]; and how much it counts there (m,), in (0, 1]."""
    axes, corner = camera.axes.astype(np.float64), (1 + 2 * camera.half_extent**2) ** -0.5
    near = np.flatnonzero(vectors @ axes[2] >= corner).astype(np.int32)  # as far off as its corners
    right, up, depth = axes @ vectors[near].T
    reach = depth * camera.half_extent
    inside = np.flatnonzero((np.abs(right) < reach) & (np.abs(up) < reach))
    place = np.stack([right[inside], -up[inside]], axis=1) / (2 * reach[inside, None]) + 0.5
    return near[inside], place, trust_at(place).prod(axis=1)
