"""What the artist can choose, and what the engine is asked then, for several scripts in Blender."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import helper
import numpy as np
from sync_texture.blender_sync_addon.jobs import engine
from sync_texture.blender_sync_addon.problem import Problem


def options():
    return bpy.context.scene.sync_texture


def asked(operator="generate", **given) -> str:
    """All that the engine would be asked, as text: the request and the files that go with it."""
    found = {}
    start = engine.supervisor.start

    def record(_command, request, prepare):
        prepare()
        folder = Path(request.out).parent
        found["request"] = {name: value for name, value in request.as_dict().items() if name != "out"}
        for path in sorted(folder.iterdir()):
            if path.suffix == ".npz":
                found[path.name] = {k: v.tolist() for k, v in np.load(path, allow_pickle=False).items()}
            elif path.is_file():
                found[path.name] = path.read_bytes().hex()
        found["text"] = json.dumps(found, sort_keys=True).replace(str(folder), "FOLDER")
        raise Problem("recorded")

    engine.supervisor.start = record
    try:
        helper.raises(lambda: getattr(bpy.ops.sync_texture, operator)(**given), "recorded")
    finally:
        engine.supervisor.start = start
    return found["text"]


def scene_with_everything():
    """A cube: two materials that show images, two UV maps, a face selected; a second cube, a camera."""
    other = helper.cube(location=(4, 0, 0))
    image = bpy.data.images.new("old", 8, 8)
    obj = helper.material_slots_with_faces()
    for slot in [*obj.material_slots]:
        material = slot.material
        material.use_nodes = True
        shader = next(n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED")
        node = material.node_tree.nodes.new("ShaderNodeTexImage")
        node.image = image
        uv = material.node_tree.nodes.new("ShaderNodeUVMap")
        uv.uv_map = obj.data.uv_layers[0].name
        material.node_tree.links.new(uv.outputs["UV"], node.inputs["Vector"])
        material.node_tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    second = obj.data.uv_layers["light"]
    uvs = np.empty(len(second.uv) * 2, np.float32)
    obj.data.uv_layers[0].uv.foreach_get("vector", uvs)
    second.uv.foreach_set("vector", uvs / 2)
    obj.data.polygons.foreach_set("select", [True, False, False, False, False, False])
    other.select_set(True)
    camera()
    options().prompt = "bricks"
    return obj


# Another value of each, and what has to be chosen with it for it to count.
OTHERS = {
    "prompt": ("gold", {}),
    "negative": ("rust", {}),
    "model": ("sd15", {}),
    "quality": ("draft", {}),
    "method": ("syncsde", {}),
    "sync_space": ("latent", {}),
    "sync_share": ("all", {}),
    "aggregate": ("mean", {}),
    "attention": ("off", {}),
    "channels": ("color", {}),
    "detail": ("2", {}),
    "rig": ("paper", {}),
    "view_count": (5, {"rig": "even"}),
    "front": ("x", {}),
    "lora": ("style.safetensors:0.5; glaze.safetensors", {}),
    "reference": ("old:0.5", {}),
    "region": ("material:wood=old oak; object:box=moss|3", {}),
    "ip_adapter": ("ip-adapter-sd15", {}),
    "estimator": ("marigold-appearance; own/material", {}),
    "delight": (True, {"estimator": "marigold-appearance"}),
    "accelerator": ("lcm", {}),
    "steps": (7, {}),
    "guidance": (2.0, {}),
    "seed": (3, {}),
    "controls": ("depth:0.5:1; normal=own/nets:0.25:0.5", {}),
    "texture_size": ("256", {}),
    "texture_depth": ("16", {}),
    "from_texture": (True, {}),
    "strength": (0.25, {"from_texture": True}),
    "fill": ("uv", {}),
    "raster": ("embree", {}),
    "texture_sets": ("material", {}),
    "uv_layer": ("light", {}),
    "unwrap": ("always", {}),
    "target": ("selected", {}),
    "slot": ("iron", {"target": "slot"}),
}


def own_properties(cls) -> list:
    return [p for p in cls.bl_rna.properties if p.identifier not in ("rna_type", "name")]


def camera(name="eye", location=(3, -5, 2), towards=(0, 0, 0), **lens):
    data = bpy.data.cameras.new(name)
    for key, value in lens.items():
        setattr(data, key, value)
    obj = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(obj)
    from mathutils import Vector

    obj.location = location
    obj.rotation_euler = (Vector(towards) - Vector(location)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.view_layer.update()
    return obj
