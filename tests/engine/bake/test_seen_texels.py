"""Which texels a view paints: those whose own place it sees, whatever the size of their triangle."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.bake.bake import Baked, bake
from engine.bake.texels import SurfaceTexels
from engine.views.cameras import Camera
from engine.views.raster import EmbreeRaster
from engine.views.surface_points import SurfacePoints
from tests.engine import brute, shapes

Bools = NDArray[np.bool_]
RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def baked(
    made: brute.Made, views: list[tuple[Camera, tuple[float, float, float]]], pixels: int, size: int
) -> tuple[SurfaceTexels, Baked]:
    """The texels of a texture of ``size``, painted by views of one colour each."""
    surface = shapes.surface_of(made)
    seen = surface.seen_by([camera for camera, _ in views], pixels)
    pictures = np.stack([np.full((pixels, pixels, 3), colour, np.float32) for _, colour in views])
    texels = SurfaceTexels.build(surface, size)
    return texels, bake(surface, texels, seen, pictures)


def painted(found: Baked) -> Bools:
    return found.trusted | found.doubtful


def visible(made: brute.Made, texels: SurfaceTexels, camera: Camera) -> tuple[Bools, Bools]:
    """By a ray cast in numpy: (seen (n,), clear-cut (n,): so are the places around it)."""
    corners = made.vertices[made.faces].astype(np.float64)
    point, normal = texels.point.astype(np.float64), texels.normal.astype(np.float64)
    to = camera.position - point
    side = np.sign((to * normal).sum(axis=1))[:, None]
    across = np.cross(normal, np.roll(normal, 1, axis=1) + 0.1)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    answers = []
    for step in (0 * across, across, -across, np.cross(across, normal), np.cross(normal, across)):
        start = point + 0.03 * step + 1e-4 * side * normal
        away = camera.position - start
        reach = np.linalg.norm(away, axis=1)
        answers.append(brute.cast(corners, start, away / reach[:, None])[1] >= reach)
    return answers[0], np.all(np.array(answers) == answers[0], axis=0)


def chair() -> brute.Made:
    legs = [brute.box((x, -0.6, z), (x + 0.1, 0, z + 0.1)) for x in (-0.4, 0.3) for z in (-0.4, 0.3)]
    return brute.join(
        *legs, brute.box((-0.4, 0, -0.4), (0.4, 0.1, 0.4)), brute.box((-0.4, 0.1, -0.4), (0.4, 0.7, -0.3))
    )


@pytest.mark.parametrize("thickness", [0.05, 0.005, 0.0005])
def test_no_side_of_a_plate_is_painted_by_the_other_sides_view(thickness: float) -> None:
    half = thickness / 2
    plate = brute.box((-0.6, -0.6, -half), (0.6, 0.6, half))
    views = [(Camera(10, 10), RED), (Camera(190, 10), BLUE), (Camera(80, 0), RED), (Camera(-100, 0), BLUE)]
    texels, found = baked(plate, views, 64, 256)
    front, back = texels.normal[:, 2] > 0.9, texels.normal[:, 2] < -0.9
    assert painted(found)[front | back].all()
    np.testing.assert_allclose(found.colours[front], np.tile(RED, (front.sum(), 1)), atol=1e-6)
    np.testing.assert_allclose(found.colours[back], np.tile(BLUE, (back.sum(), 1)), atol=1e-6)


@pytest.mark.parametrize("camera", [Camera(30, 20), Camera(0, 90), Camera(200, -40), Camera(0, -90)])
def test_of_a_chair_a_view_paints_what_it_sees_and_nothing_behind_legs_or_seat(camera: Camera) -> None:
    made = chair()
    texels, found = baked(made, [(camera, RED)], 128, 256)
    some = np.random.default_rng(0).permutation(len(texels.index))[:3000]
    texels, hit = texels.pick(some), painted(found)[some]
    seen, clear = visible(made, texels, camera)
    cosine = np.abs((texels.normal * (camera.position - texels.point)).sum(axis=1))
    cosine /= np.linalg.norm(camera.position - texels.point, axis=1)
    judged = clear & (cosine > 0.1)
    assert (seen & judged).sum() > 200
    assert (~seen & judged).sum() > 200
    assert hit[seen & judged].mean() > 0.995
    assert not hit[~seen & judged].any()


@pytest.mark.parametrize(("rings", "around"), [(12, 16), (300, 600)], ids=["large", "sub-pixel"])
def test_a_ball_is_painted_up_to_its_horizon_whatever_its_triangles(rings: int, around: int) -> None:
    """At distance 2 the horizon is 60 degrees from the point below the camera."""
    made, camera = brute.sphere(rings, around), Camera(25, 15)
    texels, found = baked(made, [(camera, RED)], 48, 192)
    below = camera.position / np.linalg.norm(camera.position)
    towards = texels.normal @ below  # cosine of the angle from there
    facing = ((camera.position - texels.point) * texels.normal).sum(axis=1)
    cosine = facing / np.linalg.norm(camera.position - texels.point, axis=1)
    assert painted(found)[(cosine > 0.2) & (towards > 0.55)].all()
    assert not painted(found)[towards < 0.4].any()
    assert painted(found).mean() == pytest.approx((facing > 0).mean(), abs=0.02)


def test_what_is_inside_is_not_painted_through() -> None:
    shell = brute.box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5))
    for gap in (0.1, 0.01, 0.001):
        inner = 0.5 - gap
        core = brute.box((-inner, -inner, -inner), (inner, inner, inner))
        texels, found = baked(
            brute.join(shell, core), [(Camera(30, 30), RED), (Camera(210, -30), RED)], 96, 256
        )
        within = np.abs(texels.point).max(axis=1) < 0.5 - gap / 2
        assert within.mean() > 0.3
        assert not painted(found)[within].any()
        assert painted(found)[~within].mean() > 0.99


def test_a_close_up_paints_what_is_in_its_frame_and_nothing_behind_it() -> None:
    """In a room: the wall before the camera, as far as the frame goes, not the one in its back."""
    room = brute.box((-0.5,) * 3, (0.5,) * 3)
    camera = Camera(0, 0, 0.4, 60, (0.0, 0.0, -0.4))  # in the middle, looks at -Z
    texels, found = baked(room, [(camera, RED)], 64, 256)
    extent = 0.5 * np.tan(np.radians(30))  # of the frame on that wall
    reach = np.abs(texels.point[:, :2]).max(axis=1)
    wall = texels.point[:, 2] < -0.499
    assert painted(found)[wall & (reach < extent - 0.02)].all()
    assert not painted(found)[wall & (reach > extent + 0.02)].any()
    assert not painted(found)[~wall].any()


@pytest.mark.parametrize("made", [brute.sphere(48, 96), brute.torus()], ids=["ball", "torus"])
def test_clearly_painted_is_what_coverage_counts_but_at_edges(made: brute.Made) -> None:
    """coverage: seen at a cosine above 0.2, by any view; flatter views paint, but not clearly."""
    views = [(camera, RED) for camera in (Camera(0, 5), Camera(84, 3), Camera(200, -30))]
    texels, found = baked(made, views, 192, 256)
    raster = EmbreeRaster(made.vertices, made.faces)
    places = SurfacePoints(raster, texels.point, texels.normal, texels.face)
    counted = places.seen_by_any([camera for camera, _ in views], lambda: None)
    assert not (found.trusted & ~counted).any()
    seen = [raster.visible(camera, texels.point, texels.normal)[0] for camera, _ in views]
    flat = ~counted & np.any(seen, axis=0)
    assert flat.mean() > 0.01
    assert (found.doubtful & flat).sum() > 0.5 * flat.sum()
    assert painted(found)[counted].mean() > 0.99
    assert found.trusted[counted].mean() > 0.7  # the rest is near a silhouette or a depth edge
