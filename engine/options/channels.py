"""The channels that a texture has: what it says of a surface, a row each. Adding one is adding a row.

Baking, filling, files, previews, materials and results go through the channels that they are given and name
none. The first row is the one that people look at: contact sheets, turntables, thumbnails and measures show
it, and a texture to start from is of it. Standard library only: the engine and Blender's Python read this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from .values import either

RELIEF = 0.05
"""How far the height channel reaches above and below the mesh, in radii of the object: 0.5 is the mesh."""


@dataclass(frozen=True)
class Channel:
    """One row.

    name: what reports, messages and results call it; label: what people do. width: numbers a texel, 1 or 3,
    in [0, 1]. colour: whether they are sRGB colours; else data, which no transfer curve touches. neutral: the
    value of all of them where nothing is known, or of each. socket: the input of Blender's Principled BSDF
    that it feeds; through: the shader node between, "" for none. gltf: where a glTF material names its
    texture, dots between the keys, "" where it has none; gltf_part: which of the picture's three numbers it
    is there, None for all of them; gltf_factor: the number there that multiplies it, "" where that is 1
    anyway. stem: what its files' names begin with, "" for what is painted: texture or image. deep: its files
    have 16 bits, whatever colours have. made_from: the channel that it is reckoned from instead of painted.
    """

    name: str
    label: str
    width: int
    colour: bool
    neutral: float | tuple[float, ...]
    socket: str
    gltf: str
    through: str = ""
    gltf_part: int | None = None
    gltf_factor: str = ""
    stem: str = ""
    deep: bool = False
    made_from: str = ""


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
    Channel(
        name="roughness",
        label="Roughness",
        width=1,
        colour=False,
        neutral=0.5,
        socket="Roughness",
        gltf="pbrMetallicRoughness.metallicRoughnessTexture",
        gltf_part=1,
        gltf_factor="pbrMetallicRoughness.roughnessFactor",
        stem="roughness",
    ),
    Channel(
        name="metallic",
        label="Metallic",
        width=1,
        colour=False,
        neutral=0.0,
        socket="Metallic",
        gltf="pbrMetallicRoughness.metallicRoughnessTexture",
        gltf_part=2,
        gltf_factor="pbrMetallicRoughness.metallicFactor",
        stem="metallic",
    ),
    Channel(
        name="height",
        label="Height",
        width=1,
        colour=False,
        neutral=0.5,
        socket="",
        gltf="",
        stem="height",
        deep=True,
    ),
    Channel(
        name="normal",
        label="Normal",
        width=3,
        colour=False,
        neutral=(0.5, 0.5, 1.0),
        socket="Normal",
        through="ShaderNodeNormalMap",
        gltf="normalTexture",
        stem="normal",
        deep=True,
        made_from="height",
    ),
    Channel(
        name="emission",
        label="Emission",
        width=3,
        colour=True,
        neutral=0.0,
        socket="Emission Color",
        gltf="emissiveTexture",
        gltf_factor="emissiveFactor",
        stem="emission",
    ),
)
CHANNELS = {row.name: row for row in _ROWS}
"""All rows by name."""
FULL, COLOR = "full", "color"
"""What a request may say instead of names: all that the model gives, and the first alone."""


def main_channel() -> Channel:
    """The channel that people look at."""
    return next(iter(CHANNELS.values()))


def wanted(asked: Iterable[str], given: Iterable[Channel]) -> tuple[tuple[Channel, ...], list[str]]:
    """Of what a request ``asked`` for, names, FULL or COLOR, nothing being FULL: the channels that are made
    where ``given`` ones are painted, the first row always among them, and the names of those that aren't."""
    names = {main_channel().name if one == COLOR else one for one in asked} or {FULL}
    painted = {channel.name for channel in given}
    can = [row for row in CHANNELS.values() if {row.name, row.made_from} & painted]
    made = [row for row in can if FULL in names or row.name in names or row == main_channel()]
    return tuple(made), sorted(names - {FULL} - {row.name for row in can})


def ungiven(missing: Iterable[str]) -> list[str]:
    """A warning when channels that were asked for, by their names, aren't made."""
    said = f"the model can't tell {either([*missing])} of its pictures: only the rest is made"
    return [said] if missing else []


def painted(channels: Iterable[Channel], told: Collection[Channel] = ()) -> tuple[Channel, ...]:
    """Those that views must say for ``channels`` to be had, in the table's order. told: those that views say
    though they could be made from others."""
    names = {one.name if one in told else one.made_from or one.name for one in channels}
    return tuple(row for row in CHANNELS.values() if row.name in names)


def columns(channels: Iterable[Channel]) -> dict[Channel, slice]:
    """Where the numbers of each of ``channels`` are when all lie side by side, in this order."""
    found, start = {}, 0
    for channel in channels:
        found[channel] = slice(start, start + channel.width)
        start += channel.width
    return found
