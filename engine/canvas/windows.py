"""Windows on a flat picture, which may go on beyond its edges: on a torus it has none, and so tiles without a
seam.

f copies what a window shows of the picture. g averages the windows that show an element, each weighted by how
far from its own border it shows it. Published, for wide pictures, are equal weights, with which every border
of a window is a step in the average.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.sparse import csr_matrix

from ..measure.wrapping import wrap_error
from ..sync.spaces import Averaging, LinearMaps, normalise

Floats = NDArray[np.float32]

LEAST_TRUST = 3e-4  # across and down together 1e-7, whose fifth power is a number in float32 still


@dataclass(frozen=True)
class Windows:
    """Windows of ``side``^2 pixels on a picture of ``height`` x ``width`` pixels.

    tops, lefts: where their rows and columns begin; there is a window at each pair, row by row. wraps:
    whether the picture goes on at its other edge, in both directions.
    """

    height: int
    width: int
    side: int
    tops: tuple[int, ...]
    lefts: tuple[int, ...]
    wraps: bool

    @classmethod
    def torus(cls, height: int, width: int, side: int, stride: int, grid: int) -> Windows:
        """At most ``stride`` pixels apart on a picture without edges. Its size is the next multiple of
        ``grid``, which divides ``side`` and ``stride``, and so are all places."""
        height, width = (math.ceil(length / grid) * grid for length in (height, width))
        tops, lefts = (_around(length, stride, grid) for length in (height, width))
        return cls(height, width, side, tops, lefts, True)

    @classmethod
    def strip(cls, height: int, width: int, side: int, stride: int, grid: int) -> Windows:
        """The same from edge to edge of a picture that is at least ``side`` high and wide."""
        height, width = (math.ceil(length / grid) * grid for length in (height, width))
        tops, lefts = (_across(length - side, stride, grid) for length in (height, width))
        return cls(height, width, side, tops, lefts, False)

    @property
    def places(self) -> list[tuple[int, int]]:
        """(top, left) of each window."""
        return [(top, left) for top in self.tops for left in self.lefts]

    @property
    def squares(self) -> list[tuple[tuple[float, float], tuple[float, float] | None]]:
        """How far below and to the right of the first window each lies, and the period of a picture without
        edges, its width and height: in sides of a window."""
        side = self.side
        period = (self.width / side, self.height / side) if self.wraps else None
        return [((top / side, left / side), period) for top, left in self.places]

    @property
    def count(self) -> int:
        return len(self.tops) * len(self.lefts)

    def neighbours(self, number: int) -> tuple[int, ...]:
        """The windows beside, above and below the one with the ``number``."""
        rows, columns = len(self.tops), len(self.lefts)
        row, column = divmod(number, columns)
        found = []
        for down, right in ((0, -1), (0, 1), (-1, 0), (1, 0)):
            y, x = row + down, column + right
            if self.wraps:
                y, x = y % rows, x % columns
            if 0 <= y < rows and 0 <= x < columns:
                found.append(y * columns + x)
        return tuple(dict.fromkeys(one for one in found if one != number))

    @property
    def order(self) -> list[int]:
        """From the middle outwards."""
        middle = np.array([self.height - self.side, self.width - self.side]) / 2
        distance = np.abs(np.array(self.places) - middle).sum(axis=1)
        return [int(i) for i in np.argsort(distance, kind="stable")]

    def at(self, side: int) -> Windows:
        """The same with windows of ``side``^2 elements, which all places fit."""
        tops, lefts = (tuple(self._scaled(one, side) for one in row) for row in (self.tops, self.lefts))
        height, width = self._scaled(self.height, side), self._scaled(self.width, side)
        return Windows(height, width, side, tops, lefts, self.wraps)

    def _scaled(self, length: int, side: int) -> int:
        return length * side // self.side

    def maps(self, averaging: Averaging) -> LinearMaps:
        """f and g between the pixels of the windows and those of the picture, row by row."""
        inside = np.arange(self.side)
        rows = (np.array(self.tops)[:, None] + inside) % self.height
        columns = (np.array(self.lefts)[:, None] + inside) % self.width
        element = (rows[:, None, :, None] * self.width + columns[None, :, None, :]).reshape(-1)
        pixel, size = np.arange(len(element)), self.height * self.width
        trust = np.tile(trust_in(self.side).reshape(-1), self.count)
        average = csr_matrix((trust**averaging.exponent, (element, pixel)), (size, len(element)))
        confidence = None
        if averaging.reweighted:
            confidence = csr_matrix((trust, (element, pixel)), average.shape).data
        return LinearMaps(pixel, element, normalise(average), np.ones(size, bool), confidence)

    def measure(self, picture: Floats) -> dict[str, Any]:
        """How visible the seam of a joined ``picture`` (H, W, k) is, where it tiles."""
        return {"seam_error": wrap_error(picture) if self.wraps else None}

    def report(self) -> list[dict[str, Any]]:
        """Of each window its place."""
        return [{"top": top, "left": left} for top, left in self.places]

    def joined(self, pictures: Floats, height: int, width: int) -> Floats:
        """(height, width, K) float32: the picture that windows (N, h, h, K) of any resolution make together,
        in the size that was asked for."""
        fine = self.at(pictures.shape[1])
        average = fine.maps(Averaging()).average
        whole = average @ pictures.reshape(-1, pictures.shape[-1])
        return resized(whole.reshape(fine.height, fine.width, -1), height, width, self.wraps)


def trust_in(side: int) -> NDArray[np.float64]:
    """(side, side) in (0, 1]: how much a window's pixels count, sin^2 across it in both directions. Of two
    windows half a side apart the weights add up to the same everywhere."""
    across = trust_at((np.arange(side) + 0.5) / side)
    return np.outer(across, across)


def trust_at(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """In (0, 1], ``place`` from 0 to 1 from border to border: how much a window counts there, in one
    direction."""
    trust: NDArray[np.float64] = np.maximum(np.sin(np.pi * place) ** 2, LEAST_TRUST)
    return trust


def _around(length: int, stride: int, grid: int) -> tuple[int, ...]:
    """Where windows begin on a circle of ``length``."""
    count = math.ceil(length / stride)
    return tuple(dict.fromkeys(i * length // (count * grid) * grid for i in range(count)))


def _across(room: int, stride: int, grid: int) -> tuple[int, ...]:
    """Where windows begin that move through ``room``."""
    count = max(1, math.ceil(room / stride))
    return tuple(dict.fromkeys(i * room // (count * grid) * grid for i in range(count + 1)))


def resized(picture: NDArray[np.floating], height: int, width: int, wraps: bool) -> Floats:
    """``picture`` (h, w, K) as (height, width, K) float32, in [0, 1] as it was; one that wraps still does."""
    if picture.shape[:2] == (height, width):
        return picture.astype(np.float32)
    places = [
        (np.arange(new) + 0.5) * old / new - 0.5
        for new, old in zip((height, width), picture.shape[:2], strict=True)
    ]
    grid, mode = np.meshgrid(*places, indexing="ij"), "grid-wrap" if wraps else "nearest"
    channels = [map_coordinates(one, grid, order=3, mode=mode) for one in np.moveaxis(picture, 2, 0)]
    found: Floats = np.clip(np.stack(channels, axis=2), 0, 1).astype(np.float32)
    return found
