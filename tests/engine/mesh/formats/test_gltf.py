"""What a glTF file demands, promises and names: done, refused or said."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import UserError
from engine.mesh.mesh import Mesh, load
from engine.mesh.read import read

POINTS = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [0, 1, 0]], "<f4")
UVS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], "<f4")
INDICES = np.array([0, 1, 2, 0, 2, 3], "<u2")


class File:
    """A square's file; ``header`` may be changed before it is loaded."""

    def __init__(self) -> None:
        self.data = b""
        self.header: dict[str, Any] = {
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0}],
            "bufferViews": [],
            "accessors": [],
        }
        points, uvs, indices = (
            self.array(POINTS, "VEC3"),
            self.array(UVS, "VEC2"),
            self.array(INDICES, "SCALAR"),
        )
        attributes = {"POSITION": points, "TEXCOORD_0": uvs}
        self.header["meshes"] = [{"primitives": [{"attributes": attributes, "indices": indices}]}]

    @property
    def primitive(self) -> dict[str, Any]:
        return self.header["meshes"][0]["primitives"][0]  # type: ignore[no-any-return]

    def array(self, values: np.ndarray, shape: str, **more: Any) -> int:
        """An accessor with ``values``; its number."""
        kinds = {"f4": 5126, "u1": 5121, "u2": 5123, "u4": 5125, "i1": 5120, "i2": 5122}
        kind = kinds[values.dtype.str[1:]]
        self.data += bytes(-len(self.data) % 4)
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": values.nbytes}
        self.data += values.tobytes()
        self.header["bufferViews"].append(view)
        number = len(self.header["bufferViews"]) - 1
        own = {"bufferView": number, "componentType": kind, "count": len(values), "type": shape, **more}
        self.header["accessors"].append(own)
        return len(self.header["accessors"]) - 1

    def write(self, folder: Path) -> Path:
        uri = "data:;base64," + base64.b64encode(self.data).decode()
        self.header.setdefault("buffers", [{"byteLength": len(self.data), "uri": uri}])
        path = folder / "thing.gltf"
        path.write_text(json.dumps(self.header), encoding="utf-8")
        return path

    def load(self, folder: Path) -> Mesh:
        return load(self.write(folder))


def refused(file: File, folder: Path) -> str:
    path = file.write(folder)
    with pytest.raises(UserError) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert caught.value.fix
    return str(caught.value)


@pytest.mark.parametrize("version", ["1.0", "1.1", 1, "3.0"])
def test_other_versions_are_refused_by_number(version: object, tmp_path: Path) -> None:
    file = File()
    file.header.update(asset={"version": version}, nodes={}, meshes={})
    assert f"is glTF of version {version}, and only version 2.0" in refused(file, tmp_path)
    path = tmp_path / "old.glb"
    path.write_bytes(struct.pack("<4sIIII", b"glTF", 1, 20, 0, 0))
    with pytest.raises(UserError, match="is glTF of version 1"):
        load(path)


@pytest.mark.parametrize(
    "name", ["KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression"]
)
def test_compression_is_refused_where_it_is_required(name: str, tmp_path: Path) -> None:
    file = File()
    file.header.update(extensionsUsed=[name], extensionsRequired=[name])
    assert f"is compressed ({name})" in refused(file, tmp_path)
    used = File()
    used.header["extensionsUsed"] = [name]
    assert used.load(tmp_path).warnings == ()  # what it falls back to is there
    packed = File()
    packed.header["extensionsUsed"] = [name]
    del packed.header["accessors"][0]["bufferView"]
    assert f"is compressed ({name})" in refused(packed, tmp_path)


def test_what_is_required_and_unknown_is_refused_by_name(tmp_path: Path) -> None:
    file = File()
    file.header.update(extensionsUsed=["EXT_new_shape"], extensionsRequired=["EXT_new_shape"])
    assert "requires the glTF extension EXT_new_shape" in refused(file, tmp_path)
    used = File()
    used.header["extensionsUsed"] = ["EXT_new_shape", "KHR_materials_ior"]
    assert used.load(tmp_path).warnings == ("glTF extensions that can't be shown: EXT_new_shape",)
    looks = File()
    looks.header.update(extensionsUsed=["KHR_materials_ior"], extensionsRequired=["KHR_materials_ior"])
    assert looks.load(tmp_path).warnings == ()


def test_scenes(tmp_path: Path) -> None:
    file = File()
    del file.header["scenes"], file.header["scene"]
    mesh = file.load(tmp_path)
    assert len(mesh.faces) == 2
    assert mesh.warnings == ("no scene of the file shows a mesh; all that have a place were read",)
    file.header["scenes"] = [{}, {"nodes": [0]}]
    file.header["scene"] = 1
    assert file.load(tmp_path).warnings == (
        "of the file's 2 scenes only the one that it opens with was read",
    )
    file.header.update(scenes=[{}], scene=0, nodes=[])
    assert "has 1 meshes, but no node that gives one a place" in refused(file, tmp_path)
    file.header.update(scenes=[{"nodes": [0]}], scene=7, nodes=[{"mesh": 0}])
    assert "number 7 of 'scenes'" in refused(file, tmp_path)


