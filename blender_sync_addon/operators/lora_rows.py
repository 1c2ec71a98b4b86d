"""The panel's LoRAs: a row for each, which the scene's option, one text, is made of and follows."""

# bpy's classes are of unknown type here; annotations of a property are values, not types.
# mypy: disable-error-code="valid-type,misc"

from typing import Any

import bpy
from bpy.props import CollectionProperty, FloatProperty, StringProperty

from ...engine.options.weighted import LORA
from .registration import with_scene
from .weighted_rows import RemoveRow, weighted

RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5) else set()


def _fill(row: Any, name: str) -> None:
    row.file = name


ROWS = weighted("lora", "sync_texture_loras", lambda row: row.file.strip(), _fill)


class LoraRow(bpy.types.PropertyGroup):
    """One LoRA"""

    bl_idname = "SYNC_TEXTURE_lora_row"

    file: StringProperty(
        name="File",
        description="A .safetensors file, or the name that a LoRA was linked by",
        subtype="FILE_PATH",
        options=RELATIVE,
        update=ROWS.changed,
    )
    weight: FloatProperty(
        name="Strength",
        description="How much of it is added to the model",
        default=1.0,
        min=LORA.least,
        max=LORA.most,
        soft_min=0.0,
        soft_max=2.0,
        update=ROWS.changed,
    )


class AddLora(bpy.types.Operator):
    """Choose a LoRA for the model: a .safetensors file"""

    bl_idname = "sync_texture.lora_add"
    bl_label = "Add LoRA"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    filepath: StringProperty(name="File", subtype="FILE_PATH", description="The .safetensors file")
    filter_glob: StringProperty(default="*.safetensors", options={"HIDDEN"})

    def invoke(self, context: Any, _event: Any) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        ROWS.of(context.scene).add().file = self.filepath
        return {"FINISHED"}


class RemoveLora(RemoveRow, bpy.types.Operator):
    """Leave this LoRA out. Its file stays"""

    bl_idname = "sync_texture.lora_remove"
    bl_label = "Remove LoRA"
    rows = ROWS


register, unregister = with_scene(
    (LoraRow, AddLora, RemoveLora), **{ROWS.place: CollectionProperty(type=LoraRow)}
)
