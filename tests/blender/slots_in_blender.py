"""Run inside Blender or bpy by test_in_blender.py: textures whose object gets other material slots."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.results import history  # noqa: E402

OPS = bpy.ops.sync_texture


def three():
    """A cube with three materials of the artist's, two faces each."""
    obj = helper.cube()
    for name in ("wood", "iron", "glass"):
        obj.data.materials.append(bpy.data.materials.new(name))
    obj.data.polygons.foreach_set("material_index", [0, 0, 1, 1, 2, 2])
    obj.data.update()
    return obj


def remove(obj, slot):
    obj.active_material_index = slot
    assert bpy.ops.object.material_slot_remove() == {"FINISHED"}


def names(obj):
    return [slot.material.name if slot.material else "" for slot in obj.material_slots]


def marks(obj):
    """What of ours is on the object."""
    return sorted(key for key in obj.keys() if key.startswith("sync_texture"))  # noqa: SIM118


def test_a_slot_before_that_of_a_result_is_removed():
    obj = three()
    helper.generate("bricks", slot="iron")
    helper.generate("moss", slot="iron")
    remove(obj, 0)
    assert names(obj) == ["Cube moss", "glass"]
    assert history.shown(obj) == 1
    OPS.show_result(index=0)
    assert (names(obj), history.shown(obj)) == (["Cube bricks", "glass"], 0)
    OPS.show_result(index=1)
    OPS.take_back()
    assert (names(obj), history.shown(obj)) == (["Cube bricks", "glass"], 0)
    OPS.take_back()
    assert names(obj) == ["iron", "glass"]
    assert [slot.link for slot in obj.material_slots] == ["DATA", "DATA"]
    assert not marks(obj)


def test_again_and_use_settings_mean_the_slot_that_it_is_now():
    obj = three()
    helper.generate("bricks", slot="iron")
    remove(obj, 0)
    OPS.use_settings()
    assert bpy.context.scene.sync_texture.slot == "iron"
    OPS.again(seed="other")
    assert names(obj)[1] == "glass"
    assert history.shown(obj) == 1
    OPS.restore_materials()
    assert names(obj) == ["iron", "glass"]


def test_slots_are_moved():
    obj = three()
    helper.generate("bricks")
    helper.generate("moss", slot="wood")
    obj.active_material_index = 0
    assert bpy.ops.object.material_slot_move(direction="DOWN") == {"FINISHED"}
    assert names(obj) == ["Cube bricks", "Cube moss", "Cube bricks"]
    assert history.shown(obj) == 1
    OPS.take_back()
    assert names(obj) == ["Cube bricks"] * 3
    OPS.remove_result()
    assert names(obj) == ["iron", "wood", "glass"]


def test_a_slot_before_that_of_selected_faces_is_removed():
    obj = three()
    obj.data.polygons.foreach_set("select", [False, False, True, False, False, False])
    helper.generate("bricks", target="faces")
    assert names(obj) == ["wood", "iron", "glass", "Cube bricks"]
    remove(obj, 0)
    assert history.shown(obj) == 0
    OPS.take_back()
    assert names(obj) == ["iron", "glass"]
    assert [polygon.material_index for polygon in obj.data.polygons][2:] == [0, 0, 1, 1]
    assert not marks(obj)


def test_the_slot_of_a_result_is_removed():
    obj = three()
    helper.generate("bricks", slot="iron")
    remove(obj, 1)
    assert history.shown(obj) == history.NONE
    before = helper.dump()
    OPS.restore_materials()
    assert names(obj) == ["wood", "glass"]
    assert history.problems(obj, history.of(obj)[0]) == ["Its material slot was removed"]
    helper.raises(lambda: OPS.show_result(index=0), "slot")
    OPS.take_back()
    assert not history.of(obj)
    changed = helper.difference(before, helper.dump())
    assert not [key for key in changed if "wood" in key or "glass" in key], changed


def test_feeding_the_material_of_a_slot_that_moved():
    obj = three()
    helper.generate("bricks", slot="iron")
    iron = bpy.data.materials["iron"]
    if iron.node_tree is None:
        iron.use_nodes = True
    remove(obj, 0)
    obj.active_material_index = 0
    assert OPS.feed_base_color() == {"FINISHED"}
    assert names(obj) == ["iron", "glass"]
    assert iron.node_tree.nodes["Principled BSDF"].inputs["Base Color"].links[0].from_node.image


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
