"""A little change to the texture that the object shows now."""

import bpy

options = bpy.context.scene.sync_texture
options.from_texture = True
options.strength = 0.3
options.unwrap = "auto"
options.texture_sets = "auto"
