"""Run inside Blender or bpy by test_in_blender.py: what fails, and scenes that change while a job runs."""

from __future__ import annotations

import os
import sys
import tempfile
import unittest.mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.jobs import engine, texture_job  # noqa: E402
from sync_texture.blender_sync_addon.problem import Problem  # noqa: E402
from sync_texture.blender_sync_addon.read.settings import Settings  # noqa: E402
from sync_texture.blender_sync_addon.results import recording  # noqa: E402


def check_untouched(words, prompt="bricks", **options):
    before = helper.dump()
    helper.raises(lambda: helper.generate(prompt, **options), *words)
    helper.check_same(before, helper.dump())
    assert helper.left_folders() == []


def test_failures_leave_everything_as_it_was():
    helper.material_slots_with_faces()
    check_untouched(["killed by signal 9"], "die")
    check_untouched(["exit status 7", "the sky fell down"], "exit")
    check_untouched(["It went wrong", "Do better"], "fail")
    check_untouched(["left no texture"], "silent")


def test_bad_inputs_say_what_is_wrong():
    check_untouched(["No active object"])
    obj = helper.cube()
    check_untouched(["prompt is empty"], " ")
    check_untouched(["no UV map 'x'", "'UVMap'"], uv_layer="x")
    bpy.ops.object.mode_set(mode="EDIT")
    check_untouched(["Edit Mode"])
    bpy.ops.object.mode_set(mode="OBJECT")
    for python, words in (("", "is not set"), ("/nowhere", "'/nowhere'"), ("/bin/false", "exit status 1")):
        with unittest.mock.patch.dict(os.environ, SYNC_TEXTURE_PYTHON=python):
            check_untouched([words])
    obj.data.clear_geometry()
    check_untouched(["no faces"])
    bpy.ops.object.light_add()
    check_untouched(["not a mesh but a light"])
    for i in range(2):
        bpy.ops.mesh.primitive_cube_add(location=(i, 0, 0))
    while len(bpy.context.object.data.uv_layers) < 8:
        bpy.context.object.data.uv_layers.new()
    check_untouched(["UV map, and has 8"], unwrap="always")


def test_linked_from_a_library():
    folder = Path(tempfile.mkdtemp())
    helper.cube()
    bpy.context.object.name = "linked"
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "library.blend"))
    helper.empty_scene()
    with bpy.data.libraries.load(str(folder / "library.blend"), link=True) as (_, wanted):
        wanted.objects = ["linked"]
    obj = wanted.objects[0]
    bpy.context.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    check_untouched(["linked from a library", "Make Local"])
    override = obj.override_create()
    bpy.context.collection.objects.link(override)
    bpy.context.view_layer.objects.active = override
    check_untouched(["linked from a library"])


def start_task(obj, prompt, **options):
    return texture_job.TextureJob([obj], Settings(prompt=prompt, **options))


def finish_raises(job, *words):
    problem = None
    try:
        recording.finish(job)
    except Problem as raised:
        problem = raised
    finally:
        job.close()
    for word in words:
        assert word in str(problem), problem


def test_object_deleted_in_mid_job():
    job = start_task(helper.cube(), "bricks")
    bpy.ops.object.delete()
    before = helper.dump()
    job.wait()
    finish_raises(job, "was deleted")
    helper.check_same(before, helper.dump())


def test_mesh_changed_in_mid_job():
    obj = helper.cube()
    job = start_task(obj, "bricks", unwrap="always")
    bpy.ops.object.mode_set(mode="EDIT")
    job.wait()
    assert job.blocked == "Leave Edit Mode to finish"
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert job.blocked == ""
    finish_raises(job, "was changed")


def test_file_loaded_in_mid_job():
    job = start_task(helper.cube(), "slow")
    pid = engine.supervisor.pid
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    before = helper.dump()
    engine.supervisor.abandon()
    finish_raises(job, "Cancelled")
    helper.check_same(before, helper.dump())
    assert helper.left_folders() == []
    assert engine.supervisor.pid != pid


def test_renamed_object_is_found_again():
    obj = helper.cube()
    job = start_task(obj, "bricks")
    obj.name = "other"
    job.wait()
    assert recording.finish(job).object == "other"
    job.close()


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
