"""glTF nodes: what a scene shows and where: transforms, instances, joints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..raw import Damaged, Doubles
from .gltf_accessors import accessor
from .gltf_file import Document, Json, extension

_NEAR = 1e-8  # a transform this close to none is none
_LEAST = 4 * np.finfo(float).eps  # of a quaternion's squared length


@dataclass(frozen=True)
class Shown:
    """A node that shows a mesh. matrix: (4, 4) its place in the scene; places: (n, 4, 4) of its instances,
    one where it isn't instanced; skin: its number, None without."""

    number: int
    node: Json
    mesh: int
    places: Doubles
    skin: int | None


class Nodes:
    """The tree of a file's nodes."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.nodes = document.all("nodes")
        self.parent: dict[int, int] = {}
        for number, node in enumerate(self.nodes):
            for child in _numbers(document, node, "children"):
                if child in self.parent:
                    raise Damaged(f"node {child} has two parents")
                self.parent[child] = number
        self._known: dict[int, Doubles | None] = {}

    def shown(self) -> Iterator[Shown]:
        """The nodes with meshes in the scene that the file opens with, the last first."""
        waiting = self._roots()
        seen: set[int] = set()
        while waiting:
            number = waiting.pop()
            if number in seen:
                raise Damaged(f"node {number} is its own child, or twice in the scene")
            seen.add(number)
            node = self.nodes[number]
            visible = extension(node, "KHR_node_visibility")
            if visible is not None and visible.get("visible") is False:
                continue
            waiting += _numbers(self.document, node, "children")
            if "mesh" in node:
                yield self._shown(number, node)

    def _shown(self, number: int, node: Json) -> Shown:
        mesh = self.document.index("meshes", node["mesh"])
        skin = self.document.index("skins", node["skin"]) if "skin" in node else None
        own = self.matrix(number)
        instancing = extension(node, "EXT_mesh_gpu_instancing")
        places = own[None] if instancing is None else own @ self._instances(instancing)
        return Shown(number, node, mesh, places, skin)

    def _roots(self) -> list[int]:
        """Where the scene begins; where there is no scene, all nodes that have no parent."""
        scenes = self.document.all("scenes")
        if scenes:
            number = self.document.index("scenes", self.document.header.get("scene", 0))
            if len(scenes) > 1:
                said = f"of the file's {len(scenes)} scenes only the one that it opens with was read"
                self.document.warnings.append(said)
            if roots := _numbers(self.document, scenes[number], "nodes"):
                return roots
        roots = [number for number in range(len(self.nodes)) if number not in self.parent]
        if any("mesh" in node for node in self.nodes):
            self.document.warnings.append(
                "no scene of the file shows a mesh; all that have a place were read"
            )
        return roots

    def matrix(self, number: int) -> Doubles:
        """(4, 4) from the node to the scene."""
        path = [number]
        while path[-1] in self.parent and self.parent[path[-1]] not in self._known:
            path.append(self.parent[path[-1]])
            if len(path) > len(self.nodes):
                raise Damaged(f"node {number} is its own child")
        if number not in self.parent:
            return _local(self.nodes[number])
        for one in reversed(path):
            before = self._known.get(self.parent.get(one, -1))
            own: Doubles | None = _local(self.nodes[one])
            if own is not None and np.abs(own - np.eye(4)).max() <= _NEAR:
                own = None
            known = own if before is None else before if own is None else before @ own
            self._known[one] = known
        found = self._known[number]
        return np.eye(4) if found is None else found

    def _instances(self, instancing: Json) -> Doubles:
        """(n, 4, 4) one for each row of the attributes."""
        attributes = instancing.get("attributes")
        if not isinstance(attributes, dict):
            raise Damaged("an instanced mesh has no attributes")
        found = {
            name: accessor(self.document, attributes[name], width).floats().astype(np.float64)
            for name, width in (("TRANSLATION", "VEC3"), ("ROTATION", "VEC4"), ("SCALE", "VEC3"))
            if name in attributes
        }
        counts = {len(rows) for rows in found.values()}
        if len(counts) > 1:
            raise Damaged("an instanced mesh has attributes of different lengths")
        matrices = np.tile(np.eye(4), (counts.pop() if counts else 1, 1, 1))
        if "ROTATION" in found:
            matrices = rotations(found["ROTATION"])
        if "SCALE" in found:
            matrices[:, :3, :3] *= found["SCALE"][:, None]
        if "TRANSLATION" in found:
            matrices[:, :3, 3] = found["TRANSLATION"]
        return matrices


def _numbers(document: Document, owner: Json, key: str) -> list[int]:
    """The numbers of nodes that ``owner`` lists."""
    found = owner.get(key, [])
    if not isinstance(found, list):
        raise Damaged(f"'{key}' is not a list")
    return [document.index("nodes", number) for number in found]


def _local(node: Json) -> Doubles:
    """(4, 4) from the node to its parent."""
    found = np.eye(4)
    if "matrix" in node:
        found = _reals(node, "matrix", 16).reshape(4, 4).T
    if "translation" in node:
        moved = np.eye(4)
        moved[:3, 3] = _reals(node, "translation", 3)
        found = found @ moved
    if "rotation" in node:
        found = found @ rotations(_reals(node, "rotation", 4)[None])[0]
    if "scale" in node:
        found = found @ np.diag([*_reals(node, "scale", 3), 1.0])
    return found


def _reals(node: Json, key: str, count: int) -> Doubles:
    value = node[key]
    if not isinstance(value, list) or len(value) != count:
        raise Damaged(f"a node's '{key}' is not {count} numbers")
    try:
        return np.array(value, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise Damaged(f"a node's '{key}' is not {count} numbers") from error


def rotations(quaternions: Doubles) -> Doubles:
    """(n, 4, 4) of ``quaternions`` (n, 4), xyzw, of any length; those without length turn nothing."""
    q = quaternions[:, [3, 0, 1, 2]].copy()
    square = (q * q).sum(axis=1)
    none = ~(square >= _LEAST)
    q[~none] *= np.sqrt(2.0 / square[~none, None])
    p = q[:, None, :] * q[:, :, None]
    found = np.zeros((len(q), 4, 4))
    found[:, 0, :3] = np.stack(
        [1.0 - p[:, 2, 2] - p[:, 3, 3], p[:, 1, 2] - p[:, 3, 0], p[:, 1, 3] + p[:, 2, 0]], axis=1
    )
    found[:, 1, :3] = np.stack(
        [p[:, 1, 2] + p[:, 3, 0], 1.0 - p[:, 1, 1] - p[:, 3, 3], p[:, 2, 3] - p[:, 1, 0]], axis=1
    )
    found[:, 2, :3] = np.stack(
        [p[:, 1, 3] - p[:, 2, 0], p[:, 2, 3] + p[:, 1, 0], 1.0 - p[:, 1, 1] - p[:, 2, 2]], axis=1
    )
    found[:, 3, 3] = 1.0
    found[none] = np.eye(4)
    return found


def joint_matrices(nodes: Nodes, skin: int) -> Doubles:
    """(n, 4, 4) for each joint of a skin, from a mesh's own axes to the scene."""
    own = nodes.document.one("skins", skin)
    joints = _numbers(nodes.document, own, "joints")
    if not joints:
        raise Damaged("a skin has no joints")
    found = np.stack([nodes.matrix(joint) for joint in joints])
    if "inverseBindMatrices" not in own:
        return found
    inverse = accessor(nodes.document, own["inverseBindMatrices"], "MAT4", "f")
    if inverse.count < len(joints):
        raise Damaged(f"a skin has {len(joints)} joints and {inverse.count} matrices")
    matrices = inverse.floats(np.arange(len(joints))).astype(np.float64).reshape(-1, 4, 4)
    return np.asarray(found @ matrices.transpose(0, 2, 1))
