"""A scene with something of nearly every kind in it, and a dump of the whole file: nothing may change it."""

from __future__ import annotations

import hashlib
from typing import Any

import bpy
import helper
import numpy as np


def scene():
    """The active object: a mesh with modifiers, a shape key, vertex group, materials of its own, custom
    properties and animation, among objects of other types in nested collections."""
    obj = helper.material_slots_with_faces()
    obj.name = "hero"
    _materials(obj)
    _mesh(obj)
    _others(obj)
    _scene_itself()
    bpy.context.view_layer.objects.active = obj
    bpy.context.view_layer.update()
    return obj


def _materials(obj: Any) -> None:
    image = bpy.data.images.new("painted", 16, 16)
    image.pixels.foreach_set(np.random.default_rng(0).random(16 * 16 * 4).astype(np.float32))
    image.pack()
    group = bpy.data.node_groups.new("group", "ShaderNodeTree")
    group.nodes.new("ShaderNodeValue").outputs[0].default_value = 0.25
    for slot in obj.material_slots:
        material = slot.material
        if material.node_tree is None:
            material.use_nodes = True
        tree = material.node_tree
        node, uv, inside = (
            tree.nodes.new(kind) for kind in ("ShaderNodeTexImage", "ShaderNodeUVMap", "ShaderNodeGroup")
        )
        node.image, uv.uv_map, inside.node_tree = image, "UVMap", group
        tree.links.new(uv.outputs["UV"], node.inputs["Vector"])
        tree.links.new(node.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])
        tree.nodes["Principled BSDF"].inputs["Roughness"].default_value = 0.125
        material["studio"] = {"shelf": 3, "tags": [1, 2, 3]}


def _mesh(obj: Any) -> None:
    obj.vertex_groups.new(name="weights").add([0, 1, 2], 0.5, "REPLACE")
    obj.shape_key_add(name="Basis")
    obj.shape_key_add(name="smile").value = 0.5
    obj.modifiers.new("bevel", "BEVEL").width = 0.01
    obj.constraints.new("LIMIT_LOCATION").min_x = -3
    obj["note"] = "of the artist"
    obj.data["asset"] = 7
    obj.location.x = 1.5
    obj.keyframe_insert("location", frame=1)
    obj.driver_add("location", 2).driver.expression = "frame / 10"


def _others(obj: Any) -> None:
    outer, inner = (bpy.data.collections.new(name) for name in ("set", "props"))
    bpy.context.scene.collection.children.link(outer)
    outer.children.link(inner)
    inner["department"] = "lighting"
    kinds = {
        "sun": bpy.data.lights.new("sun", "SUN"),
        "eye": bpy.data.cameras.new("eye"),
        "path": bpy.data.curves.new("path", "CURVE"),
        "words": bpy.data.curves.new("words", "FONT"),
        "rig": bpy.data.armatures.new("rig"),
        "cage": bpy.data.lattices.new("cage"),
        "balls": bpy.data.metaballs.new("balls"),
        "empty": None,
        "twin": obj.data,
    }
    for name, data in kinds.items():
        inner.objects.link(bpy.data.objects.new(name, data))
    bpy.data.objects["empty"].hide_set(True)
    bpy.data.objects["sun"].parent = bpy.data.objects["empty"]
    bpy.data.texts.new("todo").write("paint it")
    bpy.data.worlds.new("sky").use_fake_user = True
    bpy.data.actions.new("walk").use_fake_user = True


def _scene_itself() -> None:
    own = bpy.context.scene
    own.camera = bpy.data.objects["eye"]
    own.frame_set(7)
    own.render.resolution_x = 333
    own["shot"] = "010"
    bpy.data.scenes.new("second")


def snapshot() -> dict[str, str]:
    """helper.dump, and of every datablock of every kind how many use it and its custom properties, of all
    node trees values and links, of images their pixels, of meshes their arrays, of objects what their slots
    hold and our results, of scenes what is in them and shown."""
    found = helper.dump()
    for prop in bpy.data.bl_rna.properties:
        if prop.type == "COLLECTION":
            for block in getattr(bpy.data, prop.identifier):
                _block(block, f"{prop.identifier}[{block.name}]", found)
    for own in bpy.data.scenes:
        _scene(own, f"scenes[{own.name}]", found)
    return found


