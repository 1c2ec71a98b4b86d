"""The noise at places: the same for ever, cells that are Voronoi's, noise of mean 0 and deviation 1."""

from __future__ import annotations

import numpy as np
import pytest

from engine.controls import noise
from engine.controls.position import CHANNELS, PLANE, plane_place
from engine.options.choices import CONDITIONING

GRID = 61  # places along a line of the cube


@pytest.fixture(scope="module")
def places() -> np.ndarray:
    return np.random.default_rng(3).uniform(-1, 1, (20_000, 3)).astype(np.float32)


def test_it_never_changes() -> None:
    """Models have learned it."""
    found = noise.at(np.array([[0, 0, 0], [0.31, -0.52, 0.77], [-0.9, 0.4, 0.1]], np.float32))
    expected = [
        [0.6102, 0.0201, 0.0435, 0.5046, 0.1084, 0.9378, -0.3904, -0.0348, -0.7454, -1.088, 0.6951],
        [0.5201, 0.2296, 0.1714, 0.7843, 0.1192, 0.6044, 0.3817, 0.0112, 1.5434, -0.9577, -1.0969],
        [0.0847, 0.3205, 0.6899, 0.5902, 0.2321, 0.056, -0.0373, -1.0037, -1.2792, 1.466, -0.9083],
    ]
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert CHANNELS in CONDITIONING


@pytest.mark.parametrize("size", noise.CELLS)
def test_cells_are_those_of_their_nearest_centres(places: np.ndarray, size: float) -> None:
    """Down the slope of the distance, as far as it is told to be, a centre is."""
    line = np.linspace(-0.5, 0.5, GRID, dtype=np.float32)
    cube = np.stack(np.meshgrid(line, line, line, indexing="ij"), -1)
    distance, gap, tone = np.moveaxis(noise.cells(cube.reshape(-1, 3), size).reshape(*cube.shape), -1, 0)
    slope = np.stack(np.gradient(distance * size, line[1] - line[0]), -1)
    inside = (gap > 0.3) & (distance > 0.4)
    assert np.percentile(np.abs(np.linalg.norm(slope[inside], axis=-1) - 1), 99) < 0.1
    centre = (cube - distance[..., None] * size * slope)[inside]
    again, _, same = noise.cells(centre.astype(np.float32), size).T
    assert np.median(again) < 0.05
    assert (np.abs(same - tone[inside]) < 1e-6).mean() > 0.99
    steps = np.abs(np.diff(tone, axis=0)) > 1e-6
    assert gap[:-1][steps].max() * size <= 2.1 * (line[1] - line[0]), "tones change where the next is as near"


@pytest.mark.parametrize(
    ("kind", "number"), [(noise.SMOOTH, 0), (noise.SMOOTH, 1), (noise.MEDIUM, 1), (noise.GRAIN, 0)]
)
def test_noise_has_mean_0_and_deviation_1(places: np.ndarray, kind: int, number: int) -> None:
    values = noise.noise(places, kind, number)
    assert abs(values.mean()) < 0.15
    assert 0.9 < values.std() < 1.1
    near = noise.noise(places + np.float32(1e-3), kind, number)
    assert np.abs(near - values).max() < 0.1, "without jumps"


def test_noises_have_nothing_to_do_with_each_other(places: np.ndarray) -> None:
    parts = np.corrcoef(noise.at(places)[:, 3 * len(noise.CELLS) :].T)
    assert np.abs(parts - np.eye(len(parts))).max() < 0.1


def test_a_picture_shows_what_lies_at_its_pixels() -> None:
    inside = np.zeros((16, 16), bool)
    inside[2:12, 4:14] = True
    places = np.random.default_rng(1).uniform(-1, 1, (inside.sum(), 3)).astype(np.float32)
    picture = noise.picture(places, inside)
    assert picture.shape == (noise.FIELDS, 16, 16)
    assert not picture[:, ~inside].any()
    told = noise.at(places[:1])[0]
    told[6:] = 0.5 + told[6:] / 5
    for pixel in ((2, 4), (2, 5), (3, 4), (3, 5)):
        np.testing.assert_allclose(picture[:, pixel[0], pixel[1]], told.clip(0, 1), atol=1e-6)


def test_places_out_of_the_map_are_those_on_its_border() -> None:
    inside = np.ones((2, 2), bool)
    far, near = (np.full((4, 3), value, np.float32) for value in (50.0, 1.0))
    np.testing.assert_array_equal(noise.picture(far, inside), noise.picture(near, inside))


def test_noise_of_a_tile_goes_on_at_its_other_edge() -> None:
    """In windows on a torus as in one picture, and without an edge in it."""
    side, period = 64, (1.5, 2.0)
    height, width = 128, 96

    def window(top: int, left: int) -> np.ndarray:
        return plane_place(side, 3, (top / side, left / side), period)[3:]

    whole = np.zeros((noise.FIELDS, height, width), np.float32)
    for top in (0, 64):
        for left in (0, 32):
            whole[:, top : top + side, left : left + side] = window(top, left)
    for top, left in ((32, 16), (96, 64)):
        rows, columns = (np.arange(top, top + side) % height, np.arange(left, left + side) % width)
        apart = np.abs(window(top, left) - whole[:, rows[:, None], columns])
        assert (apart > 1e-3).mean() < 2e-3, "but for pixels on borders of cells"
    for axis in (1, 2):
        steps = np.abs(np.diff(np.concatenate([whole, whole], axis), axis=axis))
        at_edge = np.take(steps, whole.shape[axis] - 1, axis)[6:]
        assert at_edge.max() <= steps[6:].max() * 1.001
        assert at_edge.mean() < 2 * steps[6:].mean() + 0.01


def test_noise_of_a_wide_picture_never_ends() -> None:
    far = plane_place(64, 0, (0.0, 9.25))[3:]
    beside = plane_place(64, 0, (0.0, 9.5))[3:]
    assert (np.abs(far[:, :, 16:] - beside[:, :, :48]) > 1e-3).mean() < 2e-3
    np.testing.assert_allclose(plane_place(64)[3:], noise.picture(*_square(), None), atol=1e-4)


def _square() -> tuple[np.ndarray, np.ndarray]:
    across = ((np.arange(64) + 0.5) / 32 - 1) * PLANE[0]
    x, y = np.meshgrid(across, -across)
    points = np.stack([x, y, np.full_like(x, PLANE[1])], -1).reshape(-1, 3).astype(np.float32)
    return points, np.ones((64, 64), bool)
