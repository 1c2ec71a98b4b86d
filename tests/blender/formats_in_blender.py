"""Run inside Blender or bpy by test_in_blender.py: .fbx and .usd for the engine, as .blend."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np

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


helper.main(dict(globals()), ADDON, lambda: None)
