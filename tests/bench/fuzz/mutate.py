"""Hostile variants of small valid files: other bytes, numbers and lines, and what isn't a file at all."""

from __future__ import annotations

import os
import re
import socket
import struct
from pathlib import Path
from random import Random

from tests.bench.fuzz import odd

WORDS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 10**6, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
LONG_WORDS = (*WORDS, 2**32, 2**53, 2**63 - 1, 2**64 - 1)
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
SPECIALS = (
    *("pipe", "socket", "folder", "zero", "full", "terminal", "outside", "circle", "nothing", "missing"),
    *("empty", "sparse"),
)
SPARSE = 40 << 30  # bytes that a sparse file claims to have


def damaged(rng: Random, data: bytes, notes: list[str], most: int = 4) -> bytes:
    """``data`` with one to ``most`` faults."""
    for _ in range(rng.randint(1, most)):
        fault = rng.choice(_FAULTS)
        data = fault(rng, data)
        notes.append(fault.__name__.strip("_").replace("_", " "))
    return data


def _flipped_bits(rng: Random, data: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        if found:
            found[_place(rng, data)] ^= 1 << rng.randrange(8)
    return bytes(found)


def _cut_off(rng: Random, data: bytes) -> bytes:
    return data[: rng.choice((rng.randrange(len(data) + 1), max(0, len(data) - 1), min(len(data), 12)))]


def _longer(rng: Random, data: bytes) -> bytes:
    return data + rng.choice((b"\x00", b"\xff", b" ", b"\n", data[:64] or b"x")) * rng.choice((1, 7, 5000))


def _lying_number(rng: Random, data: bytes) -> bytes:
    """Four or eight bytes, of either order, say something else: a length, a count, an offset."""
    size = rng.choice((2, 4, 4, 4, 8))
    if len(data) < size:
        return data
    at = rng.randrange(0, min(len(data) - size + 1, rng.choice((64, 512, 1 << 30))))
    number = rng.choice(LONG_WORDS if size == 8 else WORDS) & ((1 << 8 * size) - 1)
    return data[:at] + number.to_bytes(size, rng.choice(("little", "big"))) + data[at + size :]


def _other_number_in_text(rng: Random, data: bytes) -> bytes:
    found = [match.span() for match in NUMBER.finditer(data[:20_000])]
    if not found:
        return _lying_number(rng, data)
    start, end = rng.choice(found)
    words = rng.choice((*odd.NUMBERS, "nan", "inf", "-", "1e999", "0x7", "9" * 400, "1,5", "", "٣"))
    return data[:start] + str(words).encode() + data[end:]


def _part_moved(rng: Random, data: bytes) -> bytes:
    start, end = sorted((_place(rng, data), _place(rng, data)))
    part, rest = data[start:end], data[:start] + data[end:]
    at = rng.randrange(len(rest) + 1)
    return rest[:at] + part + rest[at:]


def _part_removed(rng: Random, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + data[at + rng.choice((1, 2, 4, 16, 256)) :]


def _part_repeated(rng: Random, data: bytes) -> bytes:
    start = _place(rng, data)
    part = data[start : start + rng.choice((1, 4, 40, 400))]
    times = rng.choice((2, 50, 2000))
    return data[:start] + part * times + data[start:]


def _part_of_one_value(rng: Random, data: bytes) -> bytes:
    start, length = _place(rng, data), rng.choice((1, 4, 16, 300))
    filler = bytes([rng.choice((0, 255, 127, 128, 10, 32))])
    return data[:start] + filler * len(data[start : start + length]) + data[start + length :]


def _lines_changed(rng: Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    way = rng.choice(("drop", "double", "swap", "join", "long", "many"))
    if way == "drop":
        del lines[at]
    elif way == "double":
        lines.insert(at, lines[at])
    elif way == "swap":
        other = rng.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif way == "join":
        lines[at : at + 2] = [b" ".join(lines[at : at + 2])]
    elif way == "long":
        lines[at] = lines[at] * rng.choice((10, 3000))
    else:
        lines[at:at] = [lines[at]] * 3000
    return b"\n".join(lines)


_FAULTS = (
    *(_flipped_bits, _cut_off, _longer, _lying_number, _lying_number, _other_number_in_text, _part_moved),
    *(_other_number_in_text, _part_removed, _part_repeated, _part_of_one_value, _lines_changed),
)


def _place(rng: Random, data: bytes) -> int:
    """Somewhere in ``data``, more often near its beginning, where headers are."""
    near = rng.choice((16, 64, 512, 1 << 30, 1 << 30))
    return rng.randrange(max(1, min(len(data), near)))


def plant(rng: Random, path: Path, outside: Path, notes: list[str]) -> None:
    """Put what is no ordinary file in the place of ``path``. outside: a file that nothing may open."""
    what = rng.choice(SPECIALS)
    notes.append(f"{path.name} is {what}")
    if path.is_dir() and not path.is_symlink():
        path = path / "config.json"
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    links = {"zero": "/dev/zero", "full": "/dev/full", "terminal": "/dev/tty", "circle": path.name}
    links |= {"nothing": "not-there", "outside": str(outside)}
    if what == "pipe":
        os.mkfifo(path)
    elif what == "socket":
        with socket.socket(socket.AF_UNIX) as own:
            _bind(own, path)
    elif what == "folder":
        path.mkdir()
    elif what == "empty":
        path.write_bytes(b"")
    elif what == "sparse":
        with path.open("wb") as file:
            file.truncate(SPARSE)
    elif what in links:
        path.symlink_to(links[what])


def _bind(own: socket.socket, path: Path) -> None:
    """A socket's path may have but a hundred characters: go there first."""
    here = os.getcwd()
    os.chdir(path.parent)
    try:
        own.bind(path.name)
    finally:
        os.chdir(here)


def words(*numbers: int) -> bytes:
    """``numbers`` as little-endian words of 32 bits."""
    return struct.pack(f"<{len(numbers)}I", *(number & 0xFFFFFFFF for number in numbers))
