"""The textured .glb, read back by trimesh."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from engine.export.glb import Material, corner_normals, export_pages
from engine.mesh.mesh import Mesh, load
from engine.options.channels import main_channel
from tests.effort import calls
from tests.engine import shapes


def textured(shape: shapes.Shape) -> Mesh:
    return Mesh(shape.vertices * np.float32(3) + np.float32(7), shape.faces, shape.uvs, name="thing")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Red at the top left, blue at the bottom right, else green."""
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[..., 1] = 255
    pixels[:8, :8], pixels[8:, 8:] = (255, 0, 0), (0, 0, 255)
    path = tmp_path / "texture.png"
    Image.fromarray(pixels).save(path)
    return path


def export_glb(mesh: Mesh, texture: Path, path: Path) -> None:
    """All of ``mesh`` as one object with one texture."""
    page = np.zeros(len(mesh.faces), np.int32)
    export_pages(
        mesh,
        page,
        [Material(mesh.name, {main_channel().gltf: texture.read_bytes()})],
        [(mesh.name, slice(0, len(page)))],
        path,
    )


def header(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    magic, version, length, size = struct.unpack_from("<4sIII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    document: dict[str, Any] = json.loads(data[20 : 20 + size])
    return document


def test_geometry_uvs_and_picture_come_back(picture: Path, tmp_path: Path) -> None:
    mesh = textured(shapes.box())
    path = tmp_path / "mesh.glb"
    export_glb(mesh, picture, path)
    again = load(path)
    assert again.uvs is not None
    assert mesh.uvs is not None
    np.testing.assert_array_equal(again.vertices[again.faces], mesh.vertices[mesh.faces])
    np.testing.assert_allclose(again.uvs, mesh.uvs, atol=1e-7)
    (part,) = trimesh.load_scene(path).geometry.values()
    material = part.visual.material
    assert material.metallicFactor == 0
    assert 0.4 <= material.roughnessFactor <= 0.8
    np.testing.assert_array_equal(np.asarray(material.baseColorTexture), np.asarray(Image.open(picture)))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mesh.glb", "texture.png"]


def test_colours_sit_where_the_uvs_say(picture: Path, tmp_path: Path) -> None:
    """A quad with the whole texture: its upper left corner is red, its lower right one blue."""
    path = tmp_path / "quad.glb"
    export_glb(textured(shapes.plate(0.0, 1.0, (0.0, 1.0))), picture, path)
    (part,) = trimesh.load_scene(path).geometry.values()
    for corner, colour in [((4, 10), (255, 0, 0)), ((10, 4), (0, 0, 255)), ((10, 10), (0, 255, 0))]:
        at = np.abs(part.vertices[:, :2] - corner).sum(axis=1).argmin()
        inward = part.visual.uv[at] * 0.9 + 0.05
        assert tuple(part.visual.material.to_color(inward[None])[0][:3]) == colour


def test_no_more_vertices_than_seams_and_edges_need(picture: Path, tmp_path: Path) -> None:
    ball = textured(shapes.sphere(3))
    export_glb(ball, picture, tmp_path / "ball.glb")
    again = load(tmp_path / "ball.glb")
    assert len(ball.vertices) <= len(again.vertices) < 1.5 * len(ball.vertices)


def test_round_is_smooth_and_edges_are_sharp() -> None:
    ball, box = shapes.sphere(3), shapes.box(1)
    smooth = corner_normals(ball.vertices, ball.faces)
    np.testing.assert_allclose(smooth, ball.vertices[ball.faces], atol=0.02)
    flat = corner_normals(box.vertices, box.faces)
    np.testing.assert_allclose(np.abs(flat).max(axis=2), 1, atol=1e-6)


def test_normals_cross_uv_seams_and_survive_empty_faces() -> None:
    ball = shapes.sphere(2)
    soup = ball.vertices[ball.faces].reshape(-1, 3)
    faces = np.arange(len(soup), dtype=np.int32).reshape(-1, 3)
    np.testing.assert_allclose(
        corner_normals(soup, faces), corner_normals(ball.vertices, ball.faces), atol=1e-5
    )
    empty = corner_normals(np.zeros((3, 3), np.float32), np.array([[0, 1, 2], [0, 0, 0]], np.int32))
    np.testing.assert_allclose(np.linalg.norm(empty, axis=2), 1)


def test_the_file_keeps_to_the_standard(picture: Path, tmp_path: Path) -> None:
    path = tmp_path / "mesh.glb"
    export_glb(textured(shapes.sphere(1)), picture, path)
    document = header(path)
    assert document["images"] == [{"bufferView": 4, "mimeType": "image/png"}]
    assert all(view["byteOffset"] % 4 == 0 for view in document["bufferViews"])
    positions = document["accessors"][0]
    assert len(positions["min"]) == len(positions["max"]) == 3
    last = document["bufferViews"][-1]
    assert last["byteOffset"] + last["byteLength"] <= document["buffers"][0]["byteLength"]


def test_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mesh.glb"
    path.write_bytes(b"earlier")
    with pytest.raises(OSError, match=r"gone\.png"):
        export_glb(textured(shapes.box()), tmp_path / "gone.png", path)
    assert path.read_bytes() == b"earlier"
    assert [p.name for p in tmp_path.iterdir()] == ["mesh.glb"]


def test_uvs_are_needed(picture: Path, tmp_path: Path) -> None:
    bare = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32))
    with pytest.raises(ValueError, match="no uvs"):
        export_glb(bare, picture, tmp_path / "mesh.glb")


