"""The panel of regions, in the sidebar's tab: a list, and the chosen one in full."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from typing import Any

import bpy

from ..operators.region_rows import ACTIVE, ROWS, AddRegion, MoveRegion, RemoveRegion
from .drawing import draw_part, draw_text, line_length, names_left
from .panel import FoldedPanel

ICONS = {
    "material": "MATERIAL",
    "object": "OBJECT_DATA",
    "mask": "IMAGE_DATA",
    "group": "GROUP_VERTEX",
    "faces": "FACESEL",
}


class RegionList(bpy.types.UIList):
    """What each region is, and what it should look like"""

    bl_idname = "SYNC_TEXTURE_UL_regions"

    def draw_item(
        self, _context: Any, layout: Any, _data: Any, row: Any, _icon: Any, _active: Any, _name: Any
    ) -> None:
        split = layout.split(factor=0.4)
        name = row.image.name if row.kind == "mask" and row.image else row.name
        split.label(text=name, icon=ICONS[row.kind])
        split.prop(row, "prompt", text="", emboss=False, placeholder="Prompt")


class RegionsPanel(FoldedPanel, bpy.types.Panel):
    """Areas with prompts of their own, painted together with the rest"""

    bl_idname = "SYNC_TEXTURE_PT_regions"
    bl_label = "Regions"

    def draw(self, context: Any) -> None:
        scene, layout = context.scene, self.layout
        rows, active = ROWS.of(scene), getattr(scene, ACTIVE)
        head = layout.row()
        head.template_list(RegionList.bl_idname, "", scene, ROWS.place, scene, ACTIVE, rows=3)
        _draw_buttons(head.column(align=True), active)
        if active < len(rows):
            names_left(layout)
            _draw_row(layout.column(), rows[active], context)


def _draw_buttons(column: Any, active: int) -> None:
    column.operator(AddRegion.bl_idname, text="", icon="ADD")
    column.operator(RemoveRegion.bl_idname, text="", icon="REMOVE").index = active
    for by, icon in ((-1, "TRIA_UP"), (1, "TRIA_DOWN")):
        button = column.operator(MoveRegion.bl_idname, text="", icon=icon)
        button.index, button.by = active, by


def _draw_row(column: Any, row: Any, context: Any) -> None:
    """Everything of one region."""
    column.prop(row, "kind")
    obj = context.view_layer.objects.active
    if row.kind == "mask" and (row.image or not row.name):
        column.template_ID(row, "image", new="image.new", open="image.open")
    elif row.kind == "object":
        column.prop_search(row, "name", context.view_layer, "objects", icon=ICONS[row.kind])
    elif not draw_part(column, row, "name", row.kind, obj, ICONS[row.kind]):
        column.prop(row, "name")
    column.prop(row, "prompt")
    column.prop(row, "guidance", text="Guidance" if row.guidance else "Guidance (as the Rest)")
    if not ROWS.said(row):
        text = "Without a name and a prompt it counts for nothing"
        draw_text(column, text, "INFO", line_length(context))


register, unregister = bpy.utils.register_classes_factory((RegionList, RegionsPanel))
