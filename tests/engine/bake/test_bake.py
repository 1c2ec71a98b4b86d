"""Baking against the colour field that the views were rendered from."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.bake.bake import Baked, bake
from engine.bake.fill import fill
from engine.bake.texel_graph import TexelGraph
from engine.bake.texels import SurfaceTexels
from engine.errors import Cancelled
from engine.options import choices
from engine.views.cameras import Camera, even_rig
from tests.engine import shapes
from tests.engine.shapes import Shape, field

MAGENTA = np.array([1.0, 0.0, 1.0], np.float32)
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


def baked(
    shape: Shape, cameras: list[Camera], pixels: int = 128, size: int = 256
) -> tuple[TexelGraph, Baked]:
    """What views that show ``field`` on the shape, magenta behind it, give."""
    surface = shape.surface
    views = surface.seen_by(cameras, pixels)
    pictures = []
    for view in views:
        picture = np.tile(MAGENTA, (pixels**2, 1))
        picture[view.fragments.pixel] = field(surface.points(view.fragments))
        pictures.append(picture.reshape(pixels, pixels, 3))
    graph = TexelGraph.build(surface, size)
    return graph, bake(surface, graph.texels, views, np.stack(pictures))


def painted_texels(graph: TexelGraph, found: Baked) -> Bools:
    """(T, T) bool, well or badly painted."""
    texels = graph.texels
    flags = np.zeros(texels.size**2, bool)
    flags[texels.index[found.trusted | found.doubtful]] = True
    return flags.reshape(texels.size, texels.size)


def texels_at(
    shape: Shape, size: int, count: int = 4000
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """(point, row, column) of random surface points, by the UV convention alone: v = 1 is the top row."""
    face, bary = shapes.surface_points(shape, count)
    point = np.einsum("nck,nc->nk", shape.vertices[shape.faces][face], bary)
    u, v = np.einsum("nck,nc->kn", shape.uvs[face], bary)
    return point.astype(np.float32), ((1 - v) * size).astype(int), (u * size).astype(int)


@pytest.mark.parametrize("how", choices.FILLS)
@pytest.mark.parametrize("shape", [shapes.sphere(), shapes.box()], ids=["sphere", "box"])
def test_views_of_a_colour_field_give_the_field_back_the_right_way_up(shape: Shape, how: str) -> None:
    graph, found = baked(shape, even_rig(16))
    texture, painted = fill(how, graph, found), painted_texels(graph, found)
    point, row, column = texels_at(shape, 256)
    there = painted[row, column]
    assert there.mean() > 0.97
    error = texture[row, column][there] - field(point[there])
    assert -10 * np.log10((error**2).mean()) > 38
    assert np.abs(error).max() < 0.06  # no magenta anywhere: that is off by at least 0.2 in every channel


def test_unpainted_texels_are_black_and_nothing_is_painted_from_behind() -> None:
    graph, found = baked(shapes.sphere(), [Camera(0, 0)])
    assert not (found.trusted & found.doubtful).any()
    painted = found.trusted | found.doubtful
    assert (found.colours[~painted] == 0).all()
    assert (graph.texels.point[painted, 2] > 0).all()


def test_what_another_surface_hides_is_not_painted() -> None:
    front, back = shapes.plate(0.3, 0.3, (0.0, 0.5)), shapes.plate(-0.3, 0.8, (0.5, 1.0))
    shape = shapes.joined(front, back)
    camera = Camera(0, 0)
    graph, found = baked(shape, [camera], pixels=192)
    texture, painted = fill("surface", graph, found), painted_texels(graph, found)
    point, row, column = texels_at(shape, 256)
    on_back = point[:, 2] < 0
    shadow = 0.3 * (camera.distance + 0.3) / (camera.distance - 0.3)  # half the front plate's shadow
    reach = np.abs(point[:, :2]).max(axis=1)
    near = reach < 0.9 * camera.half_extent * (camera.distance + 0.3)
    hidden = on_back & (reach < shadow - 0.02)
    seen = on_back & (reach > shadow + 0.02) & near & (reach < 0.78)
    assert hidden.sum() > 100
    assert seen.sum() > 100
    assert not painted[row, column][hidden].any()
    assert painted[row, column][seen].all()
    np.testing.assert_allclose(texture[row, column][seen], field(point[seen]), atol=0.05)


def test_a_view_paints_nothing_outside_its_frame() -> None:
    shape = shapes.plate(0.0, 0.8, (0.0, 1.0))
    camera = Camera(0, 0, fov=20)
    painted = painted_texels(*baked(shape, [camera]))
    point, row, column = texels_at(shape, 256)
    reach = np.abs(point[:, :2]).max(axis=1) / (camera.half_extent * camera.distance)
    assert painted[row, column][reach < 0.95].all()
    assert not painted[row, column][reach > 1.02].any()


def test_a_view_painted_straight_on_outweighs_one_at_a_grazing_angle() -> None:
    shape = shapes.plate(0.0, 0.7, (0.0, 1.0))
    views = shape.surface.seen_by([Camera(0, 0), Camera(60, 0)], 128)
    pictures = np.stack([np.zeros((128, 128, 3), np.float32), np.ones((128, 128, 3), np.float32)])
    texels = SurfaceTexels.build(shape.surface, 64)
    found = bake(shape.surface, texels, views, pictures)
    middle = np.linalg.norm(texels.point, axis=1).argmin()
    # There the cosines are 1 and 0.5: published weights are their sixth powers.
    np.testing.assert_allclose(found.colours[middle], 0.5**6 / (1 + 0.5**6), rtol=0.1)


def test_baking_can_be_cancelled_between_views() -> None:
    surface = shapes.box(0).surface
    views = surface.seen_by([Camera(0, 0)] * 3, 16)

    def stop() -> None:
        raise Cancelled

    texels = SurfaceTexels.build(surface, 16)
    with pytest.raises(Cancelled):
        bake(surface, texels, views, np.zeros((3, 16, 16, 3), np.float32), stop)


def test_surface_texels_are_all_those_whose_centres_lie_on_the_mesh() -> None:
    shape = shapes.plate(0.0, 1.0, (0.25, 0.75))
    texels = SurfaceTexels.build(shape.surface, 32)
    row, column = np.divmod(np.sort(texels.index), 32)
    assert len(texels.index) == 16 * 32
    assert set(column) == set(range(8, 24))
    assert set(row) == set(range(32))
    # The top left of the chart is the plate's upper left corner.
    first = texels.point[np.argmin(texels.index)]
    np.testing.assert_allclose(first, [-1 + 1 / 16, 1 - 1 / 32, 0], atol=1e-5)
