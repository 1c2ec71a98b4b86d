"""The rasteriser against a brute-force ray caster in numpy and against an analytic sphere."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from engine.views.cameras import Camera, even_rig, paper_rig
from engine.views.raster import EmbreeRaster, Fragments, interpolate, unit_normals
from tests.engine import brute

CAMERAS = [
    Camera(0, 0),
    Camera(37, 20),
    Camera(200, -55),
    Camera(0, 90),
    Camera(90, -90),
    Camera(10, 5, 3, 35),
]
SHAPES = {
    "soup": None,
    "box": brute.box((-0.5, -0.4, -0.3), (0.5, 0.4, 0.3)),
    "torus": brute.torus(rings=9, around=14),
    "thin": brute.join(
        brute.box((-0.6, -0.6, -0.01), (0.6, 0.6, 0.01)), brute.box((-0.3, -0.3, 0.3), (0.3, 0.3, 0.32))
    ),
}

TEETH = brute.lathe([0.0, *([0.3, 0.7] * 6), 0.0], list(np.linspace(-0.6, 0.6, 14)), 40)  # deep creases


def shape(name: str) -> brute.Made:
    made = SHAPES[name]
    if made is None:  # big triangles at random: every angle, much occlusion
        vertices = np.random.default_rng(3).uniform(-0.55, 0.55, (36, 3)).astype(np.float32)
        made = brute.Made(vertices, np.arange(36, dtype=np.int32).reshape(12, 3), brute.own_charts(12))
    return made


def raster_of(made: brute.Made) -> EmbreeRaster:
    return EmbreeRaster(made.vertices, made.faces)


def corners_of(made: brute.Made) -> brute.Array:
    return made.vertices[made.faces].astype(np.float64)


def on_pixels(view: Fragments, values: NDArray, resolution: int, empty: float) -> NDArray:
    picture = np.full((resolution**2, *values.shape[1:]), empty, values.dtype)
    picture[view.pixel] = values
    return picture


@pytest.mark.parametrize("name", sorted(SHAPES))
@pytest.mark.parametrize("camera", CAMERAS, ids=lambda c: f"{c.azimuth}/{c.elevation}")
def test_pixels_are_those_of_brute_force(name: str, camera: Camera) -> None:
    made, resolution = shape(name), 31
    view = raster_of(made).rasterise(camera, resolution)
    # Rays of the judge's own: depth 1 along the viewing axis, pixel centres, row 0 at the top.
    right, up, forward = camera.axes.astype(np.float64)
    t = np.tan(np.radians(camera.fov / 2))
    rays = np.array(
        [
            forward + t * ((2 * c + 1) / resolution - 1) * right - t * ((2 * r + 1) / resolution - 1) * up
            for r in range(resolution)
            for c in range(resolution)
        ]
    )
    origins = np.broadcast_to(camera.position.astype(np.float64), rays.shape)
    face, depth, bary = brute.cast(corners_of(made), origins, rays)

    found = on_pixels(view, view.face, resolution, -1)
    assert len(set(view.pixel.tolist())) == len(view.pixel)
    ours = on_pixels(view, view.depth, resolution, np.inf)
    # A ray right through an edge may fall to either of its faces; right through a silhouette, to either side.
    assert ((found < 0) != (face < 0)).mean() < 0.005
    both = (found >= 0) & (face >= 0)
    assert both.sum() > 20
    np.testing.assert_allclose(ours[both], depth[both], rtol=1e-4)
    hit = np.flatnonzero(both & (found == face))
    assert len(hit) > 0.9 * both.sum()
    np.testing.assert_allclose(on_pixels(view, view.bary, resolution, np.nan)[hit], bary[hit], atol=1e-3)
    np.testing.assert_allclose(view.bary.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda c: f"{c.azimuth}/{c.elevation}")
def test_interpolated_positions_project_back_to_their_pixels(camera: Camera) -> None:
    """Perspective-correct attributes: the interpolated surface point is the one the pixel looks at."""
    made, resolution = shape("box"), 40
    raster = raster_of(made)
    view = raster.rasterise(camera, resolution)
    pixel, depth = camera.project(interpolate(raster.corners, view.face, view.bary), resolution)
    row, column = np.divmod(view.pixel, resolution)
    np.testing.assert_allclose(pixel, np.stack([column, row], axis=1) + 0.5, atol=2e-3)
    np.testing.assert_allclose(depth, view.depth, rtol=1e-4)


def test_sphere_depth_cosine_and_silhouette() -> None:
    made, resolution, camera = brute.sphere(160, 320), 64, Camera(25, 40)
    view = raster_of(made).rasterise(camera, resolution)
    rays = camera.rays(resolution).astype(np.float64)
    unit = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    position = camera.position.astype(np.float64)
    along = -(unit @ position)
    inside = 1 - (4 - along**2)  # half-chord squared
    hits = inside > 0
    # Silhouette: the tangent cone has sine 1/2, so that it is the circle that the frame just holds.
    assert abs(len(view.pixel) - hits.sum()) < 0.01 * hits.sum()
    assert abs(len(view.pixel) / resolution**2 - np.pi / 4) < 0.01
    clear = inside[view.pixel] > 0.02
    pixel = view.pixel[clear]
    distance = along[pixel] - np.sqrt(inside[pixel])
    depth = distance * (unit[pixel] @ camera.axes[2])
    np.testing.assert_allclose(view.depth[clear], depth, atol=2e-3)
    normal = position + distance[:, None] * unit[pixel]
    cosine = -np.einsum("nk,nk->n", normal, unit[pixel])
    np.testing.assert_allclose(view.cosine[clear], cosine, atol=0.02)


def test_cosine_is_that_of_the_direction_to_the_camera() -> None:
    """A wall seen by a wide camera: cosine falls as the pixel leaves the axis, depth doesn't."""
    wall = brute.box((-0.9, -0.9, -0.1), (0.9, 0.9, 0.0))
    view = raster_of(wall).rasterise(Camera(0, 0, 2, 40), 21)
    rays = Camera(0, 0, 2, 40).rays(21)[view.pixel]
    np.testing.assert_allclose(view.depth, 2, rtol=1e-5)
    np.testing.assert_allclose(view.cosine, 1 / np.linalg.norm(rays, axis=1), rtol=1e-5)


