"""Texture sets and UDIM tiles: which page each face comes to, and what stays as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from engine.canvas import mesh_job
from engine.errors import UserError
from engine.host import Clock, Host
from engine.mesh import udim
from engine.mesh.mesh import Mesh, load
from engine.mesh.sets import Layout, lay_out
from engine.mesh.unwrap import ensure_uvs
from engine.pictures.pages import count, page_of, paged
from engine.protocol import Request
from tests.effort import seconds
from tests.engine import shapes

QUAD = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], np.float32)
OBJ = """v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
o plate
usemtl wood panel
f 1/1 2/2 3/3
o rim
usemtl iron
f 1/1 3/3 4/4
usemtl wood panel
f 1/1 4/4 3/3
"""


def kept(mesh: Mesh, number: int | None) -> tuple[Mesh, bool, list[str]]:
    return ensure_uvs(mesh, "auto", 256, lambda: None)


def square(offset: tuple[float, float] = (0, 0), name: str = "square") -> Mesh:
    """A unit square with its UVs in the tile at ``offset``."""
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    return Mesh(vertices, faces, QUAD + np.array(offset, np.float32), name=name)


@pytest.mark.parametrize(
    ("offset", "tile"), [((0, 0), 1001), ((1, 0), 1002), ((9, 0), 1010), ((0, 1), 1011), ((3, 12), 1124)]
)
def test_tiles_have_their_usual_numbers(offset: tuple[float, float], tile: int) -> None:
    uvs = QUAD + np.array(offset, np.float32)
    tiles = udim.tiles(uvs)
    assert tiles is not None
    assert tiles.tolist() == [tile, tile]
    np.testing.assert_array_equal(udim.local(uvs, tiles), QUAD)
    np.testing.assert_array_equal(udim.spread(QUAD, tiles), uvs)


@pytest.mark.parametrize("offset", [(0.5, 0), (-1, 0), (10, 0), (0, -1), (0, 100)])
def test_what_straddles_tiles_or_lies_where_none_are(offset: tuple[float, float]) -> None:
    assert udim.tiles(QUAD + np.array(offset, np.float32)) is None


def test_a_picture_that_repeats_is_not_many_tiles() -> None:
    places = np.stack(np.meshgrid(np.arange(10), np.arange(11)), -1).reshape(-1, 1, 1, 2)
    uvs = (QUAD[:1] + places).reshape(-1, 3, 2).astype(np.float32)
    assert udim.tiles(uvs) is None
    assert udim.tiles(uvs[:100]) is not None


def test_faces_without_area_need_no_tile() -> None:
    uvs = np.concatenate([QUAD, QUAD + np.float32([1, 0]), np.ones((1, 3, 2), np.float32) * 2])
    tiles = udim.tiles(uvs)
    assert tiles is not None
    assert set(tiles.tolist()) == {1001, 1002}


def test_one_mesh_in_one_square_has_one_plain_page() -> None:
    layout = lay_out([square()], False, kept)
    (page,) = layout.pages
    assert (page.label, page.mesh, page.part, page.tile) == ("", 0, None, None)
    assert layout.uvs.shape == (2, 3, 2)
    assert layout.new_uvs(0) is None


def test_tiles_are_pages_and_overlaps_between_them_do_no_harm() -> None:
    shape = shapes.box(1)
    tile = np.array([[0, 0], [1, 0], [0, 1]])[shape.chart % 3]
    whole = shape.uvs * (3, 2) - np.stack([shape.chart % 3, shape.chart // 3], -1)[:, None]
    half = (whole + np.stack([shape.chart // 3, 0 * shape.chart], -1)[:, None]) / (2, 1)
    mesh = Mesh(shape.vertices, shape.faces, (half + tile[:, None]).astype(np.float32))
    layout = lay_out([mesh], False, kept)
    assert [page.label for page in layout.pages] == ["1001", "1002", "1011"]
    assert [page.tile for page in layout.pages] == [1001, 1002, 1011]
    np.testing.assert_array_equal(layout.page, shape.chart % 3)
    np.testing.assert_allclose(layout.uvs[..., :2], half, atol=1e-6)
    np.testing.assert_array_equal(page_of(layout.uvs[:, 0]), shape.chart % 3)
    assert not layout.unwrapped.any()
    # The same with the tiles as three parts that lie on one another.
    laid = Mesh(mesh.vertices, mesh.faces, half.astype(np.float32), part=(shape.chart % 3).astype(np.int32))
    sets = lay_out([Mesh(**{**vars(laid), "parts": ("a", "b", "c")})], False, kept)
    assert [page.label for page in sets.pages] == ["a", "b", "c"]
    np.testing.assert_array_equal(sets.page, layout.page)
    np.testing.assert_allclose(sets.uvs, layout.uvs, atol=1e-6)


def test_each_mesh_keeps_its_uvs_or_gets_new_ones_by_itself() -> None:
    ball = trimesh.creation.icosphere(subdivisions=1)
    bare = Mesh(np.asarray(ball.vertices, np.float32), np.asarray(ball.faces, np.int32), name="ball")
    layout = lay_out([square(name="a.b c"), bare, square((1, 0), name="A_B c")], False, kept)
    assert [page.label for page in layout.pages] == ["a_b_c", "ball", "A_B_c-2.1002"]
    assert [layout.new_uvs(i) is None for i in range(3)] == [True, False, True]
    assert layout.starts == (0, 2, 82, 84)
    assert any(text.startswith("ball: ") for text in layout.warnings)
    alone = lay_out([bare], False, kept)
    new, own = layout.new_uvs(1), alone.new_uvs(0)
    np.testing.assert_array_equal(new, own)  # neighbours don't count
    np.testing.assert_array_equal(
        layout.mesh.vertices[layout.mesh.faces[layout.faces(1)]], ball.triangles.astype(np.float32)
    )


def parts(names: Sequence[str]) -> Mesh:
    """As many unit squares side by side as there are ``names``, each a part called so."""
    count = len(names)
    aside = np.repeat(np.arange(count), 4)[:, None] * np.float32([2, 0, 0])
    one = square()
    assert one.uvs is not None
    return Mesh(
        np.tile(one.vertices, (count, 1)) + aside,
        (one.faces[None] + 4 * np.arange(count)[:, None, None]).reshape(-1, 3).astype(np.int32),
        np.tile(one.uvs, (count, 1, 1)),
        part=np.repeat(np.arange(count), 2).astype(np.int32),
        parts=tuple(names),
    )


def test_no_two_parts_share_a_file_in_whichever_letters() -> None:
    names = ("wood", "Wood", "wood-2", "WOOD", "wood-2", "wood 2", "wood.2", "")
    labels = [page.label for page in lay_out([parts(names)], False, kept).pages]
    assert labels == ["wood", "Wood-2", "wood-2-2", "WOOD-3", "wood-2-3", "wood_2", "wood_2-2", "unnamed"]
    assert len({label.lower() for label in labels}) == len(names)


def test_parts_cost_no_more_than_in_proportion() -> None:
    """Four times as many: about four times as long, not sixteen."""

    def taken(count: int) -> float:
        mesh = parts(["same"] * count)
        assert len(laid_out(mesh).pages) == count
        return seconds(lambda: laid_out(mesh))

    def laid_out(mesh: Mesh) -> Layout:
        return lay_out([mesh], False, lambda one, _: (one, False, []))

    assert taken(8000) < 8 * taken(2000)


def test_thousands_of_textures_are_refused_before_any_is_unwrapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many, lines = 20_000, ["v 0 0 0", "v 1 0 0", "v 0 1 0"]
    for i in range(many):
        lines += [f"usemtl material {i}", "f 1 2 3"]
    (tmp_path / "many.obj").write_text("\n".join(lines), "utf-8")
    unwrapped: list[Mesh] = []
    monkeypatch.setattr(mesh_job, "ensure_uvs", lambda mesh, *_: unwrapped.append(mesh))
    request = Request(str(tmp_path / "many.obj"), "oak", str(tmp_path), texture_sets="material")
    with pytest.raises(UserError, match="a job of 20,000 textures"):
        mesh_job.MeshJob.read(request, Host(), Clock())
    assert not unwrapped


def test_all_together_share_one_square() -> None:
    layout = lay_out([square(name="a"), square((1, 0), name="b")], True, kept)
    assert [(page.label, page.mesh) for page in layout.pages] == [("1001", None), ("1002", None)]
    over = lay_out([square(name="a"), square(name="b")], True, kept)  # they overlap
    assert over.unwrapped.all()
    assert [page.label for page in over.pages] == [""]


def test_objects_and_materials_of_an_obj(tmp_path: Path) -> None:
    path = tmp_path / "thing.obj"
    path.write_text(OBJ)
    for by, names, counts in (
        ("material", {"wood_panel", "iron"}, {1, 2}),
        ("object", {"plate", "rim"}, {1, 2}),
    ):
        mesh = load(path, by)
        assert mesh.part is not None
        layout = lay_out([mesh], False, lambda one, number: ensure_uvs(one, "never", 256, lambda: None))
        assert {page.label for page in layout.pages} == names
        assert set(np.bincount(layout.page).tolist()) == counts
        assert count(layout.uvs) == 2
    assert load(path).part is None


def test_objects_and_materials_of_a_glb(tmp_path: Path) -> None:
    scene = trimesh.Scene()
    for i, name in enumerate(("left", "right")):
        box = trimesh.creation.box()
        uv = np.zeros((8, 2))
        material = trimesh.visual.material.PBRMaterial(name="paint" if i else "steel")
        box.visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
        scene.add_geometry(
            box,
            node_name=name,
            geom_name=name,
            transform=trimesh.transformations.translation_matrix([i, 0, 0]),
        )
    path = tmp_path / "scene.glb"
    scene.export(path)
    for by, names in (("object", ("left", "right")), ("material", ("steel", "paint"))):
        mesh = load(path, by)
        assert set(mesh.parts) == set(names)
        assert mesh.part is not None
        middle = mesh.vertices[mesh.faces].mean(axis=(1, 2))
        for number, name in enumerate(mesh.parts):
            assert (
                abs(mesh.vertices[mesh.faces[mesh.part == number]][..., 0].mean() - names.index(name)) < 0.01
            )
        assert len(middle) == 24


def test_materials_of_the_add_on(tmp_path: Path) -> None:
    mesh = square()
    assert mesh.uvs is not None
    arrays = {"vertices": mesh.vertices, "faces": mesh.faces, "uvs": mesh.uvs}
    path = tmp_path / "mesh.npz"
    np.savez(path, **arrays, materials=np.array([1, 0]), material_names=np.array(["wood", "iron"]))
    layout = lay_out([load(path, "material")], False, kept)
    assert [page.part for page in layout.pages] == ["wood", "iron"]
    assert layout.page.tolist() == [1, 0]
    for bad in (np.array([2, 0]), np.array([-1, 0])):
        np.savez(path, **arrays, materials=bad, material_names=np.array(["wood", "iron"]))
        with pytest.raises(UserError, match="material_names"):
            load(path, "material")


def test_pages_of_no_several_pages_are_none() -> None:
    uvs = square().uvs
    assert uvs is not None
    assert paged(uvs, np.zeros(2, np.int32)) is uvs
    assert count(paged(uvs, np.array([0, 2], np.int32))) == 3


def test_a_part_without_uvs_gets_its_own_where_others_have_some() -> None:
    """All its faces are bare: there is no neighbour whose UVs they could have."""
    two, seen = parts(["a", "b"]), []

    def prepare(mesh: Mesh, number: int | None) -> tuple[Mesh, bool, list[str]]:
        seen.append(mesh.uvs is not None)
        return kept(mesh, number)

    bare = np.arange(len(two.faces)) >= len(two.faces) // 2
    layout = lay_out([replace(two, bare=bare)], False, prepare)
    assert sorted(seen) == [False, True]
    assert len(layout.pages) == 2
