"""Places on a surface, and how sharply they are seen, against what is known of squares."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import Cancelled
from engine.views.cameras import Camera, even_rig
from engine.views.raster import EmbreeRaster
from engine.views.surface_points import SurfacePoints
from tests.engine import brute


def nothing() -> None:
    pass


def square(z: float, half: float) -> tuple[np.ndarray, np.ndarray]:
    corners = np.array([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]], np.float32)
    return corners, np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def test_places_are_uniform_by_area() -> None:
    (a, faces), (b, _) = square(0.5, 0.6), square(-0.5, 0.3)
    raster = EmbreeRaster(np.concatenate([a, b]), np.concatenate([faces, faces + 4]).astype(np.int32))
    point = SurfacePoints.build(raster, 20_000, 0).point
    assert (point[:, 2] > 0).mean() == pytest.approx(0.8, abs=0.02)  # four times the area
    large = point[point[:, 2] > 0, :2] / 0.6
    counts, _, _ = np.histogram2d(large[:, 0], large[:, 1], bins=4, range=[[-1, 1], [-1, 1]])
    np.testing.assert_allclose(counts / len(large), 1 / 16, atol=0.01)


def test_the_same_seed_gives_the_same_places_and_another_others() -> None:
    made = brute.torus()
    raster = EmbreeRaster(made.vertices, made.faces)
    one, same, other = (SurfacePoints.build(raster, 50, seed).point for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert not (one == other).any()


def test_a_mesh_without_area_has_no_places() -> None:
    line = np.array([[0, 0, 0], [1, 0, 0], [0.5, 0, 0]], np.float32)
    places = SurfacePoints.build(EmbreeRaster(line, np.array([[0, 1, 2]], np.int32)), 100, 0)
    assert places.point.shape == places.normal.shape == (0, 3)
    assert not len(places.seen_by_any(even_rig(4), nothing))
    assert places.sharpness(even_rig(4), nothing).shape == (4, 0)


@pytest.mark.parametrize("azimuth", [0, 40, 75, 100, 180])
def test_sharpness_is_pixels_along_the_slant(azimuth: float) -> None:
    """A small square in the centre, seen from ``azimuth``: as many pixels as squarely, times the cosine."""
    raster = EmbreeRaster(*square(0.0, 0.01))
    found = SurfacePoints.build(raster, 200, 0).sharpness([Camera(azimuth, 0.0)], nothing)
    cosine = abs(np.cos(np.radians(azimuth)))
    np.testing.assert_allclose(found, cosine if cosine > 0.2 else 0.0, rtol=0.03)


def test_sharpness_by_pixels_counted() -> None:
    """A square away from the centre: as wide in pixels as sharpness says."""
    half, z, size = 0.05, 0.6, 1200
    raster = EmbreeRaster(*square(z, half))
    for camera in (Camera(0, 0), Camera(0, 0, 0.5, 90, (0.0, 0.0, z))):
        wide = len(np.unique(raster.rasterise(camera, size).pixel % size))
        whole = 2 * half * size / (2 * Camera(0, 0).half_extent * 2)  # at the centre of a whole-object view
        found = SurfacePoints.build(raster, 100, 0).sharpness([camera], nothing)
        np.testing.assert_allclose(found, wide / whole, rtol=0.03)


def test_a_survey_can_be_stopped() -> None:
    def stop() -> None:
        raise Cancelled

    places = SurfacePoints.build(EmbreeRaster(*square(0.0, 0.5)), 10, 0)
    with pytest.raises(Cancelled):
        places.seen_by_any(even_rig(4), stop)
    with pytest.raises(Cancelled):
        places.sharpness(even_rig(4), stop)
