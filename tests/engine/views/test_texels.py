"""Which texels triangles in UV space cover: against brute force and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from engine.pictures.pages import texel_centres, texel_of
from engine.views.scanlines import TexelPlanes, texel_faces
from tests.engine import brute

Doubles = NDArray[np.float64]


def test_texture_row_zero_is_v_one() -> None:
    """A triangle in the upper left corner of UV space covers the first rows and columns of the picture."""
    uvs = np.array([[[0, 1], [0, 0.5], [0.5, 1]]], np.float32)
    rows, columns = np.nonzero(texel_faces(uvs, 8).reshape(8, 8) == 0)
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) >= {(0, 0), (0, 1), (1, 0), (0, 2), (2, 0)}
    assert rows.max() < 4
    assert columns.max() < 4


@pytest.mark.parametrize("size", [16, 33])
def test_texels_are_those_whose_centres_lie_in_a_triangle(size: int) -> None:
    rng = np.random.default_rng(5)
    uvs = brute.own_charts(9) + rng.uniform(-0.02, 0.02, (9, 3, 2)).astype(np.float32)
    corners = rng.normal(size=(9, 3, 3)).astype(np.float32)
    face, planes = texel_faces(uvs, size), TexelPlanes.build(corners, uvs, size)
    for index in range(size**2):
        row, column = divmod(index, size)
        point = np.array([(column + 0.5) / size, 1 - (row + 0.5) / size])
        weights = [np.linalg.solve(np.vstack([t.T.astype(np.float64), np.ones(3)]), [*point, 1]) for t in uvs]
        least = np.array([w.min() for w in weights])
        if np.abs(least).min() > 1e-4:  # not on an edge
            inside = np.flatnonzero(least > 0)
            assert face[index] == (inside[0] if len(inside) else -1)
            if len(inside):
                place = planes.places(inside[:1].astype(np.int32), np.array([index], np.int32), size)
                np.testing.assert_allclose(place[:, 0], weights[inside[0]] @ corners[inside[0]], atol=1e-4)


triangles = arrays.arrays(np.float64, (7, 3, 2), elements=st.integers(-1, 9).map(lambda n: n / 8))


@given(uvs=triangles, size=st.sampled_from([1, 5, 8, 16]))
@settings(max_examples=60, deadline=None)
def test_texels_belong_to_the_first_triangle_around_their_centre(uvs: Doubles, size: int) -> None:
    """Corners, edges and centres fall on each other here: by exact fractions, a centre inside belongs to its
    first triangle, one on an edge to one beside it or to none, and one outside of all to none."""
    face = texel_faces(uvs.astype(np.float32), size)
    whole = np.rint(uvs * 8).astype(np.int64) * 2 * size  # in sixteenths of a texel times the size
    for index, found in enumerate(face.tolist()):
        row, column = divmod(index, size)
        centre = np.array([(2 * column + 1) * 8, (2 * (size - row) - 1) * 8])
        a, b = whole - centre, np.roll(whole, -1, axis=1) - centre
        cross = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
        inside = (cross > 0).all(axis=1) | (cross < 0).all(axis=1)
        touched = (cross >= 0).all(axis=1) | (cross <= 0).all(axis=1)
        if found >= 0:
            assert touched[found]
            assert not inside[:found].any()
        else:
            assert not inside.any()


def test_triangles_that_share_edges_leave_no_gap_and_share_no_texel() -> None:
    """A square cut into triangles about random points: each texel belongs to one, and the square is full."""
    rng = np.random.default_rng(0)
    points = np.concatenate([[[0, 0], [1, 0], [1, 1], [0, 1]], rng.random((200, 2))]).astype(np.float32)
    uvs = points[Delaunay(points).simplices]
    parts = [texel_faces(one[None], 64) >= 0 for one in uvs]
    np.testing.assert_array_equal(np.sum(parts, axis=0), 1)
    assert (texel_faces(uvs, 64) >= 0).all()


def test_texel_of_agrees_with_texel_faces() -> None:
    uvs, size = brute.own_charts(4), 32
    face = texel_faces(uvs, size)
    index = np.flatnonzero(face >= 0)
    np.testing.assert_array_equal(texel_of(texel_centres(index, size), size), index)
    flat = np.concatenate([uvs, np.zeros((4, 3, 1), np.float32)], axis=2)
    place = TexelPlanes.build(flat, uvs, size).places(face[index], index.astype(np.int32), size)
    np.testing.assert_allclose(place[:2].T, texel_centres(index, size), atol=1e-6)


def test_thin_triangles_have_places_on_them() -> None:
    """Whatever is left of a triangle in the texture, its texels show the triangle."""
    corners = np.float32([[[0, 0, 0], [1, 0, 0], [0, 1, 0]]])
    for height in (1e-2, 1e-4, 1e-7, 0.0):
        uvs = np.float32([[[0, 0.5], [1, 0.5], [0.5, 0.5 + height]]])
        planes = TexelPlanes.build(corners, uvs, 64)
        index = np.flatnonzero(texel_faces(uvs, 64) >= 0).astype(np.int32)
        place = planes.places(np.zeros(len(index), np.int32), index, 64)
        assert np.isfinite(planes.base).all()
        assert ((place > -1e-3) & (place < 1 + 1e-3)).all()


@pytest.mark.parametrize(
    ("uv", "row", "column"),
    [((0.01, 0.99), 0, 0), ((0.99, 0.99), 0, 9), ((0.01, 0.01), 9, 0), ((0.55, 0.75), 2, 5)],
)
def test_texel_of_by_hand(uv: tuple[float, float], row: int, column: int) -> None:
    assert texel_of(np.array([uv], np.float32), 10)[0] == row * 10 + column


def test_borders_of_the_unit_square_are_clamped() -> None:
    uv = np.array([[0, 0], [1, 1], [1, 0], [0, 1], [1.0000001, -0.0000001]], np.float32)
    np.testing.assert_array_equal(texel_of(uv, 10), [90, 9, 99, 0, 99])


def test_big_textures_come_in_pieces_that_fit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    uvs = brute.own_charts(7)
    whole = texel_faces(uvs, 48)
    monkeypatch.setattr("engine.views.scanlines.AT_ONCE", 5)
    np.testing.assert_array_equal(texel_faces(uvs, 48), whole)
