"""SyncTweedies as its paper has it: ten views, averaged in latents for four fifths of the steps."""

import bpy

options = bpy.context.scene.sync_texture
options.method = "synctweedies"
options.sync_space = "latent"
options.sync_share = "published"
options.aggregate = "mean"
options.attention = "views"
options.rig = "paper"
options.fill = "uv"
options.from_texture = False
