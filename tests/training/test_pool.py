"""Views that stand for other views: judged by rendering the other object."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.controls.position import position_picture
from engine.views.cameras import Camera
from training import pool, shapes


@pytest.fixture(scope="module")
def mesh() -> shapes.Mesh:
    return shapes.random_shape(np.random.default_rng(3))


@pytest.mark.parametrize("camera", [Camera(30, 20), Camera(-135, 0), Camera(0, 90)])
def test_a_mirrored_view_is_a_view_of_the_mirrored_object(mesh: shapes.Mesh, camera: Camera) -> None:
    vertices, faces = mesh
    other = (vertices * np.array([-1, 1, 1], np.float32), faces[:, ::-1])
    found = pool.render(mesh, camera).mirrored()
    _same(found, pool.render(other, replace(camera, azimuth=-camera.azimuth)))


@pytest.mark.parametrize("degrees", [45, 180, -90])
def test_a_turned_view_is_a_view_of_the_turned_object(mesh: shapes.Mesh, degrees: float) -> None:
    vertices, faces = mesh
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y, z = vertices.T
    other = (np.stack([c * x + s * z, y, c * z - s * x], 1).astype(np.float32), faces)
    found = pool.render(mesh, Camera(20, 30)).turned(degrees)
    _same(found, pool.render(other, Camera(20 + degrees, 30)))


def _same(found: pool.View, expected: pool.View) -> None:
    """But for pixels on edges, where rounding decides what a ray meets."""
    assert found.azimuth == pytest.approx(expected.azimuth)
    assert (found.mask == expected.mask).mean() > 0.999
    for a, b in ((found.positions, expected.positions), (found.depth, expected.depth)):
        assert (np.abs(a.astype(int) - b) <= 1).mean() > 0.995
    both = found.mask & expected.mask
    a, b = (_image(view)[both] for view in (found, expected))
    assert (np.abs(a - b).max(1) < 1e-3).mean() > 0.99


def _image(view: pool.View) -> np.ndarray:
    image = np.zeros((*view.mask.shape, 6), np.float32)
    image[view.mask] = np.concatenate([view.points, view.normals], 1)
    return image


def test_positions_are_the_colours_of_the_points(mesh: shapes.Mesh) -> None:
    view = pool.render(mesh, Camera(70, -20))
    back = view.positions[view.inside].astype(np.float32) / 255 * 2 - 1
    assert np.abs(back - view.seen).max() < 0.005
    assert not position_picture(view.seen, view.inside)[~view.inside].any()
    pixel, _ = view.camera.project(view.seen, pool.SIZE)
    rows, columns = np.nonzero(view.inside)
    assert np.abs(pixel - np.stack([columns, rows], 1) - 0.5).max() < 0.01