def test_hidden_nodes_are_left_out(tmp_path: Path) -> None:
    file = File()
    hidden = {"mesh": 0, "translation": [9, 0, 0], "extensions": {"KHR_node_visibility": {"visible": False}}}
    file.header["nodes"] = [{"mesh": 0, "children": [1]}, hidden]
    assert len(file.load(tmp_path).faces) == 2


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ([{"mesh": 0, "children": [0]}], "its own child"),
        ([{"children": [1]}, {"children": [2], "mesh": 0}, {"children": [1]}], "two parents"),
        ([{"mesh": 0, "children": [1]}, {"children": [2]}, {"children": [0]}], "its own child"),
        ([{"mesh": 0, "children": [5]}], "number 5 of 'nodes'"),
        ([{"mesh": 3}], "number 3 of 'meshes'"),
        ([{"mesh": True}], "number True of 'meshes'"),
        ([{"mesh": 0, "matrix": [1, 2, 3]}], "'matrix' is not 16 numbers"),
        ([{"mesh": 0, "scale": [1, 1, "a"]}], "'scale' is not 3 numbers"),
        ([{"mesh": 0, "skin": 0}], "number 0 of 'skins'"),
        (["mesh"], "'nodes' is not a list of objects"),
    ],
)
def test_trees_that_are_none(nodes: list[Any], says: str, tmp_path: Path) -> None:
    file = File()
    file.header["nodes"] = nodes
    assert says in refused(file, tmp_path)


def test_deep_trees_are_no_recursion(tmp_path: Path) -> None:
    file = File()
    depth = 20_000
    file.header["nodes"] = [{"children": [i + 1], "translation": [1, 0, 0]} for i in range(depth)] + [
        {"mesh": 0}
    ]
    assert file.load(tmp_path).origin[0] == depth + 1
    file.header["extras"] = None
    path = file.write(tmp_path)
    path.write_text(path.read_text().replace('"extras": null', '"extras": ' + "[" * 100_000 + "]" * 100_000))
    with pytest.raises(UserError, match="not JSON"):
        load(path)


LIES = {
    "rows beyond the view": (lambda f: f.header["accessors"][0].update(count=1_000_000), "can't hold them"),
    "a view beyond the buffer": (
        lambda f: f.header["bufferViews"][0].update(byteLength=10**9),
        "bytes, and 1,000,000,0",
    ),
    "a start beyond": (lambda f: f.header["accessors"][0].update(byteOffset=40), "can't hold them"),
    "a negative start": (lambda f: f.header["bufferViews"][0].update(byteOffset=-4), "'byteOffset' is -4"),
    "rows upon one another": (lambda f: f.header["bufferViews"][0].update(byteStride=4), "lie 4 bytes apart"),
    "another type": (lambda f: f.header["accessors"][0].update(type="VEC2"), "doesn't fit its use"),
    "an unknown type": (lambda f: f.header["accessors"][0].update(componentType=5130), "unknown type 5130"),
    "floats for indices": (
        lambda f: f.header["accessors"][2].update(componentType=5126, count=3),
        "doesn't fit its use",
    ),
    "indices beyond": (
        lambda f: f.header["accessors"][0].update(count=2),
        "refer to vertex 3, and there are 2",
    ),
    "half a triangle": (
        lambda f: f.header["accessors"][2].update(count=5),
        "5 corners are not whole triangles",
    ),
    "no data at all": (lambda f: f.header["accessors"][0].pop("bufferView"), "accessor 0 has no data"),
    "fewer UVs": (lambda f: f.header["accessors"][1].update(count=2), "2 UVs for 4 vertices"),
    "no attributes": (lambda f: f.primitive.pop("attributes"), "no attributes"),
    "no list": (lambda f: f.header.update(meshes={"a": 1}), "'meshes' is not a list"),
    "no base64": (
        lambda f: f.header.update(buffers=[{"uri": "data:;base64,abc", "byteLength": 1}]),
        "not base64",
    ),
}


@pytest.mark.parametrize("case", LIES)
def test_promises_are_checked_before_anything_is_made(case: str, tmp_path: Path) -> None:
    change, says = LIES[case]
    file = File()
    change(file)
    assert says in refused(file, tmp_path)


@pytest.mark.parametrize("count", [4_000_000_000, 2**52])
def test_a_small_file_never_takes_much(count: int, tmp_path: Path) -> None:
    """An accessor without a view promises rows of zeros: of those that faces name only some are made."""
    file = File()
    sparse = {
        "count": 4,
        "indices": {
            "bufferView": file.header["accessors"][file.array(np.arange(4, dtype="<u1"), "SCALAR")][
                "bufferView"
            ],
            "componentType": 5121,
        },
        "values": {"bufferView": 0},
    }
    file.header["accessors"][0].pop("bufferView")
    file.header["accessors"][0].update(count=count, sparse=sparse)
    del file.primitive["attributes"]["TEXCOORD_0"]
    np.testing.assert_allclose(file.load(tmp_path).vertices, POINTS)
    del file.primitive["indices"]  # all of them are triangles now
    assert "memory" in refused(file, tmp_path)


