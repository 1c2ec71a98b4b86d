"""What the numbers of a picture say: channels side by side, or by name; colours are sRGB (IEC 61966-2-1).

Numpy alone: the add-on reads this file, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from ..options.channels import Channel, columns

Floats = NDArray[np.float32]
ByChannel = Mapping[Channel, Floats]
"""Arrays of one shape but for the last axis, which is as long as the channel is wide."""
BACKGROUND = 0.5  # grey, behind what views show


def by_channel(values: Floats, channels: Iterable[Channel]) -> dict[Channel, Floats]:
    """``values`` (..., K), in which the numbers of ``channels`` lie side by side, in their order."""
    return {channel: values[..., own] for channel, own in columns(channels).items()}


def neutral(channels: Iterable[Channel]) -> Floats:
    """(K,) float32: the neutral values of ``channels`` side by side."""
    return np.concatenate([np.full(channel.width, channel.neutral, np.float32) for channel in channels])


def as_colours(picture: Floats) -> Floats:
    """``picture`` (H, W, 1 or 3) as (H, W, 3): grey where it has one number a pixel."""
    return np.broadcast_to(picture, (*picture.shape[:2], 3))


def to_linear(colours: Floats) -> Floats:
    """sRGB colours in [0, 1], any shape, as linear light (IEC 61966-2-1)."""
    power = ((colours + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(colours <= 0.04045, colours / np.float32(12.92), power)


def to_srgb(light: Floats) -> Floats:
    """The reverse of :func:`to_linear`."""
    power = np.float32(1.055) * light ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(light <= 0.0031308, light * np.float32(12.92), power)
