"""How the faces of an object look that a job isn't for: the views see them beside those that it paints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from ...engine.mesh.frame import udim_tile
from ...engine.pictures import channels
from ..datablocks import polygon_slots
from ..problem import Problem
from . import bulk
from . import texture as read_texture
from .picture import Picture
from .target import FaceSelection
from .texture import CurrentTexture

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

_PLAIN = (0.8, 0.8, 0.8)  # linear, as Blender shows what has no material


@dataclass(frozen=True)
class Look:
    """What shows one material. colour: (r, g, b) in [0, 1], sRGB. texture: over it, None without."""

    colour: tuple[float, float, float]
    texture: CurrentTexture | None = None

    @property
    def layer(self) -> str:
        """The UV map of its texture, "" without."""
        return self.texture.uv_layer if self.texture else ""


@dataclass(frozen=True)
class BesideReading:
    """triangles (B, 3) int32, the loops of each; slot (B,) int32, the material slot. looks: of each slot.
    uvs: (L, 2) float32 of each loop, by the names of UV maps."""

    triangles: Ints
    slot: Ints
    looks: Mapping[int, Look]
    uvs: Mapping[str, Floats]

    def arrays(self, loop_vertices: Ints) -> BesideArrays:
        """For the engine; ``loop_vertices`` (L,) as of the mesh. No bpy: any thread may call it."""
        uvs = np.zeros((*self.triangles.shape, 2), np.float32)
        look = np.zeros(len(self.triangles), np.int32)
        colours: list[tuple[float, float, float]] = []
        pictures: list[Picture | None] = []
        for slot, one in self.looks.items():
            own = np.flatnonzero(self.slot == slot)
            if one.layer in self.uvs:
                uvs[own] = self.uvs[one.layer][self.triangles[own]]
            tiles = _tiles(uvs[own])
            for tile, picture in _pictures(one.texture):
                look[own if tile is None else own[tiles == tile]] = len(colours)
                colours.append(one.colour)
                pictures.append(picture)
        faces = loop_vertices[self.triangles]
        return BesideArrays(faces, uvs, look, np.array(colours, np.float32), tuple(pictures))


@dataclass(frozen=True)
class BesideArrays:
    """As the engine's .npz wants it: faces (B, 3) int32, uvs (B, 3, 2) float32, look (B,) int32 among colours
    (L, 3) float32 and the pictures over these."""

    faces: Ints
    uvs: Floats
    look: Ints
    colours: Floats
    pictures: tuple[Picture | None, ...]

    def named(self, stem: str) -> dict[str, NDArray[Any]]:
        """The arrays of the mesh file called ``stem``, with the pictures' names as in a URI."""
        names = [quote(_file(stem, number)) if one else "" for number, one in enumerate(self.pictures)]
        return {
            "beside_faces": self.faces,
            "beside_uvs": self.uvs,
            "beside_looks": self.look,
            "beside_colors": self.colours,
            "beside_pictures": np.array(names),
        }

    def save(self, folder: Path, stem: str) -> None:
        """Write the pictures. Raises OSError."""
        for number, one in enumerate(self.pictures):
            if one is not None:
                one.save(folder / _file(stem, number))


def _file(stem: str, number: int) -> str:
    return f"{stem}.beside.{number}.png"


def looks(obj: Any, faces: FaceSelection | None) -> dict[int, Look]:
    """How what ``obj`` has beside ``faces``, None for all of it, looks, by the numbers of its slots."""
    return {number: _look(obj, material) for number, material, _ in _shown(obj, faces)}


def most_shown(obj: Any, faces: FaceSelection | None) -> Any | None:
    """The material that most of the faces show beside ``faces``, None for all, of ``obj``; None without."""
    found = max(_shown(obj, faces), key=lambda one: one[2], default=None)
    return found and found[1]


def _shown(obj: Any, faces: FaceSelection | None) -> list[tuple[int, Any | None, int]]:
    """The slots beside ``faces``: number, material, how many faces."""
    if faces is None:
        return []
    slots = polygon_slots(obj.data, len(obj.material_slots))[~faces.polygons]
    shown = [slot.material for slot in obj.material_slots] or [None]
    pairs = zip(*np.unique(slots, return_counts=True), strict=True)
    return [(int(number), shown[number], int(count)) for number, count in pairs]


def read(mesh: Any, triangles: Ints, slot: Ints, looks: Mapping[int, Look]) -> BesideReading | None:
    """``triangles`` (B, 3), loops of ``mesh``, which show ``slot`` (B,); None without. What modifiers show of
    further slots is left out."""
    own = np.isin(slot, list(looks))
    if not own.any():
        return None
    names = {one.layer for one in looks.values()} & {layer.name for layer in mesh.uv_layers}
    uvs = {name: bulk.uvs(mesh.uv_layers[name]) for name in names}
    return BesideReading(triangles[own], slot[own], looks, uvs)


def _look(obj: Any, material: Any | None) -> Look:
    colour = channels.to_srgb(np.clip(np.array(_colour(material), np.float32), 0, 1))
    red, green, blue = (float(one) for one in colour)
    try:
        return Look((red, green, blue), material and read_texture.of_material(obj, material))
    except Problem:  # nothing that a picture says
        return Look((red, green, blue))


def _colour(material: Any | None) -> Sequence[float]:
    """Linear (r, g, b): the base colour of ``material`` where it is one, else the one in the viewport."""
    if material is None:
        return _PLAIN
    socket = read_texture.base_colour(material)
    found = material.diffuse_color if socket is None or socket.is_linked else socket.default_value
    return tuple(found)[:3]


def _pictures(texture: CurrentTexture | None) -> list[tuple[int | None, Picture | None]]:
    """Those of ``texture``, each with its UDIM tile, None where there are no tiles."""
    if texture is None:
        return [(None, None)]
    if isinstance(texture.source, Picture):
        return [(None, texture.source)]
    return [(tile, Picture(data)) for tile, data in texture.source.items()]


def _tiles(uvs: Floats) -> Ints:
    """(n,) the UDIM tiles of triangles with ``uvs`` (n, 3, 2)."""
    found: Ints = udim_tile(np.floor(np.nan_to_num(uvs.mean(axis=1)))).astype(np.int32)
    return found
