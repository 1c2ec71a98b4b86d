"""Gaussian splats as Blender shows them: an ellipsoid at each point, in the colour that the file gives it.

Blender reads the .ply itself; every property of a splat becomes an attribute of a point. All the rest is a
node group that makes shapes of these, and a material that makes colours of them: change an attribute, and it
shows.
"""

from __future__ import annotations

from typing import Any

import bpy

from ...engine import protocol
from ...engine.inputs import open_input
from ...engine.options import choices
from ...engine.options.splats import COLOUR, DC, NEEDED, OPACITY, ROTATION, SCALE
from ..problem import Problem

NAME = "Splats"
AXES = {"y": ("NEGATIVE_Z", "Y"), "z": ("Y", "Z"), "-y": ("Z", "NEGATIVE_Y")}
"""Forward and up of a .ply, as Blender's import calls them, by what is up."""
assert set(AXES) == set(choices.SPLAT_UPS)
SIZE = 1.5  # standard deviations: so large an opaque ellipsoid covers about what a splat does
FAINT = -2.2  # before a sigmoid: an opacity of 0.1, below which a splat is haze
HOW = "Choose a .ply as 3D Gaussian splatting writes it"
STEP = 200  # between columns of nodes


def load(path: str, up: str) -> Any:
    """The splats in the .ply file ``path`` as a new object, active and selected. up: one of
    choices.SPLAT_UPS. Raises Problem; nothing is there then."""
    name = bpy.path.basename(path)
    try:
        open_input(path)[0].close()
    except protocol.UserError as error:
        raise Problem.of(error) from error
    before = set(bpy.data.objects)
    forward, upward = AXES[up]
    try:
        bpy.ops.wm.ply_import(filepath=path, forward_axis=forward, up_axis=upward, import_attributes=True)
    except RuntimeError as error:
        reason = str(error).strip().rpartition("\n")[2].removeprefix("Error: ")
        raise Problem(f"'{name}' can't be read as PLY: {reason}", HOW) from error
    (obj,) = set(bpy.data.objects) - before or {None}
    missing = [one for one in NEEDED if obj is None or one not in obj.data.attributes]
    if missing:
        if obj:
            bpy.data.meshes.remove(obj.data)  # with its object
        raise Problem(f"'{name}' has no splats: its points have no {', '.join(missing[:3])}", HOW)
    show(obj)
    return obj


def show(obj: Any) -> None:
    """Show the points of ``obj``, which have the attributes of splats, as such."""
    modifier = obj.modifiers.new(NAME, "NODES")
    modifier.node_group = _shapes(_material())


class _Tree:
    """Nodes of ``tree``, from left to right."""

    def __init__(self, tree: Any) -> None:
        self._tree, self._column = tree, 0

    def node(self, kind: str, *feeds: Any, **settings: Any) -> Any:
        """A new node of ``kind`` whose first inputs are fed by sockets, or are numbers; None: as they are."""
        node = self._tree.nodes.new(kind)
        for name, value in settings.items():
            setattr(node, name, value)
        node.location = (STEP * self._column, 0)
        self._column += 1
        for target, value in zip(node.inputs, feeds, strict=False):
            if isinstance(value, bpy.types.NodeSocket):
                self._tree.links.new(value, target)
            elif value is not None:
                target.default_value = value
        return node

    def math(self, operation: str, *feeds: Any) -> Any:
        return self.node("ShaderNodeMath", *feeds, operation=operation).outputs[0]

    def link(self, output: Any, target: Any) -> None:
        self._tree.links.new(output, target)


def _shapes(material: Any) -> Any:
    """A node group that makes points ellipsoids of ``material``."""
    group = bpy.data.node_groups.new(NAME, "GeometryNodeTree")
    for direction in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Geometry", in_out=direction, socket_type="NodeSocketGeometry")
    size = group.interface.new_socket("Size", in_out="INPUT", socket_type="NodeSocketFloat")
    size.default_value, size.min_value = SIZE, 0.0
    size.description = "Standard deviations of each splat that are shown"
    tree = _Tree(group)

    def named(name: str) -> Any:
        node = tree.node("GeometryNodeInputNamedAttribute", name, data_type="FLOAT")
        return node.outputs["Attribute"]

    given = tree.node("NodeGroupInput")
    scale = [
        tree.math("MULTIPLY", tree.math("EXPONENT", named(name)), given.outputs["Size"]) for name in SCALE
    ]
    turn = tree.node("FunctionNodeQuaternionToRotation", *(named(name) for name in ROTATION))
    ball = tree.node("GeometryNodeMeshIcoSphere", 1.0, 1)
    placed = tree.node("GeometryNodeInstanceOnPoints", given.outputs["Geometry"])
    tree.link(tree.math("GREATER_THAN", named(OPACITY), FAINT), placed.inputs["Selection"])
    shown = tree.node("GeometryNodeSetMaterial", ball.outputs["Mesh"], None, material)
    tree.link(shown.outputs[0], placed.inputs["Instance"])
    tree.link(turn.outputs[0], placed.inputs["Rotation"])
    tree.link(tree.node("ShaderNodeCombineXYZ", *scale).outputs[0], placed.inputs["Scale"])
    tree.node("NodeGroupOutput", placed.outputs["Instances"])
    return group


def _material() -> Any:
    """A material that shines in the colour of the point that it is on: splats hold the light in it."""
    material = bpy.data.materials.new(NAME)
    material.use_nodes = True
    material.node_tree.nodes.clear()
    tree = _Tree(material.node_tree)
    light = []
    for name in COLOUR:
        said = tree.node("ShaderNodeAttribute", attribute_type="INSTANCER", attribute_name=name)
        colour = tree.math("MAXIMUM", tree.math("MULTIPLY_ADD", said.outputs["Fac"], DC, 0.5), 0.0)
        above = tree.math("MULTIPLY_ADD", colour, 1 / 1.055, 0.055 / 1.055)
        light.append(tree.math("POWER", above, 2.4))  # sRGB's curve, but for its first steps
    shine = tree.node("ShaderNodeEmission", tree.node("ShaderNodeCombineColor", *light).outputs[0])
    tree.node("ShaderNodeOutputMaterial", shine.outputs[0])
    return material
