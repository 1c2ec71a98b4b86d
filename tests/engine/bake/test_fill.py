"""Voronoi filling and padding against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from engine.bake.bake import Baked
from engine.bake.fill import fill, padded, voronoi_fill
from engine.bake.texel_graph import TexelGraph
from engine.bake.texels import SurfaceTexels, nearest_of
from engine.options import choices
from engine.options.channels import main_channel
from engine.views.scanlines import TexelPlanes
from tests.engine import shapes

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]


def flat_texels(on_mesh: Bools) -> SurfaceTexels:
    """A plane from (-1, -1) to (1, 1) of which the texture's ``on_mesh`` (T, T) texels are charted."""
    size = len(on_mesh)
    index = np.flatnonzero(on_mesh).astype(np.int32)
    base, across, down = np.float32(
        [[[-1], [1 - 2 / size], [0]], [[2 / size], [0], [0]], [[0], [-2 / size], [0]]]
    )
    planes = TexelPlanes(base, across, down, np.zeros((2, 1), np.int32))
    return SurfaceTexels(size, index, np.zeros(len(index), np.int32), planes, np.float32([[0, 0, 1]]))


def baked(colours: Floats, trusted: Bools, doubtful: Bools | None = None) -> Baked:
    """Colours are read of painted texels alone: the others' are made ones that would show."""
    doubtful = np.zeros(len(trusted), bool) if doubtful is None else doubtful
    return Baked(np.where((trusted | doubtful)[:, None], colours, np.float32(9)), trusted, doubtful)


def places(texels: SurfaceTexels) -> NDArray[np.int64]:
    """(n, 2) row, column."""
    return np.stack(np.divmod(texels.index, texels.size), axis=1).astype(np.int64)


masks = arrays.arrays(bool, (12, 12))


@given(on_mesh=masks, chosen=masks)
@settings(max_examples=40, deadline=None)
def test_every_texel_takes_a_nearest_painted_one(on_mesh: Bools, chosen: Bools) -> None:
    texels = flat_texels(on_mesh)
    painted = chosen.reshape(-1)[texels.index]
    if not painted.any():
        return
    at = places(texels)
    colours = np.column_stack([at, np.ones(len(at))]).astype(np.float32)  # says which texel it is
    filled = voronoi_fill(texels, baked(colours, painted), np.zeros(3, np.float32))
    source = filled[:, :2].astype(int)
    apart = np.linalg.norm(at[:, None] - at[None, painted], axis=2)
    np.testing.assert_allclose(np.linalg.norm(source - at, axis=1), apart.min(axis=1))
    assert all((at[painted] == s).all(axis=1).any() for s in source)
    np.testing.assert_array_equal(filled[painted], colours[painted])


@given(on_mesh=masks)
@settings(max_examples=40, deadline=None)
def test_padding_repeats_the_nearest_texel_on_the_mesh(on_mesh: Bools) -> None:
    texels = flat_texels(on_mesh)
    if not len(texels.index):
        return
    at = places(texels)
    picture = padded(12, at.astype(np.float32)[:, [0, 1, 1]], nearest_of(12, texels.index))
    row, column = np.mgrid[:12, :12].reshape(2, -1)
    taken = np.linalg.norm(picture.reshape(-1, 3)[:, :2] - np.stack([row, column], axis=1), axis=1)
    apart = np.hypot(row[:, None] - at[:, 0], column[:, None] - at[:, 1])
    np.testing.assert_allclose(taken, apart.min(axis=1), rtol=1e-6)


@pytest.mark.parametrize("how", choices.FILLS)
def test_mip_maps_have_no_black_at_a_border(how: str) -> None:
    shape = shapes.sphere()
    graph = TexelGraph.build(shape.surface, 64)
    texels = graph.texels
    trusted = texels.point[:, 1] > -0.5
    level = fill(how, graph, baked(np.full((len(trusted), 3), 0.8, np.float32), trusted))
    while len(level) > 1:
        level = level.reshape(len(level) // 2, 2, len(level) // 2, 2, 3).mean(axis=(1, 3))
        np.testing.assert_allclose(level, 0.8, atol=1e-3)


@pytest.mark.parametrize("how", choices.FILLS)
def test_what_is_complete_stays_and_nothing_painted_is_grey(how: str) -> None:
    shape = shapes.box(0)
    graph = TexelGraph.build(shape.surface, 32)
    texels = graph.texels
    colours = np.random.default_rng(0).random((len(texels.index), 3)).astype(np.float32)
    everything, nothing = np.ones(len(colours), bool), np.zeros(len(colours), bool)
    whole = fill(how, graph, baked(colours, everything))
    np.testing.assert_array_equal(whole.reshape(-1, 3)[texels.index], colours)
    assert (fill(how, graph, baked(colours, nothing)) == main_channel().neutral).all()


@pytest.mark.parametrize("how", choices.FILLS)
def test_a_mesh_without_a_texel_is_grey(how: str) -> None:
    shape = shapes.box(0)
    none = np.zeros_like(shape.uvs)
    graph = TexelGraph.build(shape._replace(uvs=none).surface, 16)
    empty = np.zeros(len(graph.texels.index), bool)
    colours = np.zeros((len(empty), 3), np.float32)
    assert (fill(how, graph, baked(colours, empty)) == main_channel().neutral).all()


@pytest.mark.parametrize("how", choices.FILLS)
def test_doubtful_texels_take_trusted_colours_near_by_and_keep_their_own_far_away(how: str) -> None:
    shape = shapes.plate(0.0, 0.7, (0.0, 1.0))
    graph = TexelGraph.build(shape.surface, 64)
    texels = graph.texels
    trusted = texels.point[:, 0] < 0
    colours = np.where(trusted[:, None], 0.2, 0.9).astype(np.float32).repeat(3, axis=1)
    filled = fill(how, graph, baked(colours, trusted, ~trusted)).reshape(-1, 3)[texels.index]
    x = texels.point[:, 0]
    np.testing.assert_array_equal(filled[trusted], colours[trusted])
    np.testing.assert_allclose(filled[(x > 0) & (x < 0.04)], 0.2, atol=0.25)
    np.testing.assert_array_equal(filled[x > 0.3], colours[x > 0.3])
    only_doubtful = fill(how, graph, baked(colours, np.zeros_like(trusted), trusted))
    np.testing.assert_allclose(only_doubtful, 0.2, atol=1e-3)


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_any_masks_give_finite_colours_between_those_painted(data: st.DataObject) -> None:
    shape = shapes.box(0)
    graph = TexelGraph.build(shape.surface, 20)
    texels = graph.texels
    masks = arrays.arrays(np.int8, len(texels.index), elements=st.integers(0, 2))
    state = data.draw(masks)
    colours = np.random.default_rng(0).random((len(state), 3)).astype(np.float32)
    for how in choices.FILLS:
        found = fill(how, graph, baked(colours, state == 1, state == 2))
        assert np.isfinite(found).all()
        assert found.min() >= 0
        assert found.max() <= 1
        np.testing.assert_array_equal(found.reshape(-1, 3)[texels.index[state == 1]], colours[state == 1])
