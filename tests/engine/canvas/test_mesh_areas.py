"""Areas by their names, on the surface: against files written by hand, and against each texel's own place."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image

from engine.bake.texels import SurfaceTexels
from engine.canvas.mesh_areas import MeshArea
from engine.errors import UserError
from engine.mesh.areas import Areas
from engine.mesh.mesh import Mesh, load
from engine.mesh.sets import Layout, Page, lay_out
from engine.options import areas
from engine.options.areas import Area
from engine.pictures.pages import texel_centres
from engine.views.cameras import even_rig
from tests.engine import shapes

Floats = NDArray[np.float32]
QUADS = """o Lid
v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 2 0 0\nv 2 1 0\nv 3 0 0\nv 3 1 0
usemtl Gold
f 1 2 3 4
o Body
f 2 5 6 3
usemtl Tin = old
f 5 7 8 6
"""
SHAPE = shapes.box(1)
SURFACE = shapes.surface_of(SHAPE)


@pytest.fixture(scope="module")
def quads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("areas") / "chest.obj"
    path.write_text(QUADS, encoding="utf-8")
    return path


def layout(*meshes: Mesh) -> Layout:
    """The meshes on their UVs, or on any."""

    def prepare(mesh: Mesh, _: int | None) -> tuple[Mesh, bool, list[str]]:
        nothing = np.zeros((len(mesh.faces), 3, 2), np.float32)
        return dataclasses.replace(mesh, uvs=nothing if mesh.uvs is None else mesh.uvs), False, []

    return lay_out(meshes, False, prepare)


def in_two_tiles(mesh: Mesh) -> Layout:
    """Each half of its faces in one of them."""
    page = (np.arange(len(mesh.faces)) >= len(mesh.faces) // 2).astype(np.int32)
    tiles = tuple(Page(str(tile), "", 0, None, tile) for tile in (1001, 1002))
    return dataclasses.replace(layout(mesh), page=page, pages=tiles)


def box(weights: dict[str, Floats] | None = None) -> Mesh:
    count = len(SHAPE.faces)
    polygons = np.arange(count, dtype=np.int32)
    return Mesh(SHAPE.vertices, SHAPE.faces, SHAPE.uvs, polygons, areas=Areas({}, weights or {}))


def middle(mesh: Mesh, name: str) -> list[float]:
    """x of the middle of each face that an area has."""
    inside = mesh.areas.of(areas.read(name, "region"), "region")
    return sorted(np.round(mesh.vertices[mesh.faces].mean(axis=1)[inside.all(axis=1), 0] + mesh.origin[0], 2))


@pytest.mark.parametrize("by", ["", "object", "material"])
def test_names_in_obj(quads: Path, by: str) -> None:
    mesh = load(quads, by)
    assert middle(mesh, "material:Gold") == [0.33, 0.67, 1.33, 1.67]
    assert middle(mesh, "material:Tin = old") == [2.33, 2.67]
    assert middle(mesh, "object:Lid") == [0.33, 0.67]
    assert middle(mesh, "object:chest") == [0.33, 0.67, 1.33, 1.67, 2.33, 2.67]


def test_names_in_gltf(tmp_path: Path, quads: Path) -> None:
    scene = trimesh.Scene()
    for i, name in enumerate(("Lid", "Body")):
        part = trimesh.creation.box().apply_translation([3 * i, 0, 0])
        part.visual = trimesh.visual.TextureVisuals(
            material=trimesh.visual.material.PBRMaterial(name=f"M{i}")
        )
        scene.add_geometry(part, node_name=name, geom_name=name)
    (tmp_path / "two.glb").write_bytes(scene.export(file_type="glb"))
    mesh = load(tmp_path / "two.glb")
    assert set(np.round(middle(mesh, "object:Body"))) == {2, 3, 4}
    assert middle(mesh, "material:M1") == middle(mesh, "object:Body")
    both = layout(mesh, load(quads)).mesh
    assert len(middle(both, "object:chest")) == 6
    assert len(middle(both, "object:Lid")) == 14


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("material:gold", "no material is called 'gold'; name one of 'Gold', 'Tin = old'"),
        ("object:x", "no object is called 'x'; name one of 'Lid', 'Body', 'chest'"),
        ("group:Rust", "'group:Rust' can be found in Blender's own objects only"),
    ],
)
def test_what_names_nothing_is_refused(quads: Path, name: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        MeshArea.read(areas.read(name, "region"), layout(load(quads)), "region")
    assert said in f"{caught.value}; {caught.value.fix}"


def test_weights_are_linear_on_texels_and_in_views() -> None:
    """A weight that is a place's own height: then it's known everywhere."""
    height = SURFACE.corners[..., 1] * 0.5 + 0.5
    area = MeshArea.read(Area("group", "Rust"), layout(box({"group:Rust": height})), "region")
    texels = SurfaceTexels.build(SURFACE, 64)
    wanted = texels.point[:, 1] * 0.5 + 0.5
    far = np.abs(area.of_texels(SURFACE, texels) - wanted)
    assert np.quantile(far, 0.9) < 1e-5, "but where a centre lies beyond its face's edge"
    assert far.max() < 0.02
    view = SURFACE.seen(even_rig(4)[1], 48)
    seen = area.seen(SURFACE, view).reshape(-1)
    np.testing.assert_allclose(
        seen[view.fragments.pixel], SURFACE.points(view.fragments)[:, 1] * 0.5 + 0.5, atol=1e-5
    )
    assert seen.sum() > 0
    assert (seen[~view.mask.reshape(-1)] == 0).all()


def test_a_mask_of_any_size_lies_on_the_uvs(tmp_path: Path) -> None:
    """White on the right half of the UVs; half of it transparent counts for nothing."""
    picture = np.zeros((20, 40, 4), np.uint8)
    picture[:, 20:, :3] = 255
    picture[:10, :, 3] = 255
    Image.fromarray(picture).save(tmp_path / "mask.png")
    area = MeshArea.read(Area("mask", str(tmp_path / "mask.png")), layout(box()), "region")
    texels = SurfaceTexels.build(SURFACE, 64)
    uv = texel_centres(texels.index, 64)
    wanted = (uv[:, 0] > 0.5) & (uv[:, 1] > 0.5)
    clear = (np.abs(uv - 0.5) > 0.03).all(axis=1)
    np.testing.assert_array_equal(area.of_texels(SURFACE, texels)[clear], wanted[clear])


def test_masks_of_tiles_are_named_by_a_pattern(tmp_path: Path) -> None:
    Image.new("L", (8, 8), 255).save(tmp_path / "mask.1002.png")
    two = in_two_tiles(box())
    area = MeshArea.read(Area("mask", str(tmp_path / "mask.<UDIM>.png")), two, "region")
    assert [page.max() for page in area.pages] == [0, 1], "a tile without a file has nothing in the area"
    anew = dataclasses.replace(two, unwrapped=two.page == 0)
    assert MeshArea.read(Area("mask", str(tmp_path / "mask.<UDIM>.png")), anew, "region").pages[1].max() == 1
    with pytest.raises(UserError, match="names fewer files"):
        MeshArea.read(Area("mask", str(tmp_path / "mask.1002.png")), two, "region")


def test_a_mask_that_says_nothing_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "black.png")
    mesh = layout(box())
    with pytest.raises(UserError, match=r"'black.png' is black or transparent everywhere"):
        MeshArea.read(Area("mask", str(tmp_path / "black.png")), mesh, "region")
    with pytest.raises(UserError, match="there is no file"):
        MeshArea.read(Area("mask", str(tmp_path / "gone.png")), mesh, "region")
    anew = dataclasses.replace(mesh, unwrapped=np.ones(len(SHAPE.faces), bool))
    with pytest.raises(UserError, match="was made for UVs that the mesh hasn't"):
        MeshArea.read(Area("mask", str(tmp_path / "black.png")), anew, "region")
