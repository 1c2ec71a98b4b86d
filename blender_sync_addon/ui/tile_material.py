"""The panel of tileable materials, in the sidebar's tab."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from typing import Any

import bpy

from ..datablocks import render_uv_layer
from ..operators.tile_material import ASKED, GROUP, NewTileableMaterial
from ..results.tile_material import REPEAT
from .drawing import draw_text, line_length, names_left
from .panel import FoldedPanel, may_start


class TilePanel(FoldedPanel, bpy.types.Panel):
    """A material that tiles, from the prompt"""

    bl_idname = "SYNC_TEXTURE_PT_tile"
    bl_label = "Tileable Material"
    bl_order = 5

    def draw(self, context: Any) -> None:
        layout, scene = self.layout, context.scene
        names_left(layout)
        column = layout.column(align=True)
        for name in (*ASKED, REPEAT):
            column.prop(getattr(scene, GROUP), name)
        draw_text(layout.column(align=True), _shown_on(context), "MATERIAL", line_length(context))
        row = layout.row()
        row.enabled = may_start(scene)
        row.operator(NewTileableMaterial.bl_idname, icon="TEXTURE")


def _shown_on(context: Any) -> str:
    """What will show the material, and by what it is laid out there."""
    obj = context.view_layer.objects.active
    if obj is None or obj.type != "MESH":
        return "No active mesh: the material will be on no object"
    layer = render_uv_layer(obj.data)
    laid = f"by the UV map '{layer}'" if layer else "from six sides: there is no UV map"
    return f"On the active slot of '{obj.name}', {laid}"


register, unregister = bpy.utils.register_classes_factory((TilePanel,))
