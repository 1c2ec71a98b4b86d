"""Lines of numbers as arrays: the part of reading text files that has to be quick."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..raw import Check, Damaged, Doubles, Indices

Bytes = NDArray[np.uint8]
BLOCK = 1 << 21  # bytes of whole lines that are looked at together
_NUMBER = re.compile(
    rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|[+-]?(nan|inf)(inity|\([^)]*\))?$", re.IGNORECASE
)
_CLEAN = bytes(10 if i == 10 else 32 if i < 32 or i == 127 else i for i in range(256))
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass
class BadLine(Exception):
    """A line that can't be read: where it starts in the text, and why."""

    at: int
    why: str


def plain(data: bytes) -> bytes:
    """``data`` as lines that end in a line feed, with blanks for all other control characters and no byte
    order mark. Raises Damaged for UTF-16."""
    if data.startswith(_BYTE_ORDER_MARKS):
        raise Damaged("it is text in UTF-16; save it as plain text or UTF-8")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.count(b"\r") != data.count(b"\r\n"):
        data = data.replace(b"\r\n", b" \n").replace(b"\r", b"\n")
    return data.translate(_CLEAN)


def blocks(text: bytes, check: Check) -> Iterator[tuple[int, bytes]]:
    """``text`` in pieces of whole lines, each with where it starts; the last line ends, too."""
    start = 0
    while start < len(text):
        check()
        end = text.find(b"\n", start + BLOCK) + 1 or len(text)
        block = text[start:end]
        yield start, block if block.endswith(b"\n") else block + b"\n"
        start = end


def line_number(text: bytes, at: int) -> int:
    """Of the line with the byte ``at``, from 1."""
    return text.count(b"\n", 0, at) + 1


def shown(text: bytes) -> str:
    """``text`` in quotes, short enough for a message."""
    words = " ".join(text.decode("utf-8", "replace").split())
    return f"'{words}'" if len(words) <= 40 else f"'{words[:37]}...'"


def cut(block: Bytes, begins: Indices, ends: Indices) -> Bytes:
    """The lines of ``block`` that begin at ``begins`` and end in the line feeds at ``ends``, alone."""
    if not len(begins):
        return block[:0]
    change = np.zeros(len(block) + 1, np.int8)
    change[begins] += 1
    change[ends + 1] -= 1
    return np.asarray(block[np.cumsum(change[:-1], dtype=np.int8).view(bool)])


def words_per_line(text: Bytes) -> Indices:
    """How many words each line of ``text`` has; every line ends in a line feed."""
    solid = text > 32
    starts = solid.copy()
    starts[1:] &= ~solid[:-1]
    return np.asarray(np.diff(np.cumsum(starts)[text == 10], prepend=0))


def numbers(text: bytes, count: int) -> Doubles:
    """The ``count`` numbers in ``text``, nan and inf among them. Raises BadLine, which counts from the start
    of ``text``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # older versions of numpy only warn
            found = np.fromstring(text, np.float64, sep=" ")
        if len(found) == count:
            return found
    except (ValueError, Warning):
        pass
    words = re.finditer(rb"\S+", text)
    return np.array([_number(word) for word in words])


def _number(word: re.Match[bytes]) -> float:
    if not _NUMBER.match(word[0]):
        raise BadLine(word.start(), f"{shown(word[0])} is not a number")
    return float(word[0].partition(b"(")[0])


def rows(text: Bytes, most: int, least: int) -> Doubles:
    """(n, most) the first numbers of each line of ``text``, zero where a line has only ``least``.

    Raises BadLine, which counts from the start of ``text``.
    """
    counts = words_per_line(text)
    if len(counts) and counts.min() < least:
        bad = int(np.flatnonzero(counts < least)[0])
        at = int(np.flatnonzero(text == 10)[bad - 1]) + 1 if bad else 0
        raise BadLine(at, f"it has {_say(int(counts[bad]))} where {_say(least)} should be")
    found = numbers(text.tobytes(), int(counts.sum()))
    starts = np.cumsum(counts) - counts
    result = np.zeros((len(counts), most))
    for i in range(most):
        there = counts > i
        result[there, i] = found[starts[there] + i]
    return result


def _say(count: int) -> str:
    return {0: "no number", 1: "one number"}.get(count, f"{count} numbers")
