"""Ways to look at one square picture, as the views of an ambiguous one do: turned, rearranged.

Each says which element of the picture every element of the view shows: f is a lookup. All are permutations
(1-to-1), but for ``inner_rotate``, which takes the nearest element, so that some are seen twice and others
never (1-to-n). g, the average of all elements of the views that show one of the picture, solves f(z) = w by
least squares: f is a matrix with a single 1 in each row, so f^T f is diagonal.

Of those that are published, ``negate`` and single pixels in another order are left out: neither a latent nor
an autoencoder could follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ..sync.spaces import Averaging, LinearMaps, normalise
from .windows import resized

Grid = NDArray[np.int64]
Floats = NDArray[np.float32]

PIECES, PATCHES = 4, 8  # across the picture
SHIFT = 1.5  # published: of rows for each column
RADIUS = 24 / 64  # published: of a disc, of the picture's side
TURN = 45.0  # published: degrees, of what isn't one to one
SEED = 11  # published for the jigsaw


@dataclass(frozen=True)
class Looks:
    """Views of a picture of ``side``^2 elements, each by one of options.choices.LOOKS. Its side is a multiple
    of PATCHES, that pieces may have."""

    side: int
    names: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.names)

    @property
    def order(self) -> list[int]:
        return list(range(self.count))

    def neighbours(self, number: int) -> tuple[int, ...]:
        """None: every view shows something else."""
        return ()

    def report(self) -> list[dict[str, Any]]:
        """How each view looks at the picture."""
        return [{"view": name} for name in self.names]

    def measure(self, picture: Floats) -> dict[str, Any]:
        """Nothing: it closes nowhere."""
        return {}

    def at(self, side: int) -> Self:
        """The same on ``side``^2 elements."""
        return replace(self, side=side)

    @property
    def elements(self) -> Grid:
        """(N, side^2): which element of the picture each one of the views shows."""
        grid = np.arange(self.side**2, dtype=np.int64).reshape(self.side, self.side)
        return np.stack([np.ascontiguousarray(_LOOKS[name](grid)).reshape(-1) for name in self.names])

    def maps(self, averaging: Averaging) -> LinearMaps:
        """f and g. All elements count alike; ``averaging`` only says what is asked for besides."""
        element = self.elements.reshape(-1)
        pixel = np.arange(len(element))
        average = csr_matrix((np.ones(len(element)), (element, pixel)), (self.side**2, len(element)))
        confidence = np.ones_like(average.data) if averaging.reweighted else None
        seen = np.diff(average.indptr) > 0
        return LinearMaps(pixel, element, normalise(average), seen, confidence)

    def joined(self, pictures: Floats, height: int, width: int) -> Floats:
        """(height, width, K) float32: the picture that views (N, h, h, K) of any resolution make together, in
        the size that was asked for."""
        fine = self.at(pictures.shape[1])
        whole = fine.maps(Averaging()).average @ pictures.reshape(-1, pictures.shape[-1])
        return resized(whole.reshape(pictures.shape[1:]), height, width, wraps=False)

    def shown(self, picture: Floats) -> Floats:
        """(N, h, h, K): the square ``picture`` (h, h, K) as the views show it."""
        fine = self.at(len(picture))
        flat = picture.reshape(-1, picture.shape[-1])
        return flat[fine.elements].reshape(len(self.names), *picture.shape)


def _skewed(grid: Grid) -> Grid:
    """Each column moved down by SHIFT rows more than the one before, round the edge; the middle one stays."""
    moved = [int(SHIFT * (column - len(grid) / 2)) for column in range(len(grid))]
    return np.stack([np.roll(grid[:, i], by) for i, by in enumerate(moved)], axis=1)


def _pieces(grid: Grid, across: int) -> Grid:
    """Its squares, so many ``across``, in another order."""
    side = len(grid) // across
    squares = grid.reshape(across, side, across, side).swapaxes(1, 2).reshape(-1, side, side)
    mixed = squares[np.random.default_rng(SEED).permutation(len(squares))]
    return mixed.reshape(across, across, side, side).swapaxes(1, 2).reshape(grid.shape)


def turned_disc(grid: Grid, degrees: float) -> Grid:
    """A disc in the middle turned clockwise, by the nearest elements."""
    side = len(grid)
    places = np.arange(side) - (side - 1) / 2
    y, x = np.meshgrid(places, places, indexing="ij")
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    inside = np.hypot(x, y) <= RADIUS * side
    rows, columns = (
        np.where(inside, np.rint(turned + (side - 1) / 2), kept + (side - 1) / 2).astype(np.int64)
        for turned, kept in ((cos * y - sin * x, y), (sin * y + cos * x, x))
    )
    turned_disc: Grid = grid[rows, columns]
    return turned_disc


_LOOKS: Mapping[str, Callable[[Grid], Grid]] = {
    "identity": lambda grid: grid,
    "flip": lambda grid: grid[::-1],
    "rotate_cw": lambda grid: np.rot90(grid, -1),
    "rotate_ccw": lambda grid: np.rot90(grid),
    "rotate_180": lambda grid: np.rot90(grid, 2),
    "skew": _skewed,
    "jigsaw": lambda grid: _pieces(grid, PIECES),
    "patches": lambda grid: _pieces(grid, PATCHES),
    "inner_circle": lambda grid: turned_disc(grid, 180.0),
    "inner_rotate": lambda grid: turned_disc(grid, TURN),
}
