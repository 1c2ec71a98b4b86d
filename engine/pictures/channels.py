"""Pictures and textures of several channels: all numbers side by side for work that treats them alike, or
by channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from ..options.channels import Channel, columns

Floats = NDArray[np.float32]
ByChannel = Mapping[Channel, Floats]
"""Arrays of one shape but for the last axis, which is as long as the channel is wide."""


def by_channel(values: Floats, channels: Iterable[Channel]) -> dict[Channel, Floats]:
    """``values`` (..., K), in which the numbers of ``channels`` lie side by side, in their order."""
    return {channel: values[..., own] for channel, own in columns(channels).items()}


def neutral(channels: Iterable[Channel]) -> Floats:
    """(K,) float32: the neutral values of ``channels`` side by side."""
    return np.concatenate([np.full(channel.width, channel.neutral, np.float32) for channel in channels])


def as_colours(picture: Floats) -> Floats:
    """``picture`` (H, W, 1 or 3) as (H, W, 3): grey where it has one number a pixel."""
    return np.broadcast_to(picture, (*picture.shape[:2], 3))
