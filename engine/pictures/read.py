"""Picture files that people give, of any of the usual formats, as arrays."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

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
    name = cut(path.name)
    try:
        with warnings.catch_warnings():  # only what is beyond Pillow's limit is refused
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _decoded(read_input(path, most=MOST_BYTES), name)
    except Image.DecompressionBombError as error:
        raise UserError(f"the texture {name} is too large", "shrink it to 8192 pixels a side") from error
    except UnidentifiedImageError as error:
        fix = "save the texture as PNG or JPEG"
        raise UserError(f"{name} is no picture that can be read", fix) from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow's readers raise for damaged files
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        fix = "save it anew as PNG or JPEG"
        raise UserError(f"the texture {name} can't be read ({reason})", fix) from error


def _decoded(data: bytes, name: str) -> Floats:
    if data.startswith(exr.MAGIC):
        return exr.decode(data, name)
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        require_pixels(*image.size, name)
        if image.mode.startswith("I"):  # 16-bit grey, which Pillow would cut off at 255
            grey = np.asarray(image, np.float32) / np.float32(65535)
            return np.stack([grey, grey, grey, np.ones_like(grey)], axis=-1)
        texels: Floats = np.asarray(image.convert("RGBA"), np.float32) / np.float32(255)
    low = low_bytes(data) if image.format == "PNG" else None
    if low is not None:
        count = low.shape[2]
        texels[..., :count] = (texels[..., :count] * (255 * 256) + low) / 65535
    return texels


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
