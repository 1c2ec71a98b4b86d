"""Menus: Object > Sync Texture in the 3D View, File > Import, and the examples beside the prompt."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from typing import Any

import bpy

from ..operators import (
    displacement,
    fill_panel,
    own_material,
    properties,
    results,
    running_job,
    splats,
    texture,
    tile_material,
    variations,
    world,
)

COLUMN = 26  # entries of examples


class ObjectMenu(bpy.types.Menu):
    """What can be done with textures made from a prompt"""

    bl_idname = "SYNC_TEXTURE_MT_object"
    bl_label = "Sync Texture"

    def draw(self, _context: Any) -> None:
        layout = self.layout
        if running_job.running():
            layout.operator(texture.CancelTexture.bl_idname, icon="X")
            layout.separator()
        layout.operator(texture.Generate.bl_idname, icon="SHADING_TEXTURE")
        layout.operator(variations.Variations.bl_idname)
        layout.operator(variations.GenerateAgain.bl_idname).seed = "other"
        layout.operator(tile_material.NewTileableMaterial.bl_idname)
        layout.operator(world.NewWorldFromPrompt.bl_idname)
        layout.separator()
        layout.operator(results.KeepResult.bl_idname)
        layout.operator(results.TakeBack.bl_idname)
        layout.separator()
        layout.operator(own_material.FeedBaseColor.bl_idname)
        layout.operator(own_material.UnfeedBaseColor.bl_idname)
        layout.operator(displacement.TrueDisplacement.bl_idname)
        layout.operator(texture.RestoreMaterials.bl_idname)


class ExamplesMenu(bpy.types.Menu):
    """What the model knows: one prompt for each of its materials"""

    bl_idname = "SYNC_TEXTURE_MT_examples"
    bl_label = "Examples"

    def draw(self, context: Any) -> None:
        found = properties.prompt_vocabulary(context.scene.sync_texture)
        examples = found.examples if found else ()
        columns = self.layout.row()
        for start in range(0, len(examples), COLUMN):
            column = columns.column()
            for example in examples[start : start + COLUMN]:
                column.operator(fill_panel.UseExample.bl_idname, text=example.label).prompt = example.prompt


def _draw(self: Any, _context: Any) -> None:
    self.layout.separator()
    self.layout.menu(ObjectMenu.bl_idname)


def _draw_import(self: Any, _context: Any) -> None:
    self.layout.operator(splats.ImportSplats.bl_idname, text="Gaussian Splats (.ply)")


_register, _unregister = bpy.utils.register_classes_factory((ExamplesMenu, ObjectMenu))


def register() -> None:
    _register()
    bpy.types.VIEW3D_MT_object.append(_draw)
    bpy.types.TOPBAR_MT_file_import.append(_draw_import)


def unregister() -> None:
    bpy.types.TOPBAR_MT_file_import.remove(_draw_import)
    bpy.types.VIEW3D_MT_object.remove(_draw)
    _unregister()
