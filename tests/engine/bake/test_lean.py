"""Normals that are told of views, as a normal map: against the analytic ones of planes and a sphere."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from engine.bake.lean import leaning, leans
from engine.controls.normal import TOWARDS, facing
from engine.views.cameras import Camera
from engine.views.surface import Surface, View
from tests.engine.bake.test_relief import CHARTS, SIZE, plane

Floats = NDArray[np.float32]
SIDE = 192


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_a_lean_is_said_in_the_charts_own_frame(chart: list[list[float]]) -> None:
    """Which turns it back into the mesh's space."""
    texels = plane(np.array([chart]))
    normal = np.array([0.3, -0.4, 0.8660254])
    lean = np.tile(((normal - [0, 0, 1]) / 2 + 0.5).astype(np.float32), (SIZE, SIZE, 1))
    found = leaning(lean, texels).reshape(-1, 3)[texels.index] * 2 - 1
    x_of, y_of = np.linalg.inv(np.array(chart)[:, :2]).T  # where u leads, and v
    tangent = np.append(x_of, 0) / np.linalg.norm(x_of)
    side = np.append(y_of, 0) - tangent[:2] @ y_of * tangent
    seen = found @ np.stack([tangent, side / np.linalg.norm(side), (0, 0, 1)])
    np.testing.assert_allclose(seen, np.broadcast_to(normal, seen.shape), atol=1e-5)


@pytest.fixture(scope="module")
def ball() -> tuple[Surface, View]:
    mesh = trimesh.creation.icosphere(5)
    uvs = np.zeros((len(mesh.faces), 3, 2), np.float32)
    surface = Surface.build(mesh.vertices.astype(np.float32), mesh.faces.astype(np.int32), uvs)
    return surface, surface.seen(Camera(30.0, 20.0), SIDE)


def leaned(ball: tuple[Surface, View], shown: Floats) -> Floats:
    """(n, 3): of normals (n, 3) that the view's pixels on the surface show."""
    surface, view = ball
    picture = np.full((SIDE, SIDE, 3), 0.5, np.float32)
    unit = shown / np.linalg.norm(shown, axis=1, keepdims=True)
    picture[view.mask] = unit / 2 + 0.5
    return np.asarray(leans(surface, view, picture)[view.mask] * 2 - 1, np.float32)


def own(ball: tuple[Surface, View]) -> Floats:
    """(n, 3): the normals of the ball itself, in its space: those of a ball are its points."""
    surface, view = ball
    points = surface.points(view.fragments)
    found = facing(surface, view) @ (view.camera.axes * TOWARDS)
    np.testing.assert_allclose(found, points / np.linalg.norm(points, axis=1, keepdims=True), atol=0.01)
    return found


def test_the_shape_of_the_mesh_itself_leans_nowhere(ball: tuple[Surface, View]) -> None:
    assert np.abs(leaned(ball, own(ball))).max() < 1e-5


def test_a_guess_that_is_wrong_at_large_leans_hardly(ball: tuple[Surface, View]) -> None:
    tilt = np.array([0.2, 0.1, -0.15], np.float32)
    assert np.abs(tilt).max() > 20 * np.abs(leaned(ball, own(ball) + tilt)).mean()


def test_relief_stays(ball: tuple[Surface, View]) -> None:
    """Waves that are five pixels long."""
    surface, view = ball
    place = surface.points(view.fragments) @ np.array([1.0, 0.5, 0.2], np.float32)
    wave = 0.3 * np.sin(130 * place)[:, None] * np.array([0.6, 0.0, 0.8], np.float32)
    normals = own(ball)
    unit = (normals + wave) / np.linalg.norm(normals + wave, axis=1, keepdims=True)
    found, wanted = leaned(ball, normals + wave), unit - normals
    assert np.sqrt(np.mean(wanted**2)) > 0.05
    assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.2 * np.sqrt(np.mean(wanted**2))
