"""What an artist may do to the active object while its texture is made, by what it is; and what is wrong then
with what the object shows."""

from __future__ import annotations

import bpy


def _rename_uv_maps(obj: bpy.types.Object) -> None:
    for layer in obj.data.uv_layers:
        layer.name = "other"


def _remove_uv_maps(obj: bpy.types.Object) -> None:
    while obj.data.uv_layers:
        obj.data.uv_layers.remove(obj.data.uv_layers[0])
    obj.data.update()


def _fill_uv_maps(obj: bpy.types.Object) -> None:
    while len(obj.data.uv_layers) < 8:
        obj.data.uv_layers.new()


def _remove_a_face(obj: bpy.types.Object) -> None:
    mesh = bpy.data.meshes.new("open")
    points = [tuple(vertex.co) for vertex in obj.data.vertices]
    mesh.from_pydata(points, [], [tuple(face.vertices) for face in obj.data.polygons][1:])
    layer = mesh.uv_layers.new(name="UVMap")
    layer.uv.foreach_set("vector", [0.5] * 2 * len(mesh.loops))
    obj.data = mesh


def _turn_corners(obj: bpy.types.Object) -> None:
    obj.data.flip_normals()


def _rename_materials(obj: bpy.types.Object) -> None:
    for material in obj.data.materials:
        if material:
            material.name = "another"


def _move_slots(obj: bpy.types.Object) -> None:
    for polygon in obj.data.polygons:
        polygon.material_index = 0


CHANGES = {
    "UV maps are renamed": _rename_uv_maps,
    "UV maps are removed": _remove_uv_maps,
    "there is no room for another UV map": _fill_uv_maps,
    "the object is removed": lambda obj: bpy.data.objects.remove(obj),
    "the object is renamed": lambda obj: setattr(obj, "name", "\x1b[31m" * 12),
    "the mesh is another": lambda obj: setattr(obj, "data", bpy.data.meshes.new("empty")),
    "the mesh is a copy": lambda obj: setattr(obj, "data", obj.data.copy()),
    "faces are removed": lambda obj: obj.data.clear_geometry(),
    "a face is removed": _remove_a_face,
    "faces are turned": _turn_corners,
    "slots are removed": lambda obj: obj.data.materials.clear(),
    "slots have no faces": _move_slots,
    "materials are renamed": _rename_materials,
    "materials are removed": lambda obj: [bpy.data.materials.remove(one) for one in list(bpy.data.materials)],
}


def wrong(obj: bpy.types.Object | None) -> str:
    """What is wrong with textures of ours on ``obj``: their UV map isn't there, their image is none."""
    shown = [slot.material for slot in obj.material_slots if slot.material] if obj else []
    for material in [one for one in shown if "sync_texture" in one]:
        for node in material.node_tree.nodes:
            if node.bl_idname == "ShaderNodeUVMap" and node.uv_map not in obj.data.uv_layers:
                return f"{material.name!a} names the UV map {node.uv_map!a}, which isn't there"
            if node.bl_idname == "ShaderNodeTexImage" and not (node.image and len(node.image.pixels)):
                return f"{material.name!a} shows an image without pixels"
    return ""
