"""Close-ups over a texture: what stays, what comes, and that neither shows where they meet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.bake.overlay import Overlay, share, with_colours_of
from engine.bake.texels import SurfaceTexels
from engine.pictures.pages import shaped
from engine.views.cameras import Camera
from engine.views.surface import Surface, View
from tests.engine import shapes
from tests.engine.shapes import field

Floats = NDArray[np.float32]
SIZE, PIXELS = 128, 64


def crop(surface: Surface, target: tuple[float, float, float], fov: float = 20.0) -> View:
    view = surface.seen(Camera(0.0, 0.0, 2.0, fov, target), PIXELS)
    return replace(view, crop=True)


def of_field(surface: Surface, view: View) -> Floats:
    """The colour field as ``view`` shows it, magenta behind."""
    picture = np.tile(np.array([1, 0, 1], np.float32), (PIXELS**2, 1))
    picture[view.fragments.pixel] = field(surface.points(view.fragments))
    return picture.reshape(PIXELS, PIXELS, 3)


def noise(*shape: int) -> Floats:
    return np.random.default_rng(0).random(shape, np.float32)


def test_texels_that_no_close_up_shows_stay_to_the_bit() -> None:
    surface, image = shapes.box(1).surface, noise(SIZE, SIZE, 3)
    texels, view = SurfaceTexels.build(surface, SIZE), crop(surface, (0.0, 0.0, 0.577))
    found = Overlay.over(image).with_close_ups(
        surface, texels, [view], np.zeros((1, PIXELS, PIXELS, 3), np.float32)
    )
    pixel, _ = view.camera.project(texels.point, 1)
    outside = (pixel < 0).any(axis=1) | (pixel > 1).any(axis=1) | (texels.normal[:, 2] < 0.5)
    own = texels.index[outside]
    assert outside.any()
    assert not outside.all()
    assert (found.image.reshape(-1, 3)[own] == image.reshape(-1, 3)[own]).all()
    assert (found.done.reshape(-1)[own] == 0).all()
    inside = ((pixel > 0.2) & (pixel < 0.8)).all(axis=1) & (texels.normal[:, 2] > 0.5)
    assert found.image.reshape(-1, 3)[texels.index[inside]].max() < 1e-6
    assert found.done.reshape(-1)[texels.index[inside]].min() > 1 - 1e-6


def test_a_wall_gets_what_its_close_ups_show_and_no_seam_where_they_meet() -> None:
    """Two close-ups, of which one is a little brighter: from one to the other, and to the texture, which is
    as bright as their mean, the step from texel to texel is a fraction of the difference."""
    surface = shapes.plate(0.0, 0.7, (0.0, 1.0)).surface
    texels = SurfaceTexels.build(surface, SIZE)
    views = [crop(surface, (x, 0.0, 0.0)) for x in (-0.25, 0.25)]
    pictures = np.stack([np.full((PIXELS, PIXELS, 1), value, np.float32) for value in (0.4, 0.6)])
    found = Overlay.over(np.full((SIZE, SIZE, 1), 0.5, np.float32))
    image = found.with_close_ups(surface, texels, views, pictures).image[..., 0]
    assert image[SIZE // 2].min() < 0.41
    assert image[SIZE // 2].max() > 0.59
    steps = max(np.abs(np.diff(image, axis=axis)).max() for axis in (0, 1))
    assert steps < 0.2 / 5


def test_colours_arrive_where_they_belong() -> None:
    surface = shapes.sphere().surface
    texels = SurfaceTexels.build(surface, SIZE)
    views = [crop(surface, place, 25.0) for place in ((0.0, 0.0, 1.0), (0.3, 0.0, 0.95))]
    pictures = np.stack([of_field(surface, view) for view in views])
    black = Overlay.over(np.zeros((SIZE, SIZE, 3), np.float32))
    found = black.with_close_ups(surface, texels, views, pictures)
    done = found.done.reshape(-1)[texels.index]
    truth = field(texels.point)
    image = found.image.reshape(-1, 3)[texels.index]
    assert (done > 0.999).sum() > 100
    assert np.abs(image - truth * done[:, None]).max() < 0.05


def test_pages_and_several_channels_are_painted_alike() -> None:
    left, right = shapes.plate(0.0, 0.7, (0.0, 1.0)), shapes.plate(-0.3, 0.7, (0.0, 1.0))
    made = shapes.joined(left, right)
    page = np.repeat([[[0.0]], [[1.0]]], [2, 2], axis=0).astype(np.float32)
    uvs = np.concatenate([made.uvs, np.broadcast_to(page, (4, 3, 1))], axis=2)
    surface = Surface(made.raster, uvs)
    texels, image = SurfaceTexels.build(surface, SIZE), noise(2, SIZE, SIZE, 4)
    found = Overlay.over(image).with_close_ups(
        surface, texels, [crop(surface, (0.0, 0.0, 0.0))], np.full((1, PIXELS, PIXELS, 4), 0.25, np.float32)
    )
    assert np.abs(found.image[0, SIZE // 2, SIZE // 2] - 0.25).max() < 1e-5
    assert (found.image[1] == image[1]).all()  # behind the other
    assert shaped(found.done.reshape(-1, 1), SIZE).shape == (2, SIZE, SIZE, 1)


def test_a_pixel_counts_less_towards_the_frame_edges_in_depth_and_where_the_surface_turns_away() -> None:
    surface = shapes.sphere().surface
    whole = share(surface.seen(Camera(0.0, 0.0), PIXELS))
    assert whole[PIXELS // 2, PIXELS // 2] == 1
    assert whole[0].max() == whole[:, 0].max() == 0  # behind it
    inside = surface.seen(Camera(0.0, 0.0), PIXELS).mask
    rim = inside & ~np.roll(inside, 1, axis=1)
    assert whole[rim].max() < 0.1
    near = share(crop(surface, (0.0, 0.0, 1.0)))
    assert near[0].max() < 0.1
    assert near[PIXELS // 2, PIXELS // 2] == 1
    middle = near[PIXELS // 2, : PIXELS // 2]
    assert (np.diff(middle) >= 0).all()


def test_colours_are_those_that_were_there_and_detail_is_new() -> None:
    surface = shapes.plate(0.0, 0.7, (0.0, 1.0)).surface
    view = crop(surface, (0.0, 0.0, 0.0))
    fine = np.indices((PIXELS, PIXELS)).sum(axis=0) % 2 * np.float32(0.2)
    there, near = (np.full((1, PIXELS, PIXELS, 1), value, np.float32) for value in (0.5, 0.3))
    near[0, ..., 0] += fine - fine.mean()
    found = with_colours_of(there, near, [view])
    assert abs(found.mean() - 0.5) < 1e-3
    inner = (found[0, ..., 0] - 0.5 - (fine - fine.mean()))[16:-16, 16:-16]
    assert np.abs(inner).max() < 1e-3
