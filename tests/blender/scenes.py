"""For scripts that run inside Blender: objects whose meshes modifiers and nodes make."""

from __future__ import annotations

import bpy


def nodes(obj, build):
    """A geometry-nodes modifier on ``obj``: ``build(tree, geometry)`` gives the socket of what comes out."""
    tree = bpy.data.node_groups.new("nodes", "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    given, out = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    tree.links.new(build(tree, given.outputs[0]), out.inputs[0])
    obj.modifiers.new("nodes", "NODES").node_group = tree


def _node(tree, kind: str, *sockets):
    """A new node of ``kind`` whose first inputs are fed by ``sockets``."""
    node = tree.nodes.new(f"GeometryNode{kind}")
    for given, taken in zip(sockets, node.inputs, strict=False):
        tree.links.new(given, taken)
    return node


def set_material(material, where=None):
    """Nodes that show ``material``, on all faces or on the ``where``-th one alone."""

    def build(tree, geometry):
        node = _node(tree, "SetMaterial", geometry)
        node.inputs["Material"].default_value = material
        if where is not None:
            index, equal = tree.nodes.new("GeometryNodeInputIndex"), tree.nodes.new("FunctionNodeCompare")
            equal.data_type, equal.operation = "INT", "EQUAL"
            first, second = (one for one in equal.inputs if one.enabled)
            second.default_value = where
            tree.links.new(index.outputs[0], first)
            tree.links.new(equal.outputs[0], node.inputs["Selection"])
        return node.outputs[0]

    return build


def without_uv_map(name: str):
    """Nodes that take the UV map ``name`` away."""

    def build(tree, geometry):
        node = _node(tree, "RemoveAttribute", geometry)
        node.inputs["Name"].default_value = name
        return node.outputs[0]

    return build


def sphere(uv_map: str = ""):
    """Nodes that make a sphere, with a ``uv_map`` if one is named."""

    def build(tree, _geometry):
        made = _node(tree, "MeshUVSphere")
        if not uv_map:
            return made.outputs[0]
        node = _node(tree, "StoreNamedAttribute", made.outputs[0])
        node.data_type, node.domain = "FLOAT2", "CORNER"
        node.inputs["Name"].default_value = uv_map
        value = next(one for one in node.inputs if one.name == "Value" and one.enabled)
        tree.links.new(made.outputs["UV Map"], value)
        return node.outputs[0]

    return build


def cubes_on_points(beside: bool):
    """Nodes that put instances of a small cube on all vertices, ``beside`` the mesh or in its place."""

    def build(tree, geometry):
        cube = _node(tree, "MeshCube")
        cube.inputs["Size"].default_value = (0.1, 0.1, 0.1)
        node = _node(tree, "InstanceOnPoints", geometry)
        tree.links.new(cube.outputs[0], node.inputs["Instance"])
        if not beside:
            return node.outputs[0]
        join = tree.nodes.new("GeometryNodeJoinGeometry")
        for one in (geometry, node.outputs[0]):
            tree.links.new(one, join.inputs[0])
        return join.outputs[0]

    return build


def objects_as_instances(other):
    """Nodes that show ``other`` as an instance, and nothing else."""

    def build(tree, _geometry):
        node = _node(tree, "ObjectInfo")
        node.inputs["Object"].default_value = other
        node.inputs["As Instance"].default_value = True
        return node.outputs["Geometry"]

    return build


def realised(build):
    """The nodes of ``build`` with their instances made mesh."""

    def whole(tree, geometry):
        return _node(tree, "RealizeInstances", build(tree, geometry)).outputs[0]

    return whole


def edges(name: str):
    """An object that has edges alone, as those that are turned round an axis have."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(1, 0, 0), (1, 0, 1), (0.5, 0, 2)], [(0, 1), (1, 2)], [])
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    return obj


def instancer(name: str, *objects):
    """An empty that shows a collection of ``objects``, which is nowhere else in the scene."""
    collection = bpy.data.collections.new(name)
    for obj in objects:
        for one in list(obj.users_collection):
            one.objects.unlink(obj)
        collection.objects.link(obj)
    empty = bpy.data.objects.new(f"{name} here", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", collection
    bpy.context.collection.objects.link(empty)
    bpy.context.view_layer.objects.active = empty
    return empty
