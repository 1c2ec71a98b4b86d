"""Textures of several pages against one texture with the pages side by side: the same to the texel."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.bake.bake import Baked, bake
from engine.bake.fill import fill
from engine.bake.texel_graph import TexelGraph
from engine.bake.texels import nearest_of
from engine.canvas.mesh_maps import MeshMaps, mesh_maps
from engine.measure.seams import seam_error
from engine.options.channels import main_channel
from engine.pictures.pages import paged, texel_of
from engine.pictures.sampling import sample
from engine.sync.spaces import Averaging
from engine.views.cameras import even_rig
from engine.views.surface import Surface
from tests.engine import shapes

Floats = NDArray[np.float32]
SIZE = 64
CAMERAS = even_rig(5)
RESOLUTION = 48


def split() -> tuple[shapes.Shape, Floats, Floats]:
    """(a shape; its UVs on two pages; its UVs with the pages as the two lower quarters of one square)."""
    shape = shapes.box(2)
    page = (shape.chart % 3 == 2).astype(np.int32)
    cell = np.stack([shape.chart % 3, shape.chart // 3], -1)[:, None]
    local = (
        shape.uvs * (3, 2)
        - cell
        + np.stack([np.where(page, 0, shape.chart % 3), shape.chart // 3], -1)[:, None]
    )
    own = (local / 2).astype(np.float32)
    beside = (own + np.stack([page, 0 * page], -1)[:, None]) / 2
    return shape, paged(own, page), beside.astype(np.float32)


def there(index: NDArray[np.integer]) -> NDArray[np.int64]:
    """Where the texels ``index`` of the pages lie in the square."""
    page, place = np.divmod(index.astype(np.int64), SIZE**2)
    row, column = np.divmod(place, SIZE)
    return (row + SIZE) * 2 * SIZE + column + page * SIZE


def both(exponent: float = 1.0) -> tuple[MeshMaps, MeshMaps]:
    shape, pages, square = split()
    views = shape.surface.seen_by(CAMERAS, RESOLUTION)
    first = mesh_maps(Surface(shape.raster, pages), views, SIZE, Averaging(exponent))
    return first, mesh_maps(Surface(shape.raster, square), views, 2 * SIZE, Averaging(exponent))


def test_f_and_g_are_those_of_the_pages_side_by_side() -> None:
    pages, square = both()
    np.testing.assert_array_equal(np.sort(there(pages.texel)), square.texel)
    order = np.argsort(there(pages.texel))
    np.testing.assert_array_equal(there(pages.texel[pages.element]), square.texel[square.element])
    np.testing.assert_array_equal(pages.seen[order], square.seen)
    assert pages.seen.all()  # else the two fill by different neighbours
    assert abs(pages.average[order] - square.average).max() < 1e-6


def painted() -> tuple[TexelGraph, Baked, TexelGraph, Baked]:
    """The pages and what views paint of them; the square and the same."""
    shape, pages, square = split()
    surface = shape.surface
    views = surface.seen_by(CAMERAS, RESOLUTION)
    pictures = np.zeros((len(CAMERAS), RESOLUTION**2, 3), np.float32)
    for view, picture in zip(views, pictures, strict=True):
        picture[view.fragments.pixel] = shapes.field(surface.points(view.fragments))
    given = views, pictures.reshape(-1, RESOLUTION, RESOLUTION, 3)
    one = TexelGraph.build(Surface(shape.raster, pages), SIZE)
    two = TexelGraph.build(Surface(shape.raster, square), 2 * SIZE)
    return one, bake(one.surface, one.texels, *given), two, bake(two.surface, two.texels, *given)


@pytest.mark.parametrize("how", ["surface", "uv"])
def test_baked_and_filled_they_show_the_same_colours(how: str) -> None:
    one, baked, two, judge = painted()
    order = np.argsort(there(one.texels.index))
    np.testing.assert_array_equal(there(one.texels.index)[order], two.texels.index)
    np.testing.assert_allclose(baked.colours[order], judge.colours, atol=1e-4)
    image = fill(how, one, baked)
    whole = fill(how, two, judge)
    assert image.shape == (2, SIZE, SIZE, 3)
    on_mesh = image.reshape(-1, 3)[one.texels.index][order]
    apart = np.abs(on_mesh - whole.reshape(-1, 3)[two.texels.index]).max(axis=1)
    assert (apart > 0.02).mean() < 0.01  # the voronoi fill may find another neighbour over the border
    shape, pages, _ = split()
    face, bary = shapes.surface_points(shape, 500)
    bary32 = bary.astype(np.float32)
    seen = sample(image, np.einsum("nck,nc->nk", pages[face], bary32))
    np.testing.assert_allclose(
        seen, shapes.field(np.einsum("nck,nc->nk", shape.raster.corners[face], bary32)), atol=0.15
    )


def test_seams_between_pages_are_seams() -> None:
    one, baked, _, _ = painted()
    image = fill("surface", one, baked)
    good = seam_error(one.surface, image)
    torn = image.copy()
    torn[1] = 1 - torn[1]
    bad = seam_error(one.surface, torn)
    assert good is not None
    assert bad is not None
    assert bad > 2 * good


def test_the_nearest_texel_is_one_of_the_same_page() -> None:
    rng = np.random.default_rng(0)
    index = np.unique(rng.integers(0, 3 * 16 * 16, 20)).astype(np.int32)
    index = index[index // 256 != 1]
    near = index[nearest_of(16, index, 3)]
    for texel in range(3 * 256):
        page, place = divmod(texel, 256)
        own = index[index // 256 == page]
        if not len(own):
            assert near[texel] == index[0]
            continue
        far = np.hypot(own % 256 // 16 - place // 16, own % 16 - place % 16)
        assert np.hypot(near[texel] % 256 // 16 - place // 16, near[texel] % 16 - place % 16) == far.min()
        assert near[texel] // 256 == page


def test_a_page_that_nothing_paints_takes_nothing_from_another_in_uv() -> None:
    one, baked, _, _ = painted()
    index = one.texels.index
    second = index >= SIZE**2
    colours = np.where(second[:, None], 0, baked.colours)
    bare = Baked(colours, baked.trusted & ~second, baked.doubtful & ~second)
    np.testing.assert_array_equal(fill("uv", one, bare)[1], main_channel().neutral)
    along = fill("surface", one, bare)[1].reshape(-1, 3)[index[second] - SIZE**2]
    assert along.std(axis=0).min() > 0.02  # along the surface, the colours of what is beside it


def test_texels_of_a_page_follow_those_before() -> None:
    uv = np.array([[0.999, 0.999, 0], [0.0, 0.999, 1.0000001], [0.5, 0.0, 1.9999999]], np.float32)
    assert texel_of(uv, 4).tolist() == [3, 16, 2 * 16 + 14]
