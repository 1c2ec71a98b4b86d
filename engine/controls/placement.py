"""Another seed, another layout: where an object lies among the places that a model of positions knows.

Such a model lays bricks by the places that the position map says. Moved a little in it, an object has its
bricks elsewhere; all of it moves alike, so that views agree as before. It is moved no further than the map
reaches, turned by quarters only, since walls are to face along the axes, and made a little smaller, which
makes room for objects that fill the map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

SMALLEST = 0.85  # of its size in the map
FURTHEST = 0.5  # of the map's units, of which it is 2 wide: half the longest period of any pattern
LEAST_SUM = -1.8  # of a place's coordinates: at -3 the map is as black as where there is no object


@dataclass(frozen=True)
class Placement:
    """Places ``p`` (n, 3) in the unit sphere as places ``p @ matrix + shift`` in the cube from -1 to 1."""

    matrix: Array
    shift: Array

    def of(self, places: Array) -> Array:
        moved: Array = places @ self.matrix + self.shift
        return moved


UNMOVED = Placement(np.eye(3, dtype=np.float32), np.zeros(3, np.float32))


def placed(places: Array, layout: int, smallest: float = SMALLEST, turned: bool = True) -> Placement:
    """Where ``layout``, a seed, moves an object with these ``places`` (n, 3) to; 0 leaves it where it is.
    smallest: of its size; 1 keeps it. turned: whether it may be."""
    if layout == 0 or not len(places):
        return UNMOVED
    rng = np.random.default_rng(layout)
    quarter, size = int(rng.integers(4)) * turned, rng.uniform(smallest, 1.0)
    cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarter]
    matrix = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]], np.float32) * np.float32(size)
    there = places @ matrix
    low, high = there.min(0), there.max(0)
    shift = rng.uniform(np.clip(-1 - low, -FURTHEST, 0), np.clip(1 - high, 0, FURTHEST))
    if (down := -shift.sum()) > 0:
        shift *= np.clip((there.sum(1).min() - LEAST_SUM) / down, 0, 1)
    return Placement(matrix, shift.astype(np.float32))
