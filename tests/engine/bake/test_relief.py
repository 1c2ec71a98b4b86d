"""Normal maps against the analytic normals of a wavy plane, however its chart lies in the texture."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.bake.relief import normal_map
from engine.bake.texels import SurfaceTexels
from engine.options.channels import RELIEF
from engine.views.raster import EmbreeRaster
from engine.views.surface import Surface

SIZE = 192
WAVES, DEPTH = 9.0, 0.02  # per unit, radii

Floats = NDArray[np.float32]


def plane(charts: NDArray[np.float64]) -> SurfaceTexels:
    """The square from (-0.5, -0.5) to (0.5, 0.5) in x and y, one for each of ``charts`` (n, 2, 3), affine
    maps from (x, y, 1) to (u, v)."""
    corner = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    vertices = np.concatenate([np.column_stack([corner, np.full(4, i)]) for i in range(len(charts))])
    faces = np.concatenate([np.array([[0, 1, 2], [0, 2, 3]]) + 4 * i for i in range(len(charts))])
    flat = np.concatenate([np.column_stack([corner, np.ones(4)]) @ chart.T for chart in charts])
    raster = EmbreeRaster(vertices.astype(np.float32), faces.astype(np.int32))
    return SurfaceTexels.build(Surface(raster, flat[faces].astype(np.float32)), SIZE)


def waves(point: Floats) -> tuple[Floats, Floats]:
    """Height (n,) and its gradient (n, 3) in space."""
    along = np.array([2.0, 1.0, 0.0], np.float32)
    phase = WAVES * (point @ along)
    return DEPTH * np.sin(phase), DEPTH * WAVES * np.cos(phase)[:, None] * along


CHARTS = {
    "upright": [[0.8, 0, 0.5], [0, 0.8, 0.5]],
    "small and turned": [[0, -0.5, 0.5], [0.5, 0, 0.5]],
    "mirrored": [[-0.8, 0, 0.5], [0, 0.8, 0.5]],
    "skewed": [[0.6, 0.25, 0.5], [0, 0.7, 0.5]],
    "stretched": [[0.9, 0, 0.5], [0, 0.45, 0.5]],
}


@pytest.mark.parametrize("reach", [RELIEF, 4 * RELIEF], ids=["of an object", "of its part"])
@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_light_sees_the_relief_whatever_its_chart(chart: list[list[float]], reach: float) -> None:
    """The tangent frame, from the chart itself, turns the map's normals into those of the waves."""
    texels = plane(np.array([chart]))
    height, gradient = waves(texels.point)
    image = np.full((SIZE * SIZE, 1), 0.9, np.float32)  # between the charts lies anything
    image[texels.index, 0] = 0.5 + height / (2 * reach)
    found = normal_map(image.reshape(SIZE, SIZE, 1), texels, reach).reshape(-1, 3)[texels.index] * 2 - 1
    x_of, y_of = np.linalg.inv(np.array(chart)[:, :2]).T  # where u leads, and v
    tangent = np.append(x_of, 0) / np.linalg.norm(x_of)
    side = np.append(y_of, 0) - tangent[:2] @ y_of * tangent
    bitangent = side / np.linalg.norm(side)
    seen = found @ np.stack([tangent, bitangent, (0, 0, 1)])
    wanted = np.column_stack([-gradient[:, :2], np.ones(len(gradient))])
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip((seen * wanted).sum(axis=1), -1, 1)))
    assert np.percentile(angle, 95) < 2.5
    assert angle.mean() < 1
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_charts_beside_each_other_know_nothing_of_each_other() -> None:
    """One is high, one low: both are flat, up to their last texel, and so is what lies between."""
    charts = np.array([[[0.5, 0, 0.25], [0, 0.9, 0.5]], [[0.5, 0, 0.75], [0, 0.9, 0.5]]])
    texels = plane(charts)
    image = np.full((SIZE * SIZE, 1), 0.5, np.float32)
    image[texels.index, 0] = np.where(texels.point[:, 2] > 0.5, 1.0, 0.0)
    found = normal_map(image.reshape(SIZE, SIZE, 1), texels)
    np.testing.assert_allclose(found, np.broadcast_to([0.5, 0.5, 1], found.shape), atol=1e-6)


def test_without_texels_it_is_flat() -> None:
    texels = plane(np.array([CHARTS["upright"]])).pick(slice(0, 0))
    found = normal_map(np.zeros((SIZE, SIZE, 1), np.float32), texels)
    assert (found == np.float32([0.5, 0.5, 1])).all()
