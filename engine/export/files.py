"""The textures' files: texture.png, or one for each page and channel, deeper ones among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..mesh.sets import Layout, Page
from ..options.channels import Channel, main_channel
from ..outputs import MESH_FILES
from ..pictures import exr, png
from ..pictures.channels import ByChannel, as_colours
from ..pictures.original import Original
from ..pictures.pages import each
from ..protocol import Texture
from . import render, save
from .glb import Material, export_pages

Floats = NDArray[np.float32]


def page_file(page: Page, channel: Channel | None = None, suffix: str = ".png") -> str:
    """texture.png, texture.1001.png, texture.body.png, texture.body.1001.png, ...; of a ``channel``, None for
    the one that people look at: the others' begin with roughness and the like."""
    start = (channel or main_channel()).stem or "texture"
    return ".".join(text for text in (start, page.label) if text) + suffix


def result_file(depth: str, page: Page, channel: Channel | None = None) -> str:
    """The file that holds ``page`` at the ``depth`` asked for, see protocol.Request."""
    return page_file(page, channel, ".exr" if depth in exr.DEPTHS else ".png")


def uv_file(mesh: int) -> str:
    """The file of the new UVs of the mesh number ``mesh``."""
    return f"uvs.{mesh}.npy" if mesh else "uvs.npy"


def all_files(pages: Iterable[Page], channels: Iterable[Channel], depth: str) -> list[str]:
    """The names of all that is written of a mesh with ``pages`` in ``channels``, but new UVs."""
    rows = list(channels)
    found = [
        name(page, row) for page in pages for row in rows for name in (page_file, partial(result_file, depth))
    ]
    return [*dict.fromkeys(found), *MESH_FILES]


def textures(
    pages: Iterable[Page], channels: Iterable[Channel], folder: Path, file: Callable[[Page, Channel], str]
) -> list[Texture]:
    """The textures of all ``pages``, as messages list them, with their files in ``folder``; ``file`` names
    that of a channel."""
    rows = list(channels)
    found = []
    for page in pages:
        path, *others = (str(folder / file(page, channel)) for channel in rows)
        more = {channel.name: other for channel, other in zip(rows[1:], others, strict=True)}
        found.append(Texture(path, page.mesh, page.part, page.tile, more))
    return found


def write_textured(
    layout: Layout,
    images: ByChannel,
    depth: str,
    folder: Path,
    check: Callable[[], None] = lambda: None,
    files: Sequence[Original] = (),
) -> None:
    """All textures of ``images`` (T, T, k), or of pages, in ``depth``, and mesh.glb with 8 bits of them.
    files: what is written instead of the pages of the main channel, in that depth; none: these."""
    rows = [
        (channel, page, picture, own)
        for channel, image in images.items()
        for page, picture, own in zip(
            layout.pages,
            each(image),
            files if channel == main_channel() and files else [None] * len(layout.pages),
            strict=True,
        )
    ]
    for channel, page, picture, own in rows:
        check()
        if not _in_16_bits(channel, depth) or _is_named_by_glb(channel):
            small = own.image() if own else render.to_image(as_colours(picture))
            save.png(small, folder / page_file(page, channel))
    _write_glb(layout, images, folder)
    for channel, page, picture, own in rows:
        check()
        path = folder / result_file(depth, page, channel)
        if not own:
            _write_deep(as_colours(picture), channel, depth, path)
        elif depth != "8":
            own.write(path)


def _in_16_bits(channel: Channel, depth: str) -> bool:
    """Whether a PNG of 16 bits takes the place of that of 8."""
    return depth == "16" or (depth == "8" and channel.deep)


def _is_named_by_glb(channel: Channel) -> bool:
    """Whether mesh.glb has the very file of 8 bits, which then is written in any case."""
    return bool(channel.gltf) and channel.gltf_part is None


def _write_deep(picture: Floats, channel: Channel, depth: str, path: Path) -> None:
    """``picture`` (H, W, 3) where more than 8 bits of it are wanted."""
    if _in_16_bits(channel, depth):
        png.write(picture, path, bits=16)
    elif depth in exr.DEPTHS:
        exr.write(picture, path, depth, channel.colour)


def _write_glb(layout: Layout, images: ByChannel, folder: Path) -> None:
    slots: dict[str, list[Channel]] = {}
    for channel in images:
        slots.setdefault(channel.gltf, []).append(channel)
    slots.pop("", None)
    pages = {channel: each(image) for channel, image in images.items()}

    def picture(page: int, channels: list[Channel]) -> bytes | Path:
        """Of a slot: a channel's file, or several channels in one."""
        if channels[0].gltf_part is None:
            return folder / page_file(layout.pages[page], channels[0])
        packed = np.ones((*pages[channels[0]][page].shape[:2], 3), np.float32)
        for channel in channels:
            packed[..., channel.gltf_part] = pages[channel][page][..., 0]
        return save.png_bytes(render.to_image(packed))

    materials = [
        Material(
            page.label or layout.mesh.name,
            {slot: picture(i, channels) for slot, channels in slots.items()},
            {one.gltf_factor: one.width for one in images if one.gltf_factor},
        )
        for i, page in enumerate(layout.pages)
    ]
    objects = [(name, layout.faces(i)) for i, name in enumerate(layout.names)]
    export_pages(layout.mesh, layout.page, materials, objects, folder / "mesh.glb")
