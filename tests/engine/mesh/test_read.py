"""Mesh files of every kind, good and bad, written here by hand or by trimesh."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from engine.errors import UserError
from engine.mesh.mesh import Mesh, load

QUAD_OBJ = """v 0 0 0
v 2 0 0
v 2 1 0
v 0 1 0
vt 0.1 0.2
vt 0.9 0.2
vt 0.9 0.7
vt 0.1 0.7
f 1/1 2/2 3/3 4/4
"""


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def uv_at(mesh: Mesh, position: tuple[float, float, float]) -> np.ndarray:
    """The one UV of the corners at ``position``."""
    assert mesh.uvs is not None
    corners = np.isclose(mesh.vertices[mesh.faces], position).all(axis=-1)
    uvs = np.unique(mesh.uvs[corners].round(5), axis=0)
    assert len(uvs) == 1
    return uvs[0]


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def sphere_arrays() -> dict[str, np.ndarray]:
    sphere = trimesh.creation.icosphere(subdivisions=1)
    return {"vertices": np.asarray(sphere.vertices, np.float32), "faces": np.asarray(sphere.faces, np.int32)}


def test_obj_uv_origin_is_bottom_left(tmp_path: Path) -> None:
    mesh = load(write(tmp_path / "quad.obj", QUAD_OBJ))
    assert mesh.name == "quad"
    assert mesh.faces.shape == (2, 3)
    np.testing.assert_allclose(uv_at(mesh, (0, 0, 0)), (0.1, 0.2), atol=1e-6)
    np.testing.assert_allclose(uv_at(mesh, (2, 1, 0)), (0.9, 0.7), atol=1e-6)


def test_obj_vertex_with_several_uvs(tmp_path: Path) -> None:
    text = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n" + "".join(f"vt 0.{i} 0.{i}\n" for i in range(1, 7))
    mesh = load(write(tmp_path / "seam.OBJ", text + "f 1/1 2/2 3/3\nf 1/4 3/5 4/6\n"))
    assert mesh.uvs is not None
    np.testing.assert_allclose(np.sort(mesh.uvs[..., 0].reshape(-1)), np.arange(1, 7) / 10, atol=1e-6)


def test_obj_with_several_materials_and_a_missing_mtl(tmp_path: Path) -> None:
    text = QUAD_OBJ.replace("f 1/1", "mtllib gone.mtl\nusemtl a\nf 1/1 2/2 3/3\nusemtl b\nf 1/1")
    mesh = load(write(tmp_path / "two.obj", text))
    assert len(mesh.faces) == 3
    assert mesh.warnings == ()


def test_parts_without_uvs_are_told(tmp_path: Path) -> None:
    scene = trimesh.Scene()
    bare, textured = trimesh.creation.box(), trimesh.creation.box()
    textured.visual = trimesh.visual.TextureVisuals(uv=np.random.default_rng(0).random((8, 2)))
    scene.add_geometry(bare, transform=trimesh.transformations.translation_matrix((5, 0, 0)))
    scene.add_geometry(textured)
    mesh = load(write(tmp_path / "parts.glb", scene.export(file_type="glb")))
    assert mesh.uvs is not None
    assert mesh.warnings == ("1 of 2 parts have no UVs",)
    assert (np.ptp(mesh.uvs, axis=(1, 2)) == 0).sum() == 12


def test_instances_and_mirroring_transforms(tmp_path: Path) -> None:
    scene = trimesh.Scene()
    box = trimesh.creation.box()
    scene.add_geometry(box, geom_name="box", node_name="a")
    scene.graph.update("b", geometry="box", matrix=np.diag([-1.0, 2.0, 1.0, 1.0]) + np.eye(4, k=3) * 10)
    mesh = load(write(tmp_path / "instances.glb", scene.export(file_type="glb")))
    whole = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    assert len(mesh.faces) == 24
    np.testing.assert_allclose(mesh.vertices.max(axis=0), (10.5, 1.0, 0.5), atol=1e-6)
    assert whole.volume == pytest.approx(3.0)  # a face turned inside out would count negative


@pytest.mark.parametrize("ending", ["obj", "ply", "stl", "glb", "gltf"])
def test_every_ending(tmp_path: Path, ending: str) -> None:
    sphere = trimesh.creation.icosphere(subdivisions=2)
    path = tmp_path / f"ball.{ending}"
    if ending == "gltf":
        for name, data in trimesh.exchange.gltf.export_gltf(trimesh.Scene(sphere)).items():
            write(tmp_path / ("ball.gltf" if name.endswith(".gltf") else name), data)
    else:
        sphere.export(path)
    mesh = load(path)
    assert len(mesh.faces) == len(sphere.faces)
    assert mesh.faces.dtype == np.int32
    assert mesh.vertices.dtype == np.float32
    assert trimesh.Trimesh(mesh.vertices, mesh.faces).volume == pytest.approx(sphere.volume, rel=1e-4)


def test_ply_uvs(tmp_path: Path) -> None:
    header = "ply\nformat ascii 1.0\nelement vertex 3\n" + "".join(f"property float {n}\n" for n in "xyzst")
    body = "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    rows = "0 0 0 0.1 0.2\n1 0 0 0.8 0.2\n0 1 0 0.1 0.9\n3 0 1 2\n"
    mesh = load(write(tmp_path / "one.ply", header + body + rows))
    np.testing.assert_allclose(uv_at(mesh, (0, 1, 0)), (0.1, 0.9), atol=1e-6)


def test_npz_keeps_every_face_in_order(tmp_path: Path) -> None:
    arrays = sphere_arrays()
    faces = np.concatenate([arrays["faces"], arrays["faces"][:3], [[0, 0, 1]]]).astype(np.int32)
    uvs = np.random.default_rng(0).random((len(faces), 3, 2)).astype(np.float32)
    polygons = (np.arange(len(faces)) // 2).astype(np.int32)
    path = npz(tmp_path / "in.npz", vertices=arrays["vertices"], faces=faces, uvs=uvs, polygons=polygons)
    mesh = load(path)
    np.testing.assert_array_equal(mesh.vertices[mesh.faces], arrays["vertices"][faces])
    np.testing.assert_array_equal(mesh.uvs, uvs)
    np.testing.assert_array_equal(mesh.polygons, polygons)
    assert mesh.warnings == (f"1 of {len(faces)} faces have no area",)


def test_stray_vertices_do_not_count(tmp_path: Path) -> None:
    arrays = sphere_arrays()
    arrays["vertices"] = np.concatenate([[[100, 0, 0]], arrays["vertices"], [[np.nan, 0, 0]]]).astype(
        np.float32
    )
    arrays["faces"] += 1
    mesh = load(npz(tmp_path / "stray.npz", **arrays))
    assert np.abs(mesh.vertices).max() <= 1.0001
    assert mesh.warnings == ()


def test_files_lose_faces_at_bad_vertices_with_a_warning(tmp_path: Path) -> None:
    text = QUAD_OBJ + "v nan 0 0\nf 1/1 2/2 5/3\n"
    mesh = load(write(tmp_path / "nan.obj", text))
    assert len(mesh.faces) == 2
    assert len(mesh.warnings) == 1
    assert "1 of 5 vertices are not finite" in mesh.warnings[0].replace("of 6", "of 5")


def test_uvs_that_are_not_finite(tmp_path: Path) -> None:
    arrays = sphere_arrays()
    uvs = np.full((len(arrays["faces"]), 3, 2), 0.5, np.float32)
    uvs[0, 1, 0] = np.nan
    mesh = load(npz(tmp_path / "one.npz", **arrays, uvs=uvs))
    assert mesh.uvs is not None
    assert (mesh.uvs[0] == 0).all()
    assert "UVs of 1 of 80 faces" in mesh.warnings[0]
    assert load(npz(tmp_path / "all.npz", **arrays, uvs=uvs * np.nan)).uvs is None


def _bad_npz(path: Path, **changes: object) -> Path:
    arrays: dict[str, np.ndarray] = sphere_arrays()
    for name, value in changes.items():
        if value is None:
            del arrays[name]
        else:
            arrays[name] = np.asarray(value)
    return npz(path, **arrays)


BAD = {
    "no such file": (lambda p: p / "gone.obj", "there is no file"),
    "a folder": (lambda p: p, "is a folder"),
    "ending": (lambda p: write(p / "a.fbx", "x"), "not a kind of mesh file"),
    "empty": (lambda p: write(p / "a.obj", ""), "is empty"),
    "text as glb": (lambda p: write(p / "a.glb", "hello"), "can't be read as GLB"),
    "cut glb": (
        lambda p: write(p / "a.glb", trimesh.Scene(trimesh.creation.box()).export(file_type="glb")[:300]),
        "can't be read as GLB",
    ),
    "noise as stl": (lambda p: write(p / "a.stl", bytes(range(256)) * 3), "a.stl"),
    "noise as ply": (lambda p: write(p / "a.ply", b"ply\nrubbish" + bytes(range(256))), "a.ply"),
    "words as obj": (lambda p: write(p / "a.obj", "these are not vertices\n"), "a.obj"),
    "points": (lambda p: write(p / "a.obj", "v 0 0 0\nv 1 0 0\n"), "has no faces"),
    "faces into nowhere": (lambda p: write(p / "a.obj", QUAD_OBJ + "f 1 2 900\n"), "a.obj"),
    "all nan": (
        lambda p: write(p / "a.obj", "v nan nan nan\nv nan nan nan\nv nan 0 0\nf 1 2 3\n"),
        "3 of 3 vertices are not finite",
    ),
    "one point": (lambda p: write(p / "a.obj", "v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n"), "has no surface"),
    "a line": (lambda p: write(p / "a.obj", "v 0 0 0\nv 1 1 1\nv 2 2 2\nf 1 2 3\n"), "has no surface"),
    "not an npz": (lambda p: write(p / "a.npz", "hello"), "can't be read as NPZ"),
    "npz without faces": (lambda p: _bad_npz(p / "a.npz", faces=None), "no array 'faces'"),
    "npz of objects": (lambda p: _bad_npz(p / "a.npz", faces=np.array([None])), "can't be read as NPZ"),
    "npz of shape": (lambda p: _bad_npz(p / "a.npz", vertices=np.zeros((4, 2))), "shape (4, 2)"),
    "npz with few uvs": (lambda p: _bad_npz(p / "a.npz", uvs=np.zeros((2, 3, 2))), "2 uvs for 80 faces"),
    "npz empty": (
        lambda p: _bad_npz(p / "a.npz", vertices=np.zeros((0, 3)), faces=np.zeros((0, 3), int)),
        "has no vertices",
    ),
    "npz pointing out": (lambda p: _bad_npz(p / "a.npz", faces=np.array([[0, 1, 99]])), "is damaged"),
    "npz negative": (lambda p: _bad_npz(p / "a.npz", faces=np.array([[0, 1, -1]])), "is damaged"),
    "npz with a nan": (
        lambda p: _bad_npz(p / "a.npz", vertices=np.where(np.eye(42, 3) > 0, np.nan, 1.0)),
        "3 of 42 vertices are not finite",
    ),
    "remote buffer": (
        lambda p: write(
            p / "a.gltf",
            '{"asset":{"version":"2.0"},"buffers":[{"uri":"https://example.org/a.bin","byteLength":4}]}',
        ),
        "keeps its geometry at 'https://example.org/a.bin'",
    ),
    "missing buffer": (
        lambda p: write(
            p / "a.gltf", '{"asset":{"version":"2.0"},"buffers":[{"uri":"my%20a.bin","byteLength":4}]}'
        ),
        "needs the file 'my a.bin'",
    ),
    "draco": (
        lambda p: write(
            p / "a.gltf",
            '{"asset":{"version":"2.0"},"extensionsRequired":["KHR_draco_mesh_compression"]}',
        ),
        "is compressed",
    ),
    "empty scene": (lambda p: write(p / "a.gltf", '{"asset":{"version":"2.0"}}'), "a.gltf"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_with_a_fix(case: str, tmp_path: Path) -> None:
    make, says = BAD[case]
    path = make(tmp_path)
    with pytest.raises(UserError, match=re.escape(says)) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert caught.value.fix


def test_examples(example_meshes: Path) -> None:
    counts = {"clutch_bag.obj": 4484, "face.obj": 39380, "sneaker.glb": 21927, "teapot.obj": 15704}
    for name, faces in counts.items():
        mesh = load(example_meshes / name)
        assert len(mesh.faces) == faces
        assert mesh.uvs is not None


def test_a_mesh_is_frozen(tmp_path: Path) -> None:
    mesh = load(write(tmp_path / "quad.obj", QUAD_OBJ))
    with pytest.raises(dataclasses.FrozenInstanceError):
        mesh.name = "other"  # type: ignore[misc]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every file name is text")
def test_a_file_name_that_is_no_text_gives_a_name_that_is(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.obj")
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", encoding="utf-8")
    assert load(path).name == "caf?"
