"""Colours as numbers: sRGB (IEC 61966-2-1) in [0, 1] throughout, linear light where it says so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BACKGROUND = 0.5  # grey, behind the mesh


def to_linear(colours: Floats) -> Floats:
    """sRGB colours in [0, 1], any shape, as linear light (IEC 61966-2-1)."""
    power = ((colours + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(colours <= 0.04045, colours / np.float32(12.92), power)


def to_srgb(light: Floats) -> Floats:
    """The reverse of :func:`to_linear`."""
    power = np.float32(1.055) * light ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(light <= 0.0031308, light * np.float32(12.92), power)
