"""The Advanced panels: everything that has a good default."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from typing import Any

import bpy

from ...engine.options.blender import panel
from ...engine.options.job import METHOD, MODEL, TEXTURE, VIEWS
from ...engine.options.option import Option
from ..operators import lora_rows, reference_rows
from ..operators.fill_panel import ChooseNumber, RandomSeed
from ..read import settings
from ..setup import model_numbers
from . import controls
from .drawing import names_left
from .panel import FoldedPanel


class _Advanced(FoldedPanel):
    section = ""

    def draw(self, context: Any) -> None:
        """The panel's properties, one below the other, names on the left."""
        names_left(self.layout)
        self.draw_properties(self.layout.column(), context.scene.sync_texture, context)

    def draw_properties(self, column: Any, options: Any, context: Any) -> None:
        """Those of the section that count."""
        for entry in panel().values():
            needed = entry.needs is None or getattr(options, entry.needs[0]) == entry.needs[1]
            if entry.section == self.section and needed:
                _draw_option(column, options, entry, context)


class AdvancedPanel(_Advanced, bpy.types.Panel):
    """Model, steps, seed"""

    bl_idname = "SYNC_TEXTURE_PT_advanced"
    bl_label = "Advanced"
    section = MODEL


class ViewsPanel(_Advanced, bpy.types.Panel):
    """From where the object is looked at"""

    bl_idname = "SYNC_TEXTURE_PT_views"
    bl_label = "Views"
    bl_parent_id = AdvancedPanel.bl_idname
    section = VIEWS


class TexturePanel(_Advanced, bpy.types.Panel):
    """Size and UV maps"""

    bl_idname = "SYNC_TEXTURE_PT_texture"
    bl_label = "Texture"
    bl_parent_id = AdvancedPanel.bl_idname
    section = TEXTURE


class MethodPanel(_Advanced, bpy.types.Panel):
    """How the views are brought to agree"""

    bl_idname = "SYNC_TEXTURE_PT_method"
    bl_label = "Method"
    bl_parent_id = AdvancedPanel.bl_idname
    section = METHOD


def _draw_option(column: Any, options: Any, entry: Option, context: Any) -> None:
    """One property; a number that is left to the model as that which will be used."""
    obj = context.view_layer.objects.active
    if entry.name == "uv_layer" and obj and obj.type == "MESH":
        column.prop_search(options, entry.name, obj.data, "uv_layers", icon="GROUP_UVS")
    elif entry.name == "seed":
        row = column.row(align=True)
        row.prop(options, entry.name)
        row.operator(RandomSeed.bl_idname, text="", icon="CUBE")
    elif entry.name == "controls":
        controls.draw(column, options)
    elif entry.name == "lora":
        _draw_loras(column, lora_rows.ROWS.of(context.scene))
    elif entry.name == "reference":
        _draw_references(column, options, reference_rows.ROWS.of(context.scene))
    elif entry.name == "delight":
        row = column.row()
        row.active = bool(options.estimator.strip())
        row.prop(options, entry.name)
    elif entry.by_model and entry.kind in (int, float):
        _draw_number(column.row(align=True), options, entry)
    elif entry.name not in ("uv_layer", "ip_adapter", "region"):
        column.prop(options, entry.name)


def _draw_loras(column: Any, rows: Any) -> None:
    """Each with its strength, and a button that leaves it out."""
    for index, one in enumerate(rows):
        split = column.split(factor=0.65, align=True)
        split.prop(one, "file", text="", placeholder="LoRA")
        _draw_weight(split.row(align=True), one, lora_rows.RemoveLora.bl_idname, index)
    column.operator(lora_rows.AddLora.bl_idname, icon="ADD")


def _draw_references(column: Any, options: Any, rows: Any) -> None:
    """The same with a picker of images; below, through what the model sees them."""
    for index, one in enumerate(rows):
        split = column.split(factor=0.65, align=True)
        if one.file and not one.image:
            split.prop(one, "file", text="")
        else:
            split.template_ID(one, "image", open="image.open")
        _draw_weight(split.row(align=True), one, reference_rows.RemoveReference.bl_idname, index)
    column.operator(reference_rows.AddReference.bl_idname, icon="ADD").filepath = ""
    if len(rows):
        column.prop(options, "ip_adapter")


def _draw_weight(row: Any, one: Any, remove: str, index: int) -> None:
    row.prop(one, "weight", text="", slider=True)
    row.operator(remove, text="", icon="X").index = index


def _draw_number(row: Any, options: Any, entry: Option) -> None:
    """What the model takes, or what was chosen instead, with a button from one to the other."""
    is_chosen = getattr(options, entry.name) != settings.nothing(entry)
    if is_chosen:
        row.prop(options, entry.name)
    else:
        split = row.split(factor=0.4)
        side = split.row()
        side.alignment = "RIGHT"
        side.label(text=entry.label)
        split.label(text=model_numbers.text(options.model, entry.name, options.accelerator))
    button = row.operator(ChooseNumber.bl_idname, text="", icon="X" if is_chosen else "GREASEPENCIL")
    button.name = entry.name


register, unregister = bpy.utils.register_classes_factory(
    (AdvancedPanel, ViewsPanel, TexturePanel, MethodPanel)
)
