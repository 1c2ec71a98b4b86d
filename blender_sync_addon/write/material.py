"""Showing the texture on the object, without taking anything away.

The engine textures the whole object, so our material is put over all of its slots, on the *object's* side
of each (slot link "Object"). The mesh keeps its own materials, slots and face assignments, and other
objects that share the mesh keep their look. What a slot showed before is remembered on the object, so
that ``restore`` (and undo, anyway) brings it back. An object without slots gets one: on the mesh, as
Blender itself does it, unless other objects share the mesh, or modifiers make another one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import bpy

from ...engine.options.channels import Channel
from ..datablocks import TAG, is_faithful, is_ours, our_image_nodes
from . import displacement, slot_changes
from .shader import between, strength
from .slot_changes import SlotMoves

IMAGE_HEIGHT = 300  # of an image's node: so far below the one before it the next one lies
COORDINATES = -560  # of the node that the first image reads its place from
BOX_BLEND = 0.2  # of a side's length, over which two sides' pictures turn into each other
MEMORY = "sync_texture_before"
"""Custom property of an object: what its slots showed before our material was put over them."""


def make(
    name: str, images: Mapping[Channel, Any], uv_layer: str, origin: Mapping[str, Any], relief: float = 0.0
) -> Any:
    """A new material ``name``: UV Map (``uv_layer``) -> each of ``images`` -> its input of a Principled BSDF.
    The first image is the one that people look at. relief: how far height 1 lies above 0 in the world."""

    def uv_map(tree: Any) -> Any:
        return _uv_map(tree, uv_layer, COORDINATES)

    return _made(name, images, origin, uv_map, _Relief(relief, uv_layer))


def make_tile(
    name: str,
    images: Mapping[Channel, Any],
    uv_layer: str | None,
    scale: Sequence[float],
    origin: Mapping[str, Any],
    relief: float = 0.0,
) -> Any:
    """As :func:`make`, of pictures that tile, through a Mapping that makes coordinates ``scale`` times as
    large. uv_layer: None for the place in the object's bounding box, from its six sides."""

    def mapped(tree: Any) -> Any:
        mapping = _node(tree, "ShaderNodeMapping", COORDINATES)
        mapping.inputs["Scale"].default_value = scale
        if uv_layer is None:
            before = _node(tree, "ShaderNodeTexCoord", COORDINATES - 200).outputs["Generated"]
        else:
            before = _uv_map(tree, uv_layer, COORDINATES - 200)
        tree.links.new(before, mapping.inputs["Vector"])
        return mapping.outputs["Vector"]

    material = _made(name, images, origin, mapped, _Relief(relief, uv_layer))
    if uv_layer is None:
        for node in our_image_nodes(material):
            node.projection, node.projection_blend = "BOX", BOX_BLEND
    return material


@dataclass(frozen=True)
class _Relief:
    """far: how far height 1 lies above 0. uv_layer: whose tangents normal maps mean; None: of no UV map, so
    that the heights themselves have to show."""

    far: float
    uv_layer: str | None


def _made(
    name: str,
    images: Mapping[Channel, Any],
    origin: Mapping[str, Any],
    coordinates: Callable[[Any], Any],
    relief: _Relief,
) -> Any:
    """A new material of ``images``, looked up at what ``coordinates`` gives: a socket of nodes that it adds
    to the tree."""
    material = bpy.data.materials.new(name)
    material[TAG] = dict(origin)
    if material.node_tree is None:  # from Blender 5 on, materials always have nodes
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    where = coordinates(tree)
    textures = [_node(tree, "ShaderNodeTexImage", -340, row * IMAGE_HEIGHT) for row in range(len(images))]
    shader = _node(tree, "ShaderNodeBsdfPrincipled", 0)
    output = _node(tree, "ShaderNodeOutputMaterial", 300)
    for row, (texture, (channel, image)) in enumerate(zip(textures, images.items(), strict=True)):
        texture.image = image
        tree.links.new(where, texture.inputs["Vector"])
        beside = partial(_node, tree, x=-160, down=row * IMAGE_HEIGHT)
        if channel.socket:
            fed = between(tree, texture, channel, relief.uv_layer or "", beside)
            tree.links.new(fed, shader.inputs[channel.socket])
        elif channel.name == "height":
            displacement.ready(tree, texture, beside, relief.far)
            if relief.uv_layer is None:
                displacement.bump(tree, texture, shader, relief.far)
        if turned := strength(shader, channel):
            turned.default_value = 1.0
    tree.links.new(shader.outputs["BSDF"], output.inputs["Surface"])
    # what Solid shading with colour Texture shows, and what painting paints on
    tree.nodes.active = textures[0]
    return material


