"""The channels that a texture has: what it says of a surface, a row each. Adding one is adding a row.

Baking, filling, files, previews, materials and results go through the channels that they are given and name
none. The first row is the one that people look at: contact sheets, turntables, thumbnails and measures show
it, and a texture to start from is of it. Standard library only: the engine and Blender's Python read this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Channel:
    """One row.

    name: what reports, messages and results call it; label: what people do. width: numbers a texel, 1 or 3,
    in [0, 1]. colour: whether they are sRGB colours; else data, which no transfer curve touches. neutral: the
    value of all of them where nothing is known. socket: the input of Blender's Principled BSDF that it feeds.
    gltf: where a glTF material names its texture, dots between the keys; gltf_factor: the number there that
    multiplies it, "" where that is 1 anyway. suffix: what its files' names have after "texture".
    """

    name: str
    label: str
    width: int
    colour: bool
    neutral: float
    socket: str
    gltf: str
    gltf_factor: str = ""
    suffix: str = ""


_ROWS = (
    Channel(
        name="base_color",
        label="Base Color",
        width=3,
        colour=True,
        neutral=0.5,
        socket="Base Color",
        gltf="pbrMetallicRoughness.baseColorTexture",
    ),
)
CHANNELS = {row.name: row for row in _ROWS}
"""All rows by name."""


def main_channel() -> Channel:
    """The channel that people look at."""
    return next(iter(CHANNELS.values()))


def columns(channels: Iterable[Channel]) -> dict[Channel, slice]:
    """Where the numbers of each of ``channels`` are when all lie side by side, in this order."""
    found, start = {}, 0
    for channel in channels:
        found[channel] = slice(start, start + channel.width)
        start += channel.width
    return found
