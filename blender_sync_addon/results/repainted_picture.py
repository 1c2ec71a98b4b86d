"""A repainted picture in the place of the image that it was made from."""

from __future__ import annotations

from typing import Any

import bpy

from ..datablocks import by_uid
from ..jobs.image_job import Finished, Picture
from ..problem import Problem
from ..read import image_settings
from ..write import image as write_image
from .all_or_none import all_or_none


def put(picture: Picture, uid: int) -> Finished:
    """Let all that shows the image with the session's number ``uid`` show ``picture``, as a new image. The
    old one is kept, and undo brings it back. Raises Problem; then all is as it was."""
    old = by_uid(bpy.data.images, uid)
    if old is None:
        raise Problem("The image was deleted while it was repainted", "Repaint another one.")
    name = f"{old.name} {picture.request.prompt.strip()}"[:60]
    with all_or_none([], name=old.name):
        (path,) = picture.files.values()
        new = write_image.write(path, name, image_settings.origin(picture.request))
        new.colorspace_settings.name = old.colorspace_settings.name
        new.alpha_mode = old.alpha_mode
        _replace(old, new)
    return Finished(f"Repainted '{old.name}' as '{new.name}'", picture.warnings)


def _replace(old: Any, new: Any) -> None:
    """Everywhere, editors included. Nothing else uses the old one then, which a saved file would lose."""
    old.user_remap(new)
    for space in _image_editors():
        if space.image == old:
            space.image = new
    old.use_fake_user = True


def _image_editors() -> list[Any]:
    spaces = (space for screen in bpy.data.screens for area in screen.areas for space in area.spaces)
    return [space for space in spaces if space.type == "IMAGE_EDITOR"]
