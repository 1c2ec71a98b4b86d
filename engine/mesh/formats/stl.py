"""STL, binary and as text: triangles without anything else."""

from __future__ import annotations

import struct

import numpy as np

from ..raw import Check, Damaged, Doubles, Indices, Raw, empty
from . import text
from .text import Bytes

COPIES = 10.0  # of a file's bytes are in memory at most while it is read
_HEADER = 84
_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def read(data: bytes, check: Check) -> Raw:
    """The STL file ``data``. Raises Damaged."""
    if len(data) >= _HEADER and len(data) == _HEADER + _count(data) * _TRIANGLE.itemsize:
        triangles = np.frombuffer(data, _TRIANGLE, offset=_HEADER)
        return _soup(triangles["corners"].reshape(-1, 3).astype(np.float64))
    if data.lstrip()[:5].lower() == b"solid" and b"\0" not in data:
        return _soup(_text_corners(data, check))
    raise Damaged(_lengths(data))


def _count(data: bytes) -> int:
    """How many triangles the header promises."""
    return int(struct.unpack_from("<I", data, _HEADER - 4)[0])


def _lengths(data: bytes) -> str:
    """Why the file can't be a binary one."""
    if len(data) < _HEADER:
        return f"it has {len(data):,} bytes, fewer than its header must have"
    count = _count(data)
    expected = _HEADER + count * _TRIANGLE.itemsize
    more = "more" if len(data) > expected else "fewer"
    return (
        f"its header promises {count:,} triangles, and it has {abs(len(data) - expected):,} bytes {more} "
        "than these take"
    )


def _soup(corners: Doubles) -> Raw:
    """Three corners for each triangle, none shared."""
    if not len(corners):
        return empty(points=False)
    return Raw(corners, np.arange(len(corners)).reshape(-1, 3))


def _text_corners(data: bytes, check: Check) -> Doubles:
    """(3 F, 3) of an ASCII file."""
    plain = text.plain(data)
    found, facets, closed = [np.zeros((0, 3))], 0, False
    for start, block in text.blocks(plain, check):
        words = _Words(np.frombuffer(block, np.uint8)).without_names()
        facets += len(words.called(b"facet"))
        closed |= words.closed
        try:
            found.append(words.vertices())
        except text.BadLine as error:
            raise Damaged(f"line {text.line_number(plain, start + error.at):,}: {error.why}") from None
    corners = np.concatenate(found)
    if not closed:
        raise Damaged("it is cut off: it has no 'endsolid'")
    if len(corners) != 3 * facets:
        raise Damaged(f"it has {len(corners):,} vertices for {facets:,} triangles")
    return corners


class _Words:
    """The words of a text: where they begin and end. closed: "endsolid" is among them."""

    def __init__(self, own: Bytes) -> None:
        solid = np.concatenate([[False], own > 32, [False]])
        edges = np.flatnonzero(solid[1:] != solid[:-1])
        self.own, self.begins, self.ends = own, edges[::2], edges[1::2]
        self.closed = False

    def called(self, word: bytes) -> Indices:
        """Which words are this one, in whatever letters."""
        at = np.flatnonzero(self.ends - self.begins == len(word))
        letters = self.own[self.begins[at][:, None] + np.arange(len(word))] | 32
        return np.asarray(at[(letters == np.frombuffer(word, np.uint8)).all(axis=1)])

    def without_names(self) -> _Words:
        """The same without the lines that call solids by names: these may be any words."""
        ends = self.called(b"endsolid")
        lines = np.concatenate([self.called(b"solid"), ends])
        feeds = np.flatnonzero(self.own == 10)
        change = np.zeros(len(self.own) + 1, np.int32)
        np.add.at(change, self.begins[lines], 1)
        np.add.at(change, feeds[np.searchsorted(feeds, self.begins[lines])], -1)
        found = _Words(np.where(np.cumsum(change[:-1]) > 0, np.uint8(32), self.own))
        found.closed = len(ends) > 0
        return found

    def vertices(self) -> Doubles:
        """(n, 3) the numbers behind each word "vertex"; raises BadLine."""
        at = self.called(b"vertex")
        if len(at) and at[-1] + 3 >= len(self.begins):
            raise text.BadLine(int(self.begins[at[-1]]), "a vertex has fewer than three numbers")
        change = np.zeros(len(self.own) + 2, np.int8)
        change[self.begins[at + 1]] += 1
        change[self.ends[at + 3] + 1] -= 1
        chosen = np.cumsum(change[: len(self.own)], dtype=np.int8).view(bool)
        try:
            found = text.numbers(self.own[chosen].tobytes(), 3 * len(at))
        except text.BadLine as error:
            raise text.BadLine(int(np.flatnonzero(chosen)[error.at]), error.why) from None
        if len(found) != 3 * len(at):
            raise text.BadLine(0, "a vertex has fewer than three numbers")
        return found.reshape(-1, 3)
