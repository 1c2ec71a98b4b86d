"""Axes and normalisation, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.mesh.frame import from_z_up, to_unit_sphere


def test_blender_axes_become_gltf_axes() -> None:
    front, up, right = [0, -1, 0], [0, 0, 1], [1, 0, 0]  # in Blender
    ours = from_z_up(np.array([front, up, right], np.float32))
    np.testing.assert_array_equal(ours, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])


def test_axes_keep_their_handedness() -> None:
    assert np.linalg.det(from_z_up(np.eye(3, dtype=np.float32)).T) == pytest.approx(1)


def test_any_shape_of_points_is_turned() -> None:
    points = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    np.testing.assert_array_equal(from_z_up(points)[1, 2], [18, 20, -19])


def test_bounding_box_centre_and_farthest_vertex() -> None:
    # Many vertices on one side: a mean would lie there, the box doesn't care.
    vertices = np.array([[0, 0, 0], [4, 2, 0], [4, 2, 0.1], [4, 1.9, 0], [2, 1, 3]], np.float32)
    unit, centre, scale = to_unit_sphere(vertices)
    np.testing.assert_allclose(centre, [2, 1, 1.5])
    assert scale == pytest.approx(np.sqrt(4 + 1 + 1.5**2))
    assert np.linalg.norm(unit, axis=1).max() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(unit * scale + centre, vertices, atol=1e-5)
    assert unit.dtype == np.float32


def test_small_object_far_away_keeps_its_shape() -> None:
    shape = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    vertices = shape * np.float32(0.5) + np.float32(4096)
    np.testing.assert_allclose(to_unit_sphere(vertices)[0], to_unit_sphere(shape)[0], atol=1e-6)


def test_one_point_is_no_division_by_zero() -> None:
    unit, _, scale = to_unit_sphere(np.full((3, 3), 7, np.float32))
    np.testing.assert_array_equal(unit, np.zeros((3, 3)))
    assert scale == 1
