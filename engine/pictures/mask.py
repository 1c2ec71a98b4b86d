"""Masks as people paint them: white where something is to happen, black or clear where not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import read
from .resize import resized

Floats = NDArray[np.float32]


BLACK = 1 / 512  # a mask that is nowhere lighter than this is empty
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Rec. 709


def read_mask(path: Path) -> Floats:
    """(H, W) float32 in [0, 1]: how light the picture in ``path`` is, where it isn't transparent. Raises
    UserError."""
    pixels = read.read(path)
    return np.asarray(pixels[..., :3] @ _LUMA * pixels[..., 3], np.float32)


def fitted(mask: Floats, height: int, width: int) -> Floats:
    """``mask`` (h, w) for a picture of ``height`` x ``width`` pixels."""
    return resized(mask[..., None], height, width)[..., 0].clip(0, 1)


def stretched(mask: Floats, height: int, width: int) -> list[str]:
    """A note where :func:`fitted` changes its size."""
    if mask.shape == (height, width):
        return []
    across = f"{mask.shape[1]} x {mask.shape[0]}"
    return [f"the mask of {across} pixels is stretched over the picture's {width} x {height}"]
