"""The picture that an object shows as its base colour, as a file for the engine to start from."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...engine.options.channels import main_channel
from ...engine.pictures import channels, png
from ..problem import Problem
from . import target
from .target import FaceSelection

OTHERWISE = "or turn Start from Current Texture off"
_SUFFIXES = {".png", ".jpg", ".jpeg"}
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff")
FIRST_TILE = 1001
_OWN_ALPHA = {"STRAIGHT", "PREMUL"}  # in other modes, alpha says nothing about where there is colour


@dataclass(frozen=True)
class CurrentTexture:
    """A texture as it lies in Blender: reading holds the main thread, so nothing is computed.

    source: path of a picture, the bytes of one, or pixels (H, W, 4) float32, the bottom row first, sRGB with
    straight alpha or, if ``linear``, as Blender keeps float images; of UDIM tiles, the bytes by number.
    uv_layer: name of the UV map that it is laid out on, "" where the mesh has none of its own.
    """

    source: Path | bytes | NDArray[np.float32] | dict[int, bytes]
    uv_layer: str
    linear: bool = False

    @property
    def tiled(self) -> bool:
        return isinstance(self.source, dict)

    def path(self, folder: Path, name: str) -> Path:
        """Where the picture will lie once it was saved into ``folder`` as ``name``; with <UDIM> in the name
        where it is tiled."""
        if isinstance(self.source, Path):
            return self.source
        return folder / (f"{name}.<UDIM>.png" if self.tiled else f"{name}.png")

    def save(self, folder: Path, name: str) -> None:
        """Write the picture into ``folder`` unless it is a file already. No bpy. Raises OSError."""
        if isinstance(self.source, dict):
            for tile, data in self.source.items():
                (folder / f"{name}.{tile}.png").write_bytes(data)
        else:
            self._save(folder / f"{name}.png")

    def save_beside_others(self, folder: Path, name: str, tiled: bool) -> None:
        """Write the picture into ``folder`` in any case; as the first tile where one of them is ``tiled``. No
        bpy. Raises OSError."""
        path = folder / (f"{name}.{FIRST_TILE}.png" if tiled else f"{name}.png")
        if isinstance(self.source, Path):
            shutil.copyfile(self.source, path)
        elif isinstance(self.source, dict):
            self.save(folder, name)
        else:
            self._save(path)

    def _save(self, path: Path) -> None:
        if isinstance(self.source, bytes):
            path.write_bytes(self.source)
        elif isinstance(self.source, np.ndarray):
            pixels = to_srgb(self.source) if self.linear else self.source
            png.write(pixels[::-1], path, level=png.QUICK)


def read(obj: Any, uv_layer: str = "", chosen: FaceSelection | None = None) -> CurrentTexture:
    """The base colour of ``obj``'s active material, or of that of its ``chosen`` faces, on the UV map
    ``uv_layer``, "" for whichever it is on.

    Raises Problem where it isn't one image, laid out by a UV map and nothing else.
    """
    image, layer = shown(obj, target.shown_material(obj, chosen))
    if uv_layer and layer and uv_layer != layer:
        what = f"The texture of '{obj.name}' is laid out on the UV map '{layer}', not on '{uv_layer}'"
        raise Problem(what, f"Choose '{layer}' under UV Map, {OTHERWISE}.")
    if image.source == "TILED":
        return CurrentTexture(_tiles(image), layer or uv_layer)
    if (found := _file(image)) is not None:
        return CurrentTexture(found, layer or uv_layer)
    return CurrentTexture(_pixels(image), layer or uv_layer, linear=image.is_float)


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
    if node.image.source not in {"FILE", "GENERATED", "TILED"}:
        raise Problem(f"The image '{node.image.name}' is a film", f"Use a single image, {OTHERWISE}.")
    layer = _uv_layer(obj, node)
    if layer is None:
        what = f"'{material.name}' doesn't lay its image out by a UV map alone"
        raise Problem(what, f"Plug a UV Map node into the image, {OTHERWISE}.")
    return node.image, layer


def _image_node(material: Any) -> Any | None:
    """The image node right before the base colour of ``material``; None without."""
    tree = material.node_tree
    output = tree.get_output_node("ALL") if tree else None
    shader = _before(output.inputs["Surface"])[0] if output else None
    socket = shader.inputs.get(main_channel().socket) or shader.inputs.get("Color") if shader else None
    node = _before(socket)[0] if socket else None
    return node if node and node.type == "TEX_IMAGE" else None


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
    layers = obj.data.uv_layers
    render = next((layer.name for layer in layers if layer.active_render), "")
    before, output = _before(node.inputs["Vector"])
    if node.projection != "FLAT":
        return None
    if before is None or (before.type == "TEX_COORD" and output == "UV"):
        return render
    return (before.uv_map or render) if before.type == "UVMAP" else None


def _file(image: Any) -> Path | bytes | None:
    """The PNG or JPEG that ``image`` is just as it was saved; None without."""
    if image.is_dirty or image.source != "FILE" or image.alpha_mode not in _OWN_ALPHA:
        return None
    if image.packed_file:
        data = bytes(image.packed_file.data)
        return data if data.startswith(_MAGIC) else None
    path = Path(os.path.abspath(bpy.path.abspath(image.filepath, library=image.library)))
    return path if path.suffix.lower() in _SUFFIXES and path.is_file() else None


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
            fix = f"Find its file (File > External Data > Find Missing Files), {OTHERWISE}."
            raise Problem(f"Tile {tile} of the image '{image.name}' is missing", fix)
        found[tile] = packed[tile] if tile in packed else path.read_bytes()
    return found


def _pixels(image: Any) -> NDArray[np.float32]:
    """(H, W, 4) as Blender holds them: with what was painted, whatever the file's format."""
    width, height = image.size
    flat = np.empty(len(image.pixels), np.float32)
    if not len(flat):
        fix = f"Find its file (File > External Data > Find Missing Files), {OTHERWISE}."
        raise Problem(f"The image '{image.name}' is missing", fix)
    image.pixels.foreach_get(flat)
    pixels: NDArray[np.float32] = flat.reshape(height, width, -1)
    if pixels.shape[2] < 3:
        pixels = np.repeat(pixels[..., :1], 3, axis=2)
    if pixels.shape[2] == 3 or image.alpha_mode not in _OWN_ALPHA:
        pixels = np.concatenate([pixels[..., :3], np.ones_like(pixels[..., :1])], axis=2)
    return pixels


def to_srgb(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear colours times alpha (H, W, 4) to sRGB ones with straight alpha, in [0, 1]."""
    alpha = np.clip(pixels[..., 3:], 0, 1)
    straight = np.divide(pixels[..., :3], alpha, out=np.zeros_like(pixels[..., :3]), where=alpha > 0)
    return np.concatenate([channels.to_srgb(np.clip(straight, 0, 1)), alpha], axis=2)
