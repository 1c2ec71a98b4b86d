"""The relief of our materials as real displacement instead of shading: its nodes, switched over and back.

Heights are in the world's lengths, as the engine was given the mesh: so is the node's Scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...engine.options.channels import CHANNELS

LABEL = "Sync Texture Displacement"
"""Of the node that is ready for the output; and what the modifier is called that makes a mesh fine enough."""
SHADED = "ShaderNodeNormalMap", "ShaderNodeBump"
"""What shows the relief while it isn't real."""
MOST_FACES = 1 << 20  # of a subdivided mesh, in a render
MOST_SHOWN = 1 << 18  # in the viewport
TEXELS_A_FACE = 4  # what is finer than a face is shown by its shading
DEEPEST = 6  # levels; Blender's modifier has 11, of which few computers hold the last


def ready(tree: Any, texture: Any, make: Callable[[str], Any], relief: float) -> None:
    """The heights of ``texture`` ready for the output's Displacement, by a node that ``make`` makes; height 1
    lies ``relief`` above 0."""
    node = make("ShaderNodeDisplacement")
    node.label = LABEL
    node.space = "WORLD"
    node.inputs["Midlevel"].default_value = CHANNELS["height"].neutral
    node.inputs["Scale"].default_value = relief
    tree.links.new(texture.outputs["Color"], node.inputs["Height"])


def bump(tree: Any, texture: Any, shader: Any, relief: float) -> None:
    """Let the heights of ``texture`` shade the ``shader``, however they are laid out."""
    node = tree.nodes.new("ShaderNodeBump")
    node.location = (shader.location[0] - 160, texture.location[1] + 160)
    node.inputs["Distance"].default_value = relief
    tree.links.new(texture.outputs["Color"], node.inputs["Height"])
    tree.links.new(node.outputs["Normal"], shader.inputs["Normal"])


def node_of(material: Any | None) -> Any | None:
    """The node of ``material`` that :func:`ready` made, None without."""
    nodes = material.node_tree.nodes if material and material.node_tree else ()
    found = (node for node in nodes if node.bl_idname == "ShaderNodeDisplacement")
    return next((node for node in found if node.label == LABEL), None)


def relief(material: Any | None) -> float:
    """How far height 1 lies above 0 in ``material``; 0 where it has no heights."""
    node = node_of(material)
    return float(node.inputs["Scale"].default_value) if node else 0.0


def is_real(material: Any | None) -> bool:
    """Whether the relief of ``material`` is displacement."""
    node = node_of(material)
    return bool(node and node.outputs["Displacement"].links)


def use(material: Any) -> None:
    """Let the relief of ``material`` be real, if it has a Principled BSDF and an output; finer than the mesh
    it is shading still, of the same heights, so what has shown it as shading is unlinked."""
    node, tree = node_of(material), material.node_tree
    if node is None or is_real(material):
        return
    shader, output = _shader(tree), tree.get_output_node("ALL")
    if shader is None or output is None:
        return
    tree.links.new(node.outputs["Displacement"], output.inputs["Displacement"])
    material.displacement_method = "BOTH"
    for link in list(shader.inputs["Normal"].links):
        if link.from_node.bl_idname in SHADED:
            tree.links.remove(link)


def undo(material: Any) -> None:
    """The reverse of :func:`use`."""
    node, tree = node_of(material), material.node_tree
    if node is None or not is_real(material):
        return
    for link in list(node.outputs["Displacement"].links):
        tree.links.remove(link)
    material.displacement_method = "BUMP"
    shader = _shader(tree)
    shown = next((node for node in tree.nodes if node.bl_idname in SHADED), None)
    if shader is not None and shown is not None and not shader.inputs["Normal"].links:
        tree.links.new(shown.outputs["Normal"], shader.inputs["Normal"])


def _shader(tree: Any) -> Any | None:
    return next((node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled"), None)


def refine(obj: Any, faces: int, texels: int, rounded: bool = False) -> int:
    """Give ``obj``, of so many ``faces``, a modifier that makes it fine enough for heights of so many
    ``texels``, where it isn't; the levels that it subdivides by. rounded: not as the faces lie, which then
    show, but by Catmull-Clark."""
    wanted = min(texels // TEXELS_A_FACE, MOST_FACES)
    levels = min(DEEPEST, math.ceil(math.log(max(1, wanted / max(1, faces)), 4)))
    if levels < 1 or modifier(obj) is not None:
        return 0
    made = obj.modifiers.new(LABEL, "SUBSURF")
    made.subdivision_type = "CATMULL_CLARK" if rounded else "SIMPLE"
    made.render_levels = levels
    made.levels = min(levels, max(0, math.floor(math.log(max(1, MOST_SHOWN / max(1, faces)), 4))))
    return levels


def coarsen(obj: Any) -> None:
    """Take the modifier of :func:`refine` away."""
    if (made := modifier(obj)) is not None:
        obj.modifiers.remove(made)


def modifier(obj: Any) -> Any | None:
    """That of :func:`refine`, None without."""
    return next((one for one in obj.modifiers if one.type == "SUBSURF" and one.name.startswith(LABEL)), None)
