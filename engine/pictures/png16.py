"""Colours in 16 bits a channel as PNG, which Pillow can neither write nor, without a detour, read."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

LEVEL = 3  # of compression
BAND = 256  # rows at a time, so that 8192^2 needs no copy of itself
_TRUECOLOUR = 2
_UP = 2  # the filter: each byte less the one above
_HIGH, _LOW = ";16B", ";16L"  # Pillow's names for big and little endian, of which it keeps the high byte


def write(picture: Floats, path: Path) -> None:
    """Write ``picture`` (H, W, 3) in [0, 1], clamped, sRGB, to ``path``. Raises OSError."""
    height, width, _ = picture.shape
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, _TRUECOLOUR, 0, 0, 0)))
        file.write(chunk(b"sRGB", b"\0"))
        packer = zlib.compressobj(LEVEL)
        above = np.zeros((1, width * 6), np.uint8)
        for top in range(0, height, BAND):
            rows = _bytes(picture[top : top + BAND])
            difference = rows - np.concatenate([above, rows[:-1]])
            above = rows[-1:]
            lines = np.insert(difference, 0, _UP, axis=1)
            file.write(chunk(b"IDAT", packer.compress(lines.tobytes())))
        file.write(chunk(b"IDAT", packer.flush()))
        file.write(chunk(b"IEND", b""))


def _bytes(rows: Floats) -> NDArray[np.uint8]:
    """(h, W, 3) in [0, 1] as (h, 6 W) bytes, big endian."""
    whole = (np.clip(rows, 0, 1) * np.float32(65535) + np.float32(0.5)).astype(">u2")
    return whole.reshape(len(rows), -1).view(np.uint8)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG's chunk: length, kind, data, check sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def low_bytes(path: Path) -> NDArray[np.uint8] | None:
    """What Pillow drops of a 16-bit PNG in colour, (H, W, 3 or 4): the lower byte of each channel. None for
    other PNGs.

    It reads the file as if it were little endian: its kept byte is then the lower one.
    """
    with Image.open(path, formats=("PNG",)) as image:
        if image.mode not in ("RGB", "RGBA") or [tile.args for tile in image.tile] != [image.mode + _HIGH]:
            return None
        image.tile = [image.tile[0]._replace(args=image.mode + _LOW)]
        return np.asarray(image)
