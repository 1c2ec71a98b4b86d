"""Which texels of a texture the triangles of UV space cover, and which place on the surface each one shows.

A triangle covers the texels whose centres lie in it, row by row, from its left edge up to its right one. A
centre on an edge that two triangles share belongs to exactly one of them: both reckon where the edge crosses
a row from the same two ends, in float64. Where triangles lie on each other the first one counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..pictures.pages import count, page_of

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

AT_ONCE = 1 << 21  # rows of triangles, or texels, at a time: keeps memory flat
THIN = 1e-3  # of a texel: triangles thinner than that show one place


def texel_faces(uvs: Floats, size: int) -> Ints:
    """(P * size^2,) the face that each texel shows, -1 for none, of ``uvs`` (F, 3, 2), or (F, 3, 3) with
    pages. Row 0 is the top of a page, v = 1."""
    found = np.full(count(uvs) * size**2, -1, np.int32)
    x, y = _places(uvs, size)
    first, last = _centres(y.min(axis=1), size), _centres(y.max(axis=1), size)
    page = page_of(uvs[:, 0]).astype(np.int64) * size**2
    order = np.arange(len(uvs))[::-1]  # the first face is painted over all others
    for part in _pieces(last[order] - first[order]):
        faces = order[part]
        face, row = _counted(faces, first[faces], last[faces] - first[faces])
        left, right = _crossings(x, y, face, row.astype(np.float64) + 0.5)
        begin, end = _centres(left, size), _centres(right, size)
        start, length = page[face] + row * size + begin, end - begin
        for some in _pieces(length):
            shown, texel = _counted(face[some], start[some], length[some])
            found[texel] = shown
    return found


def _places(uvs: Floats, size: int) -> tuple[Doubles, Doubles]:
    """(F, 3) each: columns and rows of the corners, in texels from the top left."""
    x, y = uvs[..., 0].astype(np.float64) * size, (1 - uvs[..., 1].astype(np.float64)) * size
    return x, y


def _centres(edge: Doubles, size: int) -> Longs:
    """(n,) the first texel of a row, or column, whose centre isn't before ``edge`` (n,)."""
    return np.clip(np.ceil(edge - 0.5), 0, size).astype(np.int64)


def _pieces(counts: Longs) -> Iterator[slice]:
    """Slices of ``counts`` (n,) that sum up to about AT_ONCE each."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(AT_ONCE, total, AT_ONCE), side="right")
    bounds = np.unique([0, *cuts, len(counts)])
    yield from (slice(low, high) for low, high in itertools.pairwise(bounds.tolist()))


def _counted(what: Longs, start: Longs, counts: Longs) -> tuple[Longs, Longs]:
    """Each of ``what`` (n,) as often as ``counts`` (n,) says, and beside it start, start + 1, ..."""
    before = np.cumsum(counts) - counts
    return np.repeat(what, counts), np.arange(int(counts.sum())) + np.repeat(start - before, counts)


def _crossings(x: Doubles, y: Doubles, face: Longs, height: Doubles) -> tuple[Doubles, Doubles]:
    """Where the edges of each ``face`` (m,) cross the row at ``height`` (m,): the least and the greatest x.
    The corners of an edge are taken in the order of their rows, whichever face asks."""
    left, right = np.full(len(face), np.inf), np.full(len(face), -np.inf)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        ax, ay, bx, by = x[:, a], y[:, a], x[:, b], y[:, b]
        turned = (ay > by) | ((ay == by) & (ax > bx))
        ax, bx = np.where(turned, bx, ax), np.where(turned, ax, bx)
        ay, by = np.where(turned, by, ay), np.where(turned, ay, by)
        slope = np.divide(bx - ax, by - ay, out=np.zeros_like(ax), where=by > ay)
        crossed = (ay[face] <= height) & (height < by[face])
        at = ax[face] + (height - ay[face]) * slope[face]
        np.minimum(left, at, out=left, where=crossed)
        np.maximum(right, at, out=right, where=crossed)
    return left, np.maximum(left, right)


@dataclass(frozen=True)
class TexelPlanes:
    """Where the texels of each of F faces are in space: linear in their column and row.

    base: (3, F) float32, the place of the texel (row, column) = ``corner`` (2, F) int32, in the face's plane;
    across, down: (3, F) float32, from a texel to the next one in its row and in its column.
    """

    base: Floats
    across: Floats
    down: Floats
    corner: Ints

    @classmethod
    def build(cls, corners: Floats, uvs: Floats, size: int) -> TexelPlanes:
        """Of faces with ``corners`` (F, 3, 3) and ``uvs`` (F, 3, 2 or 3) on a texture of ``size``^2."""
        x, y = _places(uvs, size)
        edge = corners[:, 1:].astype(np.float64) - corners[:, :1]
        (px, qx), (py, qy) = (x[:, 1:] - x[:, :1]).T, (y[:, 1:] - y[:, :1]).T
        area = px * qy - py * qx
        longest = np.sqrt(np.maximum.reduce([px**2 + py**2, qx**2 + qy**2, (px - qx) ** 2 + (py - qy) ** 2]))
        wide = np.abs(area) > THIN * longest
        scale = np.divide(1.0, area, out=np.zeros_like(area), where=wide)[:, None]
        across = (edge[:, 0] * qy[:, None] - edge[:, 1] * py[:, None]) * scale
        down = (edge[:, 1] * px[:, None] - edge[:, 0] * qx[:, None]) * scale
        middle_x, middle_y = x.mean(axis=1), y.mean(axis=1)
        row, column = np.floor(middle_y), np.floor(middle_x)
        base = corners.mean(axis=1, dtype=np.float64)
        base += across * (column + 0.5 - middle_x)[:, None] + down * (row + 0.5 - middle_y)[:, None]
        base, across, down = (np.ascontiguousarray(table.T, np.float32) for table in (base, across, down))
        return cls(base, across, down, np.stack([row, column]).astype(np.int32))

    def places(self, face: Ints, index: Ints, size: int) -> Floats:
        """(3, n) float32: the surface points of the texels with the flat ``index`` (n,), on ``face`` (n,)."""
        row, column = np.divmod(index % np.int32(size**2), np.int32(size))
        face = face.astype(np.intp)
        right = (column - self.corner[1].take(face)).astype(np.float32)
        below = (row - self.corner[0].take(face)).astype(np.float32)
        found = np.empty((3, len(face)), np.float32)
        for out, base, across, down in zip(found, self.base, self.across, self.down, strict=True):
            np.add(base.take(face), right * across.take(face), out=out)
            out += below * down.take(face)
        return found
