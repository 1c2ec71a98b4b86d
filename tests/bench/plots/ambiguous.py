"""docs/ambiguous.jpg: what each method makes of one pair of prompts, on each kind of maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.export.render import to_image

CELL, GAP, HEAD, LEFT = 128, 8, 18, 112


class Shown(Protocol):
    """What is shown: two views, of one method on one kind of maps."""

    maps: str
    arm: str
    pictures: NDArray[np.float32]


def sheet(rows: Sequence[Shown], kinds: Sequence[str], arms: Sequence[str]) -> Image.Image:
    """The ``arms`` side by side, of each both views, above each other; the ``kinds`` of maps below."""
    high, wide = 2 * CELL + GAP, CELL + GAP
    picture = Image.new("RGB", (LEFT + len(arms) * wide - GAP, HEAD + len(kinds) * high - GAP), (24, 24, 24))
    draw, found = ImageDraw.Draw(picture), {(row.maps, row.arm): row.pictures for row in rows}
    for i, arm in enumerate(arms):
        draw.text((LEFT + i * wide + 4, 3), arm, fill=(220, 220, 220))
        for j, kind in enumerate(kinds):
            draw.text((4, HEAD + j * high + CELL), kind.replace(", ", ",\n"), fill=(220, 220, 220))
            for k, view in enumerate(found[kind, arm]):
                cell = to_image(view).resize((CELL, CELL), Image.Resampling.LANCZOS)
                picture.paste(cell, (LEFT + i * wide, HEAD + j * high + k * CELL))
    return picture
