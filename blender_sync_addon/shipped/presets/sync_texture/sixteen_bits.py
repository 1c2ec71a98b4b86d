"""Textures without bands in smooth gradients, for grading afterwards."""

import bpy

options = bpy.context.scene.sync_texture
options.texture_depth = "16"
