"""16-bit PNGs: read back by Pillow's high bytes, by our low ones, and by arithmetic on the file itself."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.pictures import png16


def decoded(path: Path) -> NDArray[np.int64]:
    """By hand, chunk by chunk, for the filter that is used."""
    data, chunks = path.read_bytes(), []
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place = 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        assert struct.unpack(">I", data[place + 8 + length : place + 12 + length])[0] == zlib.crc32(
            kind + body
        )
        chunks.append((kind, body))
        place += 12 + length
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", dict(chunks)[b"IHDR"])
    assert (depth, colour, rest) == (16, 2, [0, 0, 0])
    raw = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    lines = np.frombuffer(raw, np.uint8).reshape(height, 1 + 6 * width)
    assert (lines[:, 0] == 2).all()
    plain = lines[:, 1:].astype(np.int64).cumsum(axis=0) % 256
    return (plain[:, ::2] * 256 + plain[:, 1::2]).reshape(height, width, 3)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (600, 7)])
def test_every_value_comes_back_to_16_bits(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).random((*size, 3)).astype(np.float32)
    path = tmp_path / "a.png"
    png16.write(picture, path)
    values = decoded(path)
    assert np.abs(values / 65535 - picture).max() <= 0.51 / 65535
    with Image.open(path) as image:  # a reader of its own
        np.testing.assert_array_equal(np.asarray(image), values // 256)
    np.testing.assert_array_equal(png16.low_bytes(path), values % 256)


def test_a_smooth_picture_has_no_bands(tmp_path: Path) -> None:
    ramp = np.linspace(0.4, 0.5, 2000, dtype=np.float32)
    png16.write(np.broadcast_to(ramp[None, :, None], (2, 2000, 3)), tmp_path / "a.png")
    assert len(np.unique(decoded(tmp_path / "a.png"))) == 2000  # 26 in 8 bits


def test_values_beyond_black_and_white_are_clamped(tmp_path: Path) -> None:
    png16.write(np.array([[[-1, 0, 2]]], np.float32), tmp_path / "a.png")
    assert decoded(tmp_path / "a.png").tolist() == [[[0, 0, 65535]]]


def test_other_pngs_have_no_low_bytes(tmp_path: Path) -> None:
    for mode in ("RGB", "RGBA", "L", "LA", "P", "I;16"):
        Image.new(mode, (4, 4)).save(tmp_path / "a.png")
        assert png16.low_bytes(tmp_path / "a.png") is None
