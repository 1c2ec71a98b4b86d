"""Settings under a name: Blender's own presets, in the header of the panel."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from pathlib import Path
from typing import Any

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel

from ...engine.options.blender import panel

FOLDER = "sync_texture"
SHIPPED = str(Path(__file__).resolve().parents[1] / "shipped")
PERSONAL = {name for name, entry in panel().items() if entry.personal}
"""What belongs to one texture or one object, not to a way of making them."""

# The model decides what a quality is, and a quality sets some of what comes after it.
FIRST = ("model", "quality")


def names() -> list[str]:
    """The properties that a preset holds, in the order in which they are to be set."""
    return [*FIRST, *(name for name in panel() if name not in {*PERSONAL, *FIRST})]


class AddPreset(AddPresetBase, bpy.types.Operator):
    """Keep these settings under a name, or remove the preset that was chosen last"""

    bl_idname = "sync_texture.preset_add"
    bl_label = "Add Sync Texture Preset"
    preset_menu = "SYNC_TEXTURE_MT_presets"
    preset_subdir = FOLDER
    preset_defines = ["options = bpy.context.scene.sync_texture"]  # noqa: RUF012

    @property
    def preset_values(self) -> list[str]:
        return [f"options.{name}" for name in names()]


class PresetsMenu(bpy.types.Menu):
    """Settings that were kept under a name"""

    bl_idname = "SYNC_TEXTURE_MT_presets"
    bl_label = "Presets"
    preset_subdir = FOLDER
    preset_operator = "script.execute_preset"
    draw = bpy.types.Menu.draw_preset


class PresetsPanel(PresetPanel, bpy.types.Panel):
    """Settings that were kept under a name"""

    bl_idname = "SYNC_TEXTURE_PT_presets"
    bl_label = "Sync Texture Presets"
    preset_subdir = FOLDER
    preset_operator = "script.execute_preset"
    preset_add_operator = AddPreset.bl_idname


def draw(layout: Any) -> None:
    """The button in a panel's header."""
    layout.emboss = "NONE"
    layout.popover(panel=PresetsPanel.bl_idname, icon="PRESET", text="")


_register, _unregister = bpy.utils.register_classes_factory((AddPreset, PresetsMenu, PresetsPanel))


def register() -> None:
    _register()
    if hasattr(bpy.utils, "register_preset_path"):  # from Blender 4.3 on
        bpy.utils.register_preset_path(SHIPPED)


def unregister() -> None:
    if hasattr(bpy.utils, "unregister_preset_path"):
        bpy.utils.unregister_preset_path(SHIPPED)
    _unregister()
