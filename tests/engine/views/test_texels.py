"""Which texels triangles in UV space cover: against brute force and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.pictures.pages import texel_of
from engine.views.raster import interpolate, texel_fragments
from tests.engine import brute


def test_texture_row_zero_is_v_one() -> None:
    """A triangle in the upper left corner of UV space covers the first rows and columns of the picture."""
    uvs = np.array([[[0, 1], [0, 0.5], [0.5, 1]]], np.float32)
    texels = texel_fragments(uvs, 8)
    rows, columns = np.divmod(texels.pixel, 8)
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) >= {(0, 0), (0, 1), (1, 0), (0, 2), (2, 0)}
    assert rows.max() < 4
    assert columns.max() < 4


@pytest.mark.parametrize("size", [16, 33])
def test_texels_are_those_whose_centres_lie_in_a_triangle(size: int) -> None:
    rng = np.random.default_rng(5)
    uvs = brute.own_charts(9) + rng.uniform(-0.02, 0.02, (9, 3, 2)).astype(np.float32)
    texels = texel_fragments(uvs, size)
    found = {int(p): int(f) for p, f in zip(texels.pixel, texels.face, strict=True)}
    for index in range(size**2):
        row, column = divmod(index, size)
        point = np.array([(column + 0.5) / size, 1 - (row + 0.5) / size])
        weights = [np.linalg.solve(np.vstack([t.T.astype(np.float64), np.ones(3)]), [*point, 1]) for t in uvs]
        least = np.array([w.min() for w in weights])
        if np.abs(least).min() > 1e-4:  # not on an edge
            inside = np.flatnonzero(least > 0)
            assert found.get(index, -1) == (inside[0] if len(inside) else -1)
            if len(inside):
                k = int(np.flatnonzero(texels.pixel == index)[0])
                np.testing.assert_allclose(texels.bary[k], weights[inside[0]], atol=1e-3)


def test_texel_of_agrees_with_texel_fragments() -> None:
    uvs, size = brute.own_charts(4), 32
    texels = texel_fragments(uvs, size)
    np.testing.assert_array_equal(texel_of(interpolate(uvs, texels.face, texels.bary), size), texels.pixel)


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
    whole = texel_fragments(uvs, 48)
    monkeypatch.setattr("engine.views.raster.CHUNK", 48 * 5)
    pieces = texel_fragments(uvs, 48)
    np.testing.assert_array_equal(pieces.pixel, whole.pixel)
    np.testing.assert_array_equal(pieces.face, whole.face)
