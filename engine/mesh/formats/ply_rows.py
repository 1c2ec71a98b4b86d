"""The rows of PLY files, as text and as bytes: numbers, and lists of numbers that know their lengths."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..raw import Check, Damaged, Indices
from . import text

Values: TypeAlias = NDArray[Any]
_LOOKS = 1 << 16  # rows between two looks at whether the job is cancelled


@dataclass(frozen=True)
class List:
    """A list for each row: values (N,) of all behind one another; counts (n,)."""

    values: Values
    counts: Indices


Columns: TypeAlias = dict[str, Values | List]


@dataclass(frozen=True)
class Property:
    """name; kind: numpy's name of a value's type; length: that of a list's length, None for no list."""

    name: str
    kind: str
    length: str | None = None


@dataclass
class Element:
    """So many rows, each with these properties."""

    name: str
    count: int
    properties: list[Property] = field(default_factory=list)


class Text:
    """The body of an ASCII file, which starts at ``start`` of ``data``: all its numbers."""

    unit = "numbers"

    def __init__(self, data: bytes, start: int, check: Check) -> None:
        plain = text.plain(data[start:])
        found = [np.zeros(0)]
        for at, block in text.blocks(plain, check):
            try:
                count = int(text.words_per_line(np.frombuffer(block, np.uint8)).sum())
                found.append(text.numbers(block, count))
            except text.BadLine as error:
                line = data.count(b"\n", 0, start) + text.line_number(plain, at + error.at)
                raise Damaged(f"line {line:,}: {error.why}") from None
        self._numbers, self._at = np.concatenate(found), 0

    def left(self) -> int:
        """How many numbers have not been read."""
        return len(self._numbers) - self._at

    def read(self, element: Element, check: Check) -> Columns:
        """The next rows, all of the ``element``. Raises Damaged."""
        widths, at = [], self._at
        for one in element.properties:
            count, start = self._length(element, one, at)
            widths.append(start - at + count)
            at = start + count
        rows = self._numbers[self._at : self._at + sum(widths) * element.count]
        if len(rows) == sum(widths) * element.count:
            parts = np.split(rows.reshape(element.count, -1), np.cumsum(widths[:-1]), axis=1)
            lists = [part for part, one in zip(parts, element.properties, strict=True) if one.length]
            if all((part[:, 0] == part.shape[1] - 1).all() for part in lists):
                self._at += len(rows)
                return {
                    one.name: self._column(one, part)
                    for one, part in zip(element.properties, parts, strict=True)
                }
        lengths = [partial(self._length, element, one) for one in element.properties]
        counts, starts, self._at = _walk(element, lengths, [1] * len(lengths), self._at, check)
        if self.left() < 0:
            raise _short(element)
        return _columns(element, starts, counts, [1] * len(lengths), self._values)

    def _length(self, element: Element, one: Property, at: int) -> tuple[int, int]:
        """How many values the property ``one`` has at the number ``at``, and where these begin."""
        if not one.length:
            return 1, at
        if at >= len(self._numbers):
            raise _short(element)
        length = float(self._numbers[at])
        if not (length >= 0 and length.is_integer()):
            raise Damaged(f"a list of '{element.name}' has {length:g} entries")
        if length >= len(self._numbers) - at:
            raise _short(element)
        return int(length), at + 1

    def _values(self, one: Property, at: Indices) -> Values:
        """The numbers ``at`` these places."""
        return _cast(self._numbers[at], one.kind)

    def _column(self, one: Property, rows: Values) -> Values | List:
        """Of rows with equally many numbers each."""
        if not one.length:
            return _cast(rows[:, 0], one.kind)
        counts = np.full(len(rows), rows.shape[1] - 1, dtype=np.int64)
        return List(_cast(rows[:, 1:].reshape(-1), one.kind), counts)


