"""What pictures show after f and g: what they showed, agreed on, of each chart and each side alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.mesh.islands import island_of_face
from engine.sync.spaces import EarlierViews
from engine.views.cameras import Camera, even_rig, paper_rig
from engine.views.raster import interpolate
from tests.engine import brute
from tests.engine.canvas.maps import CAMERAS, PAIR, maps_of, paper_maps, raster_of, row_of, space_of


def test_earlier_views_show_what_they_painted() -> None:
    """By a loop over pixels: the average of the views before, renormalised; its own where they show none."""
    maps, order = maps_of(PAIR, CAMERAS, 18, 96), [2, 0, 3, 1]
    h = EarlierViews.build(maps, order)
    w = torch.rand(4, 2, 18, 18, generator=torch.Generator().manual_seed(0))
    pixels = w.permute(0, 2, 3, 1).reshape(-1, 2).numpy()
    expected = pixels.astype(np.float64)
    for pixel, element in zip(maps.pixel, maps.element, strict=True):
        before = order[: order.index(pixel // 18**2)]
        row = {p: v for p, v in row_of(maps, element).items() if p // 18**2 in before}
        if row and maps.seen[element]:
            expected[pixel] = sum(v * pixels[p].astype(float) for p, v in row.items()) / sum(row.values())
    np.testing.assert_allclose(h(w).permute(0, 2, 3, 1).reshape(-1, 2), expected, atol=1e-5)
    assert torch.equal(h(w)[2], w[2])
    assert len(h.pixel) > 20


def pictures(made: brute.Made, cameras: list[Camera], resolution: int) -> Tensor:
    """(N, 3, R, R) of a smooth colour in space: what all views see of one texture."""
    raster, result = raster_of(made), np.zeros((len(cameras), resolution**2, 3), np.float32)
    for i, camera in enumerate(cameras):
        view = raster.rasterise(camera, resolution)
        points = interpolate(raster.corners, view.face, view.bary)
        result[i, view.pixel] = 0.5 + 0.4 * np.sin(2 * points + [0, 1, 2])
    return torch.from_numpy(result.reshape(len(cameras), resolution, resolution, 3)).permute(0, 3, 1, 2)


def psnr(a: Tensor, b: Tensor) -> float:
    return float(-10 * torch.log10(((a - b) ** 2).mean()))


@pytest.mark.parametrize("name", ["sphere", "torus"])
def test_smooth_texture_survives_the_round_trip(name: str) -> None:
    made = {"sphere": brute.sphere(48, 96), "torus": brute.torus()}[name]
    maps = maps_of(made, paper_rig(), 96, 768)
    w = pictures(made, paper_rig(), 96)
    after = space_of(maps).roundtrip(w)
    seen = torch.from_numpy(maps.pixel)
    shown = w.permute(0, 2, 3, 1).reshape(-1, 3)[seen], after.permute(0, 2, 3, 1).reshape(-1, 3)[seen]
    assert psnr(*shown) > 35


@pytest.mark.parametrize("name", ["sphere", "torus", "pair"])
def test_views_that_disagree_are_made_to_agree(name: str) -> None:
    """Ten views in ten greys: afterwards pixels of one texel are equal, and between the extremes."""
    maps = paper_maps(name)
    w = torch.linspace(0, 1, 10)[:, None, None, None].expand(10, 1, 48, 48).contiguous()
    values = space_of(maps).roundtrip(w).reshape(-1)[torch.from_numpy(maps.pixel)].numpy()
    order = np.argsort(maps.element, kind="stable")
    same_texel = np.diff(maps.element[order]) == 0
    assert not np.any(np.diff(values[order])[same_texel])
    assert values.min() >= -1e-6
    assert values.max() <= 1 + 1e-6
    assert 0.1 < np.median(values) < 0.9


def test_texels_never_mix_across_charts() -> None:
    """Each chart in a colour of its own: every texel reads that colour only, however small the charts."""
    for size in (64, 256):
        maps = maps_of(PAIR, even_rig(8), 32, size)
        raster, charts = raster_of(PAIR), island_of_face(PAIR.faces, PAIR.uvs)
        w = np.zeros(8 * 32**2, np.float32)
        for i, camera in enumerate(even_rig(8)):
            view = raster.rasterise(camera, 32)
            w[i * 32**2 + view.pixel] = charts[view.face] + 1
        source = np.repeat(
            w[maps.pixel[np.unique(maps.element, return_index=True)[1]]], np.diff(maps.average.indptr)
        )
        np.testing.assert_array_equal(w[maps.average.indices], source)


def test_hidden_surfaces_are_not_painted_from_the_front() -> None:
    """A wall behind a block: what the front camera sees of the block must not colour the wall behind it."""
    wall, block = (
        brute.box((-0.7, -0.7, -0.2), (0.7, 0.7, -0.1)),
        brute.box((-0.3, -0.3, 0.3), (0.3, 0.3, 0.4)),
    )
    made = brute.join(wall, block)
    front, side = Camera(0, 0), Camera(50, 0)
    maps = maps_of(made, [front, side], 48, 512)
    raster = raster_of(made)
    view = raster.rasterise(side, 48)
    points = interpolate(raster.corners, view.face, view.bary)
    hidden = (np.abs(points[:, :2]) < 0.25).all(axis=1) & (np.abs(points[:, 2] + 0.1) < 1e-3)
    assert hidden.sum() > 5
    element = dict(zip(maps.pixel.tolist(), maps.element.tolist(), strict=True))
    for pixel in view.pixel[hidden]:
        row = row_of(maps, element[48**2 + int(pixel)])
        assert all(source >= 48**2 for source in row)
