"""A panorama, made a World: the scene's, with the one that it had before kept, or one for later."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...engine import words
from ...engine.options.channels import main_channel
from ..datablocks import by_uid
from ..jobs.image_job import Finished, Picture
from ..problem import Problem
from ..read import image_settings
from ..write import colour_space
from ..write import image as write_image
from ..write import world as write_world
from ..write.world import BEFORE
from .all_or_none import all_or_none


@dataclass(frozen=True)
class WorldTarget:
    """What the world is for. uid: of the scene, session-wide. heading: where to the panorama's middle looks,
    radians to the left of +Y. use: whether the scene is to show it."""

    uid: int
    name: str
    heading: float
    use: bool

    @classmethod
    def of(cls, scene: Any, heading: float, use: bool) -> WorldTarget:
        """Raises Problem where the ``scene`` can't be changed."""
        if scene.library or scene.override_library:
            fix = "Make it local first (File > External Data), or work in another scene."
            raise Problem(f"The scene '{scene.name}' is linked from a library", fix)
        return cls(scene.session_uid, scene.name, heading, use)

    def scene(self) -> Any:
        """As it is now. Raises Problem where it is gone."""
        found = by_uid(bpy.data.scenes, self.uid)
        if found is None:
            raise Problem(f"The scene '{self.name}' was deleted while its world was made")
        return found


def put(picture: Picture, target: WorldTarget) -> Finished:
    """A new world of ``picture`` for what ``target`` says. Raises Problem; nothing has changed then."""
    scene, files = target.scene(), list[Path]()
    before, name = scene.world, picture.request.prompt.strip()[:60]
    origin = image_settings.origin(picture.request)

    def undo() -> None:
        write_image.remove(files)
        if scene.world != before:
            scene.world = before

    with all_or_none([], undo, name):
        file = picture.files[main_channel()]
        image = write_image.write(file, name, origin, channel=main_channel(), files=files)
        world = write_world.make(name, image, target.heading, origin)
        if target.use:
            if before is not None:
                world[BEFORE] = before
            scene.world = world
        else:
            world.use_fake_user = True  # else it would be gone when the file is saved
    notes = map(words.line, colour_space.notes([image]))
    shown = f"'{scene.name}' shows the new world" if target.use else "New world, which no scene shows yet:"
    return Finished(f"{shown} '{world.name}'", (*picture.warnings, *notes))


def earlier(world: Any | None) -> Any | None:
    """The world that the scene had before ours, ``world``; None where there is none."""
    return None if world is None else world.get(BEFORE)


def take_back(scene: Any) -> str:
    """Let the ``scene`` show the world that it had before ours, which stays in the file; its name. Raises
    Problem."""
    ours = scene.world
    before = earlier(ours)
    if before is None:
        raise Problem("The scene's world has no earlier one", "Choose one in the World tab of Properties.")
    ours.use_fake_user = True
    scene.world = before
    return str(before.name)
