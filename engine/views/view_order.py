"""An order of views in which neighbours in the list look from neighbouring directions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .cameras import Camera

Doubles = NDArray[np.float64]


def round_trip(cameras: Sequence[Camera]) -> list[Camera]:
    """``cameras`` as a short closed tour of their directions, from the one nearest the front on."""
    if not len(cameras):
        return []
    towards = np.stack([-camera.axes[2] for camera in cameras]).astype(np.float64)
    angle = np.arccos(np.clip(towards @ towards.T, -1, 1))
    tours = [_untangled(_nearest_next(angle, start), angle) for start in range(len(cameras))]
    tour = min(tours, key=lambda order: round(length(order, angle), 6))
    first = tour.index(int(np.round(towards[:, 2], 6).argmax()))
    return [cameras[i] for i in [*tour[first:], *tour[:first]]]


def length(tour: Sequence[int], angle: Doubles) -> float:
    """Of the closed ``tour`` by the angles (N, N) between views."""
    return float(angle[list(tour), [*tour[1:], tour[0]]].sum())


def _nearest_next(angle: Doubles, start: int) -> list[int]:
    tour, left = [start], set(range(len(angle))) - {start}
    while left:
        tour.append(min(sorted(left), key=lambda i: angle[tour[-1], i]))
        left.remove(tour[-1])
    return tour


def _untangled(tour: list[int], angle: Doubles) -> list[int]:
    """``tour`` with stretches turned round until no turn makes it shorter (2-opt)."""
    shorter = True
    while shorter:
        shorter = False
        for i, j in combinations(range(len(tour)), 2):
            turned = [*tour[: i + 1], *tour[j:i:-1], *tour[j + 1 :]]
            if length(turned, angle) < length(tour, angle) - 1e-9:
                tour, shorter = turned, True
    return tour
