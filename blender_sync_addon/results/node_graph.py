"""Our texture in a material of the artist's: into the inputs of its Principled BSDF, and out again.

What fed them before isn't cut off but parked on a Reroute of ours, so the old link stays in the graph
whatever is renamed, and survives saving. Our nodes are marked by a custom property.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

from ...engine.options.channels import CHANNELS, Channel, main_channel
from ..problem import Problem
from ..write.shader import STRENGTHS, between, strength

MARK = "sync_texture_node"
"""Custom property of our nodes: which of them it is, and of which channel: "image", "image.roughness"."""
UV_MAP, IMAGE, THROUGH, PARKED, FRAME = "uv_map", "image", "through", "parked", "frame"
BEFORE = "sync_texture_strength"
"""Custom property of an image's node: how far what turns its input up was turned up before."""
STEP_DOWN = 300  # from the nodes of one channel to those of the next


def feed(material: Any, images: Mapping[Channel, Any], uv_layer: str) -> None:
    """Let ``images``, laid out by the UV map ``uv_layer``, feed the inputs of ``material``.

    Where it has our nodes already, they take the new images. Raises Problem before any change.
    """
    shader = principled(material)
    tree = material.node_tree
    for channel in CHANNELS.values():
        if channel not in images:
            _unfeed(tree, nodes(material), _suffix(channel))
    fed = {channel: image for channel, image in images.items() if channel.socket}
    for row, (channel, image) in enumerate(fed.items()):
        if IMAGE + _suffix(channel) not in nodes(material):
            _make(tree, nodes(material), channel, shader.inputs[channel.socket], row)
        nodes(material)[IMAGE + _suffix(channel)].image = image
    ours = nodes(material)
    for mark, node in ours.items():
        if mark.split(".")[0] in (UV_MAP, THROUGH):
            node.uv_map = uv_layer
    tree.nodes.active = ours[IMAGE]  # what Solid shading shows and painting paints on


def unfeed(material: Any) -> None:
    """Take our nodes out of ``material``: its inputs are what they were before. Raises Problem."""
    _check_own(material)
    ours, tree = nodes(material), material.node_tree
    for suffix in [mark.removeprefix(IMAGE) for mark in ours if mark.split(".")[0] == IMAGE]:
        _unfeed(tree, ours, suffix)
    for node in nodes(material).values():
        tree.nodes.remove(node)


def _unfeed(tree: Any, ours: Mapping[str, Any], suffix: str) -> None:
    """Take what feeds one input out of ``ours``, our nodes: those whose marks end in ``suffix``."""
    if IMAGE + suffix not in ours:
        return
    parked = ours.get(PARKED + suffix)
    before = parked.inputs[0].links[0].from_socket if parked and parked.inputs[0].links else None
    last = ours.get(THROUGH + suffix, ours[IMAGE + suffix])
    for socket in [link.to_socket for output in last.outputs for link in output.links]:
        if before:
            tree.links.new(before, socket)
        if turned := STRENGTHS.get(socket.name):
            socket.node.inputs[turned].default_value = ours[IMAGE + suffix].get(BEFORE, 0.0)
    for kind in (IMAGE, THROUGH, PARKED):
        if kind + suffix in ours:
            tree.nodes.remove(ours[kind + suffix])


def _suffix(channel: Channel) -> str:
    """What the marks of nodes for ``channel`` end in."""
    return "" if channel == main_channel() else f".{channel.name}"


def nodes(material: Any | None) -> dict[str, Any]:
    """Our nodes in a ``material`` of the artist's, by what they are; {} without."""
    tree = material.node_tree if material else None
    return {node[MARK]: node for node in tree.nodes if MARK in node} if tree else {}


def principled(material: Any) -> Any:
    """The Principled BSDF that ``material`` shows: the selected one of several. Raises Problem without."""
    _check_own(material)
    tree = material.node_tree
    if tree is None or (bpy.app.version < (5, 0) and not material.use_nodes):
        raise Problem(f"'{material.name}' has no nodes", "Turn on Use Nodes in its properties.")
    seen = _before_output(tree)
    found = [node for node in seen if node.bl_idname == "ShaderNodeBsdfPrincipled"]
    if not found:
        inside = ", or take it out of the node group" if any(n.type == "GROUP" for n in seen) else ""
        what = f"'{material.name}' has no Principled BSDF that its output shows"
        raise Problem(what, f"Add one and connect it{inside}.")
    return next((node for node in found if node == tree.nodes.active), found[0])


def _check_own(material: Any) -> None:
    if material.library or material.override_library:
        fix = "Make it local first (Object > Relations > Make Local)."
        raise Problem(f"'{material.name}' is linked from a library", fix)


def _before_output(tree: Any) -> list[Any]:
    """The nodes that the output's surface is made of, the nearest first; textures and the like aside."""
    output = tree.get_output_node("ALL")
    waiting = [output] if output else []
    seen: list[Any] = []
    while waiting:
        node = waiting.pop(0)
        if node not in seen:
            seen.append(node)
            sockets = [s for s in node.inputs if s.type == "SHADER" and s.name not in ("Volume",)]
            waiting += [link.from_node for socket in sockets for link in socket.links]
    return seen


def _make(tree: Any, ours: Mapping[str, Any], channel: Channel, socket: Any, row: int) -> None:
    """Nodes for ``channel``, the ``row``-th one, before its ``socket``, beside ``ours``; what fed it is
    parked."""
    x, y = socket.node.location
    y -= row * STEP_DOWN
    frame = ours.get(FRAME) or _node(tree, "NodeFrame", FRAME, "Sync Texture")
    uv_map = ours.get(UV_MAP) or _placed(_node(tree, "ShaderNodeUVMap", UV_MAP, ""), frame, x - 560, y)
    image = _node(tree, "ShaderNodeTexImage", IMAGE + _suffix(channel), "")
    if socket.links:
        parked = _node(tree, "NodeReroute", PARKED + _suffix(channel), f"{channel.socket} before")
        tree.links.new(socket.links[0].from_socket, parked.inputs[0])
        _placed(parked, frame, x - 120, y + 60)
    _placed(image, frame, x - 340, y)
    tree.links.new(uv_map.outputs["UV"], image.inputs["Vector"])

    def beside(kind: str) -> Any:
        return _placed(_node(tree, kind, THROUGH + _suffix(channel), ""), frame, x - 180, y - 40)

    tree.links.new(between(tree, image, channel, uv_map.uv_map, beside), socket)
    if turned := strength(socket.node, channel):
        image[BEFORE], turned.default_value = turned.default_value, 1.0


def _placed(node: Any, frame: Any, x: float, y: float) -> Any:
    node.parent = frame
    node.location = (x, y)
    return node


def _node(tree: Any, kind: str, mark: str, label: str) -> Any:
    node = tree.nodes.new(kind)
    node.label = label
    node[MARK] = mark
    return node
