"""For scripts in a Blender window: what an artist does and sees, whether the add-on is installed or not."""

from __future__ import annotations

import importlib
import sys
import time
from types import ModuleType

import bpy
import helper
import numpy as np
from driver import in_view, panel_tab, photograph, space, until, view

PACKAGE = "sync_texture.blender_sync_addon"
FAKE = helper.fake_engine
QUARTERS = {(-0.3, -0.3): FAKE.RED, (0.3, -0.3): FAKE.GREEN, (-0.3, 0.3): FAKE.BLUE, (0.3, 0.3): FAKE.YELLOW}
"""Places in the 3D view, as ``in_view`` takes them, and what the fake engine's texture shows there."""


def addon(module: str) -> ModuleType:
    """A module of the add-on that is registered, for example "operators.running_job"."""
    name = next(name for name in sys.modules if name == PACKAGE or name.endswith(f".{PACKAGE}"))
    return importlib.import_module(f"{name}.{module}")


def running():
    """The job that runs, or None."""
    return addon("operators.running_job").running()


def idle() -> bool:
    return running() is None


def working() -> bool:
    return running() is not None


def options():
    return bpy.context.scene.sync_texture


def active():
    return bpy.context.view_layer.objects.active


def ours() -> list[str]:
    """Materials, images and UV maps of ours in the file."""
    blocks = [block.name for block in (*bpy.data.materials, *bpy.data.images) if "sync_texture" in block]
    layers = [layer.name for mesh in bpy.data.meshes for layer in mesh.uv_layers]
    return blocks + [name for name in layers if name == "SyncTexture"]


def start(prompt: str = "", operator=bpy.ops.sync_texture.generate, **choices) -> None:
    """Begin a job, as the button of ``operator`` does."""
    if prompt:
        options().prompt = prompt
    with bpy.context.temp_override(**view()):
        assert operator("INVOKE_DEFAULT", **choices) == {"RUNNING_MODAL"}


def stop():
    """Cancel the job that runs, if any, and wait for its end."""
    if working():
        running().cancel()
        yield from until(idle, 60)
    yield 0.2


def undo(redo: bool = False) -> None:
    with bpy.context.temp_override(**view()):
        (bpy.ops.ed.redo if redo else bpy.ops.ed.undo)()


def move(axis: str, by: float) -> None:
    """Move the active object, as a step that can be undone."""
    with bpy.context.temp_override(**view()):
        setattr(active().location, axis, by)
        bpy.ops.ed.undo_push(message="moved")


def into_mode(mode: str) -> None:
    with bpy.context.temp_override(**view()):
        bpy.ops.object.mode_set(mode=mode)


def monkey() -> None:
    """Suzanne in place of Blender's cube."""
    with bpy.context.temp_override(**view()):
        bpy.data.objects.remove(bpy.data.objects["Cube"])
        bpy.ops.mesh.primitive_monkey_add()
        bpy.ops.view3d.view_selected()
        bpy.ops.ed.undo_push(message="monkey")


def plane(size: float = 2.0):
    """A square seen from above that fills most of the 3D view, alone in the file. Gives the object."""
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    with bpy.context.temp_override(**view()):
        bpy.ops.mesh.primitive_plane_add(size=size)
        bpy.ops.object.shade_flat()
        bpy.ops.view3d.view_axis(type="TOP")
        space().region_3d.view_perspective = "ORTHO"
        bpy.ops.ed.undo_push(message="plane")
    yield 0.5
    space().region_3d.view_location = (0, 0, 0)
    space().region_3d.view_distance = 6.0
    yield 0.5
    return active()


def open_panel(shows: str | None = "TEXTURE"):
    """Our tab in the sidebar, beside a Solid view of the materials' textures; None: of what Blender shows."""
    space().show_region_ui = True
    space().shading.type = "SOLID"
    if shows:
        space().shading.color_type = shows
    yield 1.0
    panel_tab()
    yield 1.0


def plain_view() -> None:
    """Nothing but objects in the 3D view, in colours without light."""
    space().shading.type, space().shading.light = "SOLID", "FLAT"
    space().overlay.show_overlays = False
    space().show_gizmo = False


def at_rest(name: str, seconds: float = 60.0):
    """The screen, once it changes no more: outlines are smoothed over several redraws."""
    before, end = photograph(name).astype(int), time.monotonic() + seconds
    while True:
        yield 2.0
        now = photograph(name)
        if np.abs(now - before).max() <= 2:
            return now
        assert time.monotonic() < end, "the screen doesn't come to rest"
        before = now.astype(int)


def quarters(picture: np.ndarray) -> list[tuple[int, ...]]:
    """The colours of ``picture`` at QUARTERS."""
    return [in_view(picture, *place) for place in QUARTERS]
