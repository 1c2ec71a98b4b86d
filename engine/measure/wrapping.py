"""How visible it is where a picture closes: at the edges of one that tiles, at the poles of a panorama."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

INVISIBLE = 1e-4  # colour differences below this (a fortieth of an 8-bit step) count as this


def wrap_error(picture: Floats, axes: tuple[int, ...] = (0, 1)) -> float:
    """Mean colour difference of ``picture`` (H, W, k) across its edge, over that between neighbouring rows or
    columns inside: of ``axes``, 0 from the last row to the first, 1 from the last column to the first, the
    larger. 1.0: the seam can't be told from any other place."""
    return max(_across(picture, axis) for axis in axes)


def _across(picture: Floats, axis: int) -> float:
    other = tuple(i for i in range(picture.ndim) if i != axis)
    steps = np.abs(np.roll(picture, -1, axis) - picture).mean(axis=other)
    return float(max(steps[-1], INVISIBLE) / max(steps[:-1].mean(), INVISIBLE))


def pole_error(picture: Floats) -> float:
    """The same for the poles of an equirectangular ``picture`` (H, W, k), the larger: the mean difference to
    the pixels across the pole, half a turn and so one row away, over that between neighbouring rows."""
    across = [np.abs(row - np.roll(row, len(row) // 2, axis=0)).mean() for row in (picture[0], picture[-1])]
    inner = np.abs(np.diff(picture, axis=0)).mean()
    return float(max(*across, INVISIBLE) / max(inner, INVISIBLE))
