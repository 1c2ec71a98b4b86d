"""Polygons to triangles: a fan where that covers the polygon, ears cut off one by one where it doesn't."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import count as numbers
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .raw import Check, Doubles, Indices, never

FLIPPED = 1e-6  # of a polygon's squared area: a fan's triangle that is turned over by less is no notch
LOOKS = 1024  # corners tried between two looks at whether the job is cancelled
Point: TypeAlias = tuple[float, float]


def triangles(points: Doubles, sizes: Indices, check: Check = never) -> Indices:
    """(T, 3) corners of the triangles of polygons, polygon by polygon, T = sum(sizes - 2).

    points: (C, 3) the place of each corner, polygon by polygon; sizes: (P,) corners of each, at least 3.
    Four corners give (0, 1, 2), (2, 3, 0), more of them a fan from the first; a polygon that its fan doesn't
    cover, since it is concave or has a hole, is cut into ears.
    """
    found = _fans(sizes)
    if (sizes == 3).all():
        return found
    firsts = np.cumsum(np.concatenate([[0], sizes[:-1] - 2]))
    normals, wrong = _judged(points, found, firsts, sizes)
    quads = firsts[wrong & (sizes == 4)]
    first_corner = found[quads, :1]
    found[quads], found[quads + 1] = first_corner + np.array([3, 0, 1]), first_corner + np.array([1, 2, 3])
    _cut_ears(points, sizes, np.flatnonzero(wrong & (sizes > 4)), normals, found, check)
    return found


def _cut_ears(
    points: Doubles, sizes: Indices, chosen: Indices, normals: Doubles, found: Indices, check: Check
) -> None:
    """Replace the triangles ``found`` of the polygons ``chosen`` by ears."""
    if not len(chosen):
        return
    starts = np.cumsum(np.concatenate([[0], sizes[:-1]]))[chosen]
    counts = sizes[chosen]
    corners = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    flat = _flattened(points[corners], np.repeat(normals[chosen], counts, axis=0))
    ears: list[tuple[int, int, int]] = []
    end = 0
    for number, count in enumerate(counts.tolist()):
        if number % LOOKS == 0:
            check()
        ears += _ears(flat[end : end + count], check)
        end += count
    rows = np.repeat(np.repeat(starts, counts - 2)[:, None], 3, axis=1)
    first = starts - 2 * chosen  # each polygon before has two triangles fewer than corners
    at = np.repeat(first - np.cumsum(counts - 2) + counts - 2, counts - 2) + np.arange(len(ears))
    found[at] = rows + np.array(ears)


def _fans(sizes: Indices) -> Indices:
    """(T, 3) the corners of triangles that are right for convex polygons."""
    starts = np.cumsum(np.concatenate([[0], sizes[:-1]]))
    counts = sizes - 2
    before = np.cumsum(np.concatenate([[0], counts[:-1]]))
    start = np.repeat(starts, counts)
    nth = np.arange(len(start)) - np.repeat(before, counts)
    found = np.stack([start, start + nth + 1, start + nth + 2], axis=1)
    second = (before + 1)[sizes == 4]
    found[second] = found[second][:, [1, 2, 0]]
    return found


def _judged(
    points: Doubles, found: Indices, firsts: Indices, sizes: Indices
) -> tuple[Doubles, NDArray[np.bool_]]:
    """(P, 3) normals of the polygons, and (P,) which have a triangle that is turned over."""
    with np.errstate(invalid="ignore", over="ignore"):  # what isn't finite is reported later
        a, b, c = (points[found[:, i]] for i in range(3))
        crosses = np.cross(b - a, c - a)
        normals = np.add.reduceat(crosses, firsts, axis=0)
        along = (crosses * np.repeat(normals, sizes - 2, axis=0)).sum(axis=1)
        least = np.minimum.reduceat(along, firsts)
        square = (normals**2).sum(axis=1)
        return normals, np.isfinite(square) & (least < -FLIPPED * square)


def _flattened(corners: Doubles, normals: Doubles) -> list[Point]:
    """``corners`` (n, 3) in a plane, so that what is anticlockwise seen against their ``normals`` (n, 3) is
    so there."""
    axis = np.abs(normals).argmax(axis=1)
    row = np.arange(len(axis))
    u, v = corners[row, (axis + 1) % 3], corners[row, (axis + 2) % 3]
    behind = normals[row, axis] < 0
    return list(zip(np.where(behind, v, u).tolist(), np.where(behind, u, v).tolist(), strict=True))


def _ears(points: list[Point], check: Check) -> list[tuple[int, int, int]]:
    """n - 2 triangles of the anticlockwise polygon ``points`` (n). Where it crosses itself, some that lie on
    one another."""
    ring = _Ring(points)
    found: list[tuple[int, int, int]] = []
    here, left, strict = 0, len(points), True  # left: corners to try before giving up
    for tries in numbers():
        if tries % LOOKS == 0:
            check()
        if len(found) == len(points) - 2:
            return found
        if ring.is_ear(here, strict):
            found.append(ring.cut(here))
            here, left = ring.after[ring.after[here]], len(points) - len(found)
            continue
        here, left = ring.after[here], left - 1
        if left < 0 and not strict:
            return found + ring.fan(here)
        if left < 0:
            left, strict = len(points) - len(found), False
    return found


class _Ring:
    """A polygon that loses corner after corner. after, before: of each corner the next ones; cut ones keep
    theirs."""

    def __init__(self, points: list[Point]) -> None:
        n = len(points)
        self.points = points
        self.after = [*range(1, n), 0]
        self.before = [n - 1, *range(n - 1)]
        self.alive = [True] * n
        dents = sorted((points[i][0], i) for i in range(n) if self._turn(i) <= 0)
        self._dents = [i for _, i in dents]  # only corners that turn inward can lie in an ear
        self._places = [x for x, _ in dents]

    def _turn(self, i: int) -> float:
        return _area(self.points[self.before[i]], self.points[i], self.points[self.after[i]])

    def is_ear(self, i: int, strict: bool) -> bool:
        """Whether the triangle at the corner ``i`` lies inside the polygon; if not ``strict``, one without
        area may as well."""
        a, b, c = self.points[self.before[i]], self.points[i], self.points[self.after[i]]
        turn = _area(a, b, c)
        if turn <= 0:
            return turn == 0 and not strict
        low = bisect_left(self._places, min(a[0], b[0], c[0]))
        high = bisect_right(self._places, max(a[0], b[0], c[0]))
        return not any(self._inside(k, a, b, c) for k in self._dents[low:high])

    def _inside(self, k: int, a: Point, b: Point, c: Point) -> bool:
        """Whether the corner ``k`` lies in the triangle a, b, c, and not at one of its ends."""
        p = self.points[k]
        if not self.alive[k] or p in (a, b, c):
            return False
        return _area(a, b, p) >= 0 and _area(b, c, p) >= 0 and _area(c, a, p) >= 0

    def cut(self, i: int) -> tuple[int, int, int]:
        """The triangle at the corner ``i``, which goes."""
        a, c = self.before[i], self.after[i]
        self.after[a], self.before[c] = c, a
        self.alive[i] = False
        return a, i, c

    def fan(self, i: int) -> list[tuple[int, int, int]]:
        """The triangles of all corners that are left, from the corner ``i``."""
        found, here = [], self.after[i]
        while self.after[here] != i:
            found.append((i, here, self.after[here]))
            here = self.after[here]
        return found


def _area(a: Point, b: Point, c: Point) -> float:
    """Twice the signed area of a triangle, positive when anticlockwise."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
