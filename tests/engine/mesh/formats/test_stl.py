"""STL files written here by hand, whole and damaged."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.mesh.mesh import Mesh, load

FACET = "facet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 {}\nendloop\nendfacet\n"
TEXT = "solid a vertex of facets\n" + "".join(FACET.format(i) for i in range(3)) + "endsolid\n"
ROW = struct.pack("<12fH", 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 7)


def binary(count: int, rows: int, header: bytes = b"") -> bytes:
    return header.ljust(80, b"\0") + struct.pack("<I", count) + ROW * rows


def loaded(tmp_path: Path, data: str | bytes) -> Mesh:
    path = tmp_path / "thing.stl"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return load(path)


@pytest.mark.parametrize(
    "data",
    [
        TEXT,
        TEXT.upper(),
        TEXT.replace("\n", "\r\n  "),
        TEXT.replace("endsolid", "endsolid a vertex of facets"),
        "\n  " + TEXT,
        "".join(f"solid {i}\n{FACET.format(i)}endsolid {i}\n" for i in range(3)),
        binary(3, 3),
        binary(3, 3, b"solid in name only"),
    ],
)
def test_three_triangles(data: str | bytes, tmp_path: Path) -> None:
    assert len(loaded(tmp_path, data).faces) == 3


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (binary(3, 2), "promises 3 triangles, and it has 50 bytes fewer than these take"),
        (binary(3, 3) + b"more", "promises 3 triangles, and it has 4 bytes more than these take"),
        (binary(4_000_000_000, 1), "promises 4,000,000,000 triangles"),
        (b"\1\2\3", "fewer than its header must have"),
        (TEXT[:-10], "it has no 'endsolid'"),
        (TEXT.replace("vertex 1 0 0\n", "", 1), "8 vertices for 3 triangles"),
        (TEXT.replace("1 0 0", "1 0 O", 1), "line 5: 'O' is not a number"),
        (TEXT.replace("0 1 2\n", "0 1\n"), "is not a number"),
    ],
)
def test_damaged_files_are_refused_and_how(data: str | bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, data)
    assert says in str(caught.value)
    assert "can't be read as STL" in str(caught.value)
