"""Object > Sync Texture in the 3D View: by keyboard, in Blender's menu search (F3) and in Quick Favorites."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from typing import Any

import bpy

from ..operators import own_material, texture, variations
from ..operators import results as results


class ObjectMenu(bpy.types.Menu):
    """What can be done with textures made from a prompt"""

    bl_idname = "SYNC_TEXTURE_MT_object"
    bl_label = "Sync Texture"

    def draw(self, _context: Any) -> None:
        layout = self.layout
        if texture.running():
            layout.operator(texture.Cancel.bl_idname, icon="X")
            layout.separator()
        layout.operator(texture.Generate.bl_idname, icon="SHADING_TEXTURE")
        layout.operator(variations.Variations.bl_idname)
        layout.operator(variations.Again.bl_idname).seed = "other"
        layout.separator()
        layout.operator(results.Keep.bl_idname)
        layout.operator(results.TakeBack.bl_idname)
        layout.separator()
        layout.operator(own_material.FeedBaseColor.bl_idname)
        layout.operator(own_material.UnfeedBaseColor.bl_idname)
        layout.operator(texture.RestoreMaterials.bl_idname)


def _draw(self: Any, _context: Any) -> None:
    self.layout.separator()
    self.layout.menu(ObjectMenu.bl_idname)


def register() -> None:
    bpy.utils.register_class(ObjectMenu)
    bpy.types.VIEW3D_MT_object.append(_draw)


def unregister() -> None:
    bpy.types.VIEW3D_MT_object.remove(_draw)
    bpy.utils.unregister_class(ObjectMenu)
