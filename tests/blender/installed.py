"""Run by test_installed_zip.py in a real Blender with the extension installed and on: generate and look."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

assert "bl_ext.user_default.sync_texture" in bpy.context.preferences.addons
helper.use_fake_engine()
plane = helper.mesh_object(
    "plane",
    [(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)],
    [(0, 1, 2, 3)],
    [(0, 0), (1, 0), (1, 1), (0, 1)],
)
before = helper.dump()
assert bpy.ops.sync_texture.generate(prompt="bricks") == {"FINISHED"}
changed = helper.difference(before, helper.dump())
strange = [k for k, (a, b) in changed.items() if "sync_texture" not in k and "plane" not in f"{k} {a} {b}"]
assert not strange, strange
material = plane.material_slots[0].material
nodes = {node.bl_idname: node for node in material.node_tree.nodes}
link = nodes["ShaderNodeBsdfPrincipled"].inputs["Base Color"].links[0]
assert link.from_node == nodes["ShaderNodeTexImage"]
assert link.from_node.inputs["Vector"].links[0].from_node.uv_map == "UVMap"
assert link.from_node.image.colorspace_settings.name == "sRGB"
from bl_ext.user_default.sync_texture.blender_sync_addon import package  # noqa: E402

assert bpy.context.preferences.addons[package.ROOT].preferences.device == package.device() == "auto"
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
print("installed: good")
