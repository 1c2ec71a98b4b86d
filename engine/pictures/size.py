"""How large a picture that comes in may be: known from its header, before its pixels take any memory."""

from __future__ import annotations

from ..errors import UserError
from ..inputs import require_room

MOST_PIXELS = 1 << 27  # twice those of the largest texture
_LONGEST = 1 << 16  # pixels of a side
BYTES = 48  # of a pixel, while it is read


def require_pixels(width: int, height: int, name: str, size: int = BYTES) -> None:
    """Raise UserError unless the picture ``name`` can be as large, and held with so many bytes a pixel."""
    sides_fit = 1 <= width <= _LONGEST and 1 <= height <= _LONGEST
    if not sides_fit or width * height > MOST_PIXELS:
        what = f"the picture {name} is too large: {width:,} x {height:,} pixels"
        raise UserError(what, "shrink it to 8192 pixels a side")
    require_room(width * height * size, f"the picture {name}")
