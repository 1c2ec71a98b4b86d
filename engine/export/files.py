"""The textures' files: texture.png, or one for each page, deeper ones among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..mesh.sets import Layout, Page
from ..pictures import exr, png
from ..pictures.pages import each
from . import render, save
from .glb import Look, export_pages

Floats = NDArray[np.float32]


def page_file(page: Page, suffix: str = ".png") -> str:
    """texture.png, texture.1001.png, texture.body.png, texture.body.1001.png, ..."""
    return ".".join(text for text in ("texture", page.label) if text) + suffix


def result_file(page: Page, depth: str) -> str:
    """The file that holds ``page`` at the ``depth`` asked for, see protocol.Request."""
    return page_file(page, ".exr" if depth in exr.DEPTHS else ".png")


def write_textured(
    layout: Layout, image: Floats, depth: str, folder: Path, check: Callable[[], None] = lambda: None
) -> None:
    """All textures of ``image`` (T, T, 3), or of pages, in ``depth``, and mesh.glb with 8 bits of them."""
    files = [folder / page_file(page) for page in layout.pages]
    for picture, file in zip(each(image), files, strict=True):
        check()
        save.png(render.to_image(picture), file)
    _write_glb(layout, files, folder / "mesh.glb")
    for picture, page in zip(each(image), layout.pages, strict=True):
        check()
        if depth == "16":
            png.write(picture, folder / page_file(page), bits=16)
        elif depth in exr.DEPTHS:
            exr.write(picture, folder / result_file(page, depth), depth)


def _write_glb(layout: Layout, files: Sequence[Path], path: Path) -> None:
    looks = [
        Look(page.label or layout.mesh.name, file) for page, file in zip(layout.pages, files, strict=True)
    ]
    objects = [(name, layout.faces(i)) for i, name in enumerate(layout.names)]
    export_pages(layout.mesh, layout.page, looks, objects, path)
