"""Run by test_in_window.py in a Blender window that has the extension installed: the button that lets
Solid show textures, which it doesn't as Blender comes, is pressed by mouse.
"""

from __future__ import annotations

import artist
import bpy
import hands
import helper
from driver import in_view, photograph, space, until

helper.use_fake_engine()
RED = (-0.3, -0.3)  # where in the 3D view the square shows this quarter of the texture
BUTTON = "shading.color_type"


def prepare():
    yield from artist.plane(2.4)
    yield from artist.open_panel(shows=None)


def shows_red(picture) -> bool:
    red, green, blue = in_view(picture, *RED)
    return red > 2 * max(green, blue)


def test_the_button_lets_solid_show_the_texture():
    assert (space().shading.type, space().shading.color_type) == ("SOLID", "MATERIAL"), "as Blender comes"
    bpy.context.scene.sync_texture.prompt = "bricks"
    yield from hands.click("sync_texture.generate")
    yield from until(lambda: artist.idle() and bpy.context.object.active_material, 120)
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
