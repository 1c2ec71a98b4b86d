"""Picture files that people give, of any of the usual formats, as arrays."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ..errors import UserError
from ..inputs import read_input
from ..options.values import cut
from . import exr
from .size import require_pixels

Floats = NDArray[np.float32]

MOST_BYTES = 1 << 32
FORMATS = ("PNG", "JPEG", "BMP", "TGA", "WEBP")
_HIGH, _LOW = ";16B", ";16L"  # Pillow's names for big and little endian, of which it keeps the high byte


def read(path: Path) -> Floats:
    """(H, W, 4) float32 in [0, 1]: sRGB colours, not multiplied by alpha, and alpha, the top row first.

    With or without colour or alpha, 8 or 16 bits a channel, or OpenEXR in linear light. Raises UserError.
    """
    return straight(read_pixels(path))


def read_pixels(path: Path) -> NDArray[Any]:
    """The same as the file holds it: (H, W, 3 or 4) uint8 or uint16; float16 or float32, linear light times
    alpha, of OpenEXR. Raises UserError."""
    name = cut(path.name)
    try:
        with warnings.catch_warnings():  # only what is beyond Pillow's limit is refused
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _decoded(read_input(path, most=MOST_BYTES), name)
    except Image.DecompressionBombError as error:
        raise UserError(f"the picture {name} is too large", "shrink it to 8192 pixels a side") from error
    except UnidentifiedImageError as error:
        fix = "save it as PNG or JPEG"
        raise UserError(f"{name} is no picture that can be read", fix) from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow's readers raise for damaged files
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        fix = "save it anew as PNG or JPEG"
        raise UserError(f"the picture {name} can't be read ({reason})", fix) from error


def flat(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 in sRGB, the top row first: what :func:`read` gives, before white. Raises UserError."""
    picture = read(path)
    colours = 1 + picture[..., 3:] * (picture[..., :3] - 1)
    whole: NDArray[np.uint8] = np.rint(colours.clip(0, 1) * 255).astype(np.uint8)
    return whole


def straight(pixels: NDArray[Any]) -> Floats:
    """``pixels``, as by :func:`read_pixels`, as :func:`read` has them."""
    if pixels.dtype.kind == "f":
        return exr.straight(pixels)
    height, width, count = pixels.shape
    texels = np.ones((height, width, 4), np.float32)
    np.divide(pixels, np.float32(np.iinfo(pixels.dtype).max), out=texels[..., :count])
    return texels


def _decoded(data: bytes, name: str) -> NDArray[Any]:
    if data.startswith(exr.MAGIC):
        return exr.decode_pixels(data, name)
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        require_pixels(*image.size, name)
        if image.mode.startswith("I"):  # 16-bit grey, which Pillow would cut off at 255
            return np.repeat(np.asarray(image).astype(np.uint16)[..., None], 3, axis=2)
        clear = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
        high = np.asarray(image.convert("RGBA" if clear else "RGB"))
    low = low_bytes(data) if image.format == "PNG" else None
    if low is None:
        return high
    deep = high.astype(np.uint16) * np.uint16(257 if low.shape[2] < high.shape[2] else 256)
    deep[..., : low.shape[2]] = high[..., : low.shape[2]].astype(np.uint16) * np.uint16(256) + low
    return deep


def low_bytes(data: bytes) -> NDArray[np.uint8] | None:
    """What Pillow drops of the 16-bit PNG in colour ``data``, (H, W, 3 or 4): the lower byte of each channel.
    None for other PNGs.

    It reads the file as if it were little endian: its kept byte is then the lower one.
    """
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        if image.mode not in ("RGB", "RGBA") or [tile.args for tile in image.tile] != [image.mode + _HIGH]:
            return None
        image.tile = [image.tile[0]._replace(args=image.mode + _LOW)]
        return np.asarray(image)
