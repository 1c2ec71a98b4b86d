"""Run by test_solid_in_window.py in a Blender window that has the extension installed: the button that lets
Solid show textures, which it doesn't as Blender comes, is pressed by mouse.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gui"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "blender"))

import bpy
import driver
import hands
import helper
from bl_ext.user_default.sync_texture.blender_sync_addon.operators import running_job
from driver import in_view, photograph, space, until, view

bpy.context.preferences.view.show_splash = False
helper.use_fake_engine()
RED = (-0.3, -0.3)  # where in the 3D view the square shows this quarter of the texture
BUTTON = "shading.color_type"


def prepare():
    space().show_region_ui = True
    with bpy.context.temp_override(**view()):
        bpy.data.objects.remove(bpy.data.objects["Cube"])
        bpy.ops.mesh.primitive_plane_add(size=2.4)
        bpy.ops.view3d.view_axis(type="TOP")
        space().region_3d.view_perspective, space().region_3d.view_distance = "ORTHO", 6
    yield 1.0
    driver.panel_tab()
    yield 1.0


def clean_up():
    yield 0.1


def shows_red(picture) -> bool:
    red, green, blue = in_view(picture, *RED)
    return red > 2 * max(green, blue)


def test_the_button_lets_solid_show_the_texture():
    assert (space().shading.type, space().shading.color_type) == ("SOLID", "MATERIAL"), "as Blender comes"
    bpy.context.scene.sync_texture.prompt = "bricks"
    yield from hands.click("sync_texture.generate")
    yield from until(lambda: running_job.running() is None and bpy.context.object.active_material, 120)
    yield from hands.settle()
    yield from hands.hover(BUTTON)
    yield 2.0  # the tooltip
    before = photograph("solid_1_without")
    assert not shows_red(before), "Solid shows it already: the button has nothing to do"
    objects = helper.dump()
    hands.xdotool("click", 1)
    yield from until(lambda: space().shading.color_type == "TEXTURE")
    yield from hands.settle()
    assert shows_red(photograph("solid_2_with"))
    helper.check_same(objects, helper.dump())


driver.run(globals(), prepare, clean_up)
