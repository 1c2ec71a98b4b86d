"""A world all around, from the prompt: gather -> start -> poll -> finish, as a texture."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
from bpy.props import PointerProperty

from ...engine.options.blender import NewWorld as WorldTable
from ...engine.options.image import ImageRequest
from ...engine.options.option import Option, options
from .. import package
from ..jobs.image_job import ImageJob
from ..problem import Problem, say
from ..read import image_settings, surroundings
from ..read import settings as read_settings
from ..read.surroundings import Eye
from ..results import world as write_world
from ..results.world import WorldTarget
from .properties import PictureOptions, annotated
from .registration import with_scene
from .running_job import CANCELLED, JobOperator

GROUP = "sync_texture_world"
"""The property of a scene that holds what the panel says of worlds alone."""
KIND = "panorama"
WIDTH = "width"
DEPTH = "depth.exr"


def own() -> list[Option]:
    """What only a world can be asked for."""
    return [*options(WorldTable).values(), ImageRequest.table()[WIDTH]]


class WorldOptions:
    """What stands around, whence it is seen, and what becomes of it."""

    __annotations__ = annotated(own())


class SceneWorldOptions(WorldOptions, bpy.types.PropertyGroup):
    """The panel's choices, stored with the scene."""

    bl_idname = "SYNC_TEXTURE_scene_world_options"


class NewWorldFromPrompt(JobOperator, PictureOptions, WorldOptions, bpy.types.Operator):
    """Paint all directions from one place, from the prompt, as a world. What isn't given is the panel's"""

    bl_idname = "sync_texture.new_world"
    bl_label = "New World"
    bl_options = {"UNDO"}  # noqa: RUF012

    def start(self, context: Any) -> ImageJob:
        scene, layer, table = context.scene, context.view_layer, ImageRequest.table()
        said = read_settings.given(self, getattr(scene, GROUP), own())
        width = read_settings.read(table[WIDTH], said[WIDTH])
        if said["surroundings"]:
            surroundings.check(scene)
        eye = Eye.of(scene, said["eye"])
        target = WorldTarget.of(scene, eye.heading, said["show"])

        def ask(folder: Path) -> ImageRequest:
            more: dict[str, Any] = {"kind": KIND, "width": width}
            if said["surroundings"]:
                more["depth"] = str(folder / DEPTH)
            request = image_settings.of_options(self, scene.sync_texture, package.device(), **more)
            image_settings.check(replace(request, out=str(folder)))  # before Cycles has to render
            if said["surroundings"]:
                surroundings.depth(scene, layer, eye, folder / DEPTH)
            return request

        return ImageJob(ask, "Making a world", lambda picture: write_world.put(picture, target))


class EarlierWorld(bpy.types.Operator):
    """Let the scene show the world again that it had before. The new one stays in the file"""

    bl_idname = "sync_texture.earlier_world"
    bl_label = "Earlier World"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: Any) -> set[str]:
        try:
            name = write_world.take_back(context.scene)
        except Problem as problem:
            say(self, "ERROR", str(problem))
            return CANCELLED
        say(self, "INFO", f"'{context.scene.name}' shows '{name}' again")
        return {"FINISHED"}


register, unregister = with_scene(
    (SceneWorldOptions, NewWorldFromPrompt, EarlierWorld),
    **{GROUP: PointerProperty(type=SceneWorldOptions)},
)
