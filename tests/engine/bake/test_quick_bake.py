"""The quick, small texture against the colour field that its views were rendered from."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.bake.quick_bake import QuickBake
from engine.errors import Cancelled
from engine.pictures.pages import paged
from engine.views.cameras import Camera, even_rig
from engine.views.surface import Surface
from tests.engine import shapes
from tests.engine.shapes import Shape, field

Floats = NDArray[np.float32]
VIEW, SIZE = 48, 128


def views_of(shape: Shape, cameras: list[Camera]) -> Floats:
    """(N, VIEW, VIEW, 3) pictures of ``field`` on the shape; behind it the colour goes on, as it is for a
    preview's pixels at an edge."""
    surface, pictures = shape.surface, []
    for view in surface.seen_by(cameras, VIEW):
        picture = np.full((VIEW**2, 3), 0.5, np.float32)
        picture[view.fragments.pixel] = field(surface.points(view.fragments))
        pictures.append(picture.reshape(VIEW, VIEW, 3))
    return np.stack(pictures)


def read(shape: Shape, texture: Floats, count: int = 3000) -> tuple[Floats, Floats]:
    """(wanted, found) colours (n, 3) at random points, by the UV convention alone: v = 1 is the top row."""
    face, bary = shapes.surface_points(shape, count)
    point = np.einsum("nck,nc->nk", shape.vertices[shape.faces][face], bary)
    u, v = np.einsum("nck,nc->kn", shape.uvs[face], bary)
    return field(point), texture[((1 - v) * SIZE).astype(int), (u * SIZE).astype(int)]


@pytest.mark.parametrize("shape", [shapes.sphere(), shapes.box()], ids=["sphere", "box"])
def test_the_field_is_found_on_the_whole_surface(shape: Shape) -> None:
    cameras = even_rig(10)
    quick = QuickBake.build(shape.surface, cameras, VIEW, SIZE)
    wanted, found = read(shape, quick.paint(views_of(shape, cameras), 0.5))
    assert np.abs(wanted - found).mean() < 0.02
    assert np.quantile(np.abs(wanted - found).max(axis=1), 0.99) < 0.15


def test_each_page_is_painted_by_its_own_faces() -> None:
    shape, cameras = shapes.box(), even_rig(10)
    pages = (shape.chart % 2).astype(np.int32)
    uvs = paged(shape.uvs, pages)
    quick = QuickBake.build(Surface(shape.raster, uvs), cameras, VIEW, SIZE)
    texture = quick.paint(views_of(shape, cameras), 0.5)
    assert texture.shape == (2, SIZE, SIZE, 3)
    for page in (0, 1):
        own = shape._replace(faces=shape.faces[pages == page], uvs=shape.uvs[pages == page])
        wanted, found = read(own, texture[page])
        assert np.abs(wanted - found).mean() < 0.02


def test_where_nothing_is_seen_it_is_neutral() -> None:
    shape = shapes.sphere(1)
    away = [Camera(0.0, 0.0, target=(50.0, 0.0, 0.0))]
    quick = QuickBake.build(shape.surface, away, VIEW, 16)
    texture = quick.paint(np.ones((1, VIEW, VIEW, 3), "f4"), np.full(3, 0.25, "f4"))
    assert texture.shape == (16, 16, 3)
    assert (texture == 0.25).all()


def test_building_can_be_cancelled() -> None:
    def stop() -> None:
        raise Cancelled

    shape = shapes.sphere(1)
    with pytest.raises(Cancelled):
        QuickBake.build(shape.surface, even_rig(4), VIEW, 16, stop)
