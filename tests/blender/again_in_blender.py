"""Run inside Blender or bpy by test_in_blender.py: results made once more, their settings, and variations."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np
from helper import fake_engine

ADDON = helper.enable()
helper.use_fake_engine()

from made import material_of, mine, seeds  # noqa: E402
from sync_texture.blender_sync_addon import package  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.read import settings as read_settings  # noqa: E402
from sync_texture.blender_sync_addon.results import contact_sheet, history, thumbnail  # noqa: E402
from sync_texture.blender_sync_addon.results import stored_settings as result_settings  # noqa: E402

OPS = bpy.ops.sync_texture


def test_settings_come_back_into_the_panel():
    helper.cube()
    options = bpy.context.scene.sync_texture
    chosen = {
        "prompt": "old bricks",
        "negative": "moss",
        "method": "case1",
        "sync_space": "rgb",
        "attention": "off",
        "rig": "even",
        "view_count": 7,
        "steps": 9,
        "guidance": 3.5,
        "seed": 11,
        "controls": "depth:0.5; normal=own/nets:0.25:0.5",
        "sync_share": "ramp",
        "aggregate": "mean",
        "front": "y",
        "texture_size": "256",
        "unwrap": "always",
        "fill": "uv",
        "raster": "embree",
    }
    OPS.generate(**chosen)
    made = result_settings.stored(material_of(bpy.context.object))
    OPS.use_settings()
    assert {name: getattr(options, name) for name in chosen} == chosen
    args = type(
        "NoOptions", (), {"properties": type("P", (), {"is_property_set": lambda _self, _name: False})()}
    )()
    again = read_settings.from_options(args, options, package.device())
    assert (again.steps, again.seed, again.views, again.guidance) == (made.steps, made.seed, made.views, 3.5)
    OPS.generate(prompt="plain", negative="", steps=0, rig="paper", sync_space="auto")
    OPS.use_settings()
    assert (options.negative, options.steps, options.rig, options.sync_space) == ("", 0, "paper", "auto")


def test_a_result_for_one_slot_comes_back_with_its_slot():
    obj = helper.material_slots_with_faces()
    OPS.generate(prompt="bricks", slot="iron", model="sd15", quality="draft", front="x")
    options = bpy.context.scene.sync_texture
    OPS.use_settings()
    assert (options.target, options.slot, options.front) == ("slot", "iron", "x")
    assert (options.model, options.quality, options.texture_size) == ("sd15", "draft", "1024")
    wood = material_of(obj, 0)
    OPS.again(seed="other")
    assert seeds(obj) == [0, 1]
    assert material_of(obj, 0) == wood
    assert material_of(obj, 1) != history.of(obj)[0].material
    OPS.show_result(index=0)
    assert material_of(obj, 1) == history.of(obj)[0].material


def test_variations_of_faces_are_of_the_same_faces():
    obj = helper.cube()
    own = mine(obj)
    obj.data.polygons.foreach_set("select", [True, True, False, False, False, False])
    before = helper.dump()
    OPS.variations(prompt="bricks", count=2, target="faces")
    assert [slot.material == own for slot in obj.material_slots] == [True, False]
    assert [polygon.material_index for polygon in obj.data.polygons] == [1, 1, 0, 0, 0, 0]
    OPS.take_back()
    OPS.take_back()
    helper.check_same(before, helper.dump())


def test_again_has_all_settings_and_another_seed():
    obj = helper.cube()
    OPS.generate(prompt="bricks", seed=7, steps=9, fill="uv", texture_size="256")
    bpy.context.scene.sync_texture.prompt = "something else"
    OPS.again(seed="same")
    OPS.again(index=0, seed="other")
    OPS.again(index=0, seed="other")
    assert seeds(obj) == [7, 7, 8, 9]
    stored = [result_settings.stored(one.material) for one in history.of(obj)]
    assert stored[0] == stored[1]
    assert {(one.prompt, one.steps, one.fill, one.texture_size) for one in stored} == {
        ("bricks", 9, "uv", 256)
    }


def test_again_of_several_objects_makes_all_of_them():
    one = helper.cube()
    other = helper.cube(location=(3, 0, 0))
    alone = helper.cube(location=(6, 0, 0))
    alone.select_set(False)
    one.select_set(True)
    other.select_set(True)
    bpy.context.view_layer.objects.active = one
    OPS.generate(prompt="bricks", target="selected")
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = other
    OPS.again(seed="other")
    assert seeds(one) == seeds(other) == [0, 1]
    assert [result.place for result in (*history.of(one), *history.of(other))] == [0, 0, 1, 1]
    assert not history.of(alone)


def test_again_from_a_texture_starts_from_the_same():
    obj = helper.cube()
    helper.generate("bricks", seed=4)
    helper.generate("moss", from_texture=True, strength=0.3, seed=0)
    helper.generate("gold", seed=0)
    first = material_of(obj)
    assert history.of(obj)[1].start == history.of(obj)[0].material
    OPS.again(index=1, seed="other")
    assert history.of(obj)[3].start == history.of(obj)[0].material
    layouts = [result_settings.stored(one.material).layout for one in history.of(obj)]
    assert layouts == [None, 4, None, 4], "patterns go on where they were"
    assert material_of(obj) != first
    OPS.remove_result(index=0)
    assert "Cube bricks" in bpy.data.materials, "what others start from must stay"
    OPS.again(index=0, seed="other")
    assert history.of(obj)[3].start.name == "Cube bricks"


def test_variations_are_a_row_of_seeds_and_a_sheet():
    obj = helper.cube()
    own = mine(obj)
    helper.generate("bricks", seed=2)
    pid = engine.supervisor.pid
    assert OPS.variations(prompt="bricks", seed=1, count=4) == {"FINISHED"}
    assert engine.supervisor.pid == pid, "the engine, and its model, must stay"
    assert seeds(obj) == [2, 1, 3, 4, 5]
    results = history.of(obj)
    assert len({one.batch for one in results}) == 2
    assert results[0].batch == ""
    image = results[1].sheet
    assert {one.sheet for one in results[1:]} == {image}
    assert image.packed_file
    assert image.size[0] == 2 * (fake_engine.CELL + contact_sheet.GAP) + contact_sheet.GAP
    OPS.show_result(index=2)
    assert OPS.keep(others=True) == {"FINISHED"}
    assert seeds(obj) == [2, 3]
    assert all(one.kept for one in history.of(obj))
    assert history.shown(obj) == 1
    name = image.name
    OPS.remove_result()
    assert name not in bpy.data.images
    OPS.remove_result()
    assert material_of(obj) == own


def test_variations_of_a_texture_all_start_from_it():
    obj = helper.cube()
    helper.generate("bricks")
    OPS.variations(prompt="moss", count=3, from_texture=True)
    assert len({one.start for one in history.of(obj)[1:]}) == 1
    assert history.of(obj)[1].start == history.of(obj)[0].material
    assert history.shown(obj) == 3


def test_what_fails_in_mid_run_leaves_what_is_done():
    obj = helper.cube()
    helper.raises(lambda: OPS.variations(prompt="fail", count=3), "It went wrong")
    assert not history.of(obj)
    helper.raises(lambda: OPS.variations(prompt="", count=3), "prompt is empty")


def test_thumbnails_show_the_first_view():
    obj = helper.cube()
    helper.generate("bricks")
    small = thumbnail.read(history.image(history.of(obj)[0]))
    assert small.shape == (fake_engine.CELL, fake_engine.CELL, 4)
    assert (small == (*fake_engine.GREEN, 255)).all()


def test_a_sheet_has_its_cells_in_reading_order():
    red, green = (np.full((8, 8, 4), colour, np.uint8) for colour in ((255, 0, 0, 255), (0, 255, 0, 255)))
    picture = contact_sheet.compose([(red, 0), (green, 1), (None, 2)], 4)
    foot = 5 * contact_sheet.SCALE + contact_sheet.GAP
    top, left = 8 + 2 * foot + 2 * contact_sheet.GAP, contact_sheet.GAP
    assert tuple(picture[top, left]) == (255, 0, 0, 255)
    assert tuple(picture[top, left + 8 + contact_sheet.GAP]) == (0, 255, 0, 255)
    assert not (picture[: len(picture) // 2, :, :2] == 255).any()
    seven = contact_sheet.text("7")[:: -contact_sheet.SCALE, :: contact_sheet.SCALE]
    assert ["".join(" #"[dot] for dot in row) for row in seven.astype(int)] == [
        "### ",
        "  # ",
        " #  ",
        " #  ",
        " #  ",
    ]


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
