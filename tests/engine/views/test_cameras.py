"""Cameras: geometry that can be said in words, and inverses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.views.cameras import Camera, even_rig, paper_rig

ANGLES = st.floats(-720, 720)
ELEVATIONS = st.floats(-90, 90)
# The largest possible least angle between n directions, degrees (Tammes' problem, known optima).
TAMMES = {4: 109.47, 5: 90.0, 6: 90.0, 7: 77.87, 8: 74.86, 10: 66.15, 12: 63.43, 16: 52.24, 24: 43.69}


def least_angle(directions: np.ndarray) -> float:
    cosines = directions @ directions.T
    np.fill_diagonal(cosines, -1)
    return float(np.degrees(np.arccos(np.clip(cosines.max(), -1, 1))))


@settings(max_examples=50, deadline=None)
@given(ANGLES, ELEVATIONS)
def test_axes_are_a_right_handed_frame(azimuth: float, elevation: float) -> None:
    right, up, forward = Camera(azimuth, elevation).axes.astype(np.float64)
    axes = np.stack([right, up, forward])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(np.cross(right, up), -forward, atol=1e-6)  # forward is -Z of a camera
    assert abs(right[1]) < 1e-6  # the horizon is level
    assert up[1] > -1e-6


@settings(max_examples=50, deadline=None)
@given(ANGLES, ELEVATIONS, st.floats(1.2, 6), st.floats(15, 110), st.integers(1, 9), st.integers(0, 2**31))
def test_project_undoes_rays(
    azimuth: float, elevation: float, distance: float, fov: float, resolution: int, seed: int
) -> None:
    camera = Camera(azimuth, elevation, distance, fov)
    depth = np.random.default_rng(seed).uniform(0.5, 5, resolution**2).astype(np.float32)
    points = camera.position + depth[:, None] * camera.rays(resolution)
    pixel, found = camera.project(points.astype(np.float32), resolution)
    rows, columns = np.divmod(np.arange(resolution**2), resolution)
    np.testing.assert_allclose(pixel, np.stack([columns, rows], axis=1) + 0.5, atol=2e-3)
    np.testing.assert_allclose(found, depth, rtol=1e-4)
    assert pixel.dtype == found.dtype == np.float32


@pytest.mark.parametrize(
    ("azimuth", "elevation", "position"),
    [
        (0, 0, (0, 0, 2)),
        (90, 0, (2, 0, 0)),
        (180, 0, (0, 0, -2)),
        (-90, 0, (-2, 0, 0)),
        (0, 90, (0, 2, 0)),
        (0, -90, (0, -2, 0)),
        (0, 30, (0, 1, 3**0.5)),
    ],
)
def test_positions(azimuth: float, elevation: float, position: tuple[float, float, float]) -> None:
    camera = Camera(azimuth, elevation)
    np.testing.assert_allclose(camera.position, position, atol=1e-6)
    np.testing.assert_allclose(camera.axes[2], -np.array(position) / 2, atol=1e-6)


def test_from_the_front_x_is_right_and_y_is_up_in_the_picture() -> None:
    pixel, depth = Camera(0, 0).project(np.array([[0.3, 0, 0], [0, 0.3, 0], [0, 0, 0.5]], np.float32), 100)
    assert pixel[0, 0] > 50
    assert pixel[0, 1] == pytest.approx(50)
    assert pixel[1, 0] == pytest.approx(50)
    assert pixel[1, 1] < 50  # row 0 is the top
    np.testing.assert_allclose(depth, [2, 2, 1.5])


def test_right_hand_view_has_the_front_on_its_left() -> None:
    pixel, _ = Camera(90, 0).project(np.array([[0, 0, 0.5]], np.float32), 100)
    assert pixel[0, 0] < 50


def test_top_view_has_the_front_at_its_bottom() -> None:
    pixel, _ = Camera(0, 90).project(np.array([[0, 0, 0.5]], np.float32), 100)
    assert pixel[0, 1] > 50


def test_a_close_up_has_its_target_in_the_middle_and_stands_off_it() -> None:
    camera = Camera(30, -20, 0.4, 90, (0.3, -0.2, 0.5))
    pixel, depth = camera.project(np.array([camera.target], np.float32), 100)
    np.testing.assert_allclose(pixel, [[50, 50]], atol=1e-3)
    np.testing.assert_allclose(depth, [0.4], rtol=1e-5)
    np.testing.assert_array_equal(camera.axes, Camera(30, -20).axes)
    np.testing.assert_allclose(camera.position - camera.target, 0.2 * Camera(30, -20).position, atol=1e-6)


def test_unit_sphere_exactly_fills_the_default_frame() -> None:
    """The tangent cone of the unit sphere at distance 2 has a half-angle of asin(1/2) = 30 degrees."""
    tangent = np.array([[np.sin(np.pi / 3), 0, 0.5]], np.float32)  # touches at 60 deg
    pixel, _ = Camera(0, 0).project(tangent, 200)
    assert pixel[0, 0] == pytest.approx(200, abs=1e-3)


def test_published_rig() -> None:
    angles = [(c.azimuth, c.elevation) for c in paper_rig()]
    ring = [(a, 0) for a in (-180, -135, -90, -45, 0, 45, 90, 135)]
    assert angles == [*ring, (0, 30), (180, 30)]
    assert {(c.distance, c.fov) for c in paper_rig()} == {(2.0, 60.0)}


@pytest.mark.parametrize("count", sorted(TAMMES))
def test_even_rig_is_near_the_best_spread(count: int) -> None:
    positions = np.array([c.position for c in even_rig(count)], np.float64) / 2
    assert least_angle(positions) > 0.7 * TAMMES[count]


@pytest.mark.parametrize("count", [50, 100, 256])
def test_even_rig_of_many_is_near_a_hexagonal_packing(count: int) -> None:
    positions = np.array([c.position for c in even_rig(count)], np.float64) / 2
    packing = np.degrees(np.sqrt(8 * np.pi / (np.sqrt(3) * count)))
    assert least_angle(positions) > 0.8 * packing


@pytest.mark.parametrize("count", [4, 5, 6, 7, 8, 10, 17, 32, 100])
def test_even_rig_leaves_no_hole(count: int) -> None:
    """No direction is much farther from a camera than a cap of an n-th of the sphere is wide."""
    positions = np.array([c.position for c in even_rig(count)], np.float64) / 2
    anywhere = np.random.default_rng(0).normal(size=(4000, 3))
    anywhere /= np.linalg.norm(anywhere, axis=1, keepdims=True)
    farthest = np.arccos((anywhere @ positions.T).max(axis=1).min())
    assert farthest < 2.0 * np.arccos(1 - 2 / count)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 13, 40])
def test_even_rig_counts_and_poles(count: int) -> None:
    rig = even_rig(count)
    assert len(rig) == count
    assert len({(round(c.azimuth, 3), round(c.elevation, 3)) for c in rig}) == count
    assert rig[min(1, count // 4)].azimuth == 0  # the first that isn't a pole is turned to the front
    if count >= 4:
        assert (rig[0].elevation, rig[-1].elevation) == (90, -90)
