"""Filling against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.texture.fill import NEUTRAL, voronoi_fill

Bools = NDArray[np.bool_]


def numbered(size: int) -> NDArray[np.float32]:
    """A texture whose colour says which texel it is."""
    row, column = np.mgrid[:size, :size]
    return np.stack([row, column, np.ones_like(row)], axis=-1).astype(np.float32)


def distance_to(place: NDArray[np.floating], seeds: Bools) -> float:
    """From ``place`` (row, column) to the nearest seed."""
    return float(np.sqrt(((np.argwhere(seeds) - place) ** 2).sum(axis=1)).min())


@pytest.mark.parametrize("seed", range(3))
def test_every_texel_takes_a_nearest_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = 24
    on_mesh = rng.random((size, size)) < 0.3
    painted = on_mesh & (rng.random((size, size)) < 0.3)
    texture = numbered(size)
    filled = voronoi_fill(texture * painted[..., None], painted, on_mesh)
    np.testing.assert_array_equal(filled[painted], texture[painted])
    for place in np.argwhere(on_mesh & ~painted):
        source = filled[tuple(place)][:2]
        assert painted[tuple(source.astype(int))]
        assert np.linalg.norm(source - place) == pytest.approx(distance_to(place, painted))
    for place in np.argwhere(
        ~on_mesh
    ):  # padding: what the nearest texel on the mesh shows, itself filled or not
        reach = distance_to(place, on_mesh)
        nearest = [p for p in np.argwhere(on_mesh) if np.linalg.norm(p - place) == pytest.approx(reach)]
        assert any((filled[tuple(p)] == filled[tuple(place)]).all() for p in nearest)


def test_charts_are_padded_with_their_own_border() -> None:
    on_mesh = np.zeros((64, 64), bool)
    on_mesh[8:56, 8:28] = on_mesh[8:56, 36:56] = True
    colour = np.zeros((64, 64, 3), np.float32)
    colour[:, :32] = (1.0, 0.2, 0.2)
    colour[:, 32:] = (0.2, 0.2, 1.0)
    painted = on_mesh.copy()
    painted[20:40, 24:28] = False  # an unpainted patch at the border of the red chart
    filled = voronoi_fill(colour * painted[..., None], painted, on_mesh)
    np.testing.assert_array_equal(filled[:, :32], colour[:, :32])
    np.testing.assert_array_equal(filled[:, 33:], colour[:, 33:])
    assert (filled > 0).all()


def test_mip_maps_have_no_black_at_a_border() -> None:
    on_mesh = np.zeros((64, 64), bool)
    on_mesh[11:53, 13:47] = True
    filled = voronoi_fill(np.full((64, 64, 3), 0.8, np.float32) * on_mesh[..., None], on_mesh, on_mesh)
    level = filled
    while len(level) > 1:
        level = level.reshape(len(level) // 2, 2, len(level) // 2, 2, 3).mean(axis=(1, 3))
        np.testing.assert_allclose(level, 0.8, atol=1e-5)


def test_what_is_complete_stays_and_nothing_painted_is_grey() -> None:
    texture = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    everywhere, nowhere = np.ones((8, 8), bool), np.zeros((8, 8), bool)
    np.testing.assert_array_equal(voronoi_fill(texture, everywhere, everywhere), texture)
    assert (voronoi_fill(texture, nowhere, everywhere) == NEUTRAL).all()
