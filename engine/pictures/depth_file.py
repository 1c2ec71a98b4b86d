"""Depth as a picture file: OpenEXR in 16 or 32 bits, distances as numbers, such as Blender's Depth pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..inputs import read_input
from ..options.values import cut, short
from . import exr

Floats = NDArray[np.float32]

MOST_BYTES = 1 << 32
FARTHEST = 1e9  # Blender says 1e10 where there is nothing
LEAST_HEIGHT = 16
_HOW = "give {depth} an equirectangular picture of distances in OpenEXR, such as Blender's Depth pass"


def read(path: str) -> Floats:
    """(H, 2 H) float32: the distances in the equirectangular picture ``path``, NaN where there is nothing:
    where it says that it is infinitely far, not a number, or not in front of the eye. Raises UserError."""
    data, name = read_input(path, most=MOST_BYTES), cut(Path(path).name)
    if not data.startswith(exr.MAGIC):
        raise UserError(f"{short(name)} is no OpenEXR file", _HOW, depth=None)
    try:
        channels = exr.planes(data, name)
    except OSError as error:
        raise UserError(
            f"the depth picture {name} can't be read ({error})", "save it anew", depth=None
        ) from error
    depth = channels[_channel(channels, name)]
    height, width = depth.shape
    if width != 2 * height or height < LEAST_HEIGHT:
        what = f"the depth picture {name} has {width} x {height} pixels"
        fix = (
            f"render it as a panorama of all directions: twice as wide as high, at least {LEAST_HEIGHT} high"
        )
        raise UserError(what, fix)
    there = (depth > 0) & (depth < FARTHEST)  # false for what isn't a number
    if not there.any():
        what = f"the depth picture {name} shows nothing: no pixel has a distance"
        raise UserError(what, "look from where something stands around, or leave {depth} out", depth=None)
    return np.where(there, depth, np.float32(np.nan))


def _channel(channels: dict[str, Floats], name: str) -> str:
    """The name of the one of ``channels`` that holds depth. Raises UserError."""
    words = {key: key.lower().replace(":", ".").split(".") for key in channels}
    for found in (
        [key for key, parts in words.items() if any("depth" in part for part in parts)],
        [key for key in channels if key in ("Z", "z")],
        list(channels),
        _greys(channels),
    ):
        if len(found) == 1 or (found and _alike([channels[key] for key in found])):
            return found[0]
    listed = cut(", ".join(sorted(channels)), 100) or "none"
    raise UserError(
        f"which channel of {name} is depth can't be told: {listed}", "leave only Z or Depth in it"
    )


def _greys(channels: dict[str, Floats]) -> list[str]:
    """Red, green and blue, where there are all three."""
    return [key for key in "RGB" if key in channels] if set("RGB") <= set(channels) else []


def _alike(pictures: list[Floats]) -> bool:
    return all(np.array_equal(pictures[0], one, equal_nan=True) for one in pictures[1:])
