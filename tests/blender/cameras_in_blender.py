"""Run inside Blender or bpy by test_in_blender.py: the scene's cameras as views."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np
from bpy_extras.object_utils import world_to_camera_view

ADDON = helper.enable()
helper.use_fake_engine()

from choosing import asked, camera, options  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine, texture_job  # noqa: E402
from sync_texture.blender_sync_addon.read import cameras as read_cameras  # noqa: E402


def pixels(entry, points):
    """(n, 2) in [0, 1], the origin at the bottom left, of engine-space ``points``: as the
    contract of engine/views/camera_file.py has it, worked out from position, forward, up and fov."""
    forward = np.array(entry["forward"]) / np.linalg.norm(entry["forward"])
    right = np.cross(forward, entry["up"])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    offset = points - np.array(entry["position"])
    half = (offset @ forward) * np.tan(np.radians(entry["fov"]) / 2)
    return np.stack([offset @ right / half, offset @ up / half], axis=1) / 2 + 0.5


def check_cameras(obj, several: bool) -> list:
    """What the engine is told to see is what Blender's own cameras see, square renders without shift."""
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    entries = read_cameras.read(obj, depsgraph, several).entries
    reading = texture_job.JobObject(obj, depsgraph, texture_job.Settings(prompt="x"), several).read
    for entry in entries:
        own = bpy.data.objects[entry["name"]]
        world = [obj.matrix_world @ vertex.co for vertex in obj.data.vertices]
        seen = [world_to_camera_view(bpy.context.scene, own, point) for point in world]
        found = pixels(entry, reading.arrays().vertices)
        np.testing.assert_allclose(found, [tuple(p)[:2] for p in seen], atol=1e-4)
    return list(entries)


def test_scene_cameras_see_what_blenders_own_do():
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 100
    obj = helper.cube(location=(1, 2, 3), rotation=(0.3, -0.5, 1.1))
    parent = bpy.data.objects.new("parent", None)
    bpy.context.collection.objects.link(parent)
    parent.rotation_euler = (0.2, 0.1, -0.4)
    camera("a", towards=(1, 2, 3))
    rolled = camera("b", (4, 8, 7), (1, 2, 3), lens=35, sensor_width=22)
    rolled.rotation_euler.rotate_axis("Z", 0.7)
    for scale in ((1, 1, 1), (2, 0.5, 1), (-1, 1, 1), (1, -2, -0.5), (-1, -1, -1)):
        obj.scale = scale
        for own_parent in (None, parent):
            obj.parent = own_parent
            for several in (False, True):
                assert len(check_cameras(obj, several)) == 2


def test_frames_that_are_not_square_are_held_by_the_view():
    obj = helper.cube()
    for size, shift in (((200, 100), 0), ((100, 200), 0), ((200, 100), 0.3)):
        bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = size
        own = camera(shift_x=shift)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        (entry,) = read_cameras.read(obj, depsgraph, True).entries
        half = np.tan(np.radians(entry["fov"]) / 2)
        corners = np.array([tuple(c / -c.z) for c in own.data.view_frame(scene=bpy.context.scene)])
        assert (
            np.abs(corners[:, :2]).max() == np.float32(half)
            or abs(np.abs(corners[:, :2]).max() - half) < 1e-6
        )
        bpy.data.objects.remove(own)


def test_selected_cameras_are_the_views_and_others_are_told():
    obj = helper.cube()
    options().prompt, options().rig = "bricks", "scene"
    helper.raises(lambda: bpy.ops.sync_texture.generate(), "no camera")
    camera("first")
    second = camera("second", type="ORTHO")
    helper.raises(lambda: bpy.ops.sync_texture.generate(), "'second'", "perspective")
    second.data.type = "PERSP"

    def names():
        told = json.loads(asked())
        assert told["request"]["cameras"] == "FOLDER/cameras.json"
        data = bytes.fromhex(told["cameras.json"])
        return [entry["name"] for entry in json.loads(data)["cameras"]]

    assert names() == ["first", "second"]
    second.select_set(True)
    assert names() == ["second"]
    assert bpy.context.view_layer.objects.active == obj
    options().rig = "paper"
    assert json.loads(asked())["request"]["cameras"] is None


helper.main(globals(), ADDON, engine.supervisor.abandon)
