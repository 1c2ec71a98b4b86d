"""Normal maps and line drawings against a sphere and boxes that are worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from engine.controls import lines, normal
from engine.mesh.shading import corner_normals
from engine.views.cameras import Camera
from engine.views.raster import unit_normals
from engine.views.surface import Surface
from tests.engine import shapes
from tests.engine.controls.test_control import rays, sphere_hits

SIZE = 96


def surface(shape: shapes.Shape, flipped: bool = False) -> Surface:
    faces = shape.faces[:, ::-1] if flipped else shape.faces
    return Surface.build(shape.vertices, np.ascontiguousarray(faces), shape.uvs)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (70, 35), (-120, -80)])
def test_a_sphere_faces_where_its_radius_points(azimuth: float, elevation: float, flipped: bool) -> None:
    """The colours of normalbae: the left side is red, the top green, the middle blue; inside out alike."""
    ball = surface(shapes.sphere(4), flipped)
    camera = Camera(azimuth, elevation)
    picture = normal.control(ball, ball.seen(camera, SIZE))
    origin, direction = rays(azimuth, elevation, SIZE)
    _, point = sphere_hits(origin, direction)
    inner = np.linalg.norm(np.cross(direction, origin), axis=-1) < 0.93 * np.linalg.norm(direction, axis=-1)
    local = point[inner] @ camera.axes.T.astype(np.float64)
    expected = np.stack([(1 - local[:, 0]) / 2, (1 + local[:, 1]) / 2, (1 - local[:, 2]) / 2])
    np.testing.assert_allclose(picture[:, inner], expected, atol=0.02)
    assert picture[0, SIZE // 2, SIZE // 6] > 0.65 > 0.35 > picture[0, SIZE // 2, -SIZE // 6]
    np.testing.assert_allclose(picture[:, 0, 0], (128 / 255, 128 / 255, 1), atol=1e-6)


def test_edges_stay_sharp_from_the_crease_on_and_all_others_are_round() -> None:
    box = shapes.box(0)
    corners, flat = box.vertices[box.faces], unit_normals(box.vertices, box.faces)
    np.testing.assert_allclose(corner_normals(corners, flat), np.repeat(flat[:, None], 3, axis=1), atol=1e-6)
    round_ones = corner_normals(corners, flat, crease=120)
    radius = corners / np.linalg.norm(corners, axis=2, keepdims=True)
    np.testing.assert_allclose(round_ones, radius, atol=1e-5)  # by angle, however a side is cut in two


def test_a_box_is_drawn_by_its_edges() -> None:
    box = surface(shapes.box(0))
    view = box.seen(Camera(30, 25), SIZE)
    drawn = lines.control(box, view)[0]
    assert drawn.shape == (SIZE, SIZE)
    _, count = label((drawn == 0) & view.mask)
    assert count == 3, "three sides are seen, each with lines all round"
    ends = view.camera.project(box.corners.reshape(-1, 3), SIZE)[0].reshape(-1, 3, 2)
    seen = np.unique(view.fragments.face)
    for face in seen:
        lengths = np.linalg.norm(box.corners[face] - np.roll(box.corners[face], -1, axis=0), axis=1)
        for k in np.argsort(lengths)[:2]:  # the longest is the side's diagonal: no edge of the box
            middle = (ends[face, k] + ends[face, (k + 1) % 3]) / 2
            column, row = np.round(middle - 0.5).astype(int)
            assert drawn[row - 1 : row + 2, column - 1 : column + 2].max() > 0.7
    assert drawn.mean() < 0.1


def test_what_lies_in_front_and_parts_that_touch_are_outlined() -> None:
    """A small plate that floats in front of a large one, and one that is set into it flush."""
    square = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)

    def beside(offset: float) -> Surface:
        small = square * 0.4 + np.float32([0, 0, offset])
        points = np.concatenate([square, small])
        both = np.concatenate([faces, faces + 4])
        return Surface.build(points, both, np.zeros((4, 3, 2), np.float32))

    for offset in (0.1, 0.001):
        plates = beside(offset)
        view = plates.seen(Camera(0, 0), SIZE)
        drawn = lines.control(plates, view)[0]
        _, count = label((drawn == 0) & view.mask)
        assert count == 2, "the small one, and the large one around it"
        assert not drawn[SIZE // 2, SIZE // 2]
