"""The add-on's arrays: read when they are what they must be, unread and refused when they aren't."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine.errors import OutOfMemory, UserError
from engine.mesh.mesh import load

TRIANGLE = {"vertices": np.eye(3, dtype=np.float32), "faces": np.array([[0, 1, 2]], np.int32)}


def written(path: Path, **arrays: np.ndarray) -> Path:
    np.savez_compressed(path, **{**TRIANGLE, **arrays})
    return path


def claimed(path: Path, name: str, shape: tuple[int, ...], kind: str = "<f4") -> Path:
    """The triangle, but ``name`` is an array that says it has this ``shape``, and hardly any data."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": kind, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w") as archive:
        for other, values in TRIANGLE.items():
            if other != name:
                data = io.BytesIO()
                np.save(data, values)
                archive.writestr(f"{other}.npy", data.getvalue())
        archive.writestr(f"{name}.npy", header.getvalue() + bytes(64))
    return path


def test_arrays_that_nobody_wants_are_left_unread(tmp_path: Path) -> None:
    path = written(tmp_path / "mesh.npz", more=np.zeros(1 << 27, np.uint8))  # 128 MB, in 128 KB
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    assert len(load(path).faces) == 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 24
    assert len(load(written(tmp_path / "object.npz", more=np.array([None, {}], object))).faces) == 1


@pytest.mark.parametrize("rows", [10**6, 10**12, 2**60])
def test_shapes_are_checked_before_anything_is_read(rows: int, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'vertices' is cut off"):
        load(claimed(tmp_path / "mesh.npz", "vertices", (rows, 3)))


@pytest.mark.parametrize(
    ("name", "shape", "kind"),
    [
        ("vertices", (3, 4), "<f4"),
        ("vertices", (3,), "<f4"),
        ("vertices", (), "<f4"),
        ("vertices", (3, 3), "<c16"),
        ("faces", (1, 3), "|O"),
        ("faces", (1, 3), "<U8"),
        ("uvs", (1, 3, 3), "<f4"),
        ("polygons", (1, 1), "<i4"),
    ],
)
def test_other_shapes_and_types_are_refused(
    name: str, shape: tuple[int, ...], kind: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=f"'{name}' has shape"):
        load(claimed(tmp_path / "mesh.npz", name, shape, kind))


def test_what_does_not_fit_into_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "mesh.npz", vertices=np.zeros((1 << 20, 3), np.float32))
    monkeypatch.setattr("engine.inputs.physical_bytes", lambda: 1 << 24)
    with pytest.raises(OutOfMemory, match="the mesh takes about"):
        load(path)


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "mesh.npz")
    data = path.read_bytes()
    for length in range(1, len(data), 37):
        path.write_bytes(data[:length])
        with pytest.raises(UserError, match="can't be read as NPZ"):
            load(path)


def test_materials_need_names(tmp_path: Path) -> None:
    path = written(tmp_path / "mesh.npz", materials=np.array([1]), material_names=np.array(["wood", "iron"]))
    assert load(path, "material").parts == ("wood", "iron")
    written(path, materials=np.array([2]), material_names=np.array(["wood", "iron"]))
    with pytest.raises(UserError, match="doesn't fit 'material_names'"):
        load(path)


def test_arrays_count_together_before_any_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each alone would fit; unpacked and made into a mesh, together they don't."""
    vertices, uvs = np.zeros((1 << 16, 3), np.float32), np.zeros((1 << 16, 3, 2), np.float32)
    faces = np.zeros((1 << 16, 3), np.int32)
    path = tmp_path / "mesh.npz"
    np.savez_compressed(path, vertices=vertices, faces=faces, uvs=uvs)
    largest = max(vertices.nbytes, faces.nbytes, uvs.nbytes)
    monkeypatch.setattr("engine.inputs.physical_bytes", lambda: 4 * largest)
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(OutOfMemory, match="the mesh takes about"):
        load(path)
