"""The panel's LoRAs: a row for each, which the scene's option, one text, is made of and follows."""

# bpy's classes are of unknown type here; annotations of a property are values, not types.
# mypy: disable-error-code="valid-type,misc"

from typing import Any

import bpy
from bpy.props import CollectionProperty, FloatProperty, IntProperty, StringProperty

from ...engine.options import values, weighted
from ...engine.options.blender import panel
from ..read import settings as read_settings

ROWS = "sync_texture_loras"
RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5) else set()


def rows_changed(row: Any, _context: Any) -> None:
    """Let the scene's option say what its rows do."""
    _tell(row.id_data)


def option_changed(options: Any, _context: Any) -> None:
    """Let the rows say what the scene's ``options`` do; those of operators have none."""
    scene = options.id_data
    if not isinstance(scene, bpy.types.Scene) or _text(scene) == options.lora:
        return
    rows = getattr(scene, ROWS)
    rows.clear()
    for name, weight in map(weighted.as_written, values.read(panel()["lora"], options.lora)):
        row = rows.add()
        row["file"], row["weight"] = name, weight  # without an update for each


def _text(scene: Any) -> str:
    """What the rows say; those without a file nothing."""
    rows = ((row.file.strip(), row.weight) for row in getattr(scene, ROWS))
    said = (weighted.joined(name, round(weight, 4)) for name, weight in rows if name)
    return str(read_settings.written(tuple(said)))


def _tell(scene: Any) -> None:
    scene.sync_texture.lora = _text(scene)


class LoraRow(bpy.types.PropertyGroup):
    """One LoRA"""

    bl_idname = "SYNC_TEXTURE_lora_row"

    file: StringProperty(
        name="File",
        description="A .safetensors file, or the name that a LoRA was linked by",
        subtype="FILE_PATH",
        options=RELATIVE,
        update=rows_changed,
    )
    weight: FloatProperty(
        name="Strength",
        description="How much of it is added to the model",
        default=1.0,
        min=-weighted.MOST,
        max=weighted.MOST,
        soft_min=0.0,
        soft_max=2.0,
        update=rows_changed,
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
        getattr(context.scene, ROWS).add().file = self.filepath
        return {"FINISHED"}


class RemoveLora(bpy.types.Operator):
    """Leave this LoRA out. Its file stays"""

    bl_idname = "sync_texture.lora_remove"
    bl_label = "Remove LoRA"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    index: IntProperty(name="Row", description="Which one, from 0", min=0)

    def execute(self, context: Any) -> set[str]:
        getattr(context.scene, ROWS).remove(self.index)
        _tell(context.scene)
        return {"FINISHED"}


_register, _unregister = bpy.utils.register_classes_factory((LoraRow, AddLora, RemoveLora))


def register() -> None:
    _register()
    setattr(bpy.types.Scene, ROWS, CollectionProperty(type=LoraRow))


def unregister() -> None:
    delattr(bpy.types.Scene, ROWS)
    _unregister()
