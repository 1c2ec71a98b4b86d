"""The engine's result, looked at before Blender sees any of it. No bpy: it is read in a thread.

Nothing that it says is believed: whose its textures are, of what part, tile and channel; where its files lie,
how large its pictures are, what its arrays hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...engine import protocol
from ...engine.options.channels import CHANNELS, main_channel
from ...engine.protocol import Texture
from .. import engine_files
from ..engine_files import foreign
from ..problem import Problem
from ..write import uv as write_uv

if TYPE_CHECKING:  # without it, no bpy is needed here
    from ..read.arrays import MeshReading

LoopUvs = NDArray[np.float32]
TILES = range(1001, 2001)  # that Blender knows
LARGEST_SHEET = 1 << 25  # texels of a contact sheet; 64 views have 7 million


@dataclass(frozen=True)
class Received:
    """What a result holds. textures: their files are there and of plausible size. uvs: of the loops of each
    mesh, None where its own stay. sheet: the contact sheet, None where there is none to be used. relief: as
    of a Result; the engine was given lengths of the world."""

    textures: tuple[Texture, ...]
    uvs: tuple[LoopUvs | None, ...]
    sheet: Path | None
    relief: float = 0.0

    def parts(self, mesh: int) -> list[str | None]:
        """The materials of the mesh number ``mesh`` that have textures of their own; [None]: one for all."""
        return list(dict.fromkeys(one.part for one in self.textures if one.mesh in (mesh, None)))

    def of(self, mesh: int, part: str | None) -> list[Texture]:
        """The textures of ``part``, one for each tile."""
        return [one for one in self.textures if one.mesh in (mesh, None) and one.part == part]


def receive(result: protocol.Result, meshes: Sequence[MeshReading], out: Path, side: int) -> Received:
    """``result`` for ``meshes``, with its files in ``out`` and textures of at most ``side`` texels across.
    Raises Problem."""
    textures = tuple(result.textures or [Texture(result.texture, 0 if len(meshes) == 1 else None)])
    paths = list(result.mesh_uvs)
    if len(paths) > len(meshes):
        raise foreign(f"The engine returned UVs for {len(paths)} meshes, and there are {len(meshes)}")
    _check(textures, meshes)
    _check_files(textures, out, side)
    paths += [None] * (len(meshes) - len(paths))
    uvs = tuple(_loop_uvs(path, mesh, out) for path, mesh in zip(paths, meshes, strict=True))
    return Received(textures, uvs, _sheet(result.views, out), relief(result))


def _check(textures: Sequence[Texture], meshes: Sequence[MeshReading]) -> None:
    """Raise Problem unless each of ``meshes`` has textures, whole and unambiguous ones."""
    for texture in textures:
        for what in _flaws(texture, meshes):
            raise foreign(f"The engine returned a texture for {what}")
    for number in range(len(meshes)):
        own = [one for one in textures if one.mesh in (number, None)]
        places = [(one.part, one.tile) for one in own]
        tiled = [(one.part, one.tile is not None) for one in own]
        alike = [(one.part, one.mesh, tuple(one.files)) for one in own]
        parts = {part for part, _ in places}
        if not own or (None in parts and len(parts) > 1):
            raise foreign("The engine returned no texture for all of an object")
        if len(set(places)) < len(places) or any(len(set(s)) > len(parts) for s in (tiled, alike)):
            raise foreign("The engine returned two textures for one place")


def _flaws(texture: Texture, meshes: Sequence[MeshReading]) -> Iterator[str]:
    """For what can't be textured, in words."""
    if texture.mesh is not None and not 0 <= texture.mesh < len(meshes):
        yield "an object that isn't there"
        return
    own = meshes if texture.mesh is None else [meshes[texture.mesh]]
    if texture.part is not None and any(texture.part not in mesh.materials for mesh in own):
        yield "a material that isn't there"
    if texture.tile is not None and texture.tile not in TILES:
        yield "a UDIM tile that can't be"
    if unknown := unknown_channel(texture):
        yield unknown


def relief(result: protocol.Result) -> float:
    """That of ``result``. Raises Problem where it can't be."""
    if result.relief < 0:
        raise foreign("The engine returned heights that are upside down")
    return result.relief


def unknown_channel(texture: Texture) -> str:
    """A channel of ``texture`` that is none, in words; "" where there is no such."""
    unknown = texture.others.keys() - (CHANNELS.keys() - {main_channel().name})
    return f"the channel '{protocol.shown(min(unknown))[:60]}', which is none" if unknown else ""


def _check_files(textures: Sequence[Texture], out: Path, side: int) -> None:
    for path in dict.fromkeys(path for one in textures for path in one.files.values()):
        width, height = engine_files.picture_size(engine_files.own_file(path, out))
        if max(width, height) > side:
            raise foreign(
                f"The engine returned a texture of {width} x {height}, and {side} x {side} was wanted"
            )


def _loop_uvs(path: str | None, mesh: MeshReading, out: Path) -> LoopUvs | None:
    if path is None:
        return None
    uvs = engine_files.corner_uvs(engine_files.own_file(path, out), len(mesh.corners))
    return write_uv.per_loop(uvs, mesh.corners, len(mesh.loop_vertices))


def _sheet(path: str, out: Path) -> Path | None:
    """The contact sheet, which no result is worth less without."""
    try:
        found = engine_files.own_file(path, out)
        width, height = engine_files.picture_size(found)
    except Problem:
        return None
    return found if width * height <= LARGEST_SHEET else None
