"""Run inside a Blender with a window by test_in_window.py: the texture on the mesh while it is made.

The colours on the screen are looked at; a dump of the file says that nothing in it knows of the preview.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import artist
import bpy
import driver
import helper
import numpy as np
from artist import QUARTERS, idle, into_mode, plane, running, stop, undo
from driver import photograph, space, until, view
from mathutils import Matrix
from sync_texture.blender_sync_addon.jobs import engine

helper.use_fake_engine()


def prepare():
    artist.plain_view()
    yield 0.3


def clean_up():
    space().shading.type = "SOLID"
    yield from stop()


def start(prompt: str = "long bricks", **options):
    artist.start(prompt, **options)
    yield from until(lambda: running() and running().show.visible)
    yield 0.5
    yield 0.5  # a slow Blender draws between the two


def colours(name: str) -> list[tuple[int, ...]]:
    return artist.quarters(photograph(name))


def shown(found: list[tuple[int, ...]]) -> bool:
    return bool(np.abs(np.array(found) - list(QUARTERS.values())).max() <= 8)


def turned(found: list[tuple[int, ...]]) -> bool:
    """Each quarter where the opposite one was."""
    return shown(found[::-1])


def bare(found: list[tuple[int, ...]]) -> bool:
    return len(set(found)) == 1


def recognised(found: list[tuple[int, ...]]) -> bool:
    """In some light."""
    return [helper.nearest(colour, helper.COLOURS) for colour in found] == ["red", "green", "blue", "yellow"]


def see(name: str, wanted, seconds: float = 20.0):
    """Look at the quarters until they are as ``wanted``."""
    end = time.monotonic() + seconds
    while not wanted(found := colours(name)):
        assert time.monotonic() < end, found
        yield 0.5


def test_the_texture_is_seen_in_its_own_colours_and_gone_after_a_cancel():
    yield from plane()
    without = yield from artist.at_rest("1_bare")
    before = helper.dump()
    for kind in ("SOLID", "MATERIAL"):
        space().shading.type = kind
        yield 1.0
        yield from start()
        yield from see(f"2_{kind.lower()}", shown if kind == "SOLID" else recognised)
        helper.check_same(before, helper.dump())
        yield from stop()
        helper.check_same(before, helper.dump())
    space().shading.type = "SOLID"
    after = yield from artist.at_rest("3_after")
    region = view()["region"]
    top = view()["window"].height - region.y - region.height
    part = np.s_[top : top + region.height, region.x : region.x + region.width // 2]
    change = np.abs(without[part].astype(int) - after[part].astype(int)).max()
    assert change < 16, change  # outlines are smoothed a little differently each time


def test_rendered_views_show_it_too():
    scene = bpy.context.scene
    usual = scene.render.engine
    for kind in ("BLENDER_EEVEE", "CYCLES"):
        yield from plane()
        scene.render.engine = kind
        if kind == "CYCLES":
            scene.cycles.preview_samples = 1
        space().shading.type = "RENDERED"
        yield 2.0
        yield from start()
        yield from see(f"12_{kind.lower()}", recognised, 60.0)
        yield from stop()
    space().shading.type = "SOLID"
    scene.render.engine = usual


def test_it_goes_where_the_object_goes_and_only_where_it_is_shown():
    obj = yield from plane()
    yield from start()
    yield from see("4_here", shown)
    obj.rotation_euler.z = np.pi  # the quarters change places
    yield 0.7
    yield from see("4_turned", turned)
    obj.rotation_euler.z = 0
    obj.hide_set(True)
    yield 0.7
    yield from see("4_hidden", bare)
    obj.hide_set(False)
    yield 0.7
    yield from see("4_again", shown)
    with bpy.context.temp_override(**view()):
        bpy.ops.mesh.primitive_cube_add(size=10, location=(0, 0, 8))
    yield 0.7
    yield from see("4_covered", bare)
    yield from stop()


def test_new_uvs_are_shown_before_the_mesh_has_them():
    obj = yield from plane()
    obj.data.uv_layers.remove(obj.data.uv_layers[0])
    yield 0.2
    yield from start(unwrap="always")
    yield from see("5_new_uvs", lambda found: {helper.nearest(c, helper.COLOURS) for c in found} == {"red"})
    assert not obj.data.uv_layers
    yield from stop()


def blocks(path: Path) -> dict[str, list[str]]:
    """What is in the .blend."""
    with bpy.data.libraries.load(str(path)) as (inside, _):
        return {kind: sorted(getattr(inside, kind)) for kind in dir(inside) if not kind.startswith("_")}


def test_saved_in_mid_job_the_file_knows_nothing():
    yield from plane()
    plain, other = driver.SHOTS / "plain.blend", driver.SHOTS / "other.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(driver.SHOTS / "saved.blend"))
    bpy.ops.wm.save_as_mainfile(filepath=str(plain), copy=True)
    before = helper.dump()
    yield from start()
    assert not bpy.data.is_dirty
    bpy.ops.wm.save_as_mainfile(filepath=str(other), copy=True)
    yield from see("6_saved", shown)
    assert blocks(other) == blocks(plain)
    helper.check_same(before, helper.dump())
    yield from stop()
    assert not bpy.data.is_dirty


def test_undo_and_redo_leave_it():
    obj = yield from plane()
    name = obj.name
    artist.move("x", 0.7)
    yield from start()
    undo()
    yield 0.8
    assert bpy.data.objects[name].location.x == 0
    yield from see("7_undone", shown)
    undo(redo=True)
    yield 0.8
    yield from see("7_redone", lambda found: not shown(found))
    assert bpy.data.objects[name].location.x > 0.5
    undo()
    yield 0.5
    yield from stop()
    bpy.data.objects[name].location.x = 0


def test_another_shape_is_followed_and_another_mesh_isnt_painted():
    obj = yield from plane()
    yield from start()
    into_mode("EDIT")
    yield 0.5
    yield from see("8_edit", bare)
    into_mode("OBJECT")
    yield 0.5
    yield from see("8_back", shown)
    obj.data.transform(Matrix.Rotation(np.pi, 4, "Z"))
    obj.data.update()
    yield 0.8
    yield from see("8_followed", turned)
    obj.modifiers.new("more", "SUBSURF").subdivision_type = "SIMPLE"
    yield 0.8
    yield from see("8_subdivided", bare)
    obj.modifiers.clear()
    yield 0.8
    yield from see("8_followed_again", turned)
    yield from stop()


def test_a_deleted_object_has_none():
    yield from plane()
    yield from start()
    with bpy.context.temp_override(**view()):
        bpy.ops.object.delete()
        bpy.ops.ed.undo_push(message="deleted")
    yield 0.7
    yield from see("9_deleted", bare)
    undo()
    yield 0.7
    yield from see("9_undeleted", shown)
    yield from stop()


def test_the_end_a_failure_and_another_file_take_it_away():
    yield from plane()
    yield from start("slow bricks")
    yield from until(idle)
    yield 0.3
    assert idle()
    undo()
    yield 0.7
    yield from see("10_done_and_undone", bare)
    yield from start()
    os.kill(engine.supervisor.pid, 9)
    yield from until(idle)
    yield 0.7
    yield from see("10_died", bare)
    yield from start()
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    yield 1.0
    assert idle()
    handlers = [str(one) for one in bpy.app.handlers.depsgraph_update_post]
    assert not [one for one in handlers if "Show" in one], handlers
    photograph("11_loaded")
