"""Run by test_in_window.py in a Blender window that has the extension installed: an artist's first
session, with mouse and keyboard, the real engine and the starter model.

SYNC_TEXTURE_ENGINE: the engine's Python, chosen in Preferences; with SYNC_TEXTURE_DOWNLOAD the button in the
panel that sets the engine up is pressed instead.
"""

from __future__ import annotations

import os
import time

import artist
import bpy
import driver
import hands
import helper
from artist import active, idle, options, ours, running, working
from bl_ext.user_default.sync_texture.blender_sync_addon import package
from bl_ext.user_default.sync_texture.blender_sync_addon.results import history
from bl_ext.user_default.sync_texture.blender_sync_addon.setup.status import setup_status
from bl_ext.user_default.sync_texture.engine.options.channels import CHANNELS
from driver import until

PROMPT = "red bricks"
LONG = 1800.0  # seconds that a texture may take on a busy machine
ANSWER_S = 2.0
MADE = 1 + len(CHANNELS)  # a material, and an image of each channel
FILE = driver.SHOTS / "session.blend"


def prepare():
    artist.monkey()
    yield from artist.open_panel()


def test_1_set_up():
    if "SYNC_TEXTURE_DOWNLOAD" in os.environ:
        bpy.context.preferences.system.use_online_access = True
        options().prompt = PROMPT
        yield from hands.click("sync_texture.setup")
        driver.photograph("session_1_setting_up")
        yield from until(lambda: setup_status.current is None, LONG)
        assert setup_status.problem is None, setup_status.message
        options().prompt = ""
        return
    chosen = bpy.context.preferences.addons[package.ROOT].preferences
    chosen.python = os.environ["SYNC_TEXTURE_ENGINE"]
    yield 1.0


def test_2_the_prompt_is_typed():
    yield from hands.click("sync_texture.prompt")
    yield from hands.press("ctrl+a")
    yield from hands.write(PROMPT)
    driver.photograph("session_2_typing")
    yield from hands.press("Return")
    yield from until(lambda: options().prompt)
    assert options().prompt == PROMPT, "a suggestion took its place"
    yield from hands.click("sync_texture.prompt")
    yield from hands.press("Return")
    assert options().prompt == PROMPT


def test_3_generate_and_cancel():
    options().rig, options().view_count, options().texture_size, options().steps = "even", 4, "256", 1000
    before = helper.dump()
    yield from hands.click("sync_texture.generate")
    yield from until(working)
    yield from until(lambda: running().state.stage == "denoise", LONG)
    yield from hands.hover("sync_texture.cancel")
    driver.photograph("session_3_running")
    hands.xdotool("click", 1)
    yield from until(lambda: idle() or running().state.cancelling, 60)
    start = time.monotonic()
    yield from until(idle, 60)
    took = time.monotonic() - start
    print(f"cancelled in {took:.2f} s", flush=True)
    assert took < ANSWER_S + 1, took  # a redraw by software OpenGL among it
    yield 0.5
    helper.check_same(before, helper.dump())


def test_4_generate():
    options().steps = 4
    yield from hands.click("sync_texture.generate")
    yield from until(lambda: idle() and len(ours()) == MADE, LONG)
    yield from hands.settle()
    driver.photograph("session_4_done")


def test_5_undo_and_redo():
    yield from hands.into_view()
    yield from hands.press("ctrl+z")
    yield from until(lambda: ours() == [])
    assert active().name == "Suzanne"
    driver.photograph("session_5_undone")
    yield from hands.press("ctrl+shift+z")
    yield from until(lambda: len(ours()) == MADE)


def test_6_the_menu_search_knows_it():
    yield from hands.into_view()
    yield from hands.press("F3")
    yield from hands.write("generate again")
    driver.photograph("session_6_search")
    yield from hands.press("Return")
    yield from until(lambda: idle() and len(history.of(active())) == 2, LONG)
    assert [one.name for one in history.of(active())] == [PROMPT, PROMPT]


def test_7_saved_and_reopened():
    bpy.ops.wm.save_as_mainfile(filepath=str(FILE))
    yield from hands.into_view()
    active().location.x = 0.25
    yield from hands.press("ctrl+s")
    yield from until(lambda: not bpy.data.is_dirty)
    bpy.ops.wm.open_mainfile(filepath=str(FILE), load_ui=False)
    yield 2.0
    obj = bpy.data.objects["Suzanne"]
    assert obj.location.x == 0.25
    assert [one.name for one in history.of(obj)] == [PROMPT, PROMPT]
    assert not any(history.problems(obj, one) for one in history.of(obj))
    assert options().prompt == PROMPT
    driver.photograph("session_7_reopened")
