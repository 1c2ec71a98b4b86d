"""A panorama as a World."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import bpy

from ..datablocks import TAG

QUARTER = math.pi / 2  # an environment's middle looks to +X, which lies so far to the right of +Y
BEFORE = "sync_texture_before"
"""Custom property of our worlds: the one that the scene had before, which thereby is kept."""


def make(name: str, image: Any, heading: float, origin: Mapping[str, Any]) -> Any:
    """A new world that shows ``image``, an equirectangular panorama, whose middle lies ``heading`` radians to
    the left of +Y. origin: how it was made."""
    world = bpy.data.worlds.new(name)
    world[TAG] = dict(origin)
    if world.node_tree is None:  # from Blender 5 on, worlds always have nodes
        world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes.clear()
    kinds = ("TexCoord", "Mapping", "TexEnvironment", "Background", "OutputWorld")
    where, mapping, picture, background, output = (nodes.new(f"ShaderNode{kind}") for kind in kinds)
    for i, node in enumerate((where, mapping, picture, background, output)):
        node.location = (220 * i - 700, 300)
        node.select = False
    mapping.inputs["Rotation"].default_value = (0, 0, -(heading + QUARTER))
    picture.image = image
    links.new(where.outputs["Generated"], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], picture.inputs["Vector"])
    links.new(picture.outputs["Color"], background.inputs["Color"])
    links.new(background.outputs["Background"], output.inputs["Surface"])
    nodes.active = picture
    return world
