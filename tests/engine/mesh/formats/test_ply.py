"""PLY files written here by hand: lists, strips, UVs of every kind, and headers that lie."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from engine.errors import UserError
from engine.mesh.mesh import Mesh, load

CORNERS = [(0, 0, 0), (2, 0, 0), (2, 1, 0), (0, 1, 0)]


def ascii_file(vertices: str, faces: str, rows: list[str], more: str = "") -> bytes:
    head = ["ply", "format ascii 1.0", f"element vertex {len(CORNERS)}", vertices, more, faces, "end_header"]
    return "\n".join([*(line for line in head if line), *rows, ""]).encode()


XYZ = "property float x\nproperty float y\nproperty float z"
FACE = "element face {}\nproperty list uchar int vertex_indices"
ROWS = [" ".join(map(str, row)) for row in CORNERS]


def loaded(tmp_path: Path, data: bytes) -> Mesh:
    path = tmp_path / "thing.ply"
    path.write_bytes(data)
    return load(path)


def area(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(np.float64) for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def binary(order: str, sizes: tuple[int, ...] = (4,), count: int | None = None) -> bytes:
    name = {"<": "little", ">": "big"}[order]
    faces = len(sizes) if count is None else count
    head = (
        f"ply\nformat binary_{name}_endian 1.0\nelement vertex 4\n{XYZ}\n{FACE.format(faces)}\nend_header\n"
    )
    body = b"".join(struct.pack(f"{order}3f", *row) for row in CORNERS)
    return head.encode() + body + b"".join(struct.pack(f"{order}B{n}i", n, *range(n)) for n in sizes)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("sizes", [(4,), (3, 4), (4, 3, 3), (3, 3)])
def test_binary_files_of_any_order_and_sizes(order: str, sizes: tuple[int, ...], tmp_path: Path) -> None:
    mesh = loaded(tmp_path, binary(order, sizes))
    assert len(mesh.faces) == sum(sizes) - 2 * len(sizes)
    assert area(mesh) == pytest.approx(sum(n - 2 for n in sizes))


def test_other_elements_and_properties_are_skipped(tmp_path: Path) -> None:
    more = "element edge 2\nproperty int vertex1\nproperty int vertex2\nproperty list uchar float weights"
    edges = ["0 1 2 0.5 0.5", "1 2 0"]
    faces = FACE.format(1) + "\nproperty uchar flags\nproperty list int float extra"
    mesh = loaded(
        tmp_path,
        ascii_file(
            XYZ + "\nproperty uchar red",
            faces,
            [*(r + " 7" for r in ROWS), *edges, "4 0 1 2 3 1 2 0 0"],
            more,
        ),
    )
    assert area(mesh) == pytest.approx(2)


@pytest.mark.parametrize("names", [("s", "t"), ("u", "v"), ("texture_u", "texture_v")])
def test_uvs_at_vertices(names: tuple[str, str], tmp_path: Path) -> None:
    vertices = XYZ + "".join(f"\nproperty float {name}" for name in names)
    rows = [f"{row} {0.1 * i} 0.5" for i, row in enumerate(ROWS)]
    mesh = loaded(tmp_path, ascii_file(vertices, FACE.format(2), [*rows, "3 0 1 2", "3 0 2 3"]))
    assert mesh.uvs is not None
    np.testing.assert_allclose(mesh.uvs[..., 0], [[0, 0.1, 0.2], [0, 0.2, 0.3]], atol=1e-6)


@pytest.mark.parametrize(
    "faces", [["3 0 1 2 6 0 0 1 0 1 1", "3 0 2 3 6 0 0 1 1 0 1"], ["4 0 1 2 3 8 0 0 1 0 1 1 0 1"]]
)
def test_uvs_at_corners(faces: list[str], tmp_path: Path) -> None:
    lists = FACE.format(len(faces)) + "\nproperty list uchar float texcoord"
    mesh = loaded(tmp_path, ascii_file(XYZ, lists, [*ROWS, *faces]))
    assert mesh.uvs is not None
    at = mesh.vertices[mesh.faces]
    np.testing.assert_allclose(mesh.uvs, at[..., :2] / (2, 1), atol=1e-6)


def test_uvs_at_corners_of_triangles_and_quads_together(tmp_path: Path) -> None:
    lists = FACE.format(2) + "\nproperty list uchar float texcoord"
    rows = [*ROWS, "3 0 1 2 6 0 0 1 0 1 1", "4 0 1 2 3 8 0 0 1 0 1 1 0 1"]
    mesh = loaded(tmp_path, ascii_file(XYZ, lists, rows))
    assert mesh.uvs is not None
    np.testing.assert_allclose(mesh.uvs, mesh.vertices[mesh.faces][..., :2] / (2, 1), atol=1e-6)


@pytest.mark.parametrize(
    "strips", [["4 0 1 3 2"], ["7 0 1 3 -1 1 2 3"], ["3 0 1 3", "3 1 2 3"], ["6 0 1 3 3 2 2"]]
)
def test_strips(strips: list[str], tmp_path: Path) -> None:
    element = f"element tristrips {len(strips)}\nproperty list int int vertex_indices"
    mesh = loaded(tmp_path, ascii_file(XYZ, element, [*ROWS, *strips]))
    assert area(mesh) == pytest.approx(2 if strips[0] != "6 0 1 3 3 2 2" else 1)
    normal = np.cross(*(np.diff(mesh.vertices[mesh.faces], axis=1)[:, k] for k in (0, 1)))
    assert (normal[:, 2] > 0).all()


def test_strips_beside_faces(tmp_path: Path) -> None:
    more = "element tristrips 1\nproperty list int int vertex_indices"
    mesh = loaded(tmp_path, ascii_file(XYZ, FACE.format(1), [*ROWS, "3 0 1 3", "3 1 2 3"], more))
    assert area(mesh) == pytest.approx(2)


BODY = [*ROWS, "4 0 1 2 3"]
LIES = {
    "cut off in a list": (binary("<", (3, 4))[:-3], "ends in the middle of 'face'"),
    "cut off in vertices": (binary("<")[:-30], "ends in the middle of 'vertex'"),
    "cut off as text": (ascii_file(XYZ, FACE.format(2), BODY), "ends in the middle of 'face'"),
    "more faces than bytes": (binary("<", (4,), 4_000_000_000), "promises 4,000,000,000 of 'face'"),
    "more vertices than numbers": (
        ascii_file(XYZ, FACE.format(1), BODY).replace(b"vertex 4", b"vertex 99999999999"),
        "promises 99,999,999,999 of 'vertex'",
    ),
    "more than it says": (binary("<") + b"more than that", "has 14 bytes more than its header says"),
    "more numbers": (ascii_file(XYZ, FACE.format(1), [*BODY, "1 2 3"]), "has 3 numbers more"),
    "a negative length": (
        binary("<").replace(b"uchar int", b"char int").replace(b"\4\0\0\0\0", b"\xff\0\0\0\0"),
        "-1 entries",
    ),
    "half a length": (ascii_file(XYZ, FACE.format(1), [*ROWS, "3.5 0 1 2"]), "3.5 entries"),
    "an endless length": (ascii_file(XYZ, FACE.format(1), [*ROWS, "inf 0 1 2"]), "inf entries"),
    "no number": (ascii_file(XYZ, FACE.format(1), [*ROWS, "4 0 1 two 3"]), "line 14: 'two' is not a number"),
    "a face into nowhere": (ascii_file(XYZ, FACE.format(1), [*ROWS, "3 0 1 9"]), "names vertex 9"),
    "a negative vertex": (ascii_file(XYZ, FACE.format(1), [*ROWS, "3 0 1 -1"]), "names vertex -1"),
    "no format": (
        ascii_file(XYZ, FACE.format(1), BODY).replace(b"format ascii 1.0\n", b""),
        "doesn't name a format",
    ),
    "another type": (
        ascii_file(XYZ.replace("float x", "half x"), FACE.format(1), BODY),
        "line 4 of its header",
    ),
    "no end": (
        ascii_file(XYZ, FACE.format(1), BODY).replace(b"end_header", b""),
        "doesn't begin with a PLY header",
    ),
    "no z": (ascii_file(XYZ.replace("float z", "float w"), FACE.format(1), BODY), "no x, y and z"),
    "x twice": (ascii_file(XYZ.replace("float z", "float x"), FACE.format(1), BODY), "twice"),
    "no list": (ascii_file(XYZ, "element face 1\nproperty int a", [*ROWS, "1"]), "has no list of vertices"),
    "UVs for other corners": (
        ascii_file(
            XYZ, FACE.format(1) + "\nproperty list uchar float texcoord", [*ROWS, "3 0 1 2 4 0 0 1 1"]
        ),
        "more or fewer UVs than corners",
    ),
}


@pytest.mark.parametrize("case", LIES)
def test_headers_that_lie(case: str, tmp_path: Path) -> None:
    data, says = LIES[case]
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, data)
    assert says in str(caught.value)


def test_concave_polygons(tmp_path: Path) -> None:
    rows = ["0 0 0", "2 0 0", "0.5 0.5 0", "0 2 0", "4 1 2 3 0"]
    assert area(loaded(tmp_path, ascii_file(XYZ, FACE.format(1), rows))) == pytest.approx(1)
