"""The texture as an image datablock: saved beside the .blend where there is one, else packed."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from ..problem import Problem

FOLDER = "textures"
COLOURS = {".png": "sRGB", ".exr": "Linear Rec.709"}
"""The colour space of what the engine writes, as Blender calls it."""
TAG = "sync_texture"
"""Name of the custom property that marks our images and materials and says how they were made."""


def write(picture: Path, name: str, origin: Mapping[str, Any], pack: bool = False) -> Any:
    """An image datablock ``name`` with the file ``picture``, a .png or .exr.

    origin: how it was made (prompt, seed, ...), kept with the image. In a saved .blend the file goes into
    ``textures`` beside it, under a new name; else, or where that folder can't be written, or with ``pack``,
    into the .blend itself. Raises Problem when the picture can't be read.
    """
    kept = None if pack or not bpy.data.filepath else _beside_blend(picture, name)
    try:
        image = bpy.data.images.load(str(kept or picture), check_existing=False)
    except RuntimeError as error:
        raise Problem(f"The texture can't be read: {error}") from error
    image.name = name
    image[TAG] = dict(origin)
    with contextlib.suppress(TypeError):  # a studio's own colour configuration may call it otherwise
        image.colorspace_settings.name = COLOURS[picture.suffix]
    if kept:
        image.filepath_raw = bpy.path.relpath(str(kept))
    else:
        image.pack()
        image.filepath_raw = f"//{FOLDER}/{_slug(name)}{picture.suffix}"  # where "unpack" would put it
    return image


def _beside_blend(picture: Path, name: str) -> Path | None:
    """``picture`` copied to a new file beside the .blend; None when that can't be done."""
    folder = Path(bpy.data.filepath).parent / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        target = _claim(folder, _slug(name), picture.suffix)
    except OSError:
        return None
    try:
        shutil.copyfile(picture, target)
    except OSError:  # a full disk: leave nothing half-written behind
        target.unlink(missing_ok=True)
        return None
    return target


def _claim(folder: Path, stem: str, suffix: str) -> Path:
    """A new, empty file in ``folder``: stem.png, stem-2.png, ... Never one that exists."""
    number = 1
    while True:
        path = folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            path.touch(exist_ok=False)
            return path
        except FileExistsError:
            number += 1


def _slug(name: str) -> str:
    """``name`` with only what every file system takes."""
    return re.sub(r"[^\w-]+", "_", name).strip("_")[:80] or "texture"
