"""ensure_uvs on whole meshes: what is kept, what is made anew, and that it is valid."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import Cancelled, UserError
from engine.mesh import charts, overlap
from engine.mesh.mesh import Mesh, load
from engine.mesh.unwrap import ensure_uvs
from tests.engine.mesh import judge, polygons

QUICK = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def quiet() -> None:
    pass


def mesh_of(source: trimesh.Trimesh) -> Mesh:
    return Mesh(np.asarray(source.vertices, np.float32), np.asarray(source.faces, np.int32))


def unwrapped(mesh: Mesh, size: int = 512) -> Mesh:
    result, new, _ = ensure_uvs(mesh, "always", size, quiet)
    assert new
    assert result.faces is mesh.faces
    assert result.vertices is mesh.vertices
    return result


def torus() -> Mesh:
    return mesh_of(trimesh.creation.torus(1, 0.4, major_sections=24, minor_sections=12))


def require_even_density(mesh: Mesh, within: float = 2.5) -> None:
    """No face gets much more texture than another of its size."""
    assert mesh.uvs is not None
    area = judge.areas(mesh)
    large = area > area.max() / 20
    density = np.sqrt(judge.uv_areas(mesh.uvs)[large] / area[large])
    assert density.max() / density.min() < within


@pytest.mark.parametrize(
    "mesh",
    [
        mesh_of(trimesh.creation.box()),
        mesh_of(trimesh.creation.icosphere(subdivisions=3)),
        mesh_of(trimesh.creation.cylinder(1, 2)),
        torus(),
        Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32)),
        Mesh(np.eye(3, dtype=np.float32) * 1e-6 + 1, np.array([[0, 1, 2]], np.int32)),
        Mesh(np.eye(3, dtype=np.float32) * 1e6, np.array([[0, 1, 2]], np.int32)),
    ],
    ids=["box", "ball", "cylinder", "torus", "triangle", "tiny", "huge"],
)
def test_new_uvs_are_valid(mesh: Mesh) -> None:
    result = unwrapped(mesh)
    judge.require_valid(result)
    require_even_density(result)
    assert result.uvs is not None
    assert judge.uv_areas(result.uvs).sum() > 0.25


def test_a_soup_is_welded_before_it_is_cut() -> None:
    ball = trimesh.creation.icosphere(subdivisions=2)
    soup = Mesh(
        np.asarray(ball.triangles.reshape(-1, 3), np.float32), np.arange(960, dtype=np.int32).reshape(-1, 3)
    )
    whole, apart = unwrapped(mesh_of(ball)), unwrapped(soup)
    np.testing.assert_array_equal(whole.uvs, apart.uvs)


def test_same_mesh_same_uvs() -> None:
    np.testing.assert_array_equal(unwrapped(torus()).uvs, unwrapped(torus()).uvs)


def test_good_uvs_are_kept_and_bad_ones_explained() -> None:
    mesh = unwrapped(torus())
    kept, new, warnings = ensure_uvs(mesh, "auto", 512, quiet)
    assert (new, warnings) == (False, [])
    np.testing.assert_array_equal(kept.uvs, mesh.uvs)
    assert mesh.uvs is not None
    for uvs, says in [
        (None, "no UVs"),
        (np.zeros_like(mesh.uvs), "one point"),
        (np.abs(mesh.uvs - 0.5), "overlap in"),
        (mesh.uvs * 3, "leave the square"),
    ]:
        result, new, warnings = ensure_uvs(dataclasses.replace(mesh, uvs=uvs), "auto", 512, quiet)
        assert new
        assert len(warnings) == 1
        assert says in warnings[0]
        judge.require_valid(result)


def test_keep_makes_no_new_ones() -> None:
    mesh = unwrapped(torus())
    assert mesh.uvs is not None
    kept, new, warnings = ensure_uvs(mesh, "keep", 512, quiet)
    assert (new, warnings) == (False, [])
    np.testing.assert_array_equal(kept.uvs, mesh.uvs)
    for uvs, says in [
        (None, "no UVs"),
        (np.abs(mesh.uvs - 0.5), "overlap in"),
        (mesh.uvs * 3, "leave the square"),
    ]:
        with pytest.raises(UserError, match=says) as raised:
            ensure_uvs(dataclasses.replace(mesh, uvs=uvs), "keep", 512, quiet)
        assert "no new ones are to be made" in str(raised.value)
    one_face = np.arange(len(mesh.faces)) == 0  # without UVs: it gets new ones, unless none may be made
    bare = dataclasses.replace(mesh, bare=one_face)
    assert np.array_equal(ensure_uvs(bare, "auto", 512, quiet)[1], one_face)
    kept, new, (said,) = ensure_uvs(bare, "keep", 512, quiet)
    assert new is False
    assert "take their neighbours' colour" in said


def test_never_keeps_what_is_there() -> None:
    mesh = unwrapped(torus())
    assert mesh.uvs is not None
    with pytest.raises(UserError, match="no UVs"):
        ensure_uvs(dataclasses.replace(mesh, uvs=None), "never", 512, quiet)
    moved = dataclasses.replace(mesh, uvs=(mesh.uvs * 0.9 + np.float32([3.05, -1.95])).astype(np.float32))
    result, new, warnings = ensure_uvs(moved, "never", 512, quiet)
    assert (new, warnings) == (False, [])
    assert result.uvs is not None
    np.testing.assert_allclose(result.uvs, mesh.uvs * 0.9 + 0.05, atol=1e-5)
    tiling = dataclasses.replace(mesh, uvs=mesh.uvs * np.float32(3))
    result, new, warnings = ensure_uvs(tiling, "never", 512, quiet)
    assert not new
    assert "leave the square" in warnings[0]
    assert result.uvs is not None
    assert 0 <= result.uvs.min() < result.uvs.max() <= 1


def test_cancelling_reaches_the_caller() -> None:
    def check() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        ensure_uvs(torus(), "always", 512, check)


def test_quirky_faces() -> None:
    ball = trimesh.creation.icosphere(subdivisions=2)
    points = np.concatenate([ball.vertices, ball.vertices[:1], [[2, 2, 2]]]).astype(np.float32)
    extra = [[0, 0, 1], [5, 5, 5], *ball.faces[:3].tolist(), ball.faces[4, ::-1].tolist(), [0, 1, 162]]
    mesh = Mesh(points, np.concatenate([ball.faces, extra]).astype(np.int32))
    result = unwrapped(mesh)
    judge.require_valid(result)
    solid = judge.areas(mesh) > 1e-8
    assert result.uvs is not None
    assert (judge.uv_areas(result.uvs)[solid] > 0).all()
    assert (judge.uv_areas(result.uvs)[~solid] < 1e-7).all()


@pytest.mark.parametrize(
    ("mesh", "even"),
    [
        (polygons.cylinder(), 2.5),
        (polygons.quad_ball(), 2.5),
        (polygons.star(8, 0.5, 0.0), 2.5),
        (polygons.star(8, 0.5, 0.1), 9.0),
        (polygons.star(5, 0.7, 3.0), 99.0),
        (polygons.terrain(12, 0.1, 0), 9.0),
        (polygons.terrain(10, 2.0, 0), 99.0),
    ],
    ids=["cylinder", "ball", "star", "bent star", "crumpled star", "terrain", "crags"],
)
@pytest.mark.parametrize("dense", [False, True])
def test_polygons_stay_whole(mesh: Mesh, even: float, dense: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if dense:
        monkeypatch.setattr(charts, "PLAIN", 0)
    result = unwrapped(mesh)
    judge.require_valid(result)
    require_even_density(result, even)
    assert result.uvs is not None
    solid = judge.areas(mesh) > judge.areas(mesh).max() / 100  # slivers of a polygon may vanish
    assert (judge.uv_areas(result.uvs)[solid] > 0).all()


def test_chart_borders_follow_quads_rather_than_cut_them_out() -> None:
    mesh = polygons.quad_ball(16)
    surface = charts._surface(mesh)
    assert surface.polygons.max() + 1 == 6 * 16**2
    result = unwrapped(mesh)
    assert result.uvs is not None
    loops = {
        (vertex, *uv)
        for face, corners in zip(mesh.faces.tolist(), result.uvs.tolist(), strict=True)
        for vertex, uv in zip(face, map(tuple, corners), strict=True)
    }
    assert len(loops) < 1.4 * len(mesh.vertices)  # few vertices lie on seams


@QUICK
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(3, 12), st.booleans())
def test_random_soups(seed: int, faces: int, vertices: int, dense: bool) -> None:
    """Anything goes: repeated, degenerate, crossing and non-manifold faces, in polygons at random."""
    rng = np.random.default_rng(seed)
    points = rng.integers(-2, 3, (vertices, 3)).astype(np.float32)
    triangles = rng.integers(0, vertices, (faces, 3)).astype(np.int32)
    owner = np.sort(rng.integers(0, faces, faces)).astype(np.int32) if seed % 2 else None
    mesh = Mesh(points, triangles, None, owner)
    if np.ptp(points, axis=0).max() == 0:
        return
    plain = charts.PLAIN
    charts.PLAIN = 0 if dense else plain
    try:
        result = unwrapped(mesh)
    finally:
        charts.PLAIN = plain
    assert result.uvs is not None
    if owner is None:
        judge.require_valid(result)
        solid = judge.areas(mesh) > 1e-6
        assert (judge.uv_areas(result.uvs)[solid] > 0).all()
    else:  # random triangles are no polygon: they may lie on one another, but stay one
        judge.require_one_uv_per_loop(result)
        assert np.isfinite(result.uvs).all()


@QUICK
@given(st.integers(0, 10**6), st.floats(0, 1.5), st.booleans())
def test_random_polygons(seed: int, roughness: float, dense: bool) -> None:
    star = polygons.star(3 + seed % 8, 0.1 + seed % 80 / 100, roughness, seed)
    mesh = star if seed % 3 else polygons.terrain(6, roughness, seed)
    plain = charts.PLAIN
    charts.PLAIN = 0 if dense else plain
    try:
        judge.require_valid(unwrapped(mesh))
    finally:
        charts.PLAIN = plain


def test_dense_meshes_take_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = mesh_of(trimesh.creation.icosphere(subdivisions=6))
    assert len(mesh.faces) > charts.PLAIN
    monkeypatch.setattr(charts.atlas, "unwrap", lambda *_, **__: pytest.fail("xatlas takes minutes"))
    result = unwrapped(mesh, 1024)
    require_even_density(result)
    assert result.uvs is not None
    assert overlap.share(result.uvs) < 0.002
    assert judge.uv_areas(result.uvs).sum() > 0.4


def test_a_dense_spiral_does_not_lie_on_itself() -> None:
    """Three turns of a ramp: connected, all facing up, above one another."""
    turns, width = np.linspace(0, 6 * np.pi, 301), np.linspace(1, 2, 11)
    angle, radius = np.meshgrid(turns, width, indexing="ij")
    points = np.stack([radius * np.cos(angle), angle / 5, radius * np.sin(angle)], axis=-1).reshape(-1, 3)
    at = (np.arange(300)[:, None] * 11 + np.arange(10)).reshape(-1)
    faces = np.concatenate([at[:, None] + (0, 1, 12), at[:, None] + (0, 12, 11)]).astype(np.int32)
    uvs, owner = charts.planar_charts(points.astype(np.float32), faces, np.arange(len(faces)), quiet)
    assert 2 <= owner.max() + 1 <= 16
    for chart in range(owner.max() + 1):
        members = uvs[owner == chart]
        low, high = members.min(axis=(0, 1)), members.max(axis=(0, 1))
        assert judge.crossings((members - low) / (high - low).max(), 150) == 0


def test_very_many_pieces_are_packed_in_rows() -> None:
    rng = np.random.default_rng(0)
    count = 60_000
    corners = rng.normal(size=(count, 1, 3)) * 10 + rng.normal(size=(count, 3, 3)) * 0.3
    mesh = Mesh(
        corners.reshape(-1, 3).astype(np.float32), np.arange(3 * count, dtype=np.int32).reshape(-1, 3)
    )
    result = unwrapped(mesh, 1024)
    assert result.uvs is not None
    assert overlap.share(result.uvs) < 0.01
    assert judge.uv_areas(result.uvs).sum() > 0.2
    assert result.uvs.min() >= 0
    assert result.uvs.max() <= 1


def test_examples(example_meshes: Path) -> None:
    for name in ("clutch_bag.obj", "teapot.obj"):
        result = unwrapped(load(example_meshes / name), 1024)
        assert result.uvs is not None
        assert overlap.share(result.uvs) < 0.002
        judge.require_one_uv_per_loop(result)
