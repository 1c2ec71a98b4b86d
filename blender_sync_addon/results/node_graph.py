"""Our texture in a material of the artist's: into the Base Color of its Principled BSDF, and out again.

What fed Base Color before isn't cut off but parked on a Reroute of ours, so the old link stays in the graph
whatever is renamed, and survives saving. Our nodes are marked by a custom property.
"""

from __future__ import annotations

from typing import Any

import bpy

from ..problem import Problem

MARK = "sync_texture_node"
"""Custom property of our nodes: which of them it is."""
UV_MAP, IMAGE, PARKED, FRAME = "uv_map", "image", "parked", "frame"
BASE = "Base Color"


def feed(material: Any, image: Any, uv_layer: str) -> None:
    """Let ``image``, laid out by the UV map ``uv_layer``, be the base colour of ``material``.

    Where it has our nodes already, they take the new image. Raises Problem before any change.
    """
    base = principled(material).inputs[BASE]
    tree = material.node_tree
    ours = nodes(material)
    if IMAGE not in ours:
        ours = _make(tree, base)
    ours[IMAGE].image = image
    ours[UV_MAP].uv_map = uv_layer
    tree.nodes.active = ours[IMAGE]  # what Solid shading shows and painting paints on


def unfeed(material: Any) -> None:
    """Take our nodes out of ``material``: its base colour is what it was before. Raises Problem."""
    _check_own(material)
    ours, tree = nodes(material), material.node_tree
    parked = ours.get(PARKED)
    before = parked.inputs[0].links[0].from_socket if parked and parked.inputs[0].links else None
    fed = [link.to_socket for link in ours[IMAGE].outputs["Color"].links] if IMAGE in ours else []
    for socket in fed:
        if before:
            tree.links.new(before, socket)
    for node in ours.values():
        tree.nodes.remove(node)


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


def _make(tree: Any, base: Any) -> dict[str, Any]:
    """Our nodes, before the socket ``base``; what fed it is parked."""
    x, y = base.node.location
    frame = _node(tree, "NodeFrame", FRAME, "Sync Texture")
    ours = {
        FRAME: frame,
        UV_MAP: _node(tree, "ShaderNodeUVMap", UV_MAP, ""),
        IMAGE: _node(tree, "ShaderNodeTexImage", IMAGE, ""),
    }
    if base.links:
        ours[PARKED] = _node(tree, "NodeReroute", PARKED, f"{BASE} before")
        tree.links.new(base.links[0].from_socket, ours[PARKED].inputs[0])
    for name, left, up in ((UV_MAP, 560, 0), (IMAGE, 340, 0), (PARKED, 120, 60)):
        if name in ours:
            ours[name].parent = frame
            ours[name].location = (x - left, y + up)
    tree.links.new(ours[UV_MAP].outputs["UV"], ours[IMAGE].inputs["Vector"])
    tree.links.new(ours[IMAGE].outputs["Color"], base)
    return ours


def _node(tree: Any, kind: str, mark: str, label: str) -> Any:
    node = tree.nodes.new(kind)
    node.label = label
    node[MARK] = mark
    return node