def _uv_map(tree: Any, uv_layer: str, x: float) -> Any:
    node = _node(tree, "ShaderNodeUVMap", x)
    node.uv_map = uv_layer
    return node.outputs["UV"]


def _node(tree: Any, kind: str, x: float, down: float = 0) -> Any:
    node = tree.nodes.new(kind)
    node.location = (x, -down)
    return node


def show(obj: Any, material: Any, slots: Collection[int] | None = None) -> None:
    """Let ``obj`` show ``material``, everywhere or in the material ``slots`` of these numbers; what it showed
    before is remembered."""
    if not obj.material_slots:
        _add_slot(obj, material)
        return
    memory = {entry["slot"]: dict(entry) for entry in obj.get(MEMORY, ())}
    for index, slot in enumerate(obj.material_slots):
        if slots is not None and index not in slots:
            continue
        before = slot.material
        instead = before and slot.link == "OBJECT"  # of ours, by the artist
        if (instead or index not in memory) and not (before and is_ours(before)):
            memory[index] = _remember(index, slot.link, before)
        slot.link = "OBJECT"
        slot.material = material
    if memory:
        obj[MEMORY] = [memory[index] for index in sorted(memory)]


def _add_slot(obj: Any, material: Any) -> None:
    if obj.data.users == 1 and is_faithful(obj):
        obj.data.materials.append(material)
    else:  # to other users an empty slot looks like none; and modifiers' meshes may have their own materials
        obj.data.materials.append(None)
        obj.material_slots[0].link = "OBJECT"
        obj.material_slots[0].material = material


def _remember(index: int, link: str, material: Any | None) -> dict[str, Any]:
    entry = {"slot": index, "link": link}
    # Only the object's own material would be lost; the mesh still holds its own.
    return {**entry, "material": material} if link == "OBJECT" and material else entry


def remember_same(obj: Any, source: int, new: int) -> None:
    """Remember for the slot ``new`` of ``obj`` what is remembered for ``source``, if anything is."""
    memory = [dict(entry) for entry in obj.get(MEMORY, ())]
    same = [{**entry, "slot": new} for entry in memory if entry["slot"] == source]
    if same:
        obj[MEMORY] = [*memory, *same]


def forget(obj: Any, slot: int) -> None:
    """Remember nothing of the ``slot``, which is about to be taken away."""
    _store(obj, [dict(entry) for entry in obj.get(MEMORY, ()) if entry["slot"] != slot])


def renumber(obj: Any, moves: SlotMoves) -> None:
    """Let what is remembered for each slot of ``obj`` be so for the one that it is now."""
    _store(obj, _memory(obj, moves))


def _memory(obj: Any, moves: SlotMoves | None) -> list[dict[str, Any]]:
    """What is remembered, with the numbers that slots have now."""
    entries = [dict(entry) for entry in obj.get(MEMORY, ())]
    if moves is None:
        return entries
    return [{**entry, "slot": moves[entry["slot"]]} for entry in entries if entry["slot"] in moves]


def _store(obj: Any, entries: list[dict[str, Any]]) -> None:
    if entries:
        obj[MEMORY] = entries
    elif MEMORY in obj:
        del obj[MEMORY]


def artists(obj: Any, slot: int) -> Any | None:
    """The artist's own material of the ``slot`` of ``obj``: what it shows or did before ours, or None."""
    if slot >= len(obj.material_slots):
        return None
    material = obj.material_slots[slot].material
    if material is None or not is_ours(material):
        return material
    entry = next((one for one in _memory(obj, slot_changes.moved(obj)) if one["slot"] == slot), None)
    if entry is None:
        return None
    return entry.get("material") if entry["link"] == "OBJECT" else obj.data.materials[slot]


def can_restore(obj: Any | None) -> bool:
    """Whether ``restore`` would do something. Cheap enough for drawing a panel."""
    return obj is not None and MEMORY in obj and not obj.library


def restore(obj: Any, slots: Collection[int] | None = None) -> None:
    """Show again on ``obj`` what it showed before the first texture, everywhere or in the ``slots`` of these
    numbers; our materials stay in the file."""
    left = []
    for entry in obj.get(MEMORY, ()):
        index = entry["slot"]
        if slots is not None and index not in slots:
            left.append(dict(entry))
        elif index < len(obj.material_slots):
            slot = obj.material_slots[index]
            slot.link = "OBJECT"  # the artist may have changed it: the mesh keeps its own
            slot.material = entry.get("material")
            slot.link = entry["link"]
    _store(obj, left)
