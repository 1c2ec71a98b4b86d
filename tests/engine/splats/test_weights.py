"""f of splats against a judge that draws them one by one; what cameras see of them against the mesh's own."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.ndimage import binary_dilation, binary_erosion

from engine.controls.normal import facing
from engine.mesh.frame import AXES
from engine.splats import weights
from engine.splats.cloud import Frame, Splats
from engine.splats.projection import project
from engine.splats.rigs import dense_rig, plan
from engine.splats.shots import Scene, controls
from engine.views.cameras import Camera
from engine.views.raster import EmbreeRaster
from engine.views.surface import Surface
from tests.engine.splats import made

SIZE = 20


def scene_of(splats: Splats) -> Scene:
    return Scene(splats.position, splats.covariance, splats.opacity)


@pytest.mark.parametrize(
    "camera", [Camera(30.0, 20.0), Camera(0.0, 90.0, 0.5, 90.0), Camera(200.0, -50.0, roll=33.0)]
)
def test_weights_are_those_of_a_loop(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where few pairs are worked on at a time, so that there are many bands; what is left of a pixel is
    background."""
    splats = made.scattered(40)
    expected = made.drawn(splats, camera, SIZE)
    assert expected.sum(axis=1).max() > 0.5
    for pairs in (weights.PAIRS, 300):
        monkeypatch.setattr(weights, "PAIRS", pairs)
        found = scene_of(splats).seen(camera, SIZE)
        np.testing.assert_allclose(found.weights.toarray(), expected, atol=2e-6)
        np.testing.assert_allclose(found.coverage.reshape(-1), expected.sum(axis=1), atol=1e-5)
        assert found.coverage.max() <= 1 + 1e-6


def test_nothing_is_seen_of_what_lies_behind() -> None:
    splats = made.scattered(10)
    seen = project(
        splats.position + np.array([0, 0, 9]), splats.covariance, splats.opacity, Camera(0.0, 0.0), SIZE
    )
    assert len(seen) == 0
    assert weights.weights(seen, 10, SIZE).nnz == 0


def test_fewer_pixels_show_the_same() -> None:
    """What splats gain in size where they are smaller than pixels they lose in opacity."""
    splats = made.on_mesh(trimesh.creation.icosphere(subdivisions=3, radius=0.9), 3000)
    scene, camera = scene_of(splats), Camera(10.0, 10.0)
    fine, coarse = scene.seen(camera, 96), scene.seen(camera, 24)
    shown = (fine.weights @ splats.colour).reshape(24, 4, 24, 4, 3).mean(axis=(1, 3))
    inside = (fine.coverage.reshape(24, 4, 24, 4) > 0.97).all(axis=(1, 3))
    difference = np.abs(shown - (coarse.weights @ splats.colour).reshape(24, 24, 3))[inside]
    assert inside.sum() > 100
    assert difference.mean() < 0.02


def test_controls_are_those_of_the_mesh() -> None:
    """Of splats on a cube: depth, places and normals as of the cube itself."""
    cube = trimesh.creation.box((1.0, 1.0, 1.0))
    camera, size = Camera(25.0, 30.0), 48
    shot = scene_of(made.on_mesh(cube, 8000)).seen(camera, size)
    corners = np.asarray(cube.vertices, np.float32), np.asarray(cube.faces, np.int32)
    surface = Surface(EmbreeRaster(*corners), np.zeros((12, 3, 2), np.float32))
    view = surface.seen(camera, size)
    assert not (shot.mask & ~binary_dilation(view.mask)).any()
    assert not (binary_erosion(view.mask) & ~shot.mask).any()
    pixel = view.fragments.pixel[shot.mask.reshape(-1)[view.fragments.pixel]]
    both = np.isin(view.fragments.pixel, pixel)
    away = np.linalg.norm(shot.points.reshape(-1, 3)[pixel] - surface.points(view.fragments)[both], axis=1)
    pixel_wide = 2 * 2 * np.tan(np.radians(30)) / size
    assert np.median(away) < 0.6 * pixel_wide
    assert np.quantile(away, 0.8) < 2 * pixel_wide  # at edges it is what lies behind, too
    turned = (shot.normals.reshape(-1, 3)[pixel] * facing(surface, view)[both]).sum(axis=1)
    assert np.median(turned) > 0.98
    cosine = shot.confidence.reshape(-1)[pixel] - view.fragments.cosine[both]
    assert np.median(np.abs(cosine)) < 0.1
    shown = controls(scene_of(made.on_mesh(cube, 8000)), shot, ("depth", "position", "normal", "lines"))
    assert [one.shape for one in shown.values()] == [(1, 48, 48), (3, 48, 48), (3, 48, 48), (1, 48, 48)]
    assert all(one.min() >= 0 and one.max() <= 1 for one in shown.values())
    assert shown["lines"][0][shot.mask].mean() < 0.5


def test_a_frame_holds_the_object_but_not_what_flies_around() -> None:
    splats = made.on_mesh(trimesh.creation.box((2.0, 3.0, 4.0)), 2000)
    doubled = (
        np.concatenate([one, one[:5]])
        for one in (splats.scale, splats.rotation, splats.opacity, splats.colour)
    )
    far = Splats(np.concatenate([splats.position + 5, [[900.0, 0, 0]] * 5]), *doubled)
    position = Frame.around(far, AXES["y"], 90.0).placed(far)[0][:2000]
    assert 0.9 < np.linalg.norm(position, axis=1).max() <= 1 + 1e-6
    assert np.abs((position.min(axis=0) + position.max(axis=0)) / 2).max() < 0.02


@pytest.mark.parametrize("up", AXES)
def test_shapes_turn_as_places_do(up: str) -> None:
    """A needle goes on pointing to the place that it points to; what was up is up."""
    turn = made.facing(np.array([[0.6, 0.0, 0.8]]))
    needle = np.array([[0.01, 0.01, 1.0]] * 2)
    ends = np.array([[0.0, 0, 0], [0.6, 0, 0.8]])
    splats = Splats(ends, needle, np.repeat(turn, 2, 0), np.ones(2, np.float32), np.ones((2, 3), np.float32))
    frame = Frame.around(splats, AXES[up], 30.0)
    position, covariance = frame.placed(splats)
    along = position[1] - position[0]
    np.testing.assert_allclose(covariance[0] @ along, along / frame.scale**2, rtol=1e-9, atol=1e-12)
    above = {"y": (0, 1, 0), "z": (0, 0, 1), "-y": (0, -1, 0)}[up]
    np.testing.assert_allclose(AXES[up](np.array(above, np.float64)), (0, 1, 0))


def test_the_published_views_and_a_plan() -> None:
    """Of a plate that is seen from above and from below alone, both are in the plan."""
    rig = dense_rig()
    assert len(rig) == 50
    assert (rig[0].azimuth, rig[0].elevation) == (0, 0)
    assert rig[25].azimuth == pytest.approx(360)
    assert rig[25].elevation == pytest.approx(60)
    assert rig[1].azimuth == pytest.approx(14.4)
    plate = scene_of(made.on_mesh(trimesh.creation.box((1.4, 0.02, 1.4)), 1500))
    found = plan(plate)
    assert len(found) <= 16
    assert {90.0, -90.0} <= {one.elevation for one in found} or {30.0, -30.0} <= {
        one.elevation for one in found
    }
