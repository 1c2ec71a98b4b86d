"""How like what views show of one picture is to what a model painted there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .quality import decibels

Floats = NDArray[np.float32]
MOST = 99.0  # decibels: the same


def agreement(shown: Floats, painted: Floats) -> list[float]:
    """Of each of N views, (N, H, W, K) float32 in [0, 1]: the peak signal-to-noise ratio in decibels,
    -10 log10 of the mean squared difference, at most MOST."""
    errors = ((shown - painted) ** 2).mean(axis=(1, 2, 3), dtype=np.float64)
    return [round(min(MOST, decibels(float(error))), 2) for error in errors]