def test_faces_seen_from_behind_are_kept() -> None:
    sheet = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0, 0.5, 0]], np.float32)
    raster = EmbreeRaster(sheet, np.array([[0, 1, 2]], np.int32))
    front, back = raster.rasterise(Camera(0, 0), 20), raster.rasterise(Camera(180, 0), 20)
    assert len(front.pixel) == len(back.pixel) > 0
    assert back.cosine.max() > 0.9


def test_normals_point_by_winding_and_vanish_without_area() -> None:
    vertices = np.array([[0, 0, 0], [2, 0, 0], [0, 3, 0], [4, 0, 0]], np.float32)
    normals = unit_normals(vertices, np.array([[0, 1, 2], [0, 2, 1], [0, 1, 3]], np.int32))
    np.testing.assert_array_equal(normals, [[0, 0, 1], [0, 0, -1], [0, 0, 0]])


def surface_points(made: brute.Made, count: int, seed: int) -> tuple[NDArray[np.int64], brute.Array]:
    rng = np.random.default_rng(seed)
    face = rng.integers(0, len(made.faces), count)
    bary = rng.dirichlet([1.5, 1.5, 1.5], count)
    return face, np.einsum("nck,nc->nk", corners_of(made)[face], bary)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_visible_points_are_those_of_brute_force(name: str) -> None:
    made = shape(name)
    raster = raster_of(made)
    face, points = surface_points(made, 500, 1)
    normals = raster.normals[face]
    for camera in CAMERAS:
        seen, cosine = raster.visible(camera, points.astype(np.float32), normals)
        to = camera.position.astype(np.float64) - points
        distance = np.linalg.norm(to, axis=1)
        direction = to / distance[:, None]
        facing = np.einsum("nk,nk->n", normals.astype(np.float64), direction)
        np.testing.assert_allclose(cosine, np.abs(facing), atol=1e-5)
        hit, nearest, _ = brute.cast(corners_of(made), points + 1e-6 * direction, direction)
        other = (hit >= 0) & (hit != face) & (nearest < distance)
        local = np.stack([-to @ axis for axis in camera.axes.astype(np.float64)], axis=1)
        extent = np.tan(np.radians(camera.fov / 2)) * local[:, 2]
        framed = (np.abs(local[:, 0]) <= extent) & (np.abs(local[:, 1]) <= extent)
        # Left out: what touches another face to within the offset, and exactly edge-on faces.
        clear = np.abs(facing) > 1e-3
        clear &= ~((hit >= 0) & (hit != face) & (nearest < 1e-3))
        # The offset also lets a ray past an edge that it would just have touched.
        assert (seen == (framed & ~other))[clear].mean() > 0.995


def test_grazing_points_of_a_smooth_sphere_do_not_hide_themselves() -> None:
    made = brute.sphere(60, 120)
    raster = raster_of(made)
    face, points = surface_points(made, 4000, 2)
    for camera in CAMERAS[:3]:
        normals = raster.normals[face]
        seen, _ = raster.visible(camera, points.astype(np.float32), normals)
        to = camera.position - points
        facing = np.einsum("nk,nk->n", normals, to / np.linalg.norm(to, axis=1, keepdims=True))
        assert seen[facing > 0.02].all()
        assert not seen[facing < -0.05].any()


