"""In which colour space Blender takes our images, by whatever name the colour configuration (OCIO) has it.

Where it has none of the names that are known, images are taken as that configuration takes all others, and
people hear of it: only they know what is the same there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

from ..datablocks import channel

SRGB, LINEAR, DATA = "sRGB", "Linear Rec.709", "Non-Color"
"""The spaces of what the engine writes, as Blender's own configuration calls them."""
_NAMES = {
    SRGB: (SRGB, "sRGB - Texture", "Utility - sRGB - Texture", "sRGB Encoded Rec.709 (sRGB)", "srgb_texture"),
    LINEAR: (LINEAR, "Linear Rec.709 (sRGB)", "Utility - Linear - sRGB", "lin_rec709", "lin_srgb"),
    DATA: (DATA, "Raw", "Utility - Raw", "raw", "data"),
}


def set_space(image: Any, wanted: str) -> None:
    """Let ``image`` be taken as of the space ``wanted``, one of those above, where Blender has that."""
    for name in _NAMES[wanted]:
        with contextlib.suppress(TypeError):  # there is none of this name
            image.colorspace_settings.name = name
            return


def wanted(image: Any, suffix: str) -> str:
    """The space of our ``image``, a file with that ``suffix``."""
    if not channel(image).colour:
        return DATA
    return LINEAR if suffix == ".exr" else SRGB


def notes(images: Iterable[Any]) -> tuple[str, ...]:
    """A warning where some of our ``images`` are taken as of a space that isn't known to be theirs."""
    found: dict[tuple[str, str], str] = {}
    for image in images:
        space = wanted(image, ".exr" if image.is_float else "")
        shown = image.colorspace_settings.name
        if shown not in _NAMES[space] and not (space == DATA and image.colorspace_settings.is_data):
            found.setdefault((space, shown), image.name)
    return tuple(_note(name, space, shown) for (space, shown), name in found.items())


def _note(name: str, space: str, shown: str) -> str:
    taken = f"taken as '{shown}'" if shown else "taken as it is"  # in Blender 4, of a space without a name
    return f"'{name}' is {taken}: the colour configuration has no '{space}'. Set the image's Color Space"
