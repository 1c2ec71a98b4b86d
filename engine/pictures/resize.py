"""Pictures in another size, without aliasing."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def resized(picture: Floats, height: int, width: int) -> Floats:
    """``picture`` (h, w, k) as (height, width, k): bilinear, the mean of what becomes one pixel."""
    if picture.shape[:2] == (height, width):
        return picture
    planes = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
    fitted = torch.nn.functional.interpolate(planes, (height, width), mode="bilinear", antialias=True)
    return np.ascontiguousarray(fitted[0].permute(1, 2, 0).numpy())
