"""What in a .blend is ours, and which slot of materials a face has: for reading and for writing alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.options import channels
from ..engine.options.channels import CHANNELS, Channel

TAG = "sync_texture"
"""Name of the custom property that marks our images and materials and says how they were made."""
CHANNEL = "sync_texture_channel"
"""Custom property of our images but those that people look at: the name of their channel."""
OUR_UV_MAP = "SyncTexture"
"""How the names of UV maps that we make begin."""
MAX_UV_MAPS = 8
"""Of a mesh: Blender's limit."""
SLOT_INDEX = "material_index"
"""The attribute of a mesh that holds the number of each face's slot. Missing where all have the first."""
_DEFORMING = """
ARMATURE CAST CLOTH COLLISION CORRECTIVE_SMOOTH CURVE DATA_TRANSFER DISPLACE HOOK LAPLACIANDEFORM
LAPLACIANSMOOTH LATTICE MESH_CACHE MESH_DEFORM NORMAL_EDIT PARTICLE_SYSTEM SHRINKWRAP SIMPLE_DEFORM SMOOTH
SOFT_BODY SURFACE_DEFORM UV_WARP VERTEX_WEIGHT_EDIT VERTEX_WEIGHT_MIX VERTEX_WEIGHT_PROXIMITY WARP WAVE
WEIGHTED_NORMAL
"""
_SPLITTING = "BEVEL BUILD DECIMATE EDGE_SPLIT MASK MIRROR MULTIRES SOLIDIFY SUBSURF TRIANGULATE WELD"
_FAITHFUL = frozenset((_DEFORMING + _SPLITTING).split())


def by_uid(blocks: Any, uid: int | None) -> Any | None:
    """The one of ``blocks``, a collection of bpy.data, with the session-wide number ``uid``; None without."""
    return next((one for one in blocks if one.session_uid == uid), None)


def is_ours(datablock: Any) -> bool:
    """Whether ``datablock``, a material or an image, was made by this extension."""
    return TAG in datablock


def is_faithful(obj: Any) -> bool:
    """Whether all modifiers of ``obj`` are of kinds that are known to carry on what a result adds to the mesh
    below them: a UV map, and the materials of slots. Others may (geometry nodes) or don't (Remesh)."""
    return all(one.type in _FAITHFUL for one in obj.modifiers if one.show_viewport)


def our_image_nodes(material: Any | None) -> list[Any]:
    """The nodes in the tree of ``material`` that show images of ours."""
    tree = material.node_tree if material else None
    nodes = [node for node in tree.nodes if node.bl_idname == "ShaderNodeTexImage"] if tree else []
    return [node for node in nodes if node.image and is_ours(node.image)]


def our_images(material: Any | None) -> list[Any]:
    """Our images in the node tree of ``material``."""
    return [node.image for node in our_image_nodes(material)]


def channel(image: Any) -> Channel:
    """What our ``image`` says of a surface; where it doesn't say so, that is what people look at."""
    return CHANNELS.get(image.get(CHANNEL, ""), channels.main_channel())


def is_main(image: Any) -> bool:
    """Whether our ``image`` is what people look at."""
    return channel(image) == channels.main_channel()


def images_by_channel(material: Any | None) -> dict[Channel, Any]:
    """Our images in ``material``, the first of each channel."""
    found: dict[Channel, Any] = {}
    for image in our_images(material):
        found.setdefault(channel(image), image)
    return found


def uv_layer(material: Any) -> str:
    """The UV map that our ``material`` lays its image out by."""
    nodes = material.node_tree.nodes if material.node_tree else ()
    return next((node.uv_map for node in nodes if node.bl_idname == "ShaderNodeUVMap"), "")


def render_uv_layer(mesh: Any) -> str:
    """The name of the UV map of ``mesh`` that renders; "" without."""
    return next((layer.name for layer in mesh.uv_layers if layer.active_render), "")


def polygon_slots(mesh: Any, count: int) -> NDArray[np.int32]:
    """(P,) the material slot that each polygon of ``mesh`` shows; an object of it has ``count``. What is
    beyond the last shows the last."""
    found = np.zeros(len(mesh.polygons), np.int32)
    if (attribute := mesh.attributes.get(SLOT_INDEX)) is not None:  # many times as fast as polygons
        attribute.data.foreach_get("value", found)
    return np.clip(found, 0, max(count - 1, 0), out=found)
