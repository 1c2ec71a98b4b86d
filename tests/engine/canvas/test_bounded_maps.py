"""f and g stay small whatever the UVs, and carry no colour far."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.canvas.mesh_maps import mesh_maps
from engine.sync.spaces import Averaging, EarlierViews, LinearSpace
from engine.views.cameras import paper_rig
from engine.views.raster import interpolate
from tests.engine import brute
from tests.engine.canvas.maps import CAMERAS, PAIR, TORUS
from tests.engine.shapes import surface_of

SHAPES = {"torus": TORUS, "pair": PAIR}


def shrunk(made: brute.Made, scale: float, corner: float) -> brute.Made:
    """Its UVs in a square of side ``scale`` about as far from the origin as ``corner`` says."""
    return brute.Made(
        made.vertices, made.faces, made.uvs * np.float32(scale) + np.float32(corner * (1 - scale))
    )


def skewed(made: brute.Made, power: float) -> brute.Made:
    """Its UVs denser on one side: texels of one chart that many pixels hit, beside such that few do."""
    return brute.Made(made.vertices, made.faces, made.uvs ** np.float32(power))


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(sorted(SHAPES)),
    scale=st.floats(-14, 0).map(np.exp2),
    corner=st.floats(0, 1),
    power=st.floats(1, 8),
    resolution=st.integers(4, 64),
    size=st.sampled_from([1, 16, 256, 2048]),
)
def test_maps_are_bounded_by_pixels_and_texels(
    name: str, scale: float, corner: float, power: float, resolution: int, size: int
) -> None:
    made = shrunk(skewed(SHAPES[name], power), scale, corner)
    surface = surface_of(made)
    views = surface.seen_by(CAMERAS, resolution)
    maps = mesh_maps(surface, views, size, Averaging(reweighted=True))
    pixels, texels, count = len(maps.pixel), len(maps.texel), len(CAMERAS)
    assert texels <= min(pixels, size**2)
    assert maps.average.nnz <= pixels + texels * count
    space = LinearSpace.build(maps, order=range(count))
    if space.folded is not None:
        assert space.folded.values().numel() <= 2 * (maps.average.nnz + pixels)
    assert space.earlier is not None
    assert isinstance(space.earlier, EarlierViews)
    assert space.earlier.matrix.values().numel() <= count * maps.average.nnz
    w = torch.rand(count, 2, resolution, resolution, generator=torch.Generator().manual_seed(0))
    for exponent in (1.0, 3.0):
        weighed = space.weighted(exponent)
        expected = weighed.project(weighed.unproject(w), w)
        torch.testing.assert_close(weighed.roundtrip(w), expected, atol=1e-5, rtol=0)


def test_a_texture_of_a_few_texels_is_still_the_mean_of_its_pixels() -> None:
    """So few that f(g(.)) isn't folded: each texel's pixels agree, on a mean between their extremes."""
    surface = surface_of(shrunk(TORUS, 1 / 256, 0.3))
    maps = mesh_maps(surface, surface.seen_by(CAMERAS, 48), 512)
    assert not maps.folds
    space = LinearSpace.build(maps)
    w = torch.rand(4, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    values = space.roundtrip(w).reshape(-1)[torch.from_numpy(maps.pixel)].numpy()
    order = np.argsort(maps.element, kind="stable")
    assert not np.any(np.diff(values[order])[np.diff(maps.element[order]) == 0])
    assert 0.3 < values.min() < values.max() < 0.7


def grille() -> brute.Made:
    """A wall, one large chart, behind bars with slits between them narrower than a pixel below."""
    wall = np.array([[-0.7, -0.5, -0.2], [0.7, -0.5, -0.2], [0.7, 0.5, -0.2], [-0.7, 0.5, -0.2]], np.float32)
    bars = brute.join(*(brute.box((x, -0.5, 0.1), (x + 0.06, 0.5, 0.15)) for x in np.arange(-0.7, 0.6, 0.08)))
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    uvs = (wall[faces][..., :2] + 0.75) / np.float32([1.5, 3])
    return brute.Made(
        np.concatenate([wall, bars.vertices]),
        np.concatenate([faces, bars.faces + 4]),
        np.concatenate([uvs, bars.uvs * np.float32([1, 0.4]) + np.float32([0, 0.6])]),
    )


@pytest.mark.parametrize(("resolution", "size"), [(24, 512), (24, 1024), (48, 512), (48, 1024)])
def test_no_colour_is_carried_far(resolution: int, size: int) -> None:
    """Of a wall seen through slits, few texels are hit: the nearest hit in the chart may be far away."""
    surface = surface_of(grille())
    views = surface.seen_by(paper_rig(), resolution)
    maps = mesh_maps(surface, views, size)
    w = np.zeros((len(views), resolution**2), np.float32)
    for view, picture in zip(views, w, strict=True):
        picture[view.fragments.pixel] = 0.5 + 0.5 * np.sin(4 * surface.points(view.fragments).sum(axis=1))
    before = torch.from_numpy(w.reshape(len(views), 1, resolution, resolution))
    after = LinearSpace.build(maps).roundtrip(before)
    error = (after - before).abs().reshape(-1)[torch.from_numpy(maps.pixel)]
    # Unbounded: 0.95 and 0.13. A pixel's side is 0.1 or 0.05, on which the colour changes by 0.35 at most.
    assert error.max() < 0.3
    assert error.square().mean().sqrt() < 0.05


@pytest.mark.parametrize("size", [24, 96, 700])
def test_no_texel_that_a_view_sees_becomes_unseen(size: int) -> None:
    """Whichever sources are out of reach: a texel without any keeps the nearest."""
    surface = surface_of(grille())
    views = surface.seen_by(paper_rig(), 32)
    maps = mesh_maps(surface, views, size)
    index, first = np.unique(maps.element, return_index=True)
    face = np.concatenate([view.fragments.face for view in views])[first]
    bary = np.concatenate([view.fragments.bary for view in views])[first]
    point = interpolate(surface.corners, face, bary)
    weighed = np.zeros(len(index), bool)
    for view in views:
        weighed |= surface.raster.visible(view.camera, point, surface.normals[face])[0]
    np.testing.assert_array_equal(maps.seen, weighed)
