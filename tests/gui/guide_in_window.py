"""Run by tools/guide.py in a Blender window that has the extension installed: the pictures of docs/guide.md.

Nothing is posed: the engine and the starter model do what the pictures show. SYNC_TEXTURE_SHOTS: where the
pictures go; SYNC_TEXTURE_ENGINE: the engine's Python, used from the step on at which an artist has set it up.
"""

from __future__ import annotations

import os
import subprocess
import time

import artist
import bpy
import driver
import numpy as np
from bl_ext.user_default.sync_texture.blender_sync_addon import package
from bl_ext.user_default.sync_texture.blender_sync_addon.ui import advanced

PROMPT = "weathered red bricks"
COLOURS = 160  # of a picture: it stays small and looks the same
WIDTH = 1100  # pixels of a picture of the whole window
STILL = 0.1  # levels, in the mean over the screen


def shoot(name: str, crop: str = "", resize: str = "") -> None:
    """The window, or the part ``crop`` (WxH+X+Y) of it, as a small PNG."""
    words = ["-crop", crop, "+repage"] if crop else []
    words += ["-resize", resize] if resize else []
    path = driver.SHOTS / f"{name}.png"
    command = [
        "import",
        "-window",
        "root",
        *words,
        "-dither",
        "None",
        "-colors",
        str(COLOURS),
        f"PNG8:{path}",
    ]
    subprocess.run(command, check=True)
    print("shot", name, path.stat().st_size, flush=True)


def redraw() -> None:
    """As the mouse over the panel would."""
    for area in (a for window in bpy.context.window_manager.windows for a in window.screen.areas):
        area.tag_redraw()


def sidebar(share: float = 1.0) -> str:
    """Where the upper ``share`` of the sidebar is, as ``shoot`` wants it."""
    area = driver.view()["area"]
    height = driver.view()["window"].height
    region = next(r for r in area.regions if r.type == "UI")
    return f"{region.width}x{round(share * region.height)}+{region.x}+{height - region.y - region.height}"


def settle():
    """Let panels that open or shrink come to their place."""
    for _ in range(12):
        redraw()
        yield 0.3


def rendered(seconds: float = 300.0):
    """Wait until the 3D view shows the object, not so while shaders are compiled, and stays as it is."""
    before, end = None, time.monotonic() + seconds
    while True:
        redraw()
        yield 4.0
        now = driver.photograph("still").astype(int)
        colours = [driver.in_view(now, 0.3 * x, 0.3 * y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
        there = sum(colour != driver.in_view(now, -0.9, 0.9) for colour in colours) > len(colours) // 2
        if there and before is not None and np.abs(now - before).mean() < STILL:
            return
        assert time.monotonic() < end, "nothing is seen"
        before = now


def open_sub_panels(*panels: type) -> None:
    """As clicks on their headers would; under other names, since Blender remembers what was closed."""
    for cls in reversed(panels):
        bpy.utils.unregister_class(cls)
    for cls in panels:
        cls.bl_options = set()
        cls.bl_idname += "_open"
        if "advanced" not in cls.bl_idname:
            cls.bl_parent_id += "_open"
        bpy.utils.register_class(cls)


def test_1_installed():
    bpy.ops.preferences.addon_show(module=package.ROOT)
    yield 1.5
    window = bpy.context.window_manager.windows[-1]
    subprocess.run(["xdotool", "search", "--name", "Preferences", "windowsize", "1100", "760"], check=False)
    subprocess.run(["xdotool", "search", "--name", "Preferences", "windowmove", "0", "0"], check=False)
    yield 1.5
    shoot("1_set_up", "968x630+0+0", "820x")
    with bpy.context.temp_override(window=window):
        bpy.ops.wm.window_close()
    yield 0.5


def test_2_the_panel_says_what_is_missing():
    bpy.context.scene.sync_texture.prompt = PROMPT
    yield from settle()
    shoot("2_not_set_up", sidebar(0.46))
    os.environ["SYNC_TEXTURE_PYTHON"] = os.environ["SYNC_TEXTURE_ENGINE"]
    bpy.context.scene.sync_texture.quality = "draft"
    yield from settle()
    shoot("3_ready", resize=f"{WIDTH}x")


def test_3_generate():
    artist.start()
    shot = False
    while (job := artist.running()) is not None:
        if not shot and job.state.stage == "denoise" and job.state.i >= job.state.n // 2:
            yield 1.0
            shoot("4_running", resize=f"{WIDTH}x")
            shot = True
        yield 0.2
    assert shot
    yield from settle()
    shoot("5_done", resize=f"{WIDTH}x")


def test_4_variations():
    artist.start(operator=bpy.ops.sync_texture.variations, count=2)
    yield from driver.until(artist.idle, 600)
    yield from settle()
    shoot("6_variations", resize=f"{WIDTH}x")


def test_5_advanced():
    bpy.context.scene.sync_texture.quality = "standard"
    open_sub_panels(advanced.AdvancedPanel, advanced.ViewsPanel, advanced.TexturePanel)
    driver.panel_tab()
    yield from settle()
    shoot("7_advanced", sidebar())


def test_6_rendered():
    driver.space().shading.type = "MATERIAL"
    driver.space().show_region_ui = False
    yield from rendered()  # for the first time, EEVEE's shaders are compiled
    shoot("8_material", resize=f"{WIDTH}x")


def prepare():
    preferences = bpy.context.preferences
    preferences.view.ui_scale = 1.1
    driver.space().overlay.show_floor = False
    artist.monkey()
    with bpy.context.temp_override(**driver.view()):
        bpy.ops.object.shade_smooth()
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_orbit(angle=0.5, type="ORBITRIGHT")
        bpy.ops.view3d.view_orbit(angle=0.3, type="ORBITUP")
        bpy.ops.view3d.view_selected()
    yield from artist.open_panel()
