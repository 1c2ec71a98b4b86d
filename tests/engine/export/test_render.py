"""Pictures of the textured mesh."""

from __future__ import annotations

import numpy as np
import pytest

from engine.export import render
from engine.pictures.channels import BACKGROUND
from engine.views.cameras import Camera
from tests.engine import shapes


def test_the_top_of_the_texture_is_up_and_left_is_left() -> None:
    shape = shapes.plate(0.0, 0.6, (0.0, 1.0))
    texture = np.zeros((32, 32, 3), np.float32)
    texture[:16, :, 0] = 1.0  # upper half red
    texture[:, 16:, 2] = 1.0  # right half blue
    surface = shape.surface
    picture = render.render_view(texture, surface, surface.seen(Camera(0, 0), 64))
    np.testing.assert_allclose(picture[24, 24], [1, 0, 0])
    np.testing.assert_allclose(picture[24, 40], [1, 0, 1])
    np.testing.assert_allclose(picture[40, 24], [0, 0, 0])
    np.testing.assert_allclose(picture[40, 40], [0, 0, 1])
    np.testing.assert_allclose(picture[0, 0], BACKGROUND)


def test_eight_bits_round_and_clamp() -> None:
    image = render.to_image(np.array([[[-1.0, 0.5, 2.0]]], np.float32))
    assert image.getpixel((0, 0)) == (0, 128, 255)
    assert render.to_image(np.zeros((2, 3), np.float32)).mode == "L"


@pytest.mark.parametrize("count", [1, 5])
def test_the_contact_sheet_has_a_column_a_view_and_three_rows(count: int) -> None:
    views = np.zeros((count, 32, 32, 3), np.float32)
    views[..., 1] = 1.0
    rendered = np.zeros_like(views)
    rendered[..., 2] = 1.0
    controls = np.ones((count, 1, 32, 32), np.float32)
    sheet = render.contact_sheet([controls], views, rendered, [str(i) for i in range(count)])
    cell = sheet.width // count
    assert sheet.size == (count * cell, 16 + 3 * cell)
    middle = [sheet.getpixel((cell // 2, 16 + int((row + 0.5) * cell))) for row in range(3)]
    assert middle == [(255, 255, 255), (0, 255, 0), (0, 0, 255)]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_several_controls_lie_side_by_side_in_their_row(count: int) -> None:
    views, shades = np.zeros((2, 32, 32, 3), np.float32), [0.25, 0.5, 0.75, 1.0][:count]
    controls = [np.full((2, 3 if i else 1, 32, 32), shade, np.float32) for i, shade in enumerate(shades)]
    sheet = render.contact_sheet(controls, views, views, ["0", "1"])
    cell = sheet.width // 2
    assert sheet.size == (2 * cell, 16 + 3 * cell), "as large as with one: it is looked into by its rows"
    for column in range(2):
        for i, shade in enumerate(shades):
            x, y = column * cell + (i % 2 + 0.5) * cell / 2, 16 + (i // 2 + 0.5) * cell / 2
            assert sheet.getpixel((int(x), int(y))) == (round(255 * shade),) * 3


def test_the_turntable_goes_once_around() -> None:
    shape = shapes.box(1)
    texture = np.ones((32, 32, 3), np.float32)
    frames = render.turntable(texture, shape.surface)
    assert len(frames) == render.TURNTABLE_FRAMES
    assert {frame.size for frame in frames} == {(render.TURNTABLE_SIZE, render.TURNTABLE_SIZE)}
    first, quarter = (np.asarray(frames[i], float) for i in (0, len(frames) // 4))
    assert np.abs(first - quarter).mean() < 1  # a box looks the same after a quarter
    eighth = np.asarray(frames[len(frames) // 8], float)
    assert np.abs(first - eighth).mean() > 1
