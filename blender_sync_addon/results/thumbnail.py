"""A small picture of each result: the object as the first view sees it.

It is kept on the image, compressed, so that it is saved, copied and appended with it. Blender's own previews
of images would be lost by undo, and show the texture lying flat.
"""

from __future__ import annotations

import contextlib
import zlib
from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews
import numpy as np
from numpy.typing import NDArray

from ...engine import protocol

KEY = "sync_texture_thumbnail"
"""Custom property of an image: {size, rgba}, see ``store``."""
SIZE = 128
Pixels = NDArray[np.uint8]

_shown: Any = None
"""What Blender draws, by the images' session-wide numbers."""


def store(image: Any, sheet: Path | None) -> None:
    """Store on ``image`` what the engine's contact ``sheet`` shows of it, else the texture itself."""
    picture = _first_view(sheet) if sheet else None
    if picture is None:
        picture = _pixels(image)
    small = shrink(picture, SIZE)
    image[KEY] = {"size": len(small), "rgba": zlib.compress(small.tobytes(), 6)}


def read(image: Any | None) -> Pixels | None:
    """The thumbnail of ``image`` (S, S, 4), the bottom row first, sRGB; None without."""
    kept = image.get(KEY) if image else None
    if kept is None:
        return None
    size = int(kept["size"])
    return np.frombuffer(zlib.decompress(kept["rgba"]), np.uint8).reshape(size, size, 4)


def icon(image: Any | None) -> int:
    """The number of the icon that shows the thumbnail of ``image``; 0 without."""
    if image is None or KEY not in image:
        return 0
    name = str(image.session_uid)
    if name not in _shown:
        _draw(_shown.new(name), read(image))
    return int(_shown[name].icon_id)


def _draw(preview: Any, pixels: Pixels | None) -> None:
    assert pixels is not None
    size = len(pixels)
    packed = np.ascontiguousarray(pixels).view(np.int32).ravel()
    preview.image_size = preview.icon_size = (size, size)
    preview.image_pixels.foreach_set(packed)
    preview.icon_pixels.foreach_set(packed)


def _first_view(sheet: Path) -> Pixels | None:
    """The texture as the first view sees it, out of the contact sheet; None where that can't be read."""
    try:
        loaded = bpy.data.images.load(str(sheet), check_existing=False)
    except RuntimeError:
        return None
    try:
        cell = (loaded.size[1] - protocol.SHEET_HEAD) // protocol.SHEET_ROWS
        fits = loaded.has_data and 0 < cell <= loaded.size[0]
        return _pixels(loaded)[:cell, :cell] if fits else None  # the last row of the sheet
    finally:
        bpy.data.images.remove(loaded)


def _pixels(image: Any) -> Pixels:
    """``image`` (H, W, 4), the bottom row first, opaque."""
    width, height = image.size
    values = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(values)
    picture = np.full((height, width, 4), 255, np.uint8)
    colours = values.reshape(height, width, -1)[..., :3]
    picture[..., :3] = np.clip(colours * 255 + 0.5, 0, 255).astype(np.uint8)
    return picture


def shrink(picture: Pixels, size: int) -> Pixels:
    """``picture`` (H, W, 4) made at most ``size`` high and wide: a square, of averages of whole blocks."""
    side = min(picture.shape[:2])
    block = max(1, -(-side // size))
    small = side // block
    cropped = picture[: small * block, : small * block].astype(np.float32)
    blocks: NDArray[np.float32] = cropped.reshape(small, block, small, block, 4).mean(axis=(1, 3))
    return (blocks + 0.5).astype(np.uint8)


def register() -> None:
    global _shown
    _shown = bpy.utils.previews.new()


def unregister() -> None:
    global _shown
    with contextlib.suppress(KeyError):
        bpy.utils.previews.remove(_shown)
    _shown = None
