"""What a graphics card draws against what rays hit, with a card in numpy that does as nvdiffrast documents:
weights of the first two corners, z / w and face + 1, first row at y = -1, corners rounded to 1/16 pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.views import cuda_raster
from engine.views.cameras import Camera
from engine.views.cuda_raster import CudaRaster, Window, clip_positions, drawn, windows
from engine.views.raster import EmbreeRaster, interpolate
from tests.engine import brute
from tests.engine.views.same_views import SHAPES, assert_same_view

CAMERAS = [Camera(0, 0), Camera(37, 20), Camera(200, -55), Camera(0, 90), Camera(10, 5, 3, 35)]
GRID = 16  # places of a corner in a pixel


def card(
    positions: NDArray[np.float32], faces: NDArray[np.int32], side: int, grid: int = GRID
) -> torch.Tensor:
    """Every face against every pixel of its bounding box, float64; the nearest wins."""
    clip, picture = positions.astype(np.float64), np.zeros((side, side, 4), np.float32)
    nearest = np.full((side, side), 1.0)
    place = np.rint((clip[:, :2] / clip[:, 3:] + 1) / 2 * side * grid) / grid  # in pixels
    for number, face in enumerate(faces):
        corner = place[face]
        low = np.clip(np.floor(corner.min(0) - 0.5).astype(int), 0, side)
        high = np.clip(np.ceil(corner.max(0) + 0.5).astype(int), 0, side)
        column, row = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
        inside = covered(corner, np.stack([column, row], -1) + 0.5)
        column, row = column[inside], row[inside]
        x, y = 2 * (column + 0.5) / side - 1, 2 * (row + 0.5) / side - 1
        # The rounded corners decide who is seen, the true ones where.
        ends = clip[face]
        shifted = [(p[0] - x * p[3], p[1] - y * p[3]) for p in ends]
        area = np.stack([cross(shifted[k - 2], shifted[k - 1]) for k in range(3)])
        with np.errstate(invalid="ignore", divide="ignore"):
            weight = area / area.sum(0)
            z = (ends[:, 2] @ area) / (ends[:, 3] @ area)
        wins = (z >= -1) & (z < nearest[row, column])
        row, column = row[wins], column[wins]
        nearest[row, column] = z[wins]
        u, v = np.clip(weight[:2, wins], 0, 1)
        picture[row, column] = np.stack([u, v, z[wins], np.full(len(u), number + 1)], axis=-1)
    return torch.from_numpy(picture)


def cross(a: NDArray, b: NDArray) -> NDArray:
    return a[0] * b[1] - a[1] * b[0]


def covered(corner: NDArray, points: NDArray) -> NDArray[np.bool_]:
    """Which of ``points`` (..., 2) lie in the triangle ``corner`` (3, 2); none in one without area."""
    turns = [
        cross((corner[k] - corner[k - 1]).T, np.moveaxis(points - corner[k - 1], -1, 0)) for k in range(3)
    ]
    if cross((corner[1] - corner[0]).T, (corner[2] - corner[0]).T) == 0:
        return np.zeros(points.shape[:-1], bool)
    return np.all(np.array(turns) >= 0, axis=0) | np.all(np.array(turns) <= 0, axis=0)


@pytest.fixture
def small_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that draws 112 pixels at once: a card in numpy is slow."""
    monkeypatch.setattr(cuda_raster, "MAX_SIDE", 112)


@pytest.mark.usefixtures("small_card")
@pytest.mark.parametrize("name", sorted(SHAPES))
@pytest.mark.parametrize("camera", CAMERAS, ids=lambda c: f"{c.azimuth}/{c.elevation}")
def test_a_drawn_view_is_that_of_the_rays(name: str, camera: Camera) -> None:
    made = SHAPES[name]
    rays = EmbreeRaster(made.vertices, made.faces).rasterise(camera, 37)
    drawn_view = CudaRaster(made.vertices, made.faces, card).rasterise(camera, 37)
    assert_same_view(drawn_view, rays, 37)


@pytest.mark.usefixtures("small_card")
def test_many_faces_and_large_views_come_in_pieces_that_fit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    made, camera = SHAPES["torus"], Camera(37, 20)
    raster = CudaRaster(made.vertices, made.faces, card)
    whole = raster.rasterise(camera, 60)
    monkeypatch.setattr(cuda_raster, "MAX_FACES", 50)
    monkeypatch.setattr(cuda_raster, "MAX_SIDE", 24)  # nine windows, the last of them over the border
    pieces = raster.rasterise(camera, 60)
    assert_same_view(pieces, whole, 60)
    assert len(pieces.pixel) == len(whole.pixel)


