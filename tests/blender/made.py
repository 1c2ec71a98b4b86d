"""What has been made for an object, and a material of the artist's, for several scripts in Blender."""

from __future__ import annotations

import bpy
from sync_texture.blender_sync_addon.results import history
from sync_texture.blender_sync_addon.results import stored_settings as result_settings


def material_of(obj, slot=0):
    return obj.material_slots[slot].material


def seeds(obj):
    return [result_settings.stored(one.material).seed for one in history.of(obj)]


def mine(obj, name="mine"):
    """``obj`` with a material of the artist's, a brown one with nodes."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (0.4, 0.2, 0.1, 1)
    obj.data.materials.append(material)
    return material
