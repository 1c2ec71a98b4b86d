"""The engine's previews as arrays. Not through bpy: an image datablock would be in the file, and in its undo
steps. The engine writes them without row filters, so that numpy reads them at once."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_START = b"\x89PNG\r\n\x1a\n"
_KIND = (8, 2, 0, 0, 0)  # of IHDR: 8 bits, colours, and neither other compressions nor interlaced


def read(path: Path) -> NDArray[np.float32]:
    """(H, W, 4) float32 in [0, 1], sRGB, the first row at the bottom. Raises OSError, and ValueError for
    anything but what the engine writes."""
    chunks = dict(_chunks(path.read_bytes()))
    try:
        width, height, *kind = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
        rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    except (KeyError, struct.error, zlib.error) as error:
        raise ValueError(f"no preview: {error}") from error
    if tuple(kind) != _KIND or rows[:, 0].any():
        raise ValueError("no preview: not as the engine writes them")
    picture = np.ones((height, width, 4), np.float32)
    picture[..., :3] = rows[::-1, 1:].reshape(height, width, 3)
    picture[..., :3] /= 255
    return picture


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """(kind, contents) of each chunk; of several of a kind the last one counts."""
    if not data.startswith(_START):
        raise ValueError("no preview: not a PNG")
    found, at = [], len(_START)
    while at + 8 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found
