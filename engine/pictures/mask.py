"""Masks as people paint them: white where something is to happen, black or clear where not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..options.values import cut
from . import read
from .resize import resized

Floats = NDArray[np.float32]


def read_mask(path: str | Path, option: str) -> Floats:
    """(H, W) float32 in [0, 1]: how bright the picture in ``path`` is, times its alpha. Raises UserError,
    also for one that is black all over, which the ``option`` names."""
    pixels = read.read(Path(path))
    found: Floats = pixels[..., :3].mean(axis=2) * pixels[..., 3]
    if not found.any():
        what = f"the mask {cut(Path(path).name)} is black all over: nothing is to be painted"
        raise UserError(what, f"paint white what is, or leave {{{option}}} out", **{option: None})
    return found


def fitted(mask: Floats, height: int, width: int) -> Floats:
    """``mask`` (h, w) for a picture of ``height`` x ``width`` pixels."""
    return resized(mask[..., None], height, width)[..., 0].clip(0, 1)


def stretched(mask: Floats, height: int, width: int) -> list[str]:
    """A note where :func:`fitted` changes its size."""
    if mask.shape == (height, width):
        return []
    across = f"{mask.shape[1]} x {mask.shape[0]}"
    return [f"the mask of {across} pixels is stretched over the picture's {width} x {height}"]
