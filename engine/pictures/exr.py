"""Textures in floating point as OpenEXR: linear light, where PNGs hold sRGB; both with Rec. 709 primaries.

A file says so itself (``colorInteropID``), and readers that don't know that word take it for granted.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from .channels import to_linear, to_srgb
from .size import require_pixels

Floats = NDArray[np.float32]

MAGIC = b"\x76\x2f\x31\x01"
DEPTHS = {"half": np.float16, "float": np.float32}
_BYTES = 16  # of a channel of a pixel, while it is read
BAND = 256  # rows at a time, so that 8192^2 needs no copy of itself in between
_HEADER = {
    "compression": OpenEXR.ZIP_COMPRESSION,
    "type": OpenEXR.scanlineimage,
}
_SAYS = {True: {"colorInteropID": "lin_rec709_scene"}, False: {"colorInteropID": "data"}}


def write(picture: Floats, path: Path, depth: str, colour: bool = True) -> None:
    """Write ``picture`` (H, W, 3) in [0, 1], clamped, sRGB, to ``path`` as linear light in 16 (``depth``
    "half") or 32 bits ("float") a channel; what isn't ``colour`` but data as it is. Raises OSError."""
    pixels = np.empty(picture.shape, DEPTHS[depth])
    for top in range(0, len(picture), BAND):
        rows = np.clip(picture[top : top + BAND], 0, 1)
        pixels[top : top + BAND] = to_linear(rows) if colour else rows
    write_pixels(pixels, path, colour)


def write_pixels(pixels: NDArray[Any], path: Path, colour: bool = True) -> None:
    """Write ``pixels`` (H, W, 3 or 4) float16 or float32 to ``path`` just as they are. Raises OSError."""
    channels = {"RGB" if pixels.shape[2] == 3 else "RGBA": np.ascontiguousarray(pixels)}
    # A stream, since for names the library forgets why the disk refused; a copy, since it adds to the header.
    with path.open("wb") as file:
        OpenEXR.File(_HEADER | _SAYS[colour], channels).write(file)


def decode_pixels(data: bytes, name: str) -> NDArray[Any]:
    """(H, W, 3 or 4) float16 or float32, linear light times alpha, of the file ``name`` that holds ``data``.
    Raises OSError, and UserError for more pixels than a texture has."""
    try:
        _require_size(data, name)
        file = OpenEXR.File(io.BytesIO(data))
        channels = file.channels() if file.parts else {}  # a damaged file has none
    except RuntimeError as error:
        raise OSError("damaged") from error
    kind = next((kind for kind in ("RGBA", "RGB", "Y") if kind in channels), None)
    if kind is None:
        raise OSError("no channels R, G and B")
    pixels: NDArray[Any] = channels[kind].pixels
    if pixels.dtype.kind != "f":
        pixels = pixels.astype(np.float32)
    return np.repeat(pixels[..., None], 3, axis=2) if kind == "Y" else pixels


def straight(light: NDArray[Any]) -> Floats:
    """(H, W, 4) float32 in [0, 1]: sRGB colours, not multiplied by alpha, and alpha, of ``light`` (H, W, 3 or
    4), linear light times alpha."""
    pixels = np.nan_to_num(light.astype(np.float32))
    alpha = np.clip(pixels[..., 3:], 0, 1) if pixels.shape[2] == 4 else np.ones_like(pixels[..., :1])
    colours = np.divide(pixels[..., :3], alpha, out=np.zeros_like(pixels[..., :3]), where=alpha > 0)
    return np.concatenate([to_srgb(np.clip(colours, 0, 1)), alpha], axis=2)


def planes(data: bytes, name: str) -> dict[str, Floats]:
    """The channels of all parts, (H, W) float32 by their full names, of the file ``name`` that holds
    ``data``, as they are: numbers rather than colours. Raises OSError, and UserError for too many pixels."""
    try:
        _require_size(data, name)
        parts = OpenEXR.File(io.BytesIO(data), separate_channels=True).parts
        found = {key: one.pixels for part in parts for key, one in part.channels.items()}
    except (RuntimeError, ValueError) as error:  # the latter: names that aren't text
        raise OSError("damaged") from error
    if not found:
        raise OSError("damaged")
    # Not those of deep pictures, which have lists of numbers for pixels.
    flat = {
        key: one for key, one in found.items() if one is not None and one.ndim == 2 and one.dtype.kind in "fu"
    }
    return {key: np.asarray(one, np.float32) for key, one in flat.items()}


def _require_size(data: bytes, name: str) -> None:
    """Of all parts and channels, by the headers alone: a few bytes can stand for any number of pixels."""
    for part in OpenEXR.File(io.BytesIO(data), header_only=True).parts:
        low, high = part.header["dataWindow"]
        width, height = (int(high[i]) - int(low[i]) + 1 for i in (0, 1))
        require_pixels(width, height, name, _BYTES * max(4, len(part.header["channels"])))
        if (tiles := part.header.get("tiles")) is not None:
            require_pixels(int(tiles.xSize), int(tiles.ySize), name)
