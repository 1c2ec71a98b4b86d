"""The one rule for UVs: whole tiles off, a hair outside, a few bad faces, tiny layouts, a second set."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from engine.errors import UserError
from engine.mesh import overlap, udim, uvcheck
from engine.mesh.mesh import Mesh, load
from engine.mesh.raw import UVSet
from engine.mesh.sets import lay_out
from engine.mesh.unwrap import ensure_uvs, own_uvs
from tests.engine import shapes
from tests.engine.mesh import judge

Floats = NDArray[np.float32]


def ball(scale: float = 1.0) -> Mesh:
    """1,280 faces in six charts."""
    made = shapes.sphere(3)
    return Mesh(made.vertices, made.faces, (made.uvs * np.float32(scale)).astype(np.float32))


def kept(mesh: Mesh, mode: str = "auto") -> tuple[Floats, object, list[str]]:
    result, new, said = ensure_uvs(mesh, mode, 512, lambda: None)
    assert result.uvs is not None
    return result.uvs, new, said


def with_uvs(mesh: Mesh, uvs: Floats, **more: object) -> Mesh:
    return dataclasses.replace(mesh, uvs=np.asarray(uvs, np.float32), **more)


@pytest.mark.parametrize("shift", [(-1, 0), (0, -1), (-3, -2), (-1, 5), (12, 0), (0, 300)])
def test_whole_tiles_are_taken_off(shift: tuple[int, int]) -> None:
    mesh = ball()
    uvs, new, said = kept(with_uvs(mesh, mesh.uvs + np.float32(shift)))
    assert (new, said) == (False, [])
    np.testing.assert_allclose(uvs, mesh.uvs, atol=1e-4)


def test_tiles_that_there_are_stay_pages() -> None:
    mesh = ball()
    uvs, new, _ = kept(with_uvs(mesh, mesh.uvs + np.float32([3, 1])))
    assert not new
    assert set(udim.tiles(uvs).tolist()) == {1014}


def test_charts_in_several_tiles_come_together_where_they_do_no_harm() -> None:
    made = shapes.sphere(3)
    apart = made.uvs - np.float32([1, 0]) * (made.chart % 2)[:, None, None].astype(np.float32)
    uvs, new, said = kept(Mesh(made.vertices, made.faces, apart.astype(np.float32)))
    assert (new, said) == (False, [])
    np.testing.assert_allclose(uvs, made.uvs, atol=1e-6)
    stacked = made.uvs * np.float32([1, 0.5])  # both halves in one place of their tiles
    stacked = np.where((made.chart < 3)[:, None, None], stacked, stacked[:, :, :] - np.float32([1, 0.25]))
    _, new, said = kept(Mesh(made.vertices, made.faces, stacked.astype(np.float32)))
    assert new is True
    assert "overlap" in said[0]


@pytest.mark.parametrize("more", [1e-4, 3e-4, 1e-3])
def test_a_hair_outside_is_cut_off(more: float) -> None:
    corners = np.array([[0, 0], [1 + more, 0], [1 + more, 1], [-more, 1]], np.float32)
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    uvs, new, said = kept(Mesh(vertices, faces, corners[faces]))
    assert (new, said) == (False, [])
    np.testing.assert_allclose(uvs, np.clip(corners[faces], 0, 1), atol=1e-7)


def test_every_number_near_the_border_is_judged_alike() -> None:
    """In 32 bits 1.0001 is more than 1 + 1e-4, and 0.0001 below zero may not be."""
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    for offset in np.linspace(-0.003, 0.003, 61):
        uvs = (np.array([[[0, 0], [1, 0], [0, 1]]]) + offset).astype(np.float32)
        result, new, _ = ensure_uvs(
            Mesh(vertices, np.array([[0, 1, 2]], np.int32), uvs), "auto", 64, lambda: None
        )
        assert result.uvs is not None
        assert 0 <= result.uvs.min() <= result.uvs.max() <= 1
        assert bool(new) == (abs(offset) > udim.SLACK)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_few_faces_beside_the_square_are_placed(scale: float) -> None:
    mesh = ball(scale)
    uvs = mesh.uvs.copy()
    bad = [17, 400, 401]
    uvs[bad] = uvs[bad] * np.float32(9) + np.float32(0.7)
    found, new, said = kept(with_uvs(mesh, uvs))
    assert np.flatnonzero(new).tolist() == bad
    assert said == ["3 of 1,280 faces had no usable UVs and got new ones beside the others"]
    rest = np.setdiff1d(np.arange(1280), bad)
    np.testing.assert_array_equal(found[rest], mesh.uvs[rest])
    assert overlap.share(found) < 0.002
    assert (judge.uv_areas(found[bad]) > 0).all()
    laid = lay_out([with_uvs(mesh, uvs)], False, lambda one, _: ensure_uvs(one, "auto", 512, lambda: None))
    assert np.flatnonzero(laid.unwrapped).tolist() == bad
    np.testing.assert_array_equal(laid.new_uvs(0), found)  # the add-on gets them all


def test_without_room_they_take_their_neighbours_colour() -> None:
    side = 60
    grid = np.stack(np.meshgrid(np.arange(side + 1), np.arange(side + 1)), -1).reshape(-1, 2) / side
    at = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).reshape(-1)
    faces = np.concatenate([at[:, None] + (0, 1, side + 2), at[:, None] + (0, side + 2, side + 1)]).astype(
        np.int32
    )
    flat = grid[faces].astype(np.float32)
    bare = np.zeros(len(faces), bool)
    bare[[5, 77]] = True
    mesh = Mesh(
        np.pad(grid, ((0, 0), (0, 1))).astype(np.float32),
        faces,
        np.where(bare[:, None, None], 0, flat),
        bare=bare,
    )
    uvs, new, said = kept(mesh)
    assert new is False
    assert said == ["2 of 7,200 faces have no usable UVs: they take their neighbours' colour"]
    np.testing.assert_array_equal(uvs[~bare], flat[~bare])
    for face in np.flatnonzero(bare):
        assert (uvs[face] == uvs[face, 0]).all()
        assert np.abs(uvs[face, 0] - flat[face]).max() < 0.02  # at one of its own corners
    same, _, _ = own_uvs(mesh, "auto")
    np.testing.assert_array_equal(same.uvs, uvs)


def test_many_bad_faces_are_no_few() -> None:
    mesh = ball()
    uvs = mesh.uvs.copy()
    uvs[::2] *= np.float32(3)
    _, new, said = kept(with_uvs(mesh, uvs))
    assert new is True
    assert "leave the square" in said[0]
    bare = np.arange(1280) < 500
    _, new, said = kept(with_uvs(mesh, mesh.uvs, bare=bare))
    assert new is True
    assert "are missing for 39% of the surface" in said[0]
    with pytest.raises(UserError, match="are missing for"):
        own_uvs(with_uvs(mesh, mesh.uvs, bare=bare), "auto")


@pytest.mark.parametrize("scale", [1 / 32, 1 / 64, 1e-3])
def test_a_tiny_layout_stays_and_is_said(scale: float) -> None:
    mesh = ball(scale)
    uvs, new, said = kept(mesh)
    assert new is False
    np.testing.assert_array_equal(uvs, mesh.uvs)
    (line,) = said
    assert line.startswith("the UVs use 0.")
    assert "of the texture, about" in line


def test_a_set_that_can_carry_a_texture_is_taken() -> None:
    mesh = ball()
    tiled = with_uvs(
        mesh, mesh.uvs * 4, others=(UVSet("its UV set 1", mesh.uvs * 5), UVSet("its UV set 2", mesh.uvs))
    )
    uvs, new, said = kept(tiled)
    assert new is False
    assert len(said) == 1
    assert said[0].startswith("the mesh's UVs leave the square from 0 to 1")
    assert said[0].endswith("so its UV set 2 took their place")
    np.testing.assert_array_equal(uvs, mesh.uvs)
    first, _, said = kept(with_uvs(mesh, mesh.uvs, others=(UVSet("its UV set 1", mesh.uvs / 2),)))
    np.testing.assert_array_equal(first, mesh.uvs)
    assert said == []
    assert own_uvs(tiled, "auto")[0].uvs is not None


def test_parts_choose_their_sets_by_themselves() -> None:
    mesh = ball()
    part = (mesh.vertices[mesh.faces][:, :, 0].mean(axis=1) > 0).astype(np.int32)
    tiled = np.where(part[:, None, None] > 0, mesh.uvs * 4, mesh.uvs)
    both = with_uvs(
        mesh, tiled, part=part, parts=("left", "right"), others=(UVSet("its UV set 1", mesh.uvs),)
    )
    laid = lay_out([both], False, lambda one, _: ensure_uvs(one, "auto", 512, lambda: None))
    assert not laid.unwrapped.any()
    np.testing.assert_allclose(laid.uvs[..., :2], mesh.uvs, atol=1e-6)
    (line,) = laid.warnings
    assert line.startswith("right: ")


def test_never_keeps_what_has_none_on_its_neighbours() -> None:
    mesh = ball()
    bare = np.arange(1280) == 9
    uvs, new, said = kept(with_uvs(mesh, np.where(bare[:, None, None], 0, mesh.uvs), bare=bare), "never")
    assert new is False
    assert "neighbours' colour" in said[0]
    np.testing.assert_array_equal(uvs[~bare], mesh.uvs[~bare])
    assert (uvs[9] != 0).all()


def test_one_line_for_a_hundred_alike() -> None:
    box = trimesh.creation.box()
    vertices, faces = np.asarray(box.vertices, np.float32), np.asarray(box.faces, np.int32)
    count = 40
    many = Mesh(
        np.concatenate([vertices + np.float32([2 * i, 0, 0]) for i in range(count)]),
        np.concatenate([faces + 8 * i for i in range(count)]).astype(np.int32),
        part=np.repeat(np.arange(count), 12).astype(np.int32),
        parts=tuple(f"m{i}" for i in range(count)),
    )
    laid = lay_out(
        [many], False, lambda one, _: (with_uvs(one, np.zeros((12, 3, 2))), True, ["it has 12 faces"])
    )
    assert laid.warnings == ("40 of 40 texture sets, the first of them m0: it has 12 faces",)


def test_the_files_of_an_unusual_layout(tmp_path: Path) -> None:
    path = tmp_path / "quad.obj"
    path.write_text(
        "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1.0001 0\nvt 1.0001 1\nvt 0 1\nf 1/1 2/2 3/3 4/4\n"
    )
    mesh = load(path)
    assert mesh.uvs is not None
    assert uvcheck.problem(mesh.vertices, mesh.faces, mesh.uvs) is None
    assert kept(mesh)[1] is False
