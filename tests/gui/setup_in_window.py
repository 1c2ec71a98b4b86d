"""Run by test_setup_in_window.py, and by hand, in a real Blender window that has the extension installed.

Preferences are opened and photographed: nothing set up, refused offline and, with SYNC_TEXTURE_DOWNLOAD,
setting up, cancelled, ready, the models, removed. SYNC_TEXTURE_SHOTS: the folder of the pictures.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import traceback
from pathlib import Path

import bpy
from bl_ext.user_default.sync_texture.blender_sync_addon import package
from bl_ext.user_default.sync_texture.blender_sync_addon.setup import draw, operators, place
from bl_ext.user_default.sync_texture.blender_sync_addon.setup.desk import desk

SHOTS = Path(os.environ["SYNC_TEXTURE_SHOTS"])
DOWNLOAD = "SYNC_TEXTURE_DOWNLOAD" in os.environ
HELD: dict[str, float] = {}  # milliseconds that each of our calls held the main thread, its own time
WHERE = operators.where()
ops = bpy.ops.sync_texture
bpy.context.preferences.view.show_splash = False


def timed(owner, name: str) -> None:
    inner = getattr(owner, name)

    def outer(*args, **options):
        work = time.thread_time()
        try:
            return inner(*args, **options)
        finally:
            HELD[name] = max(HELD.get(name, 0.0), 1000 * (time.thread_time() - work))

    setattr(owner, name, outer)


timed(draw, "draw")


def shoot(name: str) -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            area.tag_redraw()
    subprocess.Popen(["import", "-window", "root", str(SHOTS / f"{name}.png")])


def until(condition, seconds: float):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        yield 0.05


def idle():
    return desk.current is None


def open_preferences():
    prefs = bpy.context.preferences
    prefs.view.ui_scale = 0.9
    bpy.ops.preferences.addon_show(module=package.ROOT)
    yield 1.0
    subprocess.run(["xdotool", "search", "--name", "Preferences", "windowsize", "1500", "950"], check=False)
    subprocess.run(["xdotool", "search", "--name", "Preferences", "windowmove", "20", "20"], check=False)
    yield 1.0


def test_offline_is_refused():
    prefs = bpy.context.preferences.system
    prefs.use_online_access = False
    yield 0.3
    assert ops.setup("INVOKE_DEFAULT") == {"FINISHED"}, "it starts, and then says why it can't"
    yield from until(idle, 60)
    assert "online access is off" in desk.message
    yield 1.0
    shoot("setup_1_offline")
    yield 1.0
    prefs.use_online_access = True


def test_cancel_in_mid_download():
    if not DOWNLOAD:
        return
    assert ops.setup("INVOKE_DEFAULT") == {"FINISHED"}
    yield from until(lambda: desk.current is None or "Getting packages" in desk.current.stage, 90)
    yield 6.0
    shoot("setup_2_running")
    yield 1.0
    start, took, activity = time.monotonic(), [], desk.current
    # A thread looks, since drawing by software on a busy machine takes its own time.
    threading.Thread(target=lambda: took.append(activity.wait() and time.monotonic() - start)).start()
    assert ops.setup_cancel() == {"FINISHED"}
    yield from until(idle, 20)
    print(f"cancelled in {took[0]:.2f} s", flush=True)
    assert took[0] < 2
    assert place.state(WHERE) == ("none", None)
    assert desk.message.endswith("cancelled")
    yield 0.5
    shoot("setup_3_cancelled")
    yield 1.0


def test_set_up():
    if not DOWNLOAD:
        return
    assert ops.setup("INVOKE_DEFAULT") == {"FINISHED"}
    yield from until(idle, 900)
    assert desk.problem is None, desk.message
    assert place.state(WHERE)[0] == "ready"
    assert ops.models_list("INVOKE_DEFAULT") == {"FINISHED"}
    yield from until(idle, 200)
    assert desk.problem is None, desk.message
    assert desk.models[0].name == "starter"
    yield 1.0
    shoot("setup_4_ready")
    yield 1.0


def test_remove():
    if not DOWNLOAD or "SYNC_TEXTURE_KEEP" in os.environ:
        return
    assert ops.setup_remove() == {"FINISHED"}
    assert place.state(WHERE) == ("none", None)
    yield 1.0
    shoot("setup_5_removed")
    yield 1.0


def run_all():
    failed = []
    yield from open_preferences()
    shoot("setup_0_none")
    yield 1.0
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            try:
                yield from test()
                print("ok    ", name, flush=True)
            except Exception:
                failed.append(name)
                print("FAILED", name, flush=True)
                traceback.print_exc()
                desk.stop()
                yield 1.0
    print(json.dumps({"failed": failed, "held_ms": {k: round(v, 2) for k, v in HELD.items()}}), flush=True)
    bpy.ops.wm.quit_blender()


STEPS = run_all()
bpy.app.timers.register(lambda: next(STEPS, None), first_interval=1.0, persistent=True)
