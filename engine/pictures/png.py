"""PNGs in colour, 8 or 16 bits a channel: the one writer of our own, and a reader for what it wrote.

Standard library and numpy alone: the engine and Blender's Python both use it. Every row is stored as its
difference to the one above (the filter "Up"), which numpy does and undoes at once and which compresses
smooth pictures well.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

COMPACT, QUICK = 3, 1  # levels of compression: for files that stay, and for those that go again
BAND = 256  # rows at a time, so that 8192^2 needs no copy of itself
_START = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {3: 2, 4: 6}  # channels: RGB, and RGB with straight alpha
_UP = 2


def write(picture: NDArray[Any], path: Path, bits: int = 8, level: int = COMPACT) -> None:
    """Write ``picture`` (H, W, 3 or 4) in [0, 1], clamped, sRGB with straight alpha, the top row first, to
    ``path``, 8 or 16 ``bits`` a channel; or whole numbers of so many bits just as they are. Whoever looks
    finds the file as it was before or as it is now. Raises OSError."""
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("wb") as file:
            for part in _encoded(picture, bits, level):
                file.write(part)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def read(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """(H, W, 3 or 4), the top row first, of what :func:`write` wrote. Raises OSError, and ValueError for any
    other file."""
    try:
        return _decoded(path.read_bytes())
    except (KeyError, struct.error, zlib.error) as error:
        raise ValueError(f"no PNG as written here: {error}") from error


def eight_bits(picture: Floats) -> Bytes:
    """``picture``, any shape, in [0, 1], clamped, as whole numbers to 255."""
    return (np.clip(picture, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def _encoded(picture: NDArray[Any], bits: int, level: int) -> Iterator[bytes]:
    """The file's bytes, piece by piece."""
    height, width, channels = picture.shape
    yield _START
    yield _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, _COLOUR_TYPES[channels], 0, 0, 0))
    yield _chunk(b"sRGB", b"\0")
    packer = zlib.compressobj(level)
    above = np.zeros((1, width * channels * bits // 8), np.uint8)
    for top in range(0, height, BAND):
        rows = _row_bytes(picture[top : top + BAND], bits)
        difference = rows - np.concatenate([above, rows[:-1]])
        above = rows[-1:]
        lines = np.insert(difference, 0, _UP, axis=1)
        yield _chunk(b"IDAT", packer.compress(lines.tobytes()))
    yield _chunk(b"IDAT", packer.flush())
    yield _chunk(b"IEND", b"")


def _row_bytes(rows: NDArray[Any], bits: int) -> Bytes:
    """``rows`` (h, W, k) in [0, 1] as (h, k W) bytes, or twice as many, big endian; whole numbers as they
    are."""
    if rows.dtype.kind == "u":
        numbers: NDArray[Any] = np.ascontiguousarray(rows, f">u{bits // 8}")
        return numbers.reshape(len(rows), -1).view(np.uint8)
    if bits == 8:
        return eight_bits(rows).reshape(len(rows), -1)
    whole: NDArray[Any] = (np.clip(rows, 0, 1) * np.float32(65535) + np.float32(0.5)).astype(">u2")
    return whole.reshape(len(rows), -1).view(np.uint8)


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Length, kind, data, check sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _decoded(data: bytes) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """See :func:`read`; KeyError, struct.error and zlib.error are damages."""
    chunks = list(_chunks(data))
    width, height, bits, colour_type, *rest = struct.unpack(">IIBBBBB", dict(chunks)[b"IHDR"])
    channels = {kind: count for count, kind in _COLOUR_TYPES.items()}[colour_type]
    packed = b"".join(body for kind, body in chunks if kind == b"IDAT")
    length = 1 + width * channels * bits // 8
    # No more than the picture has: a few bytes can stand for gigabytes.
    raw = zlib.decompressobj().decompress(packed, height * length + 1)
    if bits not in (8, 16) or any(rest) or len(raw) != height * length:
        raise ValueError("no PNG as written here: another kind")
    lines = np.frombuffer(raw, np.uint8).reshape(height, length)
    if (lines[:, 0] != _UP).any():
        raise ValueError("no PNG as written here: other filters")
    rows = lines[:, 1:].cumsum(axis=0, dtype=np.uint8)
    pixels = rows if bits == 8 else rows.view(">u2").astype(np.uint16)
    return pixels.reshape(height, width, channels)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, contents) of each chunk."""
    if not data.startswith(_START):
        raise ValueError("no PNG as written here: not a PNG")
    at = len(_START)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if data[at + 8 + length : at + 12 + length] != struct.pack(">I", zlib.crc32(kind + body)):
            raise ValueError("no PNG as written here: damaged")
        yield kind, body
        at += 12 + length
