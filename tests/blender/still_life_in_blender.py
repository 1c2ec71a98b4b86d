"""Run inside Blender or bpy by test_in_blender.py: the scene of the README's picture, by a fake engine."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import bpy
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402

from demo import still_life  # noqa: E402

NEAR = 0.01


def heights(obj) -> tuple[float, float]:
    """Of the lowest and the highest point of ``obj``, in the scene."""
    bpy.context.view_layer.update()
    found = [(obj.matrix_world @ vertex.co).z for vertex in obj.data.vertices]
    return min(found), max(found)


def test_everything_is_textured_and_stands_on_something():
    still_life.lay_floor(still_life.texture(still_life.FLOOR, 0))
    floor = [obj.name for obj in bpy.data.objects]
    assert len(floor) == len(still_life.TILES[0]) * len(still_life.TILES[1])
    for thing in still_life.THINGS:
        obj = still_life.texture(thing, 3)
        assert obj.active_material["sync_texture"]["prompt"] == thing.prompt
        assert abs(heights(obj)[0] - thing.place[2]) < NEAR, thing.prompt
    for name in floor:
        assert abs(heights(bpy.data.objects[name])[1]) < NEAR, name


def test_the_picture():
    still_life.texture(still_life.THINGS[0], 3)
    still_life.stage()
    still_life.light()
    path = Path(tempfile.mkdtemp()) / "picture.jpg"
    still_life.render(path, 64, 1)
    picture = bpy.data.images.load(str(path))
    assert tuple(picture.size) == (64, 36)
    values = list(picture.pixels)[::4]
    assert max(values) - min(values) > 0.2, "nothing is seen"


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
