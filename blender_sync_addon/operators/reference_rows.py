"""The panel's reference images: a row for each, with an image of the .blend, or a file, and its strength."""

# bpy's classes are of unknown type here; annotations of a property are values, not types.
# mypy: disable-error-code="valid-type,misc"

from typing import Any

import bpy
from bpy.props import CollectionProperty, FloatProperty, PointerProperty, StringProperty

from ...engine.options.weighted import REFERENCE
from ..problem import say
from .lora_rows import RELATIVE
from .registration import with_scene
from .weighted_rows import RemoveRow, takes, weighted


def _name(row: Any) -> str:
    return str(row.image.name if row.image else row.file.strip())


def _fill(row: Any, name: str) -> None:
    """An image of the .blend, else a file."""
    row.image = bpy.data.images.get(name)
    row.file = "" if row.image else name


ROWS = weighted("reference", "sync_texture_references", _name, _fill)


class ReferenceRow(bpy.types.PropertyGroup):
    """One reference image"""

    bl_idname = "SYNC_TEXTURE_reference_row"

    image: PointerProperty(
        name="Image",
        type=bpy.types.Image,
        description="What the texture is to look like",
        poll=takes,
        update=ROWS.changed,
    )
    file: StringProperty(
        name="File",
        description="A picture file, where it is no image of this .blend",
        subtype="FILE_PATH",
        options=RELATIVE,
        update=ROWS.changed,
    )
    weight: FloatProperty(
        name="Strength",
        description="How much it counts beside the prompt",
        default=REFERENCE.usual,
        min=REFERENCE.least,
        max=REFERENCE.most,
        soft_max=1.0,
        update=ROWS.changed,
    )


class AddReference(bpy.types.Operator):
    """Add a picture that the texture is to look like: an image of this .blend, or a file"""

    bl_idname = "sync_texture.reference_add"
    bl_label = "Add Reference Image"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    filepath: StringProperty(name="File", subtype="FILE_PATH", description="The picture. Empty: none yet")

    def execute(self, context: Any) -> set[str]:
        image = None
        if self.filepath:
            try:
                image = bpy.data.images.load(self.filepath, check_existing=True)
            except RuntimeError as error:
                say(self, "ERROR", str(error))
                return {"CANCELLED"}
        ROWS.of(context.scene).add().image = image
        return {"FINISHED"}


class RemoveReference(RemoveRow, bpy.types.Operator):
    """Leave this picture out. The image stays"""

    bl_idname = "sync_texture.reference_remove"
    bl_label = "Remove Reference Image"
    rows = ROWS


register, unregister = with_scene(
    (ReferenceRow, AddReference, RemoveReference), **{ROWS.place: CollectionProperty(type=ReferenceRow)}
)
