"""How much of each splat every pixel shows: f of splats, exact front-to-back compositing as a sparse matrix.

A splat of opacity a behind others counts a (1 - a1) (1 - a2) ...; what is left of a pixel is its background.
Pixels are worked on in bands of rows, whose pairs of a pixel and a splat are all there at once: sorted by
pixel and depth by the way a sparse matrix is built, multiplied up by sums of logarithms.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ..inputs import require_room
from .projection import FAINTEST, Projected

Check = Callable[[], None]
Indices = NDArray[np.int64]

OPAQUE = 0.99  # at most, as in 3D Gaussian splatting
HIDDEN = 1e-4  # what shines through those in front: less isn't looked at, as there
PAIRS = 1 << 22  # of a pixel and a splat at a time
BYTES_A_PAIR = 120  # while they are worked on
BYTES_A_WEIGHT = 40  # kept in f and its transpose, while these are made


def weights(seen: Projected, count: int, resolution: int, check: Check = lambda: None) -> csr_matrix:
    """(resolution^2, count) float32: rows sum to what of a pixel shows splats at all, at most 1. ``seen``: of
    ``count`` splats."""
    parts = []
    for top, bottom in _bands(seen, resolution):
        check()
        parts.append(_band(seen, top, bottom, resolution))
    data, rank = (np.concatenate([getattr(part, name) for part in parts]) for name in ("data", "indices"))
    filled = np.concatenate([np.diff(part.indptr) for part in parts])
    starts = np.concatenate([[0], np.cumsum(filled)])
    splat = seen.splat.astype(np.int32)[rank] if len(rank) else np.zeros(0, np.int32)
    return csr_matrix((data, splat, starts), (resolution**2, count))


def _bands(seen: Projected, resolution: int) -> list[tuple[int, int]]:
    """Rows from and to, with at most PAIRS in each, if a row has no more than that."""
    change = np.zeros(resolution + 1, np.int64)
    width = seen.high[:, 0] - seen.low[:, 0]
    np.add.at(change, seen.low[:, 1], width)
    np.add.at(change, seen.high[:, 1], -width)
    pairs = np.cumsum(change[:-1])
    fix = "use a file with fewer large splats, or a computer with more memory"
    require_room(int(pairs.max()) * BYTES_A_PAIR, "a row of a picture of these splats", fix)
    bands, top, sum_ = [], 0, 0
    for row, of_row in enumerate(pairs):
        if row > top and sum_ + of_row > PAIRS:
            bands.append((top, row))
            top, sum_ = row, 0
        sum_ += int(of_row)
    return [*bands, (top, resolution)]


def _band(seen: Projected, top: int, bottom: int, resolution: int) -> csr_matrix:
    """The weights in the rows ``top`` to ``bottom``, its columns being places in ``seen``."""
    shape = ((bottom - top) * resolution, max(1, len(seen)))
    inside = np.flatnonzero((seen.low[:, 1] < bottom) & (seen.high[:, 1] > top))
    low, high = seen.low[inside], seen.high[inside]
    width, first = high[:, 0] - low[:, 0], np.maximum(low[:, 1], top)
    pairs = width * (np.minimum(high[:, 1], bottom) - first)
    one = np.repeat(np.arange(len(inside)), pairs)
    down, across = np.divmod(np.arange(len(one)) - np.repeat(np.cumsum(pairs) - pairs, pairs), width[one])
    row, column, rank = first[one] + down, low[one, 0] + across, inside[one]
    alpha = _opacity(seen, rank, column, row)
    kept = alpha >= FAINTEST
    pixel = (row[kept] - top) * resolution + column[kept]
    found = csr_matrix((alpha[kept], (pixel, rank[kept])), shape)  # sorts: the nearest splats come first
    return _composited(found)


def _opacity(seen: Projected, rank: Indices, column: Indices, row: Indices) -> NDArray[np.float32]:
    """(n,) of the splats ``rank`` in the middle of pixels."""
    half = np.float32(0.5)
    x = column.astype(np.float32) + half - seen.centre[rank, 0]
    y = row.astype(np.float32) + half - seen.centre[rank, 1]
    a, b, c = seen.conic[rank].T
    power = -half * (a * x * x + c * y * y) - b * x * y
    return np.asarray(np.minimum(seen.opacity[rank] * np.exp(power), np.float32(OPAQUE)))


def _composited(opacity: csr_matrix) -> csr_matrix:
    """``opacity`` (pixels, splats), the nearest first in each row, times what those before let through."""
    let_through = np.log1p(-opacity.data.astype(np.float64))
    before = np.concatenate([[0.0], np.cumsum(let_through)])
    starts = np.repeat(before[opacity.indptr[:-1]], np.diff(opacity.indptr))
    left = np.exp(before[:-1] - starts)
    weight = np.where(left > HIDDEN, opacity.data * left, 0).astype(np.float32)
    found = csr_matrix((weight, opacity.indices, opacity.indptr), opacity.shape)
    found.eliminate_zeros()
    return found
