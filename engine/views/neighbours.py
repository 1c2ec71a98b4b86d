"""Which views lie beside which, by the directions that they look from; the order of the list says nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .cameras import Camera

FRONT = Camera(0.0, 0.0)
BESIDE = 2  # views, of crops
SIDE = 1e-3  # a camera straight above or behind another is on neither side of it


def neighbours(cameras: list[Camera]) -> NDArray[np.int64]:
    """(N, 3): for each view itself, the nearest view to its right and the nearest to its left; -1 where there
    is none. In a ring these are the views before and after it, as published."""
    towards, right = _towards(cameras), np.stack([camera.axes[0] for camera in cameras])
    nearness = towards @ towards.T
    aside = right @ towards.T  # (i, j): how far to the right of view i view j stands
    found = [_nearest(np.where(sign * aside > SIDE, nearness, -np.inf), towards) for sign in (1, -1)]
    return np.stack([np.arange(len(cameras)), *found], axis=1)


def beside(cameras: list[Camera]) -> list[tuple[int, ...]]:
    """For each view the one or two beside it."""
    return [tuple(row[row >= 0].tolist()) for row in neighbours(cameras)[:, 1:]]


def beside_crops(cameras: list[Camera]) -> list[tuple[int, ...]]:
    """The same for views that look at places of their own: those whose places are nearest."""
    place = np.array([one.target for one in cameras])
    far = np.linalg.norm(place[:, None] - place[None], axis=2)
    np.fill_diagonal(far, np.inf)
    return [
        tuple(row[: min(BESIDE, len(row) - 1)].tolist()) for row in np.argsort(far, axis=1, kind="stable")
    ]


def reference(cameras: list[Camera]) -> int:
    """The view nearest to the front."""
    return int(nearest_first(cameras)[0])


def nearest_first(cameras: list[Camera]) -> list[int]:
    """All views, from the front one to those at the back; the higher and the right one of equals first."""
    towards = _towards(cameras)
    nearness = np.round(towards @ _towards([FRONT])[0], 6)
    return [int(i) for i in np.lexsort((-towards[:, 0], -towards[:, 1], -nearness))]


def _towards(cameras: list[Camera]) -> NDArray[np.float64]:
    """(N, 3): unit vectors from the object to the cameras."""
    return np.stack([-camera.axes[2] for camera in cameras]).astype(np.float64)


def _nearest(nearness: NDArray[np.float64], towards: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each row the column of the largest value, the higher view of equals; -1 where all are -inf."""
    rounded = np.round(nearness, 6)
    best = rounded == rounded.max(axis=1, keepdims=True)
    chosen = np.where(best, np.round(towards[:, 1], 6)[None], -np.inf).argmax(axis=1)
    return np.where(np.isfinite(rounded.max(axis=1)), chosen, -1).astype(np.int64)
