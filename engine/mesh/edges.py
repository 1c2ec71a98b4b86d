"""Edges that two faces share, whatever the file calls their ends: vertices at one place count as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

GRID = 1e-5  # in the unit sphere; places that round to the same multiple of this are the same
_BITS = 21  # of a coordinate in a key: three fit an int64, and reach ten times as far as the unit sphere
APART = 1e-5  # UVs that differ by more are different


@dataclass(frozen=True)
class Edges:
    """m edges: the two faces of each (m, 2) and, for each side, the corners (m, 2) that the edge starts and
    ends at, both sides from the same end."""

    face: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def pick(self, chosen: Bools | NDArray[np.int64]) -> Edges:
        """The edges ``chosen``, by a mask or by number, alone."""
        return Edges(self.face[chosen], self.start[chosen], self.end[chosen])

    def seams(self, uvs: Floats) -> Bools:
        """(m,) whether the two sides of each edge part in ``uvs`` (F, 3, 2), or (F, 3, 3) with pages."""
        gaps = [
            np.abs(uvs[self.face[:, 0], corner[:, 0]] - uvs[self.face[:, 1], corner[:, 1]]).max(axis=1)
            for corner in (self.start, self.end)
        ]
        return np.asarray(np.maximum(*gaps) > APART)


def places(corners: Floats) -> NDArray[np.int64]:
    """(F, 3) a number from 0 on for the place of each of ``corners`` (F, 3, 3), normalised."""
    grid = np.round(corners.reshape(-1, 3).astype(np.float64) / GRID).astype(np.int64) + (1 << _BITS - 1)
    key = (grid[:, 0] << 2 * _BITS) + (grid[:, 1] << _BITS) + grid[:, 2]
    return np.unique(key, return_inverse=True)[1].reshape(-1, 3)


def shared_edges(corners: Floats) -> Edges:
    """Of the faces ``corners`` (F, 3, 3), normalised. Where n faces meet in one edge it is there n - 1 times,
    each time between two of them."""
    place, count = places(corners), len(corners)
    start = np.tile(np.arange(3), count)
    end = (start + 1) % 3
    face = np.repeat(np.arange(count, dtype=np.int32), 3)
    ends = np.stack([place[face, start], place[face, end]], axis=1)
    turned = ends[:, 0] > ends[:, 1]
    start, end = np.where(turned, end, start), np.where(turned, start, end)
    key = ends.min(axis=1) * (int(place.max(initial=0)) + 1) + ends.max(axis=1)
    order = np.argsort(key, kind="stable")
    at = np.flatnonzero((key[order][1:] == key[order][:-1]) & (ends[order, 0] != ends[order, 1])[1:])
    pair = order[np.stack([at, at + 1], axis=1)]
    return Edges(face[pair], start[pair], end[pair])
