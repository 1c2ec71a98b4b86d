"""Run by test_in_window.py, and by hand, in a real Blender window that has the extension installed.

Preferences are opened and photographed: nothing set up, refused offline and, with SYNC_TEXTURE_DOWNLOAD,
setting up, cancelled, ready, the models, removed. SYNC_TEXTURE_SHOTS: the folder of the pictures.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time

import bpy
import driver
from bl_ext.user_default.sync_texture.blender_sync_addon import package
from bl_ext.user_default.sync_texture.blender_sync_addon.setup import engine_folder
from bl_ext.user_default.sync_texture.blender_sync_addon.setup.status import setup_status
from bl_ext.user_default.sync_texture.blender_sync_addon.ui import preferences
from driver import until

DOWNLOAD = "SYNC_TEXTURE_DOWNLOAD" in os.environ
WHERE = engine_folder.own()
ops = bpy.ops.sync_texture
driver.timed(preferences.Preferences, "draw")


def shoot(name: str) -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            area.tag_redraw()
    driver.shoot(name)


def idle():
    return setup_status.current is None


def prepare():
    """Preferences, opened."""
    prefs = bpy.context.preferences
    prefs.view.ui_scale = 0.9
    bpy.ops.preferences.addon_show(module=package.ROOT)
    yield 1.0
    subprocess.run(["xdotool", "search", "--name", "Preferences", "windowsize", "1500", "950"], check=False)
    subprocess.run(["xdotool", "search", "--name", "Preferences", "windowmove", "20", "20"], check=False)
    yield 1.0
    shoot("setup_0_none")
    yield 1.0


def test_offline_is_refused():
    prefs = bpy.context.preferences.system
    prefs.use_online_access = False
    yield 0.3
    assert ops.setup("INVOKE_DEFAULT") == {"FINISHED"}, "it starts, and then says why it can't"
    yield from until(idle, 60)
    assert "online access is off" in setup_status.message
    yield 1.0
    shoot("setup_1_offline")
    yield 1.0
    prefs.use_online_access = True


def test_cancel_in_mid_download():
    if not DOWNLOAD:
        return
    assert ops.setup("INVOKE_DEFAULT") == {"FINISHED"}
    yield from until(
        lambda: (running := setup_status.current) is None or "Getting packages" in running.stage, 90
    )
    yield 6.0
    shoot("setup_2_running")
    yield 1.0
    start, took, activity = time.monotonic(), [], setup_status.current
    # A thread looks, since drawing by software on a busy machine takes its own time.
    threading.Thread(target=lambda: took.append(activity.wait() and time.monotonic() - start)).start()
    assert ops.setup_cancel() == {"FINISHED"}
    yield from until(idle, 20)
    print(f"cancelled in {took[0]:.2f} s", flush=True)
    assert took[0] < 2
    assert engine_folder.state(WHERE) == ("none", None)
    assert setup_status.message.endswith("cancelled")
    yield 0.5
    shoot("setup_3_cancelled")
    yield 1.0


def test_set_up():
    if not DOWNLOAD:
        return
    assert ops.setup("INVOKE_DEFAULT") == {"FINISHED"}
    yield from until(idle, 900)
    assert setup_status.problem is None, setup_status.message
    assert engine_folder.state(WHERE)[0] == "ready"
    assert ops.models_list("INVOKE_DEFAULT") == {"FINISHED"}
    yield from until(idle, 200)
    assert setup_status.problem is None, setup_status.message
    assert setup_status.models[0].name == "starter"
    yield 1.0
    shoot("setup_4_ready")
    yield 1.0


def test_remove():
    if not DOWNLOAD or "SYNC_TEXTURE_KEEP" in os.environ:
        return
    assert ops.setup_remove() == {"FINISHED"}
    assert engine_folder.state(WHERE) == ("none", None)
    yield 1.0
    shoot("setup_5_removed")
    yield 1.0


told = driver.times


def clean_up():
    setup_status.cancel()
    yield from until(idle, 20)
    yield 0.2
