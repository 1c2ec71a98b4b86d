"""A material that tiles, from the prompt: gather -> start -> poll -> finish, as a texture."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

import dataclasses
from typing import Any

import bpy
from bpy.props import PointerProperty

from ...engine.options.blender import TileMaterial
from ...engine.options.image import ImageRequest
from ...engine.options.option import PANEL, Option, at, options
from .. import package
from ..datablocks import TAG
from ..jobs.image_job import ImageJob
from ..read import image_settings
from ..read import settings as read_settings
from ..results import history, stored_settings
from ..results import tile_material as write_tile
from ..results.tile_material import REPEAT, TileTarget
from .properties import PictureOptions, annotated
from .registration import with_scene
from .running_job import JobOperator

GROUP = "sync_texture_tile"
"""The property of a scene that holds what the panel says of tileable materials alone."""
KIND = "tile"
ASKED = ("width", "height", "channels")
"""The options of ``image`` that the panel of tileable materials has."""


def _own() -> list[Option]:
    """What only a tileable material can be asked for."""
    return [*(at(ImageRequest, PANEL)[name] for name in ASKED), options(TileMaterial)[REPEAT]]


class TileOptions:
    """How large the picture is, and how it is laid out."""

    __annotations__ = annotated(_own())


class SceneTileOptions(TileOptions, bpy.types.PropertyGroup):
    """The panel's choices, stored with the scene."""

    bl_idname = "SYNC_TEXTURE_scene_tile_options"


class NewTileableMaterial(JobOperator, PictureOptions, TileOptions, bpy.types.Operator):
    """Make a material from the prompt that goes on at its own other edge, without a seam, and show it on the
    active material slot. What isn't given is the panel's"""

    bl_idname = "sync_texture.new_tile"
    bl_label = "New Tileable Material"
    bl_options = {"UNDO"}  # noqa: RUF012

    def start(self, context: Any) -> ImageJob:
        scene = context.scene
        said = read_settings.given(self, getattr(scene, GROUP), _own())
        table = ImageRequest.table()
        asked = {name: read_settings.read(table[name], said[name]) for name in ASKED}
        request = image_settings.of_options(self, scene.sync_texture, package.device(), kind=KIND, **asked)
        return start_job(context.view_layer.objects.active, request, said[REPEAT])


def start_job(obj: Any | None, request: ImageRequest, repeat: float) -> ImageJob:
    """The job that makes a material for the active slot of ``obj``, started. Raises Problem."""
    target = TileTarget.of(obj)
    return ImageJob(
        lambda _folder: request,
        "Making a tileable material",
        lambda picture: write_tile.put(picture, target, repeat),
        lambda: target.blocked,
    )


def repeat(obj: Any, result: Any, other_seed: bool) -> ImageJob:
    """The job that makes the tileable material of ``result`` once more for ``obj``. Raises Problem."""
    material = result.material
    request = image_settings.stored(material, package.device())
    if other_seed:
        seed = stored_settings.unused_seed(history.of(obj), request.prompt.strip(), request.seed)
        request = dataclasses.replace(request, seed=seed)
    return start_job(obj, request, float(material[TAG][REPEAT]))


def use_settings(scene: Any, material: Any) -> None:
    """Let the panel of the ``scene`` say how our ``material`` was laid out, if it tiles."""
    if image_settings.kind(material) == KIND:
        for entry in _own():
            value = material[TAG].get(entry.name, read_settings.nothing(entry))
            setattr(getattr(scene, GROUP), entry.name, value)


register, unregister = with_scene(
    (SceneTileOptions, NewTileableMaterial), **{GROUP: PointerProperty(type=SceneTileOptions)}
)
