"""Run inside Blender or bpy by test_in_blender.py: .fbx and .usd for the engine, as .blend; splats."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np
from mathutils import Vector

ADDON = helper.enable()

from sync_texture.blender_sync_addon.command import scene_exchange  # noqa: E402
from sync_texture.engine.protocol import Request  # noqa: E402

PLACES = {"left": (1.0, 2.0, 3.0), "right": (4.0, -2.0, 0.5)}


def exported(ending: str) -> Path:
    """Two cubes, one with a material, written by Blender."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    for name, place in PLACES.items():
        bpy.ops.mesh.primitive_cube_add(size=1, location=place)
        bpy.context.object.name = bpy.context.object.data.name = name
    bpy.data.objects["left"].data.materials.append(bpy.data.materials.new("wood"))
    path = Path(tempfile.mkdtemp()) / f"thing{ending}"
    if ending == ".fbx":
        import addon_utils

        addon_utils.enable("io_scene_fbx")
        bpy.ops.export_scene.fbx(filepath=str(path))
    else:
        bpy.ops.wm.usd_export(filepath=str(path))
    return path


def asked(path: Path) -> dict:
    folder = Path(tempfile.mkdtemp())
    request = Request(str(path), "oak", str(folder)).as_dict()
    order = {"action": "read", "blend": str(path), "request": request}
    (folder / scene_exchange.ORDER).write_text(json.dumps(order), "utf-8")
    scene_exchange.answer(folder)
    return json.loads((folder / scene_exchange.ANSWER).read_text("utf-8"))


def require_cubes(path: Path) -> None:
    found = asked(path)
    assert sorted(found["objects"]) == ["left", "right"], found
    for name, one in zip(found["objects"], found["meshes"], strict=True):
        with np.load(one["file"], allow_pickle=False) as arrays:
            points = arrays["vertices"][np.unique(arrays["faces"])]
            assert len(arrays["faces"]) == 12
        x, y, z = PLACES[name]
        assert np.allclose(points.max(axis=0) - points.min(axis=0), 1, atol=1e-4), points
        assert np.allclose(points.mean(axis=0), (x, z, -y), atol=1e-4), (name, points.mean(axis=0))


def test_fbx():
    require_cubes(exported(".fbx"))


def test_usd():
    if not hasattr(bpy.types, "WM_OT_usd_export"):
        print("left out: this Blender was built without USD")  # which the next test has it say
        return
    for ending in (".usda", ".usdc", ".usdz"):
        require_cubes(exported(ending))


def test_what_is_no_such_file_is_refused():
    for ending in (".fbx", ".usda"):
        path = Path(tempfile.mkdtemp()) / f"thing{ending}"
        path.write_bytes(b"nothing of the kind")
        answer = asked(path)
        assert "error" in answer, answer
        assert "\n" not in answer["error"]


def splats_file(*left_out: str) -> str:
    path = Path(tempfile.mkdtemp()) / "few.ply"
    helper.write_splats(path, *left_out)
    return str(path)


def test_splats_are_ellipsoids_in_their_colours():
    helper.empty_scene()
    assert bpy.ops.sync_texture.import_splats(filepath=splats_file(), up="z") == {"FINISHED"}
    depsgraph = bpy.context.evaluated_depsgraph_get()
    seen = [one.matrix_world.copy() for one in depsgraph.object_instances if one.is_instance]
    assert len(seen) == 2, "the faint one is left out"
    lying, standing = sorted(seen, key=lambda matrix: matrix.translation.x)
    assert np.allclose(np.array(lying)[:3, :3], np.diag((1.5, 0.75, 0.15)), atol=1e-5), lying
    assert np.allclose(standing.translation, (3, 0, 0))
    assert np.allclose(np.array(standing)[:3, 0], (0, 0, 0.6), atol=1e-5), standing
    helper.look_down(width=0.4)
    middle = helper.render(Path(tempfile.mkdtemp()) / "splats.png", size=8)[4, 4]
    expected = 0.5 + 0.28209479 * np.array([helper.SPLATS[f"f_dc_{i}"][0] for i in range(3)])
    assert np.allclose(middle, expected, atol=0.02), (middle, expected)


def test_splats_stand_as_the_file_says():
    for up, lies in {"y": (0, 0, 1), "z": (0, 1, 0), "-y": (0, 0, -1)}.items():
        helper.empty_scene()
        bpy.ops.sync_texture.import_splats(filepath=splats_file(), up=up)
        turned = bpy.context.object.matrix_world.to_3x3() @ Vector((0, 1, 0))
        assert np.allclose(turned, lies, atol=1e-6), (up, turned)


def test_what_has_no_splats_leaves_nothing():
    helper.empty_scene()
    before = {
        name: len(getattr(bpy.data, name)) for name in ("objects", "meshes", "materials", "node_groups")
    }
    nothing = Path(tempfile.mkdtemp()) / "nothing.ply"
    nothing.write_bytes(b"ply")
    for path, said in (
        (splats_file("f_dc_0"), "no splats"),
        (str(nothing), "as PLY"),
        ("/no/such.ply", "no file"),
    ):
        found = helper.raises(lambda path=path: bpy.ops.sync_texture.import_splats(filepath=path), said)
        assert len(found.strip().splitlines()) == 1, found
    assert before == {name: len(getattr(bpy.data, name)) for name in before}


helper.main(dict(globals()), ADDON, lambda: None)