def _block(block: Any, path: str, found: dict[str, str]) -> None:
    found[f"{path}.users"] = str((block.users, block.use_fake_user, block.library))
    found[f"{path}.custom"] = str({key: _plain(block[key]) for key in _own_keys(block)})
    if isinstance(block, bpy.types.Image) and block.has_data:
        pixels = np.empty(len(block.pixels), np.float32)
        block.pixels.foreach_get(pixels)
        found[f"{path}.pixels"] = hashlib.sha256(pixels.tobytes()).hexdigest()
    if isinstance(block, bpy.types.Mesh) and not block.is_editmode:
        _arrays(block, path, found)
    if isinstance(block, bpy.types.Object):
        found[f"{path}.slots"] = str([_held(slot) for slot in block.material_slots])
        if block.type == "MESH" and block.is_property_set("sync_texture"):
            found[f"{path}.results"] = str([_group(one) for one in block.sync_texture.results])
    tree = block if isinstance(block, bpy.types.NodeTree) else getattr(block, "node_tree", None)
    for node in tree.nodes if tree else ():
        values = [_plain(getattr(socket, "default_value", None)) for socket in (*node.inputs, *node.outputs)]
        found[f"{path}.nodes[{node.name}].values"] = str((values, tuple(node.location), node.select))
    for i, link in enumerate(tree.links if tree else ()):
        ends = link.from_node.name, link.from_socket.identifier, link.to_node.name, link.to_socket.identifier
        found[f"{path}.links[{i}]"] = str(ends)


_ARRAYS = {
    **{"FLOAT_VECTOR": ("vector", 3, np.float32), "FLOAT2": ("vector", 2, np.float32)},
    **{"FLOAT": ("value", 1, np.float32), "BOOLEAN": ("value", 1, bool), "INT8": ("value", 1, np.int8)},
    **{"INT": ("value", 1, np.int32), "INT32_2D": ("value", 2, np.int32)},
}
"""Of types of attributes: what a value is called, how many numbers it has, and of which type."""


def _arrays(mesh: Any, path: str, found: dict[str, str]) -> None:
    """All that is stored for vertices, edges, faces and corners."""
    for one in mesh.attributes:
        name, size, kind = _ARRAYS[one.data_type]
        values = np.zeros(len(one.data) * size, kind)
        one.data.foreach_get(name, values)
        found[f"{path}.arrays[{one.name}]"] = hashlib.sha256(values.tobytes()).hexdigest()


def _held(slot: Any) -> tuple[str, str]:
    """By what a slot shows its material; the object's own in it, even where the mesh's is shown."""
    link = slot.link
    slot.link = "OBJECT"
    own = _plain(slot.material) if slot.material else ""
    slot.link = link
    return link, own


def _group(group: Any) -> dict[str, Any]:
    """The values of a property group of ours."""
    found = {}
    for prop in group.bl_rna.properties:
        if prop.identifier != "rna_type":
            value = getattr(group, prop.identifier)
            found[prop.identifier] = (
                [_group(one) for one in value] if prop.type == "COLLECTION" else str(value)
            )
    return found


def _own_keys(block: Any) -> list[str]:
    """Custom properties; without what add-ons of Blender's own make by being read."""
    return sorted(key for key in block.keys() if key not in ("cycles", "sync_texture"))  # noqa: SIM118


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return _plain(value.to_dict())
    if hasattr(value, "to_list"):
        return value.to_list()
    if isinstance(value, bpy.types.ID):
        return value.name
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return (
        value if isinstance(value, str | int | float | bytes | None) else tuple(_plain(one) for one in value)
    )


def _scene(own: Any, path: str, found: dict[str, str]) -> None:
    found[f"{path}.frames"] = str((own.frame_start, own.frame_end, own.frame_step, own.use_gravity))
    for layer in own.view_layers:
        look = {"view_layer": layer}
        shown = sorted((one.name, one.select_get(**look), one.hide_get(**look)) for one in layer.objects)
        found[f"{path}.layers[{layer.name}]"] = str((shown, str(layer.objects.active)))
    for collection in (own.collection, *own.collection.children_recursive):
        inside = [one.name for one in collection.objects], [one.name for one in collection.children]
        found[f"{path}.collections[{collection.name}]"] = str((inside, collection.hide_viewport))
