"""Filling along the surface: against brute force, across seams, on thin walls."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.bake import harmonic_fill
from engine.bake.bake import Baked
from engine.bake.fill import doubtful_used, fill
from engine.bake.texel_graph import LIFT, TexelGraph
from engine.bake.texels import SurfaceTexels
from engine.measure.seams import seam_error
from engine.pictures.sampling import sample
from tests.engine import brute, shapes
from tests.engine.brute import Made
from tests.engine.shapes import Shape, field

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
RED, BLUE = np.array([[0.9, 0.1, 0.1]], np.float32), np.array([[0.1, 0.1, 0.9]], np.float32)


def graph_of(made: Made | Shape, size: int) -> TexelGraph:
    return TexelGraph.build(shapes.surface_of(made), size)


def texels_of(made: Made | Shape, size: int) -> SurfaceTexels:
    return graph_of(made, size).texels


def filled(made: Made | Shape, size: int, colours: Floats, painted: Bools, how: str = "surface") -> Floats:
    """The texture; unpainted texels are given a colour that would show."""
    baked = Baked(np.where(painted[:, None], colours, np.float32(9)), painted, np.zeros_like(painted))
    return fill(how, graph_of(made, size), baked)


def on(texels: SurfaceTexels, texture: Floats) -> Floats:
    """(n, 3)"""
    return texture.reshape(-1, 3)[texels.index]


@pytest.mark.parametrize("made", [brute.torus(), shapes.sphere(2)], ids=["torus", "ball"])
def test_the_nearest_painted_texel_is_that_of_brute_force(made: Made | Shape) -> None:
    graph = graph_of(made, 48)
    texels = graph.texels
    known = np.random.default_rng(0).random(len(texels.index)) < 0.05  # hardly any has all its neighbours
    wanted = np.flatnonzero(~known)
    found, far = graph.nearest(wanted, graph.seeds(known))
    lifted = texels.point + LIFT * texels.normal
    apart = np.linalg.norm(lifted[wanted, None] - lifted[None, known], axis=2)
    np.testing.assert_allclose(far, apart.min(axis=1), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(lifted[wanted] - lifted[found], axis=1), far, atol=1e-5)
    assert known[found].all()


@pytest.mark.parametrize("made", [brute.torus(), shapes.sphere(2)], ids=["torus", "ball"])
def test_doubtful_texels_that_are_said_not_to_be_used_change_nothing(made: Made | Shape) -> None:
    graph = graph_of(made, 256)
    trusted = graph.texels.point[:, 0] < 0.1
    colours = field(graph.texels.point)
    used = doubtful_used("surface", graph, trusted)
    assert 0 < len(used) < 0.95 * (~trusted).sum()
    textures = []
    for chosen in (used, doubtful_used("uv", graph, trusted)):
        doubtful = np.zeros_like(trusted)
        doubtful[chosen] = True
        painted = np.where((trusted | doubtful)[:, None], colours, np.float32(9))
        textures.append(fill("surface", graph, Baked(painted, trusted, doubtful)))
    np.testing.assert_array_equal(*textures)


@pytest.mark.parametrize("size", [64, 512, 2048, 8192])
@pytest.mark.parametrize("pages", [1, 2, 150])
def test_no_more_is_solved_for_than_one_texture_has(size: int, pages: int) -> None:
    none = np.zeros(0, np.int32)
    planes = texels_of(cylinder(), 8).planes
    step = harmonic_fill._step(SurfaceTexels(size, none, none, planes, np.zeros((0, 3), np.float32), pages))
    assert pages * (size / step) ** 2 <= harmonic_fill.FINEST**2
    assert step == 1 or pages * (size / (step - 1)) ** 2 > harmonic_fill.FINEST**2


def cylinder() -> Made:
    return brute.lathe([0.5] * 9, list(np.linspace(-0.8, 0.8, 9)), 48, (0.1, 0.9))


@pytest.mark.parametrize("how", ["surface", "uv"])
def test_both_sides_of_a_seam_through_an_unpainted_band_agree(how: str) -> None:
    made, size = cylinder(), 1024
    texels = texels_of(made, size)
    x, y, z = texels.point.T
    turn = np.arctan2(-x, -z)  # 0 at the seam
    patch = (turn > 0.8) & (turn < 1.2)  # near the seam on one side only
    texture = filled(made, size, field(texels.point), (np.abs(y) > 0.5) | patch, how)
    v = np.linspace(0.26, 0.74, 200, dtype=np.float32)  # y from -0.48 to 0.48
    sides = [sample(texture, np.stack([np.full_like(v, u), v], axis=1)) for u in (0.1, 0.9)]
    apart = np.abs(sides[0] - sides[1]).max(axis=1)
    if how == "surface":
        assert apart.max() < 1 / 255
    else:
        assert apart.max() > 5 / 255  # or else this test would show nothing


def test_a_band_is_as_the_harmonic_function_between_its_borders() -> None:
    made, size = cylinder(), 128
    texels = texels_of(made, size)
    y = texels.point[:, 1]
    painted = np.abs(y) > 0.1  # narrow against SPREAD: the pull is nothing
    found = on(texels, filled(made, size, np.where(y[:, None] > 0, RED, BLUE), painted))
    share = np.clip((y[:, None] + 0.1) / 0.2, 0, 1)
    np.testing.assert_allclose(found, BLUE + share * (RED - BLUE), atol=0.08)


def sheets(gap: float) -> Shape:
    """Two squares back to back, ``gap`` apart, facing away from each other; not joined."""
    front, back = shapes.plate(gap / 2, 0.7, (0.02, 0.48)), shapes.plate(-gap / 2, 0.7, (0.52, 0.98))
    turned = back._replace(faces=back.faces[:, ::-1].copy(), uvs=back.uvs[:, ::-1].copy())
    return shapes.joined(front, turned)


def test_thin_walls_do_not_bleed() -> None:
    made = sheets(0.01)
    texels = texels_of(made, 128)
    front = texels.point[:, 2] > 0
    hole = np.abs(texels.point[:, :2]).max(axis=1) < 0.15
    colours = np.where(front[:, None], RED, BLUE)
    np.testing.assert_allclose(on(texels, filled(made, 128, colours, ~hole)), colours, atol=2e-3)
    half = texels.point[:, 0] > 0  # the front is whole, right behind what is missing of the back
    np.testing.assert_allclose(on(texels, filled(made, 128, colours, front | half)), colours, atol=2e-3)


def test_a_part_that_nobody_painted_takes_the_nearest_part_that_faces_the_same_way() -> None:
    front, back = sheets(0.01), shapes.plate(-0.005, 0.2, (0.0, 1.0))
    piece = shapes.joined(front, back)  # a square facing forwards, just behind the backward one
    cells = np.array([[0.0, 0.45], [0.45, 0.9]])
    uvs = piece.uvs.copy()
    uvs[:4, :, 0] = np.interp(uvs[:4, :, 0], [0.0, 0.5, 1.0], [cells[0, 0], cells[0, 1], cells[1, 1]])
    uvs[4:] = uvs[4:] * np.float32(0.08) + np.float32(0.91)
    made = piece._replace(uvs=uvs)
    texels = texels_of(made, 128)
    loose = made.chart[texels.face] == made.chart.max()
    colours = np.where(texels.normal[:, 2:] > 0, RED, BLUE)
    assert loose.sum() > 50
    found = on(texels, filled(made, 128, colours, ~loose))
    np.testing.assert_allclose(found[loose], np.broadcast_to(RED, (loose.sum(), 3)), atol=2e-3)


@pytest.mark.parametrize("shape", [shapes.sphere(), shapes.box()], ids=["sphere", "box"])
def test_seams_through_what_is_filled_show_less_than_with_voronoi(shape: Shape) -> None:
    texels = texels_of(shape, 256)
    painted = texels.point @ np.array([0.3, 1.0, 0.2], np.float32) > -0.2
    colours = field(4 * texels.point)
    errors = {
        how: seam_error(shape.surface, filled(shape, 256, colours, painted, how)) for how in ("surface", "uv")
    }
    assert errors["surface"] is not None
    assert errors["uv"] is not None
    assert errors["surface"] < 1.3
    assert errors["surface"] < 0.6 * errors["uv"]


def test_a_soup_is_filled_like_the_mesh_it_is_made_of() -> None:
    shape = shapes.sphere(2)
    texels = texels_of(shape, 128)
    painted = texels.point[:, 1] > 0
    whole = filled(shape, 128, field(texels.point), painted)
    loose = np.arange(3 * len(shape.faces), dtype=np.int32).reshape(-1, 3)
    soup = shape._replace(vertices=shape.vertices[shape.faces].reshape(-1, 3), faces=loose)
    np.testing.assert_array_equal(filled(soup, 128, field(texels.point), painted), whole)


def test_large_textures_are_solved_for_coarsely_and_look_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    made = cylinder()
    texels = texels_of(made, 256)
    painted = np.abs(texels.point[:, 1]) > 0.3
    fine = filled(made, 256, field(2 * texels.point), painted)
    monkeypatch.setattr(harmonic_fill, "FINEST", 64)
    coarse = filled(made, 256, field(2 * texels.point), painted)
    assert np.abs(coarse - fine).mean() < 0.01
    np.testing.assert_array_equal(on(texels, coarse)[painted], on(texels, fine)[painted])


def test_doubtful_texels_of_a_part_without_better_ones_keep_their_colours() -> None:
    made = shapes.joined(shapes.plate(0.0, 0.7, (0.02, 0.48)), shapes.plate(0.02, 0.7, (0.52, 0.98)))
    graph = graph_of(made, 64)
    texels = graph.texels
    back = made.chart[texels.face] == 0
    colours = np.where(back[:, None], RED, BLUE)
    texture = fill("surface", graph, Baked(colours, back, ~back))
    np.testing.assert_array_equal(on(texels, texture), colours)
