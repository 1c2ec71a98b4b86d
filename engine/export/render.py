"""Pictures of the textured mesh: unlit views, a contact sheet, a turntable."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .. import protocol, threads
from ..pictures.channels import BACKGROUND
from ..pictures.png import eight_bits
from ..pictures.sampling import sample
from ..views.cameras import Camera
from ..views.surface import Surface, View

Floats = NDArray[np.float32]

TURNTABLE_FRAMES = 24
TURNTABLE_SIZE = 256
_NOTHING = 24 / 255  # grey of a contact sheet where it shows nothing


def render_view(texture: Floats, surface: Surface, view: View) -> Floats:
    """(R, R, 3) float32: the texture, unlit, on what ``view`` shows of ``surface``; grey behind."""
    return view.picture(sample(texture, surface.uvs_of(view.fragments)), BACKGROUND)


def render_views(texture: Floats, surface: Surface, views: Sequence[View]) -> Floats:
    """(N, R, R, 3) float32: what each of ``views`` of one resolution shows, see :func:`render_view`."""
    side = views[0].resolution
    found = np.empty((len(views), side, side, 3), np.float32)

    def draw(i: int) -> None:
        found[i] = render_view(texture, surface, views[i])

    threads.each(draw, range(len(views)))
    return found


def to_image(picture: Floats) -> Image.Image:
    """A picture (H, W, 3) or (H, W) in [0, 1], clamped, as 8 bits."""
    return Image.fromarray(eight_bits(picture))


def contact_sheet(
    controls: Sequence[Floats], views: Floats, rendered: Floats, labels: Sequence[str]
) -> Image.Image:
    """Three rows, a column a view: what ControlNets saw, ``controls`` (N, C, R, R) of each kind, side by
    side where there are several; generated views (N, R, R, 3) and the texture re-rendered."""
    seen = _side_by_side(controls)
    cell = max(96, min(192, views.shape[1]))
    head = protocol.SHEET_HEAD
    sheet = Image.new("RGB", (cell * len(views), head + protocol.SHEET_ROWS * cell), (24, 24, 24))
    draw = ImageDraw.Draw(sheet)
    for column, label in enumerate(labels):
        draw.text((column * cell + 4, 2), label, fill=(220, 220, 220))

    def small(picture: Floats) -> Image.Image:
        return to_image(picture).convert("RGB").resize((cell, cell), Image.Resampling.LANCZOS)

    pictures = threads.each(small, (rows[i] for i in range(len(views)) for rows in (seen, views, rendered)))
    for i, picture in enumerate(pictures):
        column, row = divmod(i, protocol.SHEET_ROWS)
        sheet.paste(picture, (column * cell, head + row * cell))
    return sheet


def _side_by_side(controls: Sequence[Floats]) -> Floats:
    """(N, S, S, 3) of pictures (N, C, R, R) of each kind, of which three channels are shown: one, or up to
    four in a square of squares."""
    shape = (len(controls[0]), 3, *controls[0].shape[2:])
    colours = [np.broadcast_to(one[:, :3], shape).transpose(0, 2, 3, 1) for one in controls]
    if len(colours) == 1:
        return colours[0]
    nothing = [np.full_like(colours[0], _NOTHING)] * (4 - len(colours))
    one, two, three, four = [*colours, *nothing]
    return np.concatenate([np.concatenate([one, two], axis=2), np.concatenate([three, four], axis=2)], axis=1)


def turntable(
    texture: Floats, surface: Surface, check: Callable[[], None] = lambda: None
) -> list[Image.Image]:
    """One turn around the textured surface, gently shaded from the camera so that the shape reads."""

    def frame(i: int) -> Image.Image:
        check()
        view = surface.seen(Camera(360.0 * i / TURNTABLE_FRAMES, 15.0), TURNTABLE_SIZE)
        picture = render_view(texture, surface, view).reshape(-1, 3)
        picture[view.fragments.pixel] *= (0.6 + 0.4 * view.fragments.cosine)[:, None]
        return to_image(picture.reshape(TURNTABLE_SIZE, TURNTABLE_SIZE, 3))

    return threads.each(frame, range(TURNTABLE_FRAMES))
