"""Objects far from the origin, with strays, and such that no pixel shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from engine.errors import UserError
from engine.mesh import frame
from engine.mesh.mesh import Mesh, load
from engine.mesh.sets import joined, lay_out
from engine.mesh.unwrap import ensure_uvs
from engine.views.cameras import paper_rig
from engine.views.resolution import unresolved, warning
from engine.views.surface import Surface
from tests.engine.mesh import judge

Doubles = NDArray[np.float64]
FAR = np.array([4_512_345.0, 512.0, 5_267_890.0])


def ball(subdivisions: int = 3) -> tuple[Doubles, NDArray[np.int64]]:
    made = trimesh.creation.icosphere(subdivisions=subdivisions)
    return np.asarray(made.vertices), np.asarray(made.faces)


def obj(path: Path, vertices: Doubles, faces: NDArray[np.int64]) -> Path:
    lines = [
        *(f"v {x:.9f} {y:.9f} {z:.9f}" for x, y, z in vertices),
        *(f"f {a} {b} {c}" for a, b, c in faces + 1),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def mesh_of(vertices: Doubles, faces: NDArray[np.int64]) -> Mesh:
    return Mesh(vertices.astype(np.float32), faces.astype(np.int32))


def with_a_stray(away: float, size: float = 0.1) -> tuple[Doubles, NDArray[np.int64]]:
    vertices, faces = ball()
    stray = np.array([[away, 0, 0], [away, size, 0], [away, 0, size]])
    return np.concatenate([vertices, stray]), np.concatenate([faces, [[642, 643, 644]]])


def test_a_shape_far_away_is_read_as_if_it_were_near(tmp_path: Path) -> None:
    vertices, faces = ball()
    near = load(obj(tmp_path / "near.obj", vertices, faces))
    far = load(obj(tmp_path / "far.obj", vertices + FAR, faces))
    assert near.origin == (0, 0, 0)
    np.testing.assert_allclose(far.origin, FAR, atol=1e-6)
    np.testing.assert_allclose(far.vertices, near.vertices, atol=1e-6)
    assert far.warnings == ()


def test_what_float32_holds_stays_where_it_is(tmp_path: Path) -> None:
    vertices, faces = ball(1)
    mesh = load(obj(tmp_path / "hill.obj", vertices + 100, faces))
    assert mesh.origin == (0, 0, 0)
    np.testing.assert_allclose(mesh.vertices, vertices + 100, atol=1e-5)


def test_objects_far_away_keep_their_distance(tmp_path: Path) -> None:
    vertices, faces = ball(1)
    meshes = [load(obj(tmp_path / f"{x}.obj", vertices + FAR + [x, 0, 0], faces)) for x in (0, 5)]
    whole = joined(meshes)
    places = whole.vertices.astype(np.float64) + whole.origin
    np.testing.assert_allclose(
        places[len(vertices) :] - places[: len(vertices)], [[5, 0, 0]] * len(vertices), atol=1e-6
    )
    layout = lay_out(meshes, False, lambda one, _: (one if one.uvs is not None else with_uvs(one), False, []))
    assert layout.mesh.origin == whole.origin


def with_uvs(mesh: Mesh) -> Mesh:
    return ensure_uvs(mesh, "always", 64, lambda: None)[0]


@pytest.mark.parametrize("away", [30.0, 1000.0, 1e6])
def test_a_stray_face_does_not_shrink_the_object(away: float) -> None:
    vertices, faces = with_a_stray(away)
    mesh = mesh_of(vertices, faces)
    stray = frame.stray_faces(mesh.vertices, mesh.faces)
    assert stray is not None
    assert np.flatnonzero(stray).tolist() == [1280]
    points, kept, centre, scale = frame.framed(mesh.vertices, mesh.faces)
    np.testing.assert_allclose(centre, 0, atol=1e-6)
    assert scale == pytest.approx(1)
    corners = points[kept]
    np.testing.assert_allclose(corners[:1280], vertices[faces[:1280]], atol=1e-6)
    assert (corners[1280] == corners[1280, 0]).all()
    (line,) = lay_out([with_uvs(mesh)], False, lambda one, _: (one, False, [])).warnings
    assert line.startswith("1 of 1,281 faces lie far away from all others")


def test_a_vertex_pulled_far_away_is_a_stray_too() -> None:
    vertices, faces = ball()
    vertices = vertices.copy()
    vertices[100] = (1e5, 3, 0)
    stray = frame.stray_faces(vertices.astype(np.float32), faces.astype(np.int32))
    assert stray is not None
    np.testing.assert_array_equal(stray, (faces == 100).any(axis=1))


@pytest.mark.parametrize("seed", range(20))
def test_what_belongs_to_an_object_is_no_stray(seed: int) -> None:
    """Poles, plates, scattered pieces: none is so far out for its size."""
    rng = np.random.default_rng(seed)
    pieces = [trimesh.creation.icosphere(subdivisions=2, radius=rng.uniform(0.2, 1)) for _ in range(4)]
    for piece in pieces:
        piece.apply_translation(rng.normal(size=3) * 4)
    pole = trimesh.creation.cylinder(0.1, rng.uniform(2, 20), sections=int(rng.integers(4, 40)))
    whole = trimesh.util.concatenate([*pieces, pole])
    vertices, faces = np.asarray(whole.vertices, np.float32), np.asarray(whole.faces, np.int32)
    assert frame.stray_faces(vertices, faces) is None
    points, kept, _, _ = frame.framed(vertices, faces)
    np.testing.assert_array_equal(points, frame.to_unit_sphere(vertices)[0])
    assert kept is faces


def test_a_stray_spike_takes_no_texture() -> None:
    vertices, faces = ball(2)
    vertices = vertices.copy()
    vertices[10] = (1e4, 0, 0)
    mesh = with_uvs(mesh_of(vertices, faces))
    assert mesh.uvs is not None
    spike = (faces == 10).any(axis=1)
    areas = judge.uv_areas(mesh.uvs)
    assert areas[spike].sum() == 0
    assert areas[~spike].sum() > 0.25
    kept, new, _ = ensure_uvs(mesh, "auto", 64, lambda: None)
    assert new is False
    np.testing.assert_array_equal(kept.uvs, mesh.uvs)


def surface(vertices: Doubles, faces: NDArray[np.int64]) -> Surface:
    return Surface.build(
        vertices.astype(np.float32), faces.astype(np.int32), np.zeros((len(faces), 3, 2), np.float32)
    )


def test_a_surface_under_a_pixel_is_said() -> None:
    needle = trimesh.creation.box(extents=(1, 10_000, 1))
    thin = surface(np.asarray(needle.vertices), np.asarray(needle.faces))
    views = thin.seen_by(paper_rig(), 96)
    assert unresolved(thin, views) > 0.9
    (line,) = warning(thin, views)
    assert "of the surface is narrower than a pixel" in line
    solid = surface(*ball())
    views = solid.seen_by(paper_rig(), 96)
    assert unresolved(solid, views) < 0.02
    assert warning(solid, views) == []


@pytest.mark.parametrize("away", [30.0, 1000.0])
def test_views_look_at_the_object_and_not_at_its_stray(away: float) -> None:
    whole = surface(*with_a_stray(away))
    views = whole.seen_by(paper_rig(), 96)
    assert warning(whole, views) == []
    assert min(view.mask.mean() for view in views) > 0.5


def test_places_in_the_result_are_the_files(tmp_path: Path, cli: object) -> None:
    vertices, faces = ball(1)
    path = obj(tmp_path / "far.obj", vertices + FAR, faces)
    arguments = ["--prompt", "red bricks", "--steps", "1", "--views", "1", "--texture-size", "64", "--quiet"]
    done = cli("texture", "--mesh", path, "--out", tmp_path / "out", *arguments)  # type: ignore[operator]
    assert done.returncode == 0, done.stderr
    data = (tmp_path / "out" / "mesh.glb").read_bytes()
    header = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])
    np.testing.assert_allclose(header["nodes"][0]["translation"], FAR, atol=1e-6)
    again = load(tmp_path / "out" / "mesh.glb")
    np.testing.assert_allclose(again.origin, FAR, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(again.vertices, axis=1), 1, atol=1e-5)
    assert json.loads((tmp_path / "out" / "report.json").read_text())["mesh"]["vertices"] == len(vertices)


def test_nothing_far_is_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no surface"):
        load(obj(tmp_path / "point.obj", np.tile(FAR, (3, 1)), np.array([[0, 1, 2]])))
