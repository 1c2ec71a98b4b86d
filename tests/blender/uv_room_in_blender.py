"""Run inside Blender or bpy by test_in_blender.py: meshes that can't take the UV maps that a job would add
are refused before the engine hears of it, or the engine is told to make none; nothing is changed."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.jobs.texture_job import TextureJob  # noqa: E402
from sync_texture.blender_sync_addon.operators import notices  # noqa: E402
from sync_texture.blender_sync_addon.read.settings import Settings  # noqa: E402
from sync_texture.blender_sync_addon.write import uv as write_uv  # noqa: E402


def cube(maps: int, **options):
    """A cube with so many UV maps, its first one among them."""
    obj = helper.cube(**options)
    while len(obj.data.uv_layers) > maps:
        obj.data.uv_layers.remove(obj.data.uv_layers[0])
    while len(obj.data.uv_layers) < maps:
        obj.data.uv_layers.new()
    return obj


def duplicates(obj, count: int):
    """So many objects with the mesh of ``obj``, scaled and selected with it."""
    made = [obj.copy() for _ in range(count)]
    for number, one in enumerate(made, 2):
        one.scale, one.location.x = (1, number, 1), 4 * number
        bpy.context.collection.objects.link(one)
        one.select_set(True)
    return made


def refused(*words, **options):
    """Generate must say these ``words``, start no engine, and leave everything as it was."""
    engine.supervisor.shutdown()
    before = helper.dump()
    text = helper.raises(lambda: helper.generate(**options), *words)
    helper.check_same(before, helper.dump())
    assert engine.supervisor.pid is None, "an engine was started"
    assert len(text.strip().splitlines()) == 1, text


def unwraps(objects, **options) -> tuple[str, ...]:
    """What the engine is told to do about the UVs of each of ``objects``."""
    job = TextureJob(objects, Settings(prompt="bricks", **options))
    try:
        job.wait()
        return tuple(one.read.unwrap for one in job.objects)
    finally:
        job.close()


def test_a_full_mesh():
    for mode in ("auto", "keep", "never"):
        obj = cube(8)
        assert unwraps([obj], unwrap=mode) == ("keep" if mode == "auto" else mode,)
        assert helper.generate(unwrap=mode) == {"FINISHED"}, "its own UV map will do"
        assert len(obj.data.uv_layers) == 8
        bpy.data.objects.remove(obj)
    cube(8)
    refused("'Cube' needs a new UV map, and has 8", "Remove one", unwrap="always")
    assert unwraps([cube(7)]) == ("auto",)


def test_the_panel_says_so_before():
    for maps, count, says in ((8, 1, "needs a new UV map"), (6, 3, "shares a mesh"), (6, 2, ""), (7, 1, "")):
        helper.empty_scene()
        obj, options = cube(maps), bpy.context.scene.sync_texture
        options.prompt, options.unwrap = "bricks", "always"
        objects = [obj, *duplicates(obj, count - 1)]
        first = notices.notices(bpy.context, objects, options)[0]
        assert (says in first.text) if says else not first.stops, first


def test_one_of_several():
    first, full = cube(1), cube(8, location=(4, 0, 0))
    first.select_set(True)
    refused("needs a new UV map, and has 8", unwrap="always", target="selected")
    assert unwraps([first, full]) == ("auto", "keep")
    assert helper.generate(target="selected") == {"FINISHED"}


def test_objects_that_share_a_mesh():
    for maps, count in ((6, 3), (0, 9), (8, 2)):
        helper.empty_scene()
        duplicates(cube(maps), count - 1)
        words = ("shares a mesh", "Make Single User") if maps < 8 else ("has 8",)
        refused(*words, unwrap="always", target="selected")
        if not maps:
            refused("shares a mesh", target="selected")
    helper.empty_scene()
    obj = cube(6)
    objects = [obj, *duplicates(obj, 3)]
    assert unwraps(objects) == ("auto", "auto", "keep", "keep")
    assert unwraps(objects, from_texture=False, unwrap="never") == ("never",) * 4
    assert helper.generate(target="selected") == {"FINISHED"}
    helper.empty_scene()
    duplicates(cube(6), 1)
    assert helper.generate(unwrap="always", target="selected") == {"FINISHED"}


def test_a_map_of_ours_is_used_again_where_the_mesh_is_full():
    obj = cube(7)
    for _ in range(2):
        assert helper.generate(unwrap="always") == {"FINISHED"}
        assert len(obj.data.uv_layers) == write_uv.MAX_UV_MAPS


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
