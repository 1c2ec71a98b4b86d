"""Plans against shapes of which is known what can be seen, and against a ray caster in numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Cancelled
from engine.measure.quality import coverage
from engine.mesh.frame import to_unit_sphere
from engine.views import planner
from engine.views.cameras import Camera, even_rig, paper_rig
from engine.views.planner import MAX_VIEWS, plan
from engine.views.raster import EmbreeRaster
from tests.engine import brute

LEAST = 0.2  # cosine


def raster_of(made: brute.Made) -> EmbreeRaster:
    vertices, _, _ = to_unit_sphere(made.vertices)
    return EmbreeRaster(vertices, made.faces)


def chair() -> brute.Made:
    legs = [brute.box((x, 0, z), (x + 0.1, 1, z + 0.1)) for x in (0, 0.9) for z in (0, 0.9)]
    return brute.join(*legs, brute.box((0, 1, 0), (1, 1.1, 1)), brute.box((0, 1.1, 0), (1, 2, 0.1)))


def bag(opening: float) -> brute.Made:
    """A hollow box with thin walls and a square hole of half side ``opening`` in its top."""
    wall, a = 0.02, opening
    lid = [
        brute.box((-1, 1 - wall, -1), (-a, 1, 1)),
        brute.box((a, 1 - wall, -1), (1, 1, 1)),
        brute.box((-a, 1 - wall, -1), (a, 1, -a)),
        brute.box((-a, 1 - wall, a), (a, 1, 1)),
    ]
    sides = [brute.box((-1, -1, s), (1, 1, s + wall)) for s in (-1, 1 - wall)]
    sides += [brute.box((s, -1, -1), (s + wall, 1, 1)) for s in (-1, 1 - wall)]
    return brute.join(*lid, *sides, brute.box((-1, -1, -1), (1, -1 + wall, 1)))


def seen(
    raster: EmbreeRaster, cameras: list[Camera], points: brute.Array, normals: brute.Array
) -> np.ndarray:
    """Whether any camera sees each point at a cosine of 0.2, by brute force."""
    corners = raster.corners.astype(np.float64)
    found = np.zeros(len(points), bool)
    for camera in cameras:
        to = camera.position - points
        reach = np.linalg.norm(to, axis=1)
        facing = (to * normals).sum(axis=1) / reach
        right, up, forward = camera.axes.astype(np.float64)
        extent = np.tan(np.radians(camera.fov / 2)) * (-to @ forward)
        framed = (np.abs(to @ right) <= extent) & (np.abs(to @ up) <= extent)
        left = np.flatnonzero(~found & framed & (np.abs(facing) >= LEAST))
        start = points[left] + 1e-4 * np.sign(facing[left])[:, None] * normals[left]
        _, hit, _ = brute.cast(corners, start, to[left] / reach[left, None])
        found[left] = hit >= reach[left]
    return found


def places(raster: EmbreeRaster, count: int) -> tuple[brute.Array, brute.Array]:
    """Points uniform by area and their normals."""
    rng = np.random.default_rng(8)
    corners = raster.corners.astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normals, axis=1)
    face = rng.choice(len(area), size=count, p=area / area.sum())
    points = np.einsum("nc,nck->nk", rng.dirichlet([1, 1, 1], count), corners[face])
    return points, normals[face] / area[face, None]


@pytest.mark.parametrize(
    ("size", "most"), [((1, 1, 1), 6), ((1, 1, 0.01), 6), ((0.1, 2, 0.1), 8), ((3, 1, 2), 8)]
)
def test_every_spot_of_a_box_is_seen_by_few_views(size: tuple[float, float, float], most: int) -> None:
    """A box hides nothing of itself from who stands before a side: no ray has to be cast."""
    raster = raster_of(brute.box((0, 0, 0), size))
    cameras = plan(raster)
    points, normals = places(raster, 3000)
    to = np.stack([camera.position for camera in cameras])[:, None] - points
    cosine = (to * normals).sum(axis=2) / np.linalg.norm(to, axis=2)
    assert len(cameras) <= most
    assert (cosine.max(axis=0) >= LEAST).mean() > 0.998
    assert np.mean(cosine.max(axis=0)) > 0.7  # and most of it much better


def test_the_default_cube_is_seen_squarely_from_its_six_sides() -> None:
    cameras = plan(raster_of(brute.box((-1, -1, -1), (1, 1, 1))))
    sides = {(0, 0), (90, 0), (180, 0), (270, 0), (0, 90), (0, -90)}
    assert {(c.azimuth % 360, c.elevation) for c in cameras} == sides


@pytest.mark.parametrize(
    ("made", "most"),
    [
        (brute.torus(rings=11, around=18), 10),
        (brute.torus(0.6, 0.38, 11, 18), 12),
        (chair(), 10),
        (brute.sphere(10, 20), 12),
    ],
    ids=["torus", "fat torus", "chair", "sphere"],
)
def test_all_that_can_be_seen_is_seen(made: brute.Made, most: int) -> None:
    raster = raster_of(made)
    cameras = plan(raster)
    points, normals = places(raster, 400)
    outside = seen(raster, even_rig(40), points, normals)
    assert len(cameras) <= most
    assert seen(raster, cameras, points[outside], normals[outside]).mean() > 0.994
    assert coverage(raster, cameras) > 0.997
    assert {(camera.distance, camera.fov, camera.target) for camera in cameras} == {(2.0, 60.0, (0, 0, 0))}


def test_into_a_bag_there_are_close_ups_from_where_one_can_get_to() -> None:
    raster = raster_of(bag(0.15))
    cameras = plan(raster)
    close = [camera for camera in cameras if camera.distance < 1]
    whole = [camera for camera in cameras if camera.distance == 2]
    assert close
    assert len(whole) >= 6
    assert len(cameras) <= MAX_VIEWS
    assert coverage(raster, cameras) > 0.99
    assert coverage(raster, cameras) > coverage(raster, even_rig(MAX_VIEWS)) + 0.02
    for camera in close:  # back from it, nothing is in the way
        origin, back = camera.position[None].astype(np.float64), -camera.axes[2:].astype(np.float64)
        assert brute.cast(raster.corners.astype(np.float64), origin, back)[0][0] == -1


def test_what_is_inside_costs_no_view() -> None:
    cube, core = brute.box((-1, -1, -1), (1, 1, 1)), brute.box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5))
    assert set(plan(raster_of(brute.join(cube, core)))) == set(plan(raster_of(cube)))


def test_the_published_views_leave_more_than_planned_ones() -> None:
    raster = raster_of(brute.torus())
    assert coverage(raster, plan(raster)) > coverage(raster, paper_rig()) + 0.05


def test_the_plan_begins_at_the_front_and_is_always_the_same() -> None:
    raster = raster_of(chair())
    cameras = plan(raster)
    assert plan(raster) == cameras
    assert -cameras[0].axes[2][2] == max(-camera.axes[2][2] for camera in cameras)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 60), st.sampled_from(["soup", "flat", "doubled", "needles"]))
def test_any_soup_has_a_plan(seed: int, count: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.normal(size=(count, 3, 3))
    if kind == "flat":
        corners[:, :, 2] = 0
    elif kind == "doubled":
        corners = np.repeat(corners, 2, axis=0)
    elif kind == "needles":
        corners[:, 2] = corners[:, 1] + 1e-7 * corners[:, 0]
    vertices, _, _ = to_unit_sphere(corners.reshape(-1, 3).astype(np.float32))
    faces = np.arange(len(vertices), dtype=np.int32).reshape(-1, 3)
    raster = EmbreeRaster(vertices, faces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner, "PLACES", 3_000)  # quick
        cameras = plan(raster)
    assert 1 <= len(cameras) <= MAX_VIEWS
    assert len(set(cameras)) == len(cameras)
    for camera in cameras:
        assert np.isfinite(camera.position).all()
        assert np.isfinite(camera.axes).all()
    assert 0 <= coverage(raster, cameras) <= 1


def test_what_cannot_be_seen_gets_the_front_view() -> None:
    line = np.array([[-1, 0, 0], [1, 0, 0], [0, 0, 0]], np.float32)
    assert plan(EmbreeRaster(line, np.array([[0, 1, 2]], np.int32))) == [Camera(0.0, 0.0)]


def test_planning_tells_how_far_it_is_and_can_be_stopped() -> None:
    raster, told = raster_of(chair()), []
    plan(raster, progress=lambda i, n: told.append((i, n)))
    assert told[0] == (0, 2)
    assert told[-1] == (2, 2)
    calls = iter(range(100))

    def stop() -> None:
        if next(calls) == 50:
            raise Cancelled

    with pytest.raises(Cancelled):
        plan(raster, stop)
