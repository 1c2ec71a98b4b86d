"""Pictures of a few bytes that stand for gigabytes: refused by their headers, before memory is taken."""

from __future__ import annotations

import io
import os
import struct
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.errors import OutOfMemory, UserError
from engine.pictures import size
from engine.pictures.read import FORMATS, read

SIDES = (0, 1, 16, 17, 8192, 65_535, 65_536, 100_000, 2**31 - 1, 2**31, 2**32 - 1)


def exr(width: int, height: int) -> bytes:
    """An OpenEXR of 16 x 16 pixels that says it has others."""
    buffer = io.BytesIO()
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"RGB": np.zeros((16, 16, 3), np.float16)}).write(buffer)
    data = buffer.getvalue()
    at = data.index(b"dataWindow\0box2i\0") + len(b"dataWindow\0box2i\0") + 4
    window = struct.pack("<4I", 0, 0, (width - 1) & 0xFFFFFFFF, (height - 1) & 0xFFFFFFFF)
    return data[:at] + window + data[at + 16 :]


def require_line(error: UserError) -> None:
    assert error.fix
    assert "\n" not in f"{error} {error.fix}"


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, 8, 6, 0, 0, 0)
    body = zlib.compress(bytes(16 * (1 + 4 * 16)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    width=st.sampled_from(SIDES),
    height=st.sampled_from(SIDES),
    make=st.sampled_from([exr, png]),
    cut=st.booleans(),
)
def test_a_picture_takes_what_its_pixels_need_or_is_refused(
    width: int, height: int, make: Callable[[int, int], bytes], cut: bool, tmp_path: Path
) -> None:
    path = tmp_path / "old.picture"
    path.write_bytes(make(width, height)[: -20 if cut else None])
    tracemalloc.start()
    try:
        found = read(path)
        assert found.shape == (height, width, 4)
    except UserError as error:
        require_line(error)
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 64 << 20 or width * height <= size.MOST_PIXELS


@pytest.mark.parametrize("make", [exr, png])
def test_pixels_beyond_a_textures_are_named(make: Callable[[int, int], bytes], tmp_path: Path) -> None:
    path = tmp_path / "old.picture"
    path.write_bytes(make(60_000, 60_000))
    with pytest.raises(UserError, match=r"picture old\.picture is too large"):
        read(path)


@pytest.mark.parametrize("make", [exr, png])
def test_memory_that_isnt_there_is_told_before_it_is_taken(
    make: Callable[[int, int], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine import inputs

    path = tmp_path / "old.picture"
    path.write_bytes(make(16, 16))
    assert read(path).shape == (16, 16, 4)
    monkeypatch.setattr(inputs, "physical_bytes", lambda: 10_000)
    with pytest.raises(OutOfMemory):
        read(path)


def test_every_kind_says_its_size_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "MOST_PIXELS", 100)
    for kind in FORMATS:
        path = tmp_path / f"a.{kind.lower()}"
        Image.new("RGB", (16, 16)).save(path)
        with pytest.raises(UserError, match="too large: 16 x 16"):
            read(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("/dev/zero")
    refused = []

    def look() -> None:
        for name in ("a.png", "b.png"):
            with pytest.raises(UserError, match=r"is a (pipe|device)"):
                read(tmp_path / name)
            refused.append(name)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(10)
    assert refused == ["a.png", "b.png"]
