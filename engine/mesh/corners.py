"""Corners of faces that name several things (a place, a UV, a normal) to vertices that name one each."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .raw import Doubles, Indices

FEW = 64  # pieces that are welded one by one
NARROW = (1 << 20) - 1  # numbers below fit into a key three at a time
_DIGITS = 8  # after the point, to which UVs are the same


def welded(*names: Indices) -> tuple[Indices, Indices]:
    """(C,) the vertex of each corner, and (V,) the place of each vertex, in ascending order.

    names: k columns (C,), the place first: numbers, -1 for none. Corners that name the same are one vertex.
    """
    if len(names) == 1:
        place, vertex = np.unique(names[0], return_inverse=True)
        return vertex, place
    rows = np.stack(names, axis=1)
    unique, inverse = _unique(rows)
    place = names[0][unique]
    order = place.argsort()
    return _inverse(order)[inverse], place[order]


def welded_by_piece(piece: Indices, *names: Indices) -> tuple[Indices, Indices]:
    """The same for corners of several pieces (C,), from 0, that share no vertices: those of each behind one
    another. A column with -1 throughout in a piece doesn't count there."""
    order = np.argsort(piece, kind="stable")
    counts = np.bincount(piece).tolist()
    if len(counts) > FEW and max(int(column.max(initial=0)) for column in names) < NARROW:
        return _welded_together(piece, names)
    vertex, places, start, end = np.zeros(len(piece), np.int64), [], 0, 0
    for count in counts:
        own = order[start : start + count]
        columns = [names[0][own], *(one[own] for one in names[1:] if (one[own] >= 0).any())]
        numbers, place = welded(*columns)
        vertex[own] = numbers + end
        places.append(place)
        start, end = start + count, end + len(place)
    return vertex, np.concatenate(places)


def _welded_together(piece: Indices, names: tuple[Indices, ...]) -> tuple[Indices, Indices]:
    """All pieces in one go, which is quicker for thousands of them."""
    order = np.lexsort((*names, piece))
    new = np.ones(len(order), bool)
    new[1:] = np.any([np.diff(column[order]) != 0 for column in (*names, piece)], axis=0)
    place, piece_of = names[0][order][new], piece[order][new]
    starts = np.searchsorted(piece_of, np.arange(int(piece_of[-1]) + 2)).tolist()
    sorting = np.concatenate([start + place[start:end].argsort() for start, end in pairwise(starts)])
    vertex = np.empty(len(piece), np.int64)
    vertex[order] = _inverse(sorting)[np.cumsum(new) - 1]
    return vertex, place[sorting]


def _inverse(order: Indices) -> Indices:
    """Of a permutation."""
    found = np.empty(len(order), np.int64)
    found[order] = np.arange(len(order))
    return found


def distinct_uvs(uvs: Doubles) -> tuple[Indices, Indices]:
    """Of ``uvs`` (C, 2) one row for each that is different, and (C,) which of these each is."""
    with np.errstate(invalid="ignore"):
        return _unique(np.round(uvs * 10**_DIGITS - 1e-6).astype(np.int64))


def _unique(rows: Indices) -> tuple[Indices, Indices]:
    """The first of each different row of ``rows`` (n, 1 to 4), in an order that only they decide, and (n,)
    which of these each is."""
    bits = 64 // rows.shape[1]
    half = (1 << (bits - 1)) - 1
    if len(rows) and rows.min() > -half and rows.max() < half:
        key = np.zeros(len(rows), np.uint64)
        for i, column in enumerate(rows.T):
            key ^= (column + (half + 1)).astype(np.uint64) << np.uint64(i * bits)
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        return first, inverse
    return _unique_wide(rows)


def _unique_wide(rows: Indices) -> tuple[Indices, Indices]:
    """The same for numbers that don't fit one key, by the rows' bytes."""
    order = np.lexsort(rows.T.astype(np.int64).byteswap().view(np.uint64)[::-1])
    ordered = rows[order]
    new = np.ones(len(rows), bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = np.cumsum(new) - 1
    return order[new], inverse


def used(vertices: Doubles, corners: Indices) -> tuple[Doubles, NDArray[np.int64]]:
    """The ``vertices`` (V, 3) that some of the ``corners`` (...) names, in their order, and the corners with
    their new numbers."""
    seen = np.zeros(len(vertices), bool)
    seen[corners] = True
    return vertices[seen], (np.cumsum(seen) - 1)[corners]
