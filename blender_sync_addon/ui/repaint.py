"""The panels of repainting: of a texture in the 3D view's sidebar, of a picture in the Image Editor's."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from typing import Any

import bpy

from ..operators import running_job
from ..operators.repaint import GROUP, PICTURE_GROUP, Repaint, RepaintPicture, shown_image
from ..operators.texture import CancelTexture
from .drawing import draw_part, names_left
from .panel import FoldedPanel, may_start


class RepaintPanel(FoldedPanel, bpy.types.Panel):
    """A part of the active object's texture, painted anew"""

    bl_idname = "SYNC_TEXTURE_PT_repaint"
    bl_label = "Repaint"
    bl_order = 4

    def draw(self, context: Any) -> None:
        layout, scene = self.layout, context.scene
        names_left(layout)
        own, column = getattr(scene, GROUP), layout.column()
        column.prop(own, "area")
        _draw_name(column, own, context.view_layer.objects.active)
        column.prop(own, "strength", slider=True)
        column.prop(own, "viewport")
        row = layout.row()
        row.enabled = may_start(scene)
        row.operator(Repaint.bl_idname, icon="BRUSH_DATA")


def _draw_name(column: Any, own: Any, obj: Any | None) -> None:
    """What is painted anew, by its name."""
    if own.area == "mask":
        column.prop_search(own, "area_name", bpy.data, "images", text="Mask", icon="IMAGE_DATA")
    elif not draw_part(column, own, "area_name", own.area, obj):
        column.prop(own, "area_name", placeholder="selected")


class RepaintPicturePanel(bpy.types.Panel):
    """The image, or a part of it, painted anew"""

    bl_idname = "SYNC_TEXTURE_PT_repaint_picture"
    bl_label = "Repaint Picture"
    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Sync Texture"

    def draw(self, context: Any) -> None:
        layout, scene, job = self.layout, context.scene, running_job.running()
        names_left(layout)
        own, column = getattr(scene, PICTURE_GROUP), layout.column()
        column.prop(scene.sync_texture, "prompt")
        column.prop(scene.sync_texture, "model")
        column.prop_search(own, "mask", bpy.data, "images", icon="IMAGE_DATA")
        column.prop(own, "strength", slider=True)
        if job is not None:
            layout.label(text=job.state.text)
            layout.operator(CancelTexture.bl_idname, text="Cancel", icon="CANCEL")
            return
        row = layout.row()
        row.enabled = bool(scene.sync_texture.prompt.strip()) and shown_image(context) is not None
        row.operator(RepaintPicture.bl_idname, icon="BRUSH_DATA")


register, unregister = bpy.utils.register_classes_factory((RepaintPanel, RepaintPicturePanel))