def test_instances_are_counted_before_they_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = File()
    number = file.array(np.zeros((1000, 3), "<f4"), "VEC3")
    extension = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": number}}}
    file.header["nodes"] = [{"mesh": 0, "extensions": extension}]
    assert len(file.load(tmp_path).faces) == 2000
    monkeypatch.setattr("engine.inputs.physical_bytes", lambda: 400_000)
    assert "memory" in refused(file, tmp_path)


NAMED = [
    "../secret.bin",
    "%2e%2e/secret.bin",
    "/etc/hostname",
    "//host/share/a.bin",
    "..\\secret.bin",
    "C:/a.bin",
]


@pytest.mark.parametrize("uri", NAMED)
def test_buffers_stay_in_the_folder(uri: str, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    file = File()
    (tmp_path / "secret.bin").write_bytes(file.data)
    file.header["buffers"] = [{"byteLength": len(file.data), "uri": uri}]
    assert "names the file" in refused(file, own)


def test_pictures_and_their_paths_are_never_looked_at(tmp_path: Path) -> None:
    file = File()
    file.header["images"] = [{"uri": uri} for uri in NAMED]
    assert len(file.load(tmp_path).faces) == 2


def test_further_uv_sets_are_kept_in_reserve(tmp_path: Path) -> None:
    file = File()
    file.primitive["attributes"]["TEXCOORD_1"] = file.array(UVS / np.float32(2), "VEC2")
    transform = {"offset": [0.5, 0.25], "scale": [0.5, 0.25], "rotation": 0.0}
    texture = {"index": 0, "extensions": {"KHR_texture_transform": transform}}
    file.header["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": texture}}]
    file.primitive["material"] = 0
    mesh = file.load(tmp_path)
    assert [one.name for one in mesh.others] == ["the UVs of its base colour's texture", "its UV set 1"]
    assert mesh.uvs is not None
    np.testing.assert_allclose(mesh.uvs[0], [[0, 0], [1, 0], [1, 1]])
    np.testing.assert_allclose(mesh.others[0].uvs[0], [[0.5, 0.5], [1, 0.5], [1, 0.75]])
    np.testing.assert_allclose(mesh.others[1].uvs[0], [[0, 0.5], [0.5, 0.5], [0.5, 1]])


def test_a_turned_texture(tmp_path: Path) -> None:
    file = File()
    transform = {"offset": [0.0, 1.0], "rotation": np.pi / 2}
    texture = {"index": 0, "extensions": {"KHR_texture_transform": transform}}
    file.header["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": texture}}]
    file.primitive["material"] = 0
    turned = file.load(tmp_path).others[0].uvs[0]
    np.testing.assert_allclose(turned, [[1, 0], [1, 1], [0, 1]], atol=1e-6)


def test_what_the_result_will_lack_is_said(tmp_path: Path) -> None:
    file = File()
    file.header["animations"] = [{"channels": [], "samplers": []}]
    file.primitive["targets"] = [{"POSITION": file.array(POINTS, "VEC3")}]
    mesh = file.load(tmp_path)
    said = "mesh.glb shows the file's default pose, without its animations and morph targets"
    assert mesh.warnings == (said,)
    np.testing.assert_allclose(mesh.vertices, POINTS)  # without a weight, a target moves nothing


def test_a_vertex_without_weights_goes_with_its_first_joint(tmp_path: Path) -> None:
    file = File()
    attributes = file.primitive["attributes"]
    attributes["JOINTS_0"] = file.array(np.zeros((4, 4), "<u1"), "VEC4")
    weights = np.zeros((4, 4), "<f4")
    weights[:3, 0] = 2
    attributes["WEIGHTS_0"] = file.array(weights, "VEC4")
    file.header["skins"] = [{"joints": [1]}]
    file.header["nodes"] = [{"mesh": 0, "skin": 0, "translation": [50, 0, 0]}, {"translation": [0, 0, 3]}]
    file.header["scenes"] = [{"nodes": [0, 1]}]
    np.testing.assert_allclose(file.load(tmp_path).vertices, POINTS + np.float32([0, 0, 3]))
    attributes["JOINTS_0"] = file.array(np.full((4, 4), 7, "<u1"), "VEC4")
    del file.header["buffers"]
    assert "tied to joint 7, and the skin has 1" in refused(file, tmp_path)


def test_parts(tmp_path: Path) -> None:
    file = File()
    second = {"attributes": file.primitive["attributes"], "indices": 2, "material": 1}
    file.header["meshes"][0]["primitives"].append(second)
    file.header["materials"] = [{"name": "wood"}, {}]
    file.header["nodes"] = [{"mesh": 0, "name": "left"}, {"mesh": 0, "translation": [3, 0, 0]}]
    file.header["meshes"][0]["name"] = "table"
    file.header["scenes"] = [{"nodes": [0, 1]}]
    path = file.write(tmp_path)
    assert read(path, "object").parts == ["table", "left"]
    assert read(path, "material").parts == ["", ""]
    assert read(path).part is None
