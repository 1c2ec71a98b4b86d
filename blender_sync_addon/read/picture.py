"""An image of the .blend as a picture file, whatever it is there: a file, packed, painted, generated."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...engine.pictures import channels, png
from ..problem import Problem

_SUFFIXES = {".png", ".jpg", ".jpeg"}
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff")
_OWN_ALPHA = {"STRAIGHT", "PREMUL"}  # in other modes, alpha says nothing about where there is colour
_SINGLE = {"FILE", "GENERATED"}
FIND = "Find its file (File > External Data > Find Missing Files)"


@dataclass(frozen=True)
class Picture:
    """A picture as it lies in Blender: reading holds the main thread, so nothing is computed.

    source: path of a picture, the bytes of one, or pixels (H, W, 4) float32, the bottom row first, sRGB with
    straight alpha or, if ``linear``, as Blender keeps float images.
    """

    source: Path | bytes | NDArray[np.float32]
    linear: bool = False

    def path(self, folder: Path, name: str) -> Path:
        """Where it lies, or will lie once it was kept in ``folder`` as ``name``."""
        return self.source if isinstance(self.source, Path) else folder / f"{name}.png"

    def keep(self, folder: Path, name: str) -> None:
        """Write it into ``folder`` unless it is a file already. No bpy. Raises OSError."""
        if not isinstance(self.source, Path):
            self.save(self.path(folder, name))

    def save(self, path: Path) -> None:
        """Write it as ``path``. No bpy. Raises OSError."""
        if isinstance(self.source, Path):
            shutil.copyfile(self.source, path)
        elif isinstance(self.source, bytes):
            path.write_bytes(self.source)
        else:
            pixels = to_srgb(self.source) if self.linear else self.source
            png.write(pixels[::-1], path, level=png.QUICK)


def named(name: str, otherwise: str) -> Picture:
    """The image ``name`` of this .blend, else the file, or files where it is a pattern. otherwise: how to
    mend it. Raises Problem where it can't be had."""
    image = bpy.data.images.get(name)
    if image is None:
        path = os.path.abspath(os.path.expanduser(bpy.path.abspath(name)))
        if not os.path.isfile(path) and not re.search("<SET>|<UDIM>", path):
            raise Problem(f"There is no image and no picture file '{name}'", f"{otherwise}.")
        return Picture(Path(path))
    check_single(image, f"{otherwise}.")
    return read(image, otherwise)


def is_single(image: Any) -> bool:
    """Whether ``image`` is one picture: no film, tiles or render."""
    return image.source in _SINGLE


def check_single(image: Any, fix: str) -> None:
    """Raise Problem unless ``image`` is one picture. fix: how to mend that."""
    if not is_single(image):
        raise Problem(f"The image '{image.name}' is a film, has tiles, or is a render", fix)


def read(image: Any, otherwise: str = "") -> Picture:
    """That of ``image``, a single one. Raises Problem where its file is missing; otherwise: what else may
    mend that."""
    if (found := _file(image)) is not None:
        return Picture(found)
    return Picture(_pixels(image, otherwise), linear=image.is_float)


def _file(image: Any) -> Path | bytes | None:
    """The PNG or JPEG that ``image`` is just as it was saved; None without."""
    if image.is_dirty or image.source != "FILE" or image.alpha_mode not in _OWN_ALPHA:
        return None
    if image.packed_file:
        data = bytes(image.packed_file.data)
        return data if data.startswith(_MAGIC) else None
    path = Path(os.path.abspath(bpy.path.abspath(image.filepath, library=image.library)))
    return path if path.suffix.lower() in _SUFFIXES and path.is_file() else None


def _pixels(image: Any, otherwise: str = "") -> NDArray[np.float32]:
    """(H, W, 4) as Blender holds them: with what was painted, whatever the file's format."""
    width, height = image.size
    flat = np.empty(len(image.pixels), np.float32)
    if not len(flat):
        fix = ", ".join(filter(None, (FIND, otherwise)))
        raise Problem(f"The image '{image.name}' is missing", f"{fix}.")
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
