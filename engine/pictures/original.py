"""A picture as its file holds it, to be painted over in places: all the rest stays to the bit.

Colours are blended as the file has them: sRGB with straight alpha in PNG and its kind, linear light times
alpha in OpenEXR.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import exr, png, read
from .channels import to_linear

Floats = NDArray[np.float32]

_DEPTHS = {"u1": "8", "u2": "16", "f2": "half", "f4": "float"}


@dataclass(frozen=True)
class Original:
    """pixels: (H, W, 3 or 4) uint8, uint16, float16 or float32, the top row first; the fourth is alpha."""

    pixels: NDArray[Any]

    @classmethod
    def read(cls, path: Path) -> Original:
        """What :func:`engine.pictures.read.read` reads, with all its bits. Raises UserError."""
        return cls(read.read_pixels(path))

    @property
    def depth(self) -> str:
        """One of choices.TEXTURE_DEPTHS."""
        return _DEPTHS[self.pixels.dtype.str[1:]]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.pixels.shape[:2]
        return height, width

    def at_depth(self, depth: str) -> Original:
        """The same in ``depth``, which is no less deep, and of integers or of floats as its own is."""
        if depth == self.depth:
            return self
        if depth == "16":
            return Original(self.pixels.astype(np.uint16) * np.uint16(257))
        return Original(self.pixels.astype(np.float32))

    def painted(self, colours: Floats, weight: Floats) -> Original:
        """With ``colours`` (H, W, 3), sRGB in [0, 1], to the share ``weight`` (H, W) in [0, 1] over it; where
        that is 0, all stays."""
        rows, columns = np.nonzero(weight > 0)
        share = weight[rows, columns, None]
        over = np.concatenate([colours[rows, columns], np.ones_like(share)], axis=1)
        pixels = self.pixels.copy()
        pixels[rows, columns] = self._blended(pixels[rows, columns], over, share)
        return replace(self, pixels=pixels)

    def _blended(self, old: NDArray[Any], over: Floats, share: Floats) -> NDArray[Any]:
        """``old`` (n, 3 or 4) under ``over`` (n, 4), sRGB and 1, to its ``share`` (n, 1)."""
        width = old.shape[1]
        if self.pixels.dtype.kind == "f":  # linear, times alpha
            over = np.concatenate([to_linear(over[:, :3]), over[:, 3:]], axis=1)[:, :width]
            known = np.nan_to_num(old.astype(np.float32))
            return (known * (1 - share) + over * share).astype(old.dtype)
        most = np.float32(np.iinfo(old.dtype).max)
        known = old.astype(np.float32) / most
        if width == 4:
            alpha = known[:, 3:] * (1 - share) + share
            known[:, :3] = (known[:, :3] * known[:, 3:] * (1 - share) + over[:, :3] * share) / alpha
            known[:, 3:] = alpha
        else:
            known = known * (1 - share) + over[:, :3] * share
        return (known * most + np.float32(0.5)).astype(old.dtype)

    def write(self, path: Path) -> None:
        """As PNG, or where it has floats as OpenEXR. Raises OSError."""
        if self.pixels.dtype.kind == "f":
            exr.write_pixels(self.pixels, path)
        else:
            png.write(self.pixels, path, 8 * self.pixels.itemsize)

    def eight_bits(self) -> NDArray[np.uint8]:
        """(H, W, 3 or 4), sRGB with straight alpha."""
        if self.pixels.dtype == np.uint8:
            return self.pixels
        return png.eight_bits(read.straight(self.pixels))[..., : self.pixels.shape[2]]

    def image(self) -> Image.Image:
        """It as 8 bits of it."""
        return Image.fromarray(np.ascontiguousarray(self.eight_bits()))
