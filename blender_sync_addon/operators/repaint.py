"""A part of a texture, or of a picture, painted anew: gather -> start -> poll -> finish, as a texture."""

# bpy's classes are of unknown type here; annotations of a property are values, not types.
# mypy: disable-error-code="valid-type,misc"

import dataclasses
from pathlib import Path
from typing import Any

import bpy
from bpy.props import PointerProperty, StringProperty

from ...engine.options.areas import Area
from ...engine.options.blender import Repaint as RepaintTable
from ...engine.options.blender import RepaintPicture as PictureTable
from ...engine.options.image import ImageRequest
from ...engine.options.option import options
from ...engine.options.request import OPTIONS
from .. import package
from ..jobs.image_job import ImageJob
from ..jobs.texture_job import TextureJob
from ..problem import Problem
from ..read import image_settings, picture
from ..read import settings as read_settings
from ..read.settings import VIEWPORT, Settings
from ..read.target import SELECTED_FACES
from ..results import repainted_picture
from .properties import JobOptions, PictureOptions, annotated
from .registration import with_scene
from .running_job import JobOperator

GROUP, PICTURE_GROUP = "sync_texture_repaint", "sync_texture_repaint_picture"
"""The properties of a scene that hold what the panels say of repainting alone."""
KIND = "picture"


class RepaintOptions:
    """What is painted anew, how much, and from where."""

    __annotations__ = annotated(options(RepaintTable).values())


class SceneRepaintOptions(RepaintOptions, bpy.types.PropertyGroup):
    """The panel's choices, stored with the scene."""

    bl_idname = "SYNC_TEXTURE_scene_repaint_options"


class Repaint(JobOperator, RepaintOptions, JobOptions, bpy.types.Operator):
    """Paint a part of the active object's texture anew, from the prompt. All else stays as it is, to the bit.
    What isn't given is the panel's"""

    bl_idname = "sync_texture.repaint"
    bl_label = "Repaint"
    bl_options = {"UNDO"}  # noqa: RUF012

    def start(self, context: Any) -> TextureJob:
        scene, obj = context.scene, context.view_layer.objects.active
        own = read_settings.given(self, getattr(scene, GROUP), options(RepaintTable).values())
        settings = read_settings.from_options(self, scene.sync_texture, package.device())
        return TextureJob([obj], repaint_settings(settings, obj, own))


def repaint_settings(settings: Settings, obj: Any | None, own: dict[str, Any]) -> Settings:
    """``settings`` for what ``own``, values of the table, has repainted of ``obj``. Raises Problem."""
    area = Area(own["area"], own["area_name"].strip() or _usual(obj, own["area"]))
    return dataclasses.replace(
        settings,
        target="active",
        slot="",
        from_texture=True,
        strength=own["strength"],
        repaint=(str(area),),
        unwrap="auto",
        texture_sets="auto",
        detail="off",
        texture_size=OPTIONS["texture_size"].default,  # it keeps its own
        views=VIEWPORT if own["viewport"] else settings.views,
    )


def _usual(obj: Any | None, kind: str) -> str:
    """What is painted anew where nothing is named. Raises Problem where nothing can be."""
    if kind == "faces":
        return SELECTED_FACES
    if kind == "mask":
        fix = "Choose one that is white where that is painted, under Repaint."
        raise Problem("No image is chosen as mask", fix)
    group = obj.vertex_groups.active if obj is not None and obj.type == "MESH" else None
    found = group if kind == "group" else obj.active_material if obj is not None else None
    if found is None:
        what = "vertex group" if kind == "group" else "material"
        raise Problem(f"The active object has no {what}", "Choose another area under Repaint.")
    return str(found.name)


class RepaintPictureOptions:
    """Where a picture is painted anew, and how much."""

    __annotations__ = annotated(options(PictureTable).values())


class SceneRepaintPictureOptions(RepaintPictureOptions, bpy.types.PropertyGroup):
    """The Image Editor's choices, stored with the scene."""

    bl_idname = "SYNC_TEXTURE_scene_repaint_picture_options"


class RepaintPicture(JobOperator, PictureOptions, RepaintPictureOptions, bpy.types.Operator):
    """Paint an image anew from the prompt, or what a mask covers of it: all else stays as it is, to the bit.
    The new image takes the place of the old one, which is kept. What isn't given is the panel's"""

    bl_idname = "sync_texture.repaint_picture"
    bl_label = "Repaint Picture"
    bl_options = {"UNDO"}  # noqa: RUF012

    image: StringProperty(name="Image", description="Its name. Empty: that of the Image Editor")

    def start(self, context: Any) -> ImageJob:
        scene = context.scene
        own = read_settings.given(self, getattr(scene, PICTURE_GROUP), options(PictureTable).values())
        image = shown_image(context) if not self.image else bpy.data.images.get(self.image)
        if image is None:
            raise Problem("There is no image to repaint", "Open one in the Image Editor.")
        picture.check_single(image, "Use another.")
        named = {"init_image": picture.read(image)}
        if own["mask"].strip():
            named["mask"] = picture.named(own["mask"].strip(), "choose another mask, or leave it out")

        def ask(folder: Path) -> ImageRequest:
            files = {name: str(one.path(folder, name)) for name, one in named.items()}
            more = {"kind": KIND, "strength": own["strength"], **files}
            return image_settings.of_options(self, scene.sync_texture, package.device(), **more)

        def save(folder: Path) -> None:
            for name, one in named.items():
                one.keep(folder, name)

        uid = image.session_uid
        return ImageJob(
            ask, f"Repainting {image.name}", lambda found: repainted_picture.put(found, uid), save=save
        )


def shown_image(context: Any) -> Any | None:
    """The image that the Image Editor shows; None elsewhere."""
    space = context.space_data
    return space.image if space is not None and space.type == "IMAGE_EDITOR" else None


register, unregister = with_scene(
    (SceneRepaintOptions, SceneRepaintPictureOptions, Repaint, RepaintPicture),
    **{
        GROUP: PointerProperty(type=SceneRepaintOptions),
        PICTURE_GROUP: PointerProperty(type=SceneRepaintPictureOptions),
    },
)
