"""Views that stand for other views: judged by rendering the other object."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.controls.position import position_picture
from engine.views.cameras import Camera
from training import data, pool, shapes


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
    shown = data.position(view).numpy()
    np.testing.assert_array_equal(shown, np.moveaxis(position_picture(view.seen, view.inside), -1, 0))
    np.testing.assert_array_equal(np.round(data.depth(view)[0].numpy() * 255), view.depth)
    pixel, _ = view.camera.project(view.seen, pool.SIZE)
    rows, columns = np.nonzero(view.inside)
    assert np.abs(pixel - np.stack([columns, rows], 1) - 0.5).max() < 0.01


def test_close_ups_look_at_places_that_are_seen(mesh: shapes.Mesh) -> None:
    for seed in range(8):
        camera = pool.close_up(mesh, Camera(40, 10), np.random.default_rng(seed))
        assert 1 / pool.NEAREST <= camera.distance / 2 <= 1
        there = np.array([camera.target], np.float32)
        pixel, depth = camera.project(there, 64)
        np.testing.assert_allclose(pixel, 32, atol=1e-3)
        np.testing.assert_allclose(depth, camera.distance, atol=1e-4)
        first, _ = Camera(40, 10).project(there, 64)
        hit, points, _ = pool.cast(mesh, Camera(40, 10), 64)
        row, column = int(first[0, 1]), int(first[0, 0])
        near = points.reshape(64, 64, 3)[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        assert np.linalg.norm(near - there, axis=-1).min() < 0.1
        assert np.isfinite(hit).any()


def test_a_pool_keeps_how_near_its_views_are(tmp_path: Path) -> None:
    found = pool.build(tmp_path / "pool", shapes=2, views=3, seed=8, workers=1, close_ups=1.0)
    zooms = np.array([found[i].zoom for i in range(len(found))])
    assert len(zooms)
    assert ((zooms > 1) & (zooms <= pool.NEAREST)).all()
    for i in range(len(found)):
        view, rows = found[i], np.zeros((pool.SIZE, pool.SIZE, 3))
        rows[view.inside] = view.seen
        beside = view.inside[:, 1:] & view.inside[:, :-1]
        step = np.median(np.linalg.norm(np.diff(rows, axis=1)[beside], axis=-1))
        assert 0.5 < step * view.zoom / (4 * np.tan(np.pi / 6) / pool.SIZE) < 3, "a pixel is that small"