class Binary:
    """The body of a binary file, which starts at ``at`` of ``data``; order: "<" or ">"."""

    unit = "bytes"

    def __init__(self, data: bytes, at: int, order: str) -> None:
        self._data, self._at, self._order = data, at, order

    def left(self) -> int:
        """How many bytes have not been read; a line's end after the last row doesn't count."""
        rest = len(self._data) - self._at
        return rest if rest > 2 or self._data[self._at :].strip(b"\r\n") else 0

    def read(self, element: Element, check: Check) -> Columns:
        """The next rows, all of the ``element``. Raises Damaged."""
        readers = [self._reader(element, one) for one in element.properties]
        sizes, at = [], self._at
        for one, reader in zip(element.properties, readers, strict=True):
            count, start = reader(at)
            sizes.append(count)
            at = start + count * np.dtype(one.kind).itemsize
        kind = self._row(element, sizes)
        if kind.itemsize * element.count <= len(self._data) - self._at:
            rows = np.frombuffer(self._data, kind, element.count, self._at)
            if all((rows[name] == sizes[int(name[1:])]).all() for name in kind.names or () if name[0] == "n"):
                self._at += rows.nbytes
                return {
                    one.name: self._column(one, rows[f"v{i}"]) for i, one in enumerate(element.properties)
                }
        widths = [np.dtype(one.kind).itemsize for one in element.properties]
        counts, starts, self._at = _walk(element, readers, widths, self._at, check)
        if self._at > len(self._data):
            raise _short(element)
        return _columns(element, starts, counts, widths, self._values)

    def _reader(self, element: Element, one: Property) -> Callable[[int], tuple[int, int]]:
        """A function that says how many values a property has at a byte, and where these begin."""
        if not one.length:
            return lambda at: (1, at)
        code = struct.Struct(self._order + np.dtype(one.length).char)

        def read(at: int) -> tuple[int, int]:
            try:
                (count,) = code.unpack_from(self._data, at)
            except struct.error:
                raise _short(element) from None
            if count < 0:
                raise Damaged(f"a list of '{element.name}' has {count} entries")
            if count > len(self._data) - at:
                raise _short(element)
            return count, at + code.size

        return read

    def _row(self, element: Element, sizes: list[int]) -> np.dtype[Any]:
        """The type of rows whose lists have these ``sizes``."""
        fields: list[Any] = []
        for i, (one, size) in enumerate(zip(element.properties, sizes, strict=True)):
            if one.length:
                fields.append((f"n{i}", self._order + one.length))
            fields.append((f"v{i}", self._order + one.kind, (size,) if one.length else ()))
        return np.dtype(fields)

    def _column(self, one: Property, rows: Values) -> Values | List:
        """Of rows with equally many values each."""
        values = _cast(rows, one.kind)
        if not one.length:
            return values
        return List(values.reshape(-1), np.full(len(rows), values.shape[1], dtype=np.int64))

    def _values(self, one: Property, at: Indices) -> Values:
        """Those that begin at the bytes ``at``."""
        size = np.dtype(one.kind).itemsize
        found = np.frombuffer(self._data, np.uint8)[at[:, None] + np.arange(size)]
        return _cast(found.reshape(-1).view(self._order + one.kind), one.kind)


def _walk(
    element: Element,
    readers: Sequence[Callable[[int], tuple[int, int]]],
    widths: list[int],
    at: int,
    check: Check,
) -> tuple[list[list[int]], list[list[int]], int]:
    """For each property the lengths of its rows and where these begin, row by row, and where the last ends.
    ``widths``: of a value of each."""
    starts: list[list[int]] = [[] for _ in readers]
    counts: list[list[int]] = [[] for _ in readers]
    row = list(zip(readers, widths, starts, counts, strict=True))
    for number in range(element.count):
        if number % _LOOKS == 0:
            check()
        for reader, width, start, length in row:
            count, at = reader(at)
            start.append(at)
            length.append(count)
            at += count * width
    return counts, starts, at


def _columns(
    element: Element,
    starts: list[list[int]],
    counts: list[list[int]],
    widths: list[int],
    values: Callable[[Property, Indices], Values],
) -> Columns:
    """What :func:`_walk` has found; ``values`` gives what begins at these places."""
    found: Columns = {}
    for one, start, length, width in zip(element.properties, starts, counts, widths, strict=True):
        count = np.array(length, np.int64)
        before = np.cumsum(count) - count
        nth = np.arange(count.sum()) - np.repeat(before, count)
        there = values(one, np.repeat(np.array(start, np.int64), count) + nth * width)
        found[one.name] = List(there, count) if one.length else there
    return found


def _cast(values: Values, kind: str) -> Values:
    """As the type that the header names; whole numbers as int64, so that none wraps round."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(values.astype(kind if kind.startswith("f") else np.int64))


def _short(element: Element) -> Damaged:
    return Damaged(f"it ends in the middle of '{element.name}'")