@pytest.mark.parametrize("thickness", [0.01, 0.001, 0.0003])
def test_a_thin_plate_hides_its_back(thickness: float) -> None:
    """Neither side may be painted from the other's views, however near."""
    half = thickness / 2
    plate = brute.box((-0.6, -0.6, -half), (0.6, 0.6, half))
    raster = raster_of(plate)
    grid = np.stack(np.meshgrid(np.linspace(-0.5, 0.5, 9), np.linspace(-0.5, 0.5, 9)), -1).reshape(-1, 2)
    front = np.column_stack([grid, np.full(81, half)]).astype(np.float32)
    back = np.column_stack([grid, np.full(81, -half)]).astype(np.float32)
    ahead = np.tile(np.array([[0, 0, 1]], np.float32), (81, 1))
    for azimuth in (0, 45, 70, -80):
        assert raster.visible(Camera(azimuth, 10), front, ahead)[0].all()
        assert not raster.visible(Camera(azimuth, 10), back, -ahead)[0].any()


def test_what_a_pixel_shows_is_visible() -> None:
    """The judge is the camera's own ray: it got there. Creases and grazing angles included."""
    made = brute.join(TEETH, brute.box((-0.2, 0.1, -0.2), (0.2, 0.5, 0.2)))
    raster = raster_of(made)
    for camera in CAMERAS:
        view = raster.rasterise(camera, 64)
        points = interpolate(raster.corners, view.face, view.bary)
        seen, cosine = raster.visible(camera, points, raster.normals[view.face])
        assert seen.mean() > 0.998
        np.testing.assert_allclose(cosine, view.cosine, atol=1e-3)


def test_the_inside_of_a_closed_box_is_seen_by_nobody() -> None:
    raster = raster_of(brute.join(brute.box((-0.5,) * 3, (0.5,) * 3), brute.box((-0.2,) * 3, (0.2,) * 3)))
    inner = np.array([[0.2, 0.05, 0.05], [-0.2, 0.02, 0.1], [0.01, 0.2, 0.03]], np.float32)
    normals = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0]], np.float32)
    assert not any(raster.visible(camera, inner, normals)[0].any() for camera in even_rig(20))


def test_a_camera_in_a_room_sees_what_is_before_it_only() -> None:
    """All six walls are unoccluded from the middle; three of five points lie in the frame."""
    raster = raster_of(brute.box((-0.5,) * 3, (0.5,) * 3))
    points = np.array(
        [[0, 0, -0.5], [0.3, 0.3, -0.5], [0, 0, 0.5], [0.5, 0, 0.1], [0.5, 0, -0.499]], np.float32
    )
    normals = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 1], [1, 0, 0], [1, 0, 0]], np.float32)
    camera = Camera(0, 0, 0.4, 92, (0.0, 0.0, -0.4))  # in the middle, looks at -Z
    np.testing.assert_allclose(camera.position, 0, atol=1e-6)
    seen, _ = raster.visible(camera, points, normals)
    assert seen.tolist() == [True, True, False, False, True]


def test_no_points_and_no_hits_are_fine() -> None:
    raster = raster_of(shape("box"))
    seen, cosine = raster.visible(Camera(0, 0), np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32))
    assert len(seen) == len(cosine) == 0
    corner = raster_of(brute.box((0.60, 0.60, 0.60), (0.61, 0.61, 0.61)))
    assert len(corner.rasterise(Camera(0, 0, 2, 10), 8).pixel) == 0


def test_big_pictures_come_in_pieces_that_fit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    raster, camera = raster_of(shape("torus")), Camera(3, 4)
    whole = raster.rasterise(camera, 40)
    monkeypatch.setattr("engine.views.raster.CHUNK", 40 * 3)
    pieces = raster.rasterise(camera, 40)
    np.testing.assert_array_equal(pieces.pixel, whole.pixel)
    np.testing.assert_array_equal(pieces.face, whole.face)
    np.testing.assert_array_equal(pieces.depth, whole.depth)


def test_faces_in_one_place_count_once() -> None:
    """As a polygon that goes over a few vertices thousands of times makes them: what is seen is the same."""
    ball = trimesh.creation.icosphere(subdivisions=1)
    vertices, faces = np.asarray(ball.vertices, np.float32), np.asarray(ball.faces, np.int32)
    again = np.concatenate([faces, np.tile(faces[:, [1, 2, 0]], (9, 1))])
    camera = paper_rig()[0]
    once, often = (EmbreeRaster(vertices, every).rasterise(camera, 48) for every in (faces, again))
    np.testing.assert_array_equal(often.pixel, once.pixel)
    np.testing.assert_array_equal(often.face, once.face)
    np.testing.assert_array_equal(often.depth, once.depth)
    assert len(once.pixel) > 100
