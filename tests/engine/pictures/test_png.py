"""PNGs read back by Pillow, by our own reader, and by arithmetic on the files themselves."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.pictures import png
from engine.pictures.read import low_bytes


def decoded(path: Path) -> NDArray[np.int64]:
    """A 16-bit one by hand, chunk by chunk, for the filter that is used."""
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
    assert (depth, rest) == (16, [0, 0, 0])
    count = {2: 3, 6: 4}[colour]
    raw = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    lines = np.frombuffer(raw, np.uint8).reshape(height, 1 + 2 * count * width)
    assert (lines[:, 0] == 2).all()
    plain = lines[:, 1:].astype(np.int64).cumsum(axis=0) % 256
    return (plain[:, ::2] * 256 + plain[:, 1::2]).reshape(height, width, count)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (600, 7)])
def test_every_value_comes_back_to_16_bits(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).random((*size, 3)).astype(np.float32)
    path = tmp_path / "a.png"
    png.write(picture, path, bits=16)
    values = decoded(path)
    assert np.abs(values / 65535 - picture).max() <= 0.51 / 65535
    with Image.open(path) as image:  # a reader of its own
        np.testing.assert_array_equal(np.asarray(image), values // 256)
    np.testing.assert_array_equal(low_bytes(path.read_bytes()), values % 256)
    np.testing.assert_array_equal(png.read(path), values)


def test_a_smooth_picture_has_no_bands(tmp_path: Path) -> None:
    ramp = np.linspace(0.4, 0.5, 2000, dtype=np.float32)
    png.write(np.broadcast_to(ramp[None, :, None], (2, 2000, 3)), tmp_path / "a.png", bits=16)
    assert len(np.unique(decoded(tmp_path / "a.png"))) == 2000  # 26 in 8 bits


def test_values_beyond_black_and_white_are_clamped(tmp_path: Path) -> None:
    png.write(np.array([[[-1, 0, 2]]], np.float32), tmp_path / "a.png", bits=16)
    assert decoded(tmp_path / "a.png").tolist() == [[[0, 0, 65535]]]


def test_other_pngs_have_no_low_bytes(tmp_path: Path) -> None:
    for mode in ("RGB", "RGBA", "L", "LA", "P", "I;16"):
        Image.new(mode, (4, 4)).save(tmp_path / "a.png")
        assert low_bytes((tmp_path / "a.png").read_bytes()) is None


@pytest.mark.parametrize("level", [png.COMPACT, png.QUICK])
@pytest.mark.parametrize("size", [(1, 1, 3), (5, 7, 3), (600, 9, 3), (5, 7, 4)])
def test_eight_bits_come_back_by_ours_and_by_others(
    tmp_path: Path, size: tuple[int, ...], level: int
) -> None:
    path = tmp_path / "a.png"
    picture = np.random.default_rng(0).random(size, np.float32) * 1.4 - 0.2
    png.write(np.zeros((2, 2, 3), np.float32), path)
    png.write(picture, path, level=level)
    expected = np.rint(np.clip(picture, 0, 1) * 255)
    with Image.open(path) as image:
        image.verify()
    np.testing.assert_array_equal(np.asarray(Image.open(path)), expected)
    np.testing.assert_array_equal(png.read(path), expected)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OSError, match=r"a\.png"):
        png.write(np.zeros((2, 2, 3), np.float32), tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    png.write(np.zeros((4, 4, 3), np.float32), path)
    whole = path.read_bytes()
    damaged = whole[:60] + bytes([whole[60] ^ 1]) + whole[61:]
    for data in (b"", b"nonsense", whole[:40], whole[:-20], whole.replace(b"IDAT", b"IDOT"), damaged):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="no PNG as written here"):
            png.read(path)
    for other in (Image.effect_noise((64, 64), 50).convert("RGB"), Image.new("L", (4, 4))):
        other.save(path)
        with pytest.raises(ValueError, match="no PNG as written here"):
            png.read(path)


def test_a_few_bytes_that_stand_for_gigabytes_are_refused(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "a.png"
    png.write(np.zeros((4, 4, 3), np.float32), path)
    whole = path.read_bytes()
    packer = zlib.compressobj()
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    chunk = struct.pack(">I", len(bomb)) + b"IDAT" + bomb + struct.pack(">I", zlib.crc32(b"IDAT" + bomb))
    start = whole.index(b"IDAT") - 4
    path.write_bytes(whole[:start] + chunk + whole[-12:])
    tracemalloc.start()
    with pytest.raises(ValueError, match="another kind"):
        png.read(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10 << 20