def test_nothing_is_called_for_each_face(picture: Path, tmp_path: Path) -> None:
    """So a hundred thousand take a fifth of a second."""

    def taken(sections: int) -> int:
        torus = trimesh.creation.torus(1, 0.4, major_sections=sections, minor_sections=sections)
        faces = np.asarray(torus.faces, np.int32)
        uvs = np.random.default_rng(0).random((len(torus.vertices), 2)).astype(np.float32)
        mesh = Mesh(np.asarray(torus.vertices, np.float32), faces, uvs[faces])
        return calls(lambda: export_glb(mesh, picture, tmp_path / "mesh.glb"))

    few, many = taken(10), taken(100)
    assert 0 < many <= few + 20


IN_BLENDER = """
import bpy, json, sys
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_scene.gltf(filepath=sys.argv[-1])
(thing,) = [o for o in bpy.data.objects if o.type == "MESH"]
mesh, matrix = thing.data, thing.matrix_world
uvs = mesh.uv_layers.active.data
corners = [[*(matrix @ mesh.vertices[l.vertex_index].co), *uvs[l.index].uv] for l in mesh.loops]
shader = next(n for n in mesh.materials[0].node_tree.nodes if n.type == "BSDF_PRINCIPLED")
image = shader.inputs["Base Color"].links[0].from_node.image
values = {"corners": corners, "image": list(image.size), "space": image.colorspace_settings.name,
          "lower_left": list(image.pixels[:3]), "upper_left": list(image.pixels[16 * 15 * 4 :][:3]),
          "metallic": shader.inputs["Metallic"].default_value}
print("VALUES " + json.dumps(values))
"""


def test_blender_opens_it_the_right_way_up(blender: Path, picture: Path, tmp_path: Path) -> None:
    path, script = tmp_path / "quad.glb", tmp_path / "look.py"
    export_glb(textured(shapes.plate(0.0, 1.0, (0.0, 1.0))), picture, path)
    script.write_text(IN_BLENDER)
    command = [str(blender), "-b", "--factory-startup", "--python-exit-code", "1", "--python", str(script)]
    ran = subprocess.run([*command, "--", str(path)], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr[-2000:]
    (line,) = [line for line in ran.stdout.splitlines() if line.startswith("VALUES ")]
    values = json.loads(line.removeprefix("VALUES "))
    for x, y, z, u, v in values["corners"]:
        assert (x, z, u, v) == pytest.approx((4 + 6 * u, 4 + 6 * v, round(u), round(v)), abs=1e-5)
        assert y == pytest.approx(-7, abs=1e-5)  # the engine's front, +Z, is Blender's -Y
    assert values["image"] == [16, 16]
    assert values["space"] == "sRGB"
    assert values["upper_left"] == pytest.approx([1, 0, 0])
    assert values["lower_left"] == pytest.approx([0, 1, 0])
    assert values["metallic"] == 0
