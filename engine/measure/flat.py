"""Channels that are the same all over a surface: then nothing was painted, and no other measure says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..options.channels import Channel

FLAT = 2 / 255
"""Values nearer to one another than this look the same."""
MOST = 0.99  # of the surface
SAMPLES = 1 << 16


def flat_channels(images: Mapping[Channel, NDArray[np.float32]], index: NDArray[np.int32]) -> list[Channel]:
    """Those of ``images`` (..., k), in [0, 1], whose texels with the flat ``index`` (n,) are the same: 99 %
    of them within 2/255 in all numbers. None without texels. Of many, 65,536 in even steps are looked at."""
    some = index[:: max(1, len(index) // SAMPLES)]
    if not len(some):
        return []
    return [channel for channel, image in images.items() if _is_flat(image, some)]


def _is_flat(image: NDArray[np.float32], index: NDArray[np.int32]) -> bool:
    values = image.reshape(-1, image.shape[-1])[index]
    ends = np.percentile(values, (50 * (1 - MOST), 50 * (1 + MOST)), axis=0)
    return bool((ends[1] - ends[0] < FLAT).all())


def warning(flat: Sequence[Channel]) -> list[str]:
    """What to say of the channels that are ``flat``."""
    said = "is the same all over: hardly anything was painted"
    return [f"the texture's {one.label.lower()} {said}" for one in flat]
