"""The contact sheet of a run of variations: an image of their small pictures side by side, with the seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from .thumbnail import Pixels

MARK = "sync_texture_sheet"
GAP = 6
SCALE = 2
_BACKGROUND = (40, 40, 40, 255)
_INK = (235, 235, 235, 255)
# Five rows of the ten digits, each of three dots as bits: Blender 4.2 can't write text into an image.
_ROWS = ("7277577777", "5611544155", "5273777277", "5241115251", "7777177277")


def compose(pictures: Sequence[tuple[Pixels | None, int]], count: int) -> Pixels:
    """(H, W, 4), the bottom row first: cells for ``count`` ``pictures`` (S, S, 4), each with its seed."""
    side = max((len(picture) for picture, _ in pictures if picture is not None), default=64)
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    foot = 5 * SCALE + GAP
    high, wide = side + foot + GAP, side + GAP
    sheet = np.empty((rows * high + GAP, columns * wide + GAP, 4), np.uint8)
    sheet[:] = _BACKGROUND
    for number, (picture, seed) in enumerate(pictures):
        row, column = divmod(number, columns)
        y, x = (rows - 1 - row) * high + GAP, column * wide + GAP
        if picture is not None:
            sheet[y + foot : y + foot + len(picture), x : x + len(picture)] = picture
        label = text(str(seed))[:, :side]
        sheet[y : y + len(label), x : x + label.shape[1]][label] = _INK
    return sheet


def text(digits: str) -> NDArray[np.bool_]:
    """``digits`` as dots (H, W), the bottom row first."""
    rows = []
    for row in reversed(_ROWS):
        dots = [[bool(int(row[int(d)]) & bit) for bit in (4, 2, 1)] + [False] for d in digits]
        rows.append([dot for digit in dots for dot in digit])
    return np.array(rows, bool).repeat(SCALE, axis=0).repeat(SCALE, axis=1)


def write(image: Any | None, name: str, pixels: Pixels) -> Any:
    """The sheet ``pixels`` as a packed image; in ``image``, if that is one already."""
    height, width = pixels.shape[:2]
    if image is None or tuple(image.size) != (width, height):
        image = bpy.data.images.new(name, width, height)
        image[MARK] = True
    image.pixels.foreach_set((pixels.astype(np.float32) / 255).ravel())
    image.update()
    image.pack()
    return image
