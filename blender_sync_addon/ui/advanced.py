"""The Advanced panels: everything that has a good default."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from typing import Any

import bpy

from ..operators.fill_panel import RandomSeed
from .panel import MainPanel


class _Advanced:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Sync Texture"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012
    layout: Any

    def draw(self, context: Any) -> None:
        """The panel's properties, one below the other, names on the left."""
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        self.draw_properties(self.layout.column(), context.scene.sync_texture, context)

    def draw_properties(self, column: Any, options: Any, context: Any) -> None:
        raise NotImplementedError


class AdvancedPanel(_Advanced, bpy.types.Panel):
    """Model, steps, seed"""

    bl_idname = "SYNC_TEXTURE_PT_advanced"
    bl_label = "Advanced"
    bl_parent_id = MainPanel.bl_idname

    def draw_properties(self, column: Any, options: Any, _context: Any) -> None:
        props(column, options, "model", "negative", "steps", "guidance")
        row = column.row(align=True)
        row.prop(options, "seed")
        row.operator(RandomSeed.bl_idname, text="", icon="CUBE")
        props(column, options, "from_texture", *(("strength",) if options.from_texture else ()))


class ViewsPanel(_Advanced, bpy.types.Panel):
    """From where the object is looked at"""

    bl_idname = "SYNC_TEXTURE_PT_views"
    bl_label = "Views"
    bl_parent_id = AdvancedPanel.bl_idname

    def draw_properties(self, column: Any, options: Any, _context: Any) -> None:
        props(column, options, "rig", *(("view_count",) if options.rig == "even" else ()))
        props(column, options, "front", "raster")


class TexturePanel(_Advanced, bpy.types.Panel):
    """Size and UV maps"""

    bl_idname = "SYNC_TEXTURE_PT_texture"
    bl_label = "Texture"
    bl_parent_id = AdvancedPanel.bl_idname

    def draw_properties(self, column: Any, options: Any, context: Any) -> None:
        props(column, options, "texture_size", "texture_depth", "texture_sets", "unwrap")
        obj = context.view_layer.objects.active
        if obj and obj.type == "MESH":
            column.prop_search(options, "uv_layer", obj.data, "uv_layers", icon="GROUP_UVS")
        column.prop(options, "fill")


class MethodPanel(_Advanced, bpy.types.Panel):
    """How the views are brought to agree"""

    bl_idname = "SYNC_TEXTURE_PT_method"
    bl_label = "Method"
    bl_parent_id = AdvancedPanel.bl_idname

    def draw_properties(self, column: Any, options: Any, _context: Any) -> None:
        props(column, options, "method", "sync_space", "sync_share", "aggregate", "attention")


def props(column: Any, options: Any, *names: str) -> None:
    """The properties ``names``, one below the other."""
    for name in names:
        column.prop(options, name)


register, unregister = bpy.utils.register_classes_factory(
    (AdvancedPanel, ViewsPanel, TexturePanel, MethodPanel)
)
