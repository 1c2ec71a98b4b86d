"""For scripts that run inside a Blender with a window: its mouse and keyboard, by xdotool.

Blender doesn't say where its buttons are. So the mouse is moved over the sidebar, and Blender asked, as its
own context menu does, which operator or property it is that lies under it.
"""

from __future__ import annotations

import subprocess
import time

import bpy
from driver import view

STEP = 9  # pixels between two looks for a button, less than one is high
KEYS = {"F3": 69}  # by their codes where the keyboard of a virtual screen has a sign only with a modifier
QUIET, CALM_S, PATIENCE_S = 10, 0.3, 60.0


def xdotool(*words: object) -> None:
    subprocess.run(["xdotool", *map(str, words)], check=True)


def sidebar() -> dict:
    """What temp_override takes for the first 3D view's sidebar."""
    return {**view(), "region": next(r for r in view()["area"].regions if r.type == "UI")}


def under_mouse() -> str:
    """What the button of the sidebar under the mouse does: "bpy.ops.wm.save()", or the path of its property;
    "" where there is none."""
    with bpy.context.temp_override(**sidebar()):
        for operator, options in (
            (bpy.ops.ui.copy_python_command_button, {}),
            (bpy.ops.ui.copy_data_path_button, {"full_path": True}),
        ):
            if operator.poll():
                operator(**options)
                return bpy.context.window_manager.clipboard
    return ""


def hover(words: str):
    """Move the mouse over the button of the sidebar that does ``words``, e.g. "sync_texture.generate"."""
    region, height = sidebar()["region"], view()["window"].height
    top = height - region.y - region.height
    for x in (region.x + region.width // 4, region.x + 3 * region.width // 4):
        for y in range(top + 20, top + region.height, STEP):
            xdotool("mousemove", x, y)
            yield 0.2
            if words in under_mouse():
                return
    raise AssertionError(f"no button {words}")


def settle():
    """Wait until Blender has worked off what it was told: several turns of its main loop are quick."""
    end, quiet = time.monotonic() + PATIENCE_S, 0
    while quiet < QUIET and time.monotonic() < end:
        start = time.monotonic()
        yield 0.05
        quiet = quiet + 1 if time.monotonic() - start < CALM_S else 0


def click(words: str):
    """Press the button of the sidebar that does ``words``."""
    yield from hover(words)
    xdotool("click", 1)
    yield from settle()


def into_view():
    """Move the mouse over the 3D view, where keys mean what they do there."""
    region, window = view()["region"], view()["window"]
    xdotool("mousemove", region.x + region.width // 3, window.height - region.y - region.height // 3)
    yield from settle()


def press(keys: str):
    """Press ``keys``, for example "ctrl+z"."""
    xdotool("key", "--clearmodifiers", KEYS.get(keys, keys))
    yield from settle()


def write(text: str):
    """Type ``text``."""
    for letter in text:
        xdotool("key", "--clearmodifiers", {" ": "space"}.get(letter, letter))
        yield 0.1
    yield from settle()