@pytest.mark.usefixtures("small_card")
def test_more_samples_are_nearer_to_the_rays() -> None:
    """Small faces; the coarser card rounds corners to whole samples."""
    made = brute.sphere(16, 24)
    camera, resolution = Camera(25, 40), 12
    rays = EmbreeRaster(made.vertices, made.faces).rasterise(camera, resolution)

    def agreeing(grid: int) -> float:
        draw = CudaRaster(made.vertices, made.faces, lambda p, f, side: card(p, f, side, grid))
        view = draw.rasterise(camera, resolution)
        both = np.intersect1d(view.pixel, rays.pixel, return_indices=True)
        return float((view.face[both[1]] == rays.face[both[2]]).mean())

    assert agreeing(16) >= max(0.97, agreeing(1))


@pytest.mark.usefixtures("small_card")
def test_a_card_in_a_room_draws_what_is_before_it_only() -> None:
    """Walls beside and behind the camera reach through its plane."""
    room = brute.box((-0.5,) * 3, (0.5,) * 3)
    camera = Camera(0, 0, 0.4, 92, (0.0, 0.0, -0.4))  # in the middle, looks at -Z
    points = clip_positions(room.vertices, camera, 20, next(windows(20)))
    assert (points[:, 3] < 0).any()
    front = room.vertices[:, 2] < 0
    np.testing.assert_allclose(points[front, 3], 0.5, rtol=1e-6)
    assert (np.abs(points[front, 2]) < points[front, 3]).all()  # between the planes


@pytest.mark.parametrize("resolution", [1, 15, 64, 96, 100, 512, 768, 2048, 2050])
def test_windows_cover_the_view_and_the_middle_samples_are_its_pixel_centres(resolution: int) -> None:
    camera = Camera(30, 20)
    seen = np.zeros((resolution, resolution), np.int32)
    for window in windows(resolution):
        assert window.fine % 2 == 1
        assert window.side % 8 == 0
        assert window.side <= 2048
        seen[window.top : window.top + window.size, window.left : window.left + window.size] += 1
        sample = np.arange(window.side)[window.middle]
        assert len(sample) == window.size
        # The picture's own rule: pixel n of S has its centre at (2 n + 1) / S - 1.
        centre = (2 * sample + 1) / window.side - 1
        pixels = np.array([0, window.size // 2, window.size - 1])
        for pixel in pixels[: resolution - max(window.top, window.left)]:
            row, column = window.top + pixel, window.left + pixel
            if max(row, column) < resolution:
                ray = looking(camera, resolution, row, column)
                x, y, _, w = clip_positions(camera.position + 2 * ray[None], camera, resolution, window)[0]
                np.testing.assert_allclose([x / w, y / w], centre[pixel], atol=3e-6)
                assert w == pytest.approx(2, rel=1e-5)
    assert (seen == 1).all()


def looking(camera: Camera, resolution: int, row: int, column: int) -> NDArray[np.float64]:
    """The direction of a pixel's centre with depth 1, row 0 at the top."""
    right, up, forward = camera.axes.astype(np.float64)
    t = np.tan(np.radians(camera.fov / 2))
    x, y = ((2 * n + 1) / resolution - 1 for n in (column, row))
    return forward + t * x * right - t * y * up


def test_depth_order_is_that_of_z_and_within_the_planes() -> None:
    camera = Camera(0, 0)
    points = np.array([[0, 0, z] for z in np.linspace(-1, 1, 9)], np.float32)
    clip = clip_positions(points, camera, 64, Window(0, 0, 64, 1))
    ratio = clip[:, 2] / clip[:, 3]
    assert (np.diff(ratio) < 0).all()  # nearer to the camera, on +Z, is less
    assert np.abs(ratio).max() < 1
    np.testing.assert_allclose(clip[:, 3], 2 - points[:, 2], rtol=1e-6)


def test_weights_of_a_drawn_picture_are_in_the_order_of_the_corners() -> None:
    """A point near the second corner of face 6, by the documented output."""
    picture = np.zeros((2, 3, 4), np.float32)
    picture[1, 2] = (0.1, 0.7, 0.5, 7)
    hit, face, bary = drawn(picture)
    np.testing.assert_array_equal(np.argwhere(hit), [[1, 2]])
    np.testing.assert_array_equal(face, [6])
    np.testing.assert_allclose(bary, [[0.1, 0.7, 0.2]], atol=1e-6)


@pytest.mark.usefixtures("small_card")
def test_drawn_points_project_back_to_their_pixels() -> None:
    made, resolution, camera = SHAPES["box"], 40, Camera(37, 20)
    raster = CudaRaster(made.vertices, made.faces, card)
    view = raster.rasterise(camera, resolution)
    pixel, depth = camera.project(interpolate(raster.corners, view.face, view.bary), resolution)
    row, column = np.divmod(view.pixel, resolution)
    np.testing.assert_allclose(pixel, np.stack([column, row], axis=1) + 0.5, atol=0.05)
    np.testing.assert_allclose(depth, view.depth, rtol=1e-5)


@pytest.mark.usefixtures("small_card")
def test_nothing_in_view_and_no_faces_are_fine() -> None:
    corner = brute.box((0.60, 0.60, 0.60), (0.61, 0.61, 0.61))
    assert len(CudaRaster(corner.vertices, corner.faces, card).rasterise(Camera(0, 0, 2, 10), 8).pixel) == 0
