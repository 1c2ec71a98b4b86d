"""The picture that an object shows as its base colour, as a file for the engine to start from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...engine.options.channels import main_channel
from ..datablocks import render_uv_layer
from ..problem import Problem
from . import picture, target
from .picture import Picture
from .target import FaceSelection

OTHERWISE = "or turn Start from Current Texture off"
FIRST_TILE = 1001


@dataclass(frozen=True)
class CurrentTexture:
    """A texture as it lies in Blender. source: a picture, or of UDIM tiles the bytes by number. uv_layer:
    name of the UV map that it is laid out on, "" where the mesh has none of its own."""

    source: Picture | dict[int, bytes]
    uv_layer: str

    @property
    def tiled(self) -> bool:
        return isinstance(self.source, dict)

    def path(self, folder: Path, name: str) -> Path:
        """Where the picture will lie once it was saved into ``folder`` as ``name``; with <UDIM> in the name
        where it is tiled."""
        if isinstance(self.source, dict):
            return folder / f"{name}.<UDIM>.png"
        return self.source.path(folder, name)

    def save(self, folder: Path, name: str) -> None:
        """Write the picture into ``folder`` unless it is a file already. No bpy. Raises OSError."""
        if isinstance(self.source, dict):
            for tile, data in self.source.items():
                (folder / f"{name}.{tile}.png").write_bytes(data)
        else:
            self.source.keep(folder, name)

    def save_beside_others(self, folder: Path, name: str, tiled: bool) -> None:
        """Write the picture into ``folder`` in any case; as the first tile where one of them is ``tiled``. No
        bpy. Raises OSError."""
        if isinstance(self.source, dict):
            self.save(folder, name)
        else:
            self.source.save(folder / (f"{name}.{FIRST_TILE}.png" if tiled else f"{name}.png"))


def read(obj: Any, uv_layer: str = "", chosen: FaceSelection | None = None) -> CurrentTexture:
    """The base colour of ``obj``'s active material, or of that of its ``chosen`` faces, on the UV map
    ``uv_layer``, "" for whichever it is on.

    Raises Problem where it isn't one image, laid out by a UV map and nothing else.
    """
    return of_material(obj, target.shown_material(obj, chosen), uv_layer)


def of_material(obj: Any, material: Any | None, uv_layer: str = "") -> CurrentTexture:
    """The same of ``material`` on ``obj``."""
    image, layer = shown(obj, material)
    if uv_layer and layer and uv_layer != layer:
        what = f"The texture of '{obj.name}' is laid out on the UV map '{layer}', not on '{uv_layer}'"
        raise Problem(what, f"Choose '{layer}' under UV Map, {OTHERWISE}.")
    if image.source == "TILED":
        return CurrentTexture(_tiles(image), layer or uv_layer)
    return CurrentTexture(picture.read(image, OTHERWISE), layer or uv_layer)


def shown(obj: Any, material: Any | None) -> tuple[Any, str]:
    """(image, name of its UV map) of the base colour of ``material`` on ``obj``; raises Problem. Cheap enough
    to draw a panel."""
    if material is None:
        raise Problem(
            f"'{obj.name}' has no material to start from", f"Give it one with an image, {OTHERWISE}."
        )
    node = _image_node(material)
    if node is None or node.image is None:
        what = f"The base colour of '{material.name}' is no image"
        raise Problem(what, f"Plug one into Base Color, {OTHERWISE}.")
    if not picture.is_single(node.image) and node.image.source != "TILED":
        raise Problem(f"The image '{node.image.name}' is a film", f"Use a single image, {OTHERWISE}.")
    layer = _uv_layer(obj, node)
    if layer is None:
        what = f"'{material.name}' doesn't lay its image out by a UV map alone"
        raise Problem(what, f"Plug a UV Map node into the image, {OTHERWISE}.")
    return node.image, layer


def _image_node(material: Any) -> Any | None:
    """The image node right before the base colour of ``material``; None without."""
    socket = base_colour(material)
    node = _before(socket)[0] if socket else None
    return node if node and node.type == "TEX_IMAGE" else None


def base_colour(material: Any) -> Any | None:
    """The input of the shader of ``material`` that has its base colour; None without."""
    tree = material.node_tree
    output = tree.get_output_node("ALL") if tree else None
    shader = _before(output.inputs["Surface"])[0] if output else None
    return shader.inputs.get(main_channel().socket) or shader.inputs.get("Color") if shader else None


def _before(socket: Any) -> tuple[Any | None, str]:
    """The node that feeds the input ``socket``, reroutes aside, and the name of its output; None without."""
    while socket.links:
        link = socket.links[0]
        if link.from_node.type != "REROUTE":
            return link.from_node, link.from_socket.name
        socket = link.from_node.inputs[0]
    return None, ""


def _uv_layer(obj: Any, node: Any) -> str | None:
    """The UV map of an image node on ``obj``; None where it is laid out otherwise."""
    render = render_uv_layer(obj.data)
    before, output = _before(node.inputs["Vector"])
    if node.projection != "FLAT":
        return None
    if before is None or (before.type == "TEX_COORD" and output == "UV"):
        return render
    return (before.uv_map or render) if before.type == "UVMAP" else None


def _tiles(image: Any) -> dict[int, bytes]:
    """The tiles of a UDIM ``image`` as they were saved."""
    if image.is_dirty:
        what = f"The UDIM image '{image.name}' was painted on since it was saved"
        raise Problem(what, f"Save it (Image > Save), {OTHERWISE}.")
    packed = {one.tile_number: bytes(one.packed_file.data) for one in image.packed_files if one.packed_file}
    pattern = os.path.abspath(bpy.path.abspath(image.filepath, library=image.library))
    found = {}
    for tile in (tile.number for tile in image.tiles):
        path = Path(pattern.replace("<UDIM>", str(tile)))
        if tile not in packed and not path.is_file():
            fix = f"{picture.FIND}, {OTHERWISE}."
            raise Problem(f"Tile {tile} of the image '{image.name}' is missing", fix)
        found[tile] = packed[tile] if tile in packed else path.read_bytes()
    return found
