"""Run inside a Blender with a window by test_in_window.py: the operator as an artist uses it.

A generator is stepped by a Blender timer; each ``yield`` lets Blender work on. The longest time that each of
our calls holds the main thread is kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "blender"))

import bpy
import helper

bpy.context.preferences.view.show_splash = False
ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon import looking, operators, panel, task  # noqa: E402
from sync_texture.blender_sync_addon.read import mesh as read_mesh  # noqa: E402

SHOTS = Path(os.environ["SYNC_TEXTURE_SHOTS"])
HELD: dict[str, float] = {}  # milliseconds of wall time
WORK: dict[str, float] = {}  # milliseconds of the main thread's own time: what a busy machine adds isn't ours


def timed(owner, name: str) -> None:
    """Have HELD and WORK keep the longest time that ``owner.name`` took."""
    inner = getattr(owner, name)

    def outer(*args, **options):
        start, work = time.perf_counter(), time.thread_time()
        try:
            return inner(*args, **options)
        finally:
            HELD[name] = max(HELD.get(name, 0.0), 1000 * (time.perf_counter() - start))
            WORK[name] = max(WORK.get(name, 0.0), 1000 * (time.thread_time() - work))

    setattr(owner, name, outer)


timed(task.Task, "__init__")
timed(read_mesh, "read")
timed(task.Supervisor, "start")
timed(task.Task, "poll")
timed(task.Task, "finish")
timed(task.Task, "close")
timed(panel, "draw_generate")
timed(panel, "draw_progress")


def view():
    window = bpy.context.window_manager.windows[0]
    area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
    region = next(r for r in area.regions if r.type == "WINDOW")
    return {"window": window, "area": area, "region": region}


def shoot(name: str) -> None:
    subprocess.Popen(["import", "-window", "root", str(SHOTS / f"{name}.png")])


def start(prompt: str) -> None:
    bpy.context.scene.sync_texture.prompt = prompt
    with bpy.context.temp_override(**view()):
        assert bpy.ops.sync_texture.generate("INVOKE_DEFAULT") == {"RUNNING_MODAL"}


def undo(redo: bool = False) -> None:
    with bpy.context.temp_override(**view()):
        (bpy.ops.ed.redo if redo else bpy.ops.ed.undo)()


def until(condition, seconds: float = 20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        yield 0.02


def idle():
    return operators.running() is None


def ours() -> list[str]:
    """What of ours is in the file."""
    blocks = [*bpy.data.materials, *bpy.data.images]
    layers = [
        layer.name for mesh in bpy.data.meshes for layer in mesh.uv_layers if layer.name == "SyncTexture"
    ]
    return [b.name for b in blocks if "sync_texture" in b] + layers


def leftovers() -> list[str]:
    return [p.name for p in Path(bpy.app.tempdir).glob("sync_texture_*")]


def prepare():
    space = view()["area"].spaces.active
    space.show_region_ui = True
    space.shading.type = "SOLID"
    space.shading.color_type = "TEXTURE"
    yield 0.3
    ui = next(r for r in view()["area"].regions if r.type == "UI")
    ui.active_panel_category = "Sync Texture"
    with bpy.context.temp_override(**view()):
        bpy.data.objects.remove(bpy.data.objects["Cube"])
        bpy.ops.mesh.primitive_monkey_add()
        bpy.ops.view3d.view_selected()
    bpy.context.scene.sync_texture.prompt = ""
    # The first image that a Blender loads, whichever, takes it 50 to 100 ms of setting itself up.
    helper.fake_engine.write_png(SHOTS / "first.png", helper.fake_engine.texture())
    bpy.data.images.remove(bpy.data.images.load(str(SHOTS / "first.png")))
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
    assert leftovers() == []


def test_cancel_changes_nothing():
    yield 0.2
    before = helper.dump()
    for prompt in ("slow", "hang"):
        start(prompt)
        yield 1.0
        began = time.monotonic()
        assert bpy.ops.sync_texture.cancel() == {"FINISHED"}
        yield 0.15
        if prompt == "hang":
            shoot("4_cancelling")
        yield from until(idle)
        assert time.monotonic() - began < 2.5  # two seconds, and a redraw by software OpenGL
    helper.check_same(before, helper.dump())
    assert leftovers() == []


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
    with bpy.context.temp_override(**view()):
        bpy.data.objects[name].location.x = 1.0
        bpy.ops.ed.undo_push(message="moved")
        start("slow")
    yield 0.5
    undo()
    yield from until(idle)
    yield 0.2
    assert len(ours()) == 2
    assert bpy.data.objects[name].material_slots[0].material


def test_edit_mode_at_the_end_is_waited_for():
    with bpy.context.temp_override(**view()):
        start("bricks")
        bpy.ops.object.mode_set(mode="EDIT")
    yield 1.5
    assert not idle()
    shoot("6_waiting")
    with bpy.context.temp_override(**view()):
        bpy.ops.object.mode_set(mode="OBJECT")
    yield from until(idle)


def test_a_result_that_waits_can_be_cancelled():
    with bpy.context.temp_override(**view()):
        start("bricks")
        bpy.ops.object.mode_set(mode="EDIT")
    yield 1.5
    before = ours()
    assert bpy.ops.sync_texture.cancel() == {"FINISHED"}
    yield from until(idle)
    assert ours() == before
    with bpy.context.temp_override(**view()):
        bpy.ops.object.mode_set(mode="OBJECT")


def test_loading_a_file_ends_the_job_and_the_engine():
    start("slow")
    yield 0.5
    pid = task.supervisor.pid
    assert pid
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    yield 0.7
    assert idle()
    assert task.supervisor.pid is None
    assert ours() == []
    assert leftovers() == []
    assert not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()


def test_opening_a_file_ends_no_look_at_the_disk():
    found = ["before"]
    looked = looking.Looked(lambda _key: found[0], "")
    looked.at("key")
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    yield from until(lambda: looked.at("key") == "before")
    found[0] = "after"
    looked.at("key")
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    yield from until(lambda: looked.at("key") == "after")


def test_disabling_ends_the_job_and_the_engine():
    notes = bpy.app.handlers.depsgraph_update_post
    before = list(notes)
    start("slow")
    yield 0.5
    overlay = operators.running().show._overlay
    assert len(notes) == len(before) + 1
    ADDON.unregister()
    try:
        yield 0.5
        assert list(notes) == before
        assert overlay._handle is None
        assert task.supervisor.pid is None
        assert idle()
        assert leftovers() == []
    finally:
        ADDON.register()
    yield 0.5


def test_a_dense_mesh_never_holds_the_window():
    with bpy.context.temp_override(**view()):
        bpy.ops.mesh.primitive_grid_add(x_subdivisions=300, y_subdivisions=300)
    yield 1.0
    start("bricks")
    yield from until(idle)


def run_all():
    failed = []
    yield from prepare()
    for name, test in list(globals().items()):
        if name.startswith("test_") and os.environ.get("ONLY", "") in name:
            try:
                yield from test()
                print("ok    ", name, flush=True)
            except Exception:
                failed.append(name)
                print("FAILED", name, flush=True)
                traceback.print_exc()
                task.supervisor.abandon()
                yield 0.5
    pid = task.supervisor.pid
    held, work = ({name: round(ms, 2) for name, ms in times.items()} for times in (HELD, WORK))
    print(json.dumps({"failed": failed, "held_ms": held, "work_ms": work, "engine": pid}), flush=True)
    if os.environ.get("SYNC_TEXTURE_QUIT_MID_JOB"):
        start("slow")
        yield 0.5
        print(json.dumps({"left_running": task.supervisor.pid}), flush=True)
    bpy.ops.wm.quit_blender()


STEPS = run_all()
bpy.app.timers.register(lambda: next(STEPS, None), first_interval=1.0, persistent=True)
