"""glTF files in every way that the format can be written, as .gltf and as .glb."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import replace
from typing import Any

import numpy as np

from tests.engine.mesh.corpus.solids import Case, Points, Polygon, Random, any_solid

_COMPONENTS = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
_SHAPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
MATERIALS = ["", "wood", "old iron"]


def write(rng: Random) -> Case:
    """The files, and what they show."""
    return _Writer(rng).case()


class _Writer:
    """One way of writing."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.data = bytearray()
        self.header: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "a test"},
            "accessors": [],
            "bufferViews": [],
            "meshes": [],
            "nodes": [],
            "materials": [{"name": name} for name in MATERIALS[1:]],
        }
        self.used: set[str] = set()
        self.morphed: set[int] = set()
        self.shown: list[Polygon] = []

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def case(self) -> Case:
        roots = [self._branch(np.eye(4), depth=0) for _ in range(int(self.rng.integers(1, 4)))]
        if self.chance(0.2):
            roots.append(self._skinned())
        self.header["scenes"] = [{"nodes": roots}]
        if self.chance(0.2):
            self._mesh()  # that no node shows
        if self.chance(0.7):
            self.header["scene"] = 0
        if self.used:
            self.header["extensionsUsed"] = sorted(self.used)
            self.header["extensionsRequired"] = sorted(self.used - {"KHR_texture_transform"})
        both = any("extensions" in node and node["mesh"] in self.morphed for node in self.header["nodes"])
        return Case(self._packed(), self.shown, "morph targets of instances" if both else "")

    def _packed(self) -> dict[str, bytes]:
        data = bytes(self.data)
        kind = int(self.rng.integers(3))
        self.header["buffers"] = [{"byteLength": len(data)}]
        if kind == 0:
            text = json.dumps(self.header).encode()
            text += b" " * (-len(text) % 4)
            chunks = struct.pack("<I4s", len(text), b"JSON") + text
            chunks += struct.pack("<I4s", len(data), b"BIN\0") + data
            return {"thing.glb": struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks}
        beside: dict[str, bytes] = {}
        if kind == 1:
            words = "data:application/octet-stream;base64," + base64.b64encode(data).decode()
            self.header["buffers"][0]["uri"] = words
        else:
            self.header["buffers"][0]["uri"] = "parts/my%20data.bin"
            beside["parts/my data.bin"] = data
        return {"thing.gltf": json.dumps(self.header, indent=1).encode(), **beside}

    def _branch(self, above: Points, depth: int) -> int:
        """A node with what is below it; its number."""
        node: dict[str, Any] = {}
        number = len(self.header["nodes"])
        self.header["nodes"].append(node)
        own = above @ self._transform(node)
        if self.chance(0.5):
            node["name"] = f"node {number}"
        below = int(self.rng.integers(0, 3)) if depth < 3 else 0
        children = [self._branch(own, depth + 1) for _ in range(below)]
        if children:
            node["children"] = children
        if not children or self.chance(0.4):
            node["mesh"], polygons = self._mesh()
            places = [own]
            if self.chance(0.15):
                places = [own @ one for one in self._instances(node)]
            self.shown += [one.moved(place) for place in places for one in polygons]
        return number

    def _transform(self, node: dict[str, Any]) -> Points:
        found = np.eye(4)
        kind = int(self.rng.integers(4))
        if kind == 0:
            return found
        q = self.rng.normal(size=4)
        q /= np.linalg.norm(q)
        t, s = self.rng.uniform(-2, 2, 3), self.rng.uniform(0.5, 1.5, 3)
        s = np.full(3, s[0]) if self.chance(0.8) else s * self.rng.choice([1, -1])
        if kind == 1:
            q, s = np.array([0, 0, 0, 1.0]), np.ones(3)
        matrix = trs(t, q, s)
        if kind == 3 and np.allclose(s, s[0]) and s[0] > 0:
            node["matrix"] = matrix.T.ravel().tolist()
        else:
            node.update(translation=t.tolist(), rotation=q.tolist(), scale=s.tolist())
        return matrix

    def _instances(self, node: dict[str, Any]) -> list[Points]:
        count = int(self.rng.integers(1, 5))
        t = self.rng.uniform(-3, 3, (count, 3))
        s = np.repeat(self.rng.uniform(0.5, 1.5, (count, 1)), 3, axis=1)
        q = self.rng.normal(size=(count, 4))
        q /= np.linalg.norm(q, axis=1, keepdims=True)
        attributes = {"TRANSLATION": self._accessor(t, "f4")}
        if self.chance(0.7):
            attributes["ROTATION"] = self._accessor(q, "f4")
        else:
            q = np.tile([0, 0, 0, 1.0], (count, 1))
        if self.chance(0.7):
            attributes["SCALE"] = self._accessor(s, "f4")
        else:
            s = np.ones((count, 3))
        node["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": attributes}}
        self.used.add("EXT_mesh_gpu_instancing")
        return [trs(*one) for one in zip(t, q, s, strict=True)]

    def _mesh(self) -> tuple[int, list[Polygon]]:
        """A mesh of one to three primitives; its number and what it shows."""
        primitives, polygons = [], []
        morphed = self.chance(0.15)
        weight = round(float(self.rng.uniform(0.2, 1)), 3)
        for _ in range(int(self.rng.integers(1, 4))):
            own, found = self._primitive(weight if morphed else None)
            primitives.append(own)
            polygons += found
        mesh: dict[str, Any] = {"primitives": primitives}
        if morphed:
            mesh["weights"] = [weight]
            self.morphed.add(len(self.header["meshes"]))
        if self.chance(0.5):
            mesh["name"] = "a mesh"
        self.header["meshes"].append(mesh)
        return len(self.header["meshes"]) - 1, polygons

    def _primitive(self, weight: float | None) -> tuple[dict[str, Any], list[Polygon]]:
        polygons = any_solid(self.rng, triangles=True)
        material = int(self.rng.integers(len(MATERIALS)))
        if self.chance(0.25):
            polygons = [replace(one, uvs=None) for one in polygons]
        points, uvs, rows = indexed(polygons)
        own: dict[str, Any] = {"attributes": {}}
        if material:
            own["material"] = material - 1
        points, own["attributes"]["POSITION"] = self._positions(points)
        if uvs is not None:
            uvs, own["attributes"]["TEXCOORD_0"] = self._uvs(uvs)
            if self.chance(0.2):
                _, own["attributes"]["TEXCOORD_1"] = self._uvs(1 - uvs)
        if self.chance(0.4):
            own["attributes"]["NORMAL"] = self._accessor(np.tile([0, 0, 1.0], (len(points), 1)), "f4")
        if weight is not None:
            delta = np.round(self.rng.normal(size=points.shape) * 0.1, 5)
            own["targets"] = [{"POSITION": self._accessor(delta, "f4", sparse=self.chance(0.3))}]
            points = points + weight * delta
        rows = self._indices(own, rows, len(points))
        shown = [
            Polygon(points[row], None if uvs is None else uvs[row] * (1, -1) + (0, 1), MATERIALS[material])
            for row in rows
        ]
        return own, shown

    def _positions(self, points: Points) -> tuple[Points, int]:
        """As floats, or as whole numbers where these are what the mesh's shape is (KHR_mesh_quantization)."""
        if self.chance(0.15):
            whole = np.round(points * 100)
            self.used.add("KHR_mesh_quantization")
            return whole, self._accessor(whole, "i2")
        return points, self._accessor(points, "f4", sparse=self.chance(0.2))

    def _uvs(self, uvs: Points) -> tuple[Points, int]:
        """From the top left, rounded, and the number of an accessor with these."""
        top = uvs * (1, -1) + (0, 1)
        kind = str(self.rng.choice(["f4", "f4", "u2", "u1"]))
        if kind == "f4":
            return top, self._accessor(top, "f4", sparse=self.chance(0.2))
        largest = np.iinfo(kind).max
        whole = np.round(np.clip(top, 0, 1) * largest)
        return whole / largest, self._accessor(whole, kind, normalized=True)

    def _indices(self, own: dict[str, Any], rows: np.ndarray, count: int) -> np.ndarray:
        """Triangles as a list, a strip with joints, or fans of one; the triangles that are shown."""
        kind = int(self.rng.integers(6))
        index = str(self.rng.choice(["u2", "u4"] if count > 254 else ["u1", "u2", "u4"]))
        if kind == 0:  # a strip whose joints have no area
            strip: list[int] = []
            for a, b, c in rows.tolist():
                strip += [*([strip[-1], a] if strip else []), a, b, c]
                strip += [c] if len(strip) % 2 else []
            own.update(mode=5, indices=self._accessor(np.array(strip)[:, None], index))
            triples = [strip[i : i + 3] for i in range(len(strip) - 2)]
            return np.array([t if i % 2 == 0 else t[::-1] for i, t in enumerate(triples)])
        if kind == 1:  # the first triangles that go around one corner
            around = rows[(rows == rows[0, 0]).any(axis=1)]
            fan = [int(rows[0, 0]), int(rows[0, 1]), int(rows[0, 2])]
            turned = {r[(r.index(fan[0]) + 1) % 3]: r[(r.index(fan[0]) + 2) % 3] for r in around.tolist()}
            while turned.get(fan[-1], fan[1]) != fan[1]:
                fan.append(turned[fan[-1]])
            own.update(mode=6, indices=self._accessor(np.array(fan)[:, None], index))
            return np.array(_triples(fan))
        if self.chance(0.3):
            own["mode"] = 4
        own["indices"] = self._accessor(rows.reshape(-1, 1), index)
        return rows

    def _skinned(self) -> int:
        """A ball on two joints below a scaled armature, in a pose; the armature's number."""
        own: dict[str, Any] = {"attributes": {}}
        polygons = any_solid(self.rng, triangles=True)
        points, uvs, rows = indexed(polygons)
        own["attributes"]["POSITION"] = self._accessor(points, "f4")
        if uvs is not None:
            top, own["attributes"]["TEXCOORD_0"] = self._uvs(uvs)
        joints = np.zeros((len(points), 4))
        joints[:, 1] = 1
        share = np.round(self.rng.random(len(points)), 2)
        weights = np.stack([share, 1 - share, 0 * share, 0 * share], axis=1)
        if self.chance(0.5):
            weights = np.round(weights * 255)
            own["attributes"]["WEIGHTS_0"] = self._accessor(weights, "u1", normalized=True)
            weights /= weights.sum(axis=1, keepdims=True)
        else:
            own["attributes"]["WEIGHTS_0"] = self._accessor(weights, "f4")
        own["attributes"]["JOINTS_0"] = self._accessor(joints, str(self.rng.choice(["u1", "u2"])))
        own["indices"] = self._accessor(rows.reshape(-1, 1), "u2")
        mesh = len(self.header["meshes"])
        self.header["meshes"].append({"primitives": [own]})
        nodes = self.header["nodes"]
        first = len(nodes)
        scale = float(self.rng.choice([0.01, 1.0, 2.0]))
        bind = [trs([0, k / scale, 0], [0, 0, 0, 1], [1 / scale] * 3) for k in range(2)]
        turn = [np.sin(0.3), 0, 0, np.cos(0.3)]
        pose = [trs([0, 0.5 / scale, 0], turn, [1 / scale] * 3), trs([0.2, 1.0, 0], turn, [1, 1, 1])]
        nodes += [
            {"name": "armature", "children": [first + 1, first + 3], "scale": [scale] * 3},
            {
                **{"name": "lower", "children": [first + 2], "rotation": turn},
                **{"translation": [0, 0.5 / scale, 0], "scale": [1 / scale] * 3},
            },
            {"name": "upper", "translation": [0.2, 1.0, 0], "rotation": turn},
            {"name": "body", "mesh": mesh, "skin": 0, "translation": [5, 5, 5], "scale": [3, 3, 3]},
        ]
        world = trs([0, 0, 0], [0, 0, 0, 1], [scale] * 3)
        inverse = [np.linalg.inv(world @ one) for one in bind]
        matrices = self._accessor(np.stack([one.T.ravel() for one in inverse]), "f4")
        self.header["skins"] = [{"joints": [first + 1, first + 2], "inverseBindMatrices": matrices}]
        held = [world @ pose[0], world @ pose[0] @ pose[1]]
        moved = sum(
            weights[:, k, None] * (points @ (held[k] @ inverse[k])[:3, :3].T + (held[k] @ inverse[k])[:3, 3])
            for k in range(2)
        )
        for row in rows:
            self.shown.append(Polygon(moved[row], None if uvs is None else top[row] * (1, -1) + (0, 1)))
        return first

    def _accessor(self, values: Points, kind: str, normalized: bool = False, sparse: bool = False) -> int:
        """One with ``values`` (n, width); its number."""
        values = np.asarray(values)
        own: dict[str, Any] = {
            "componentType": _COMPONENTS[kind],
            "count": len(values),
            "type": _SHAPES[values.shape[1]],
            "min": values.min(axis=0).tolist(),
            "max": values.max(axis=0).tolist(),
        }
        if normalized:
            own["normalized"] = True
        packed = values.astype("<" + kind)
        if sparse:
            chosen = np.flatnonzero(self.rng.random(len(values)) < 0.5)
            without = self.chance(0.3) or not len(chosen)  # without a view, all rows are zero before
            chosen = np.arange(len(values)) if without else chosen
            own["sparse"] = self._sparse(chosen, packed[chosen])
            packed[chosen] = 0
            if without:
                self.header["accessors"].append(own)
                return len(self.header["accessors"]) - 1
        own["bufferView"] = self._view(packed, self.chance(0.3) and values.shape[1] in (2, 3, 4), own)
        self.header["accessors"].append(own)
        return len(self.header["accessors"]) - 1

    def _sparse(self, rows: np.ndarray, values: np.ndarray) -> dict[str, Any]:
        """That the ``rows`` (n,) are ``values`` (n, width)."""
        indices = self._view(rows.astype("<u2")[:, None], False)
        return {
            "count": len(rows),
            "indices": {"bufferView": indices, "componentType": 5123},
            "values": {"bufferView": self._view(values, False)},
        }

    def _view(self, values: np.ndarray, interleaved: bool, own: dict[str, Any] | None = None) -> int:
        """A view with the bytes of ``values``, aligned; its number. ``own``: its accessor, which may begin
        later."""
        self.data += bytes(-len(self.data) % 4)
        start = len(self.data)
        view = {"buffer": 0, "byteOffset": start}
        size = values.shape[1] * values.itemsize
        stride = size + -size % 4
        offset = 0
        if interleaved or (own is not None and stride != size and values.shape[1] > 1):
            stride += 4 if interleaved else 0
            offset = 4 if interleaved and own is not None else 0
            raw = np.zeros((len(values), stride), np.uint8)
            own_bytes = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), size)
            raw[:, offset : offset + size] = own_bytes
            self.data += raw.tobytes()
            view["byteStride"] = stride
        else:
            self.data += np.ascontiguousarray(values).tobytes()
        if own is not None and offset:
            own["byteOffset"] = offset
        view["byteLength"] = len(self.data) - start
        self.data += bytes(-len(self.data) % 4)
        self.header["bufferViews"].append(view)
        return len(self.header["bufferViews"]) - 1


def trs(translation: Any, quaternion: Any, scale: Any) -> Points:
    """(4, 4) of a node's properties."""
    x, y, z, w = quaternion
    found = np.eye(4)
    found[:3, :3] = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    ) * np.asarray(scale)
    found[:3, 3] = translation
    return found


def indexed(polygons: list[Polygon]) -> tuple[Points, Points | None, np.ndarray]:
    """Triangles as points (V, 3), UVs (V, 2) or None, and rows (T, 3) of these."""
    with_uvs = polygons[0].uvs is not None
    corners = np.concatenate(
        [np.concatenate([p.points, p.uvs], axis=1) if p.uvs is not None else p.points for p in polygons]
    )
    rows, index = np.unique(np.round(corners, 9), axis=0, return_inverse=True)
    return rows[:, :3], rows[:, 3:] if with_uvs else None, index.reshape(-1, 3)


def _triples(fan: list[int]) -> list[list[int]]:
    return [[fan[0], fan[i], fan[i + 1]] for i in range(1, len(fan) - 1)]
