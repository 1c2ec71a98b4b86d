"""Run inside a Blender with a window by test_in_window.py: the operator as an artist uses it.

The longest time that each of our calls holds the main thread is kept.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import artist
import bpy
import driver
import helper
from artist import idle, into_mode, ours, running, start, undo
from driver import shoot, timed, until, view
from sync_texture import blender_sync_addon
from sync_texture.blender_sync_addon import background_lookup
from sync_texture.blender_sync_addon.jobs import engine, texture_job
from sync_texture.blender_sync_addon.read import mesh as read_mesh
from sync_texture.blender_sync_addon.results import recording
from sync_texture.blender_sync_addon.ui import panel

helper.use_fake_engine()
timed(texture_job.TextureJob, "__init__")
timed(read_mesh, "read")
timed(engine.Supervisor, "start")
timed(texture_job.TextureJob, "poll")
timed(recording, "finish")
timed(texture_job.TextureJob, "close")
timed(panel, "draw_generate")
timed(panel, "draw_progress")


def prepare():
    artist.monkey()
    yield from artist.open_panel()
    # The first image that a Blender loads, whichever, takes it 50 to 100 ms of setting itself up.
    helper.fake_engine.write_png(driver.SHOTS / "first.png", helper.fake_engine.texture())
    bpy.data.images.remove(bpy.data.images.load(str(driver.SHOTS / "first.png")))
    yield 1.0


def test_the_panel_says_what_is_missing():
    python = os.environ.pop("SYNC_TEXTURE_PYTHON")
    view()["area"].tag_redraw()
    yield 0.5
    shoot("1_missing")
    os.environ["SYNC_TEXTURE_PYTHON"] = python


def test_generate_and_one_undo_takes_it_back():
    obj = bpy.context.view_layer.objects.active
    with bpy.context.temp_override(**view()):
        bpy.ops.ed.undo_push(message="before")
    bpy.context.scene.sync_texture.unwrap = "auto"
    start("slow bricks")
    yield 1.5
    shoot("2_running")
    yield from until(idle)
    yield 0.7
    assert len(ours()) == 2, ours()
    shoot("3_done")
    name = obj.name
    undo()
    yield 0.3
    assert ours() == [], ours()
    assert name in bpy.data.objects, "one undo took back more than the texture"
    assert not bpy.data.objects[name].material_slots
    undo(redo=True)
    yield 0.3
    assert len(ours()) == 2, ours()
    undo()
    yield 0.3
    assert helper.left_folders() == []


def test_cancel_changes_nothing():
    yield 0.2
    before = helper.dump()
    for prompt in ("slow", "hang"):
        start(prompt)
        yield 1.0
        began, pid = time.monotonic(), engine.supervisor.pid
        assert bpy.ops.sync_texture.cancel() == {"FINISHED"}
        held, shots = 0.0, 0  # held: so long a turn of the window took: redrawn by software on a busy machine
        while not idle():
            last = time.monotonic()
            yield 0.02
            held, shots = max(held, time.monotonic() - last), shots + 1
            if prompt == "hang" and shots == 3:
                shoot("4_cancelling")
        took = time.monotonic() - began
        assert took < 2.2 + 2 * held, (prompt, took, held)
        if prompt == "hang":
            assert engine.supervisor.pid not in (None, pid), "another engine must be there for the next job"
    helper.check_same(before, helper.dump())
    assert helper.left_folders() == []


def test_a_killed_engine_is_told():
    before = helper.dump()
    start("die")
    yield from until(idle)
    yield 0.5
    shoot("5_died")
    helper.check_same(before, helper.dump())


def test_undo_in_mid_job_is_survived():
    bpy.ops.object.select_all(action="DESELECT")
    name = bpy.context.view_layer.objects.active.name
    artist.move("x", 1.0)
    start("slow")
    yield 0.5
    undo()
    yield from until(idle)
    yield 0.2
    assert len(ours()) == 2
    assert bpy.data.objects[name].material_slots[0].material


def test_an_object_deleted_in_mid_job_is_told():
    with bpy.context.temp_override(**view()):
        bpy.ops.mesh.primitive_cube_add()
        start("bricks")
        bpy.ops.object.delete()
    before = helper.dump()
    yield from until(idle)
    yield 0.5
    shoot("7_deleted")
    helper.check_same(before, helper.dump())
    with bpy.context.temp_override(**view()):
        bpy.context.view_layer.objects.active = next(o for o in bpy.data.objects if o.type == "MESH")
        bpy.context.view_layer.objects.active.select_set(True)


def test_a_uv_map_renamed_in_mid_job_is_told():
    start("bricks")
    bpy.context.view_layer.objects.active.data.uv_layers.active.name = "another"
    before = helper.dump()
    yield from until(idle)
    yield 0.3
    shoot("8_no_uv_map")
    helper.check_same(before, helper.dump())


def test_a_damaged_picture_is_told():
    receive = texture_job.receive

    def damaged(result, *given):
        path = Path(result.texture)
        path.write_bytes(path.read_bytes()[:60])  # its header is whole
        return receive(result, *given)

    before = helper.dump()
    texture_job.receive = damaged
    start("bricks")
    yield from until(idle)
    texture_job.receive = receive
    yield 0.3
    shoot("9_damaged")
    helper.check_same(before, helper.dump())
    assert helper.left_folders() == []


def test_edit_mode_at_the_end_is_waited_for():
    start("bricks")
    into_mode("EDIT")
    yield 1.5
    assert not idle()
    shoot("6_waiting")
    into_mode("OBJECT")
    yield from until(idle)


def test_a_result_that_waits_can_be_cancelled():
    start("bricks")
    into_mode("EDIT")
    yield 1.5
    before = ours()
    assert bpy.ops.sync_texture.cancel() == {"FINISHED"}
    yield from until(idle)
    assert ours() == before
    into_mode("OBJECT")


def test_loading_a_file_ends_the_job_and_the_engine():
    start("slow")
    yield 0.5
    pid = engine.supervisor.pid
    assert pid
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    yield 0.7
    assert idle()
    assert engine.supervisor.pid is None
    assert ours() == []
    assert helper.left_folders() == []
    assert not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()


def test_opening_a_file_ends_no_look_at_the_disk():
    found = ["before"]
    looked = background_lookup.BackgroundLookup(lambda _key: found[0], "")
    looked.value("key")
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    yield from until(lambda: looked.value("key") == "before")
    found[0] = "after"
    looked.value("key")
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    yield from until(lambda: looked.value("key") == "after")


def test_disabling_ends_the_job_and_the_engine():
    notes = bpy.app.handlers.depsgraph_update_post
    before = list(notes)
    start("slow")
    yield 0.5
    overlay = running().show._overlay
    assert len(notes) == len(before) + 1
    blender_sync_addon.unregister()
    try:
        yield 0.5
        assert list(notes) == before
        assert overlay._handle is None
        assert engine.supervisor.pid is None
        assert idle()
        assert helper.left_folders() == []
    finally:
        blender_sync_addon.register()
    yield 0.5


def test_a_dense_mesh_never_holds_the_window():
    with bpy.context.temp_override(**view()):
        bpy.ops.mesh.primitive_grid_add(x_subdivisions=300, y_subdivisions=300)
    yield 1.0
    start("bricks")
    yield from until(idle)


told = driver.times


def last():
    """Blender quits in mid-job."""
    start("slow")
    yield 0.5
    print(json.dumps({"left_running": engine.supervisor.pid}), flush=True)
