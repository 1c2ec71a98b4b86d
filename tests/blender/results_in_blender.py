"""Run inside Blender or bpy by test_in_blender.py: the results of an object, shown, switched and removed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np

TMP = Path(tempfile.mkdtemp())
ADDON = helper.enable()
helper.use_fake_engine()

from made import material_of, mine, seeds  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.results import history, slot_materials, thumbnail  # noqa: E402

OPS = bpy.ops.sync_texture


def test_results_are_listed_and_shown():
    obj = helper.cube()
    own = mine(obj)
    helper.generate("bricks", seed=3)
    helper.generate("moss", seed=4)
    assert [one.name for one in history.of(obj)] == ["bricks", "moss"]
    assert seeds(obj) == [3, 4]
    assert history.shown(obj) == 1
    moss = helper.dump()
    assert OPS.show_result(index=0) == {"FINISHED"}
    assert dict(material_of(obj)["sync_texture"])["prompt"] == "bricks"
    assert history.shown(obj) == obj.sync_texture.active == 0
    OPS.show_result(index=1)
    helper.check_same(moss, helper.dump())
    obj.sync_texture.active = 0  # what a click in the list does
    assert history.shown(obj) == 0
    assert OPS.restore_materials() == {"FINISHED"}
    assert material_of(obj) == own
    assert history.shown(obj) == history.NONE
    OPS.show_result(index=1)
    helper.check_same(moss, helper.dump())


def test_results_with_textures_for_each_material():
    obj = helper.material_slots_with_faces()
    helper.generate("bricks", texture_sets="material")
    both = [slot.material for slot in obj.material_slots]
    helper.generate("moss")
    assert material_of(obj, 0) == material_of(obj, 1)
    OPS.show_result(index=0)
    assert [slot.material for slot in obj.material_slots] == both
    OPS.remove_result(index=1)
    OPS.remove_result(index=0)
    assert [slot.material.name for slot in obj.material_slots] == ["wood", "iron"]
    assert [m.name for m in bpy.data.materials] == ["iron", "wood"]


def test_taking_everything_back_leaves_no_trace():
    for make in (
        helper.cube,
        helper.material_slots_with_faces,
        lambda: helper.mesh_object("bare", *helper.PLANE[:2]),
    ):
        helper.empty_scene()
        obj = make()
        before = helper.dump()
        helper.generate("bricks", unwrap="always")
        first = helper.dump()
        helper.generate("moss")
        OPS.take_back()
        helper.check_same(first, helper.dump())
        OPS.take_back()
        helper.check_same(before, helper.dump())
        assert not history.of(obj)


def test_removing_the_one_that_is_shown_shows_the_one_before():
    obj = helper.cube()
    for prompt in ("one", "two", "three"):
        helper.generate(prompt)
    OPS.show_result(index=1)
    OPS.remove_result()
    assert [one.name for one in history.of(obj)] == ["one", "three"]
    assert history.shown(obj) == 0
    assert sorted(m.name for m in bpy.data.materials) == ["Cube one", "Cube three"]
    assert sorted(i.name for i in bpy.data.images if "sync_texture" in i) == ["Cube one", "Cube three"]


def test_only_what_nobody_uses_is_removed():
    obj = helper.cube()
    helper.generate("bricks")
    image = history.image(history.of(obj)[0])
    other = mine(helper.cube())
    node = other.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    bpy.context.view_layer.objects.active = obj
    OPS.remove_result()
    assert node.image == image
    assert "Cube bricks" not in bpy.data.materials


def test_beside_what_the_artist_has_changed_since():
    obj = helper.material_slots_with_faces()
    wood = material_of(obj, 0)
    helper.generate("bricks")
    bricks = material_of(obj, 0)
    helper.generate("moss")
    new = bpy.data.materials.new("new")
    obj.material_slots[1].material = new
    assert OPS.take_back() == {"FINISHED"}
    assert [slot.material for slot in obj.material_slots] == [bricks, new]
    assert OPS.remove_result() == {"FINISHED"}
    assert [slot.material for slot in obj.material_slots] == [wood, new]


def test_what_the_artist_put_in_place_of_a_texture_is_remembered():
    obj = helper.cube()
    mine(obj)
    helper.generate("bricks")
    new = bpy.data.materials.new("new")
    obj.material_slots[0].material = new
    helper.generate("moss")
    assert OPS.restore_materials() == {"FINISHED"}
    assert material_of(obj) == new


def test_restoring_a_slot_that_the_artist_has_switched_to_the_mesh():
    obj = helper.cube()
    own = mine(obj)
    helper.generate("bricks")
    obj.material_slots[0].link = "DATA"
    assert OPS.restore_materials() == {"FINISHED"}
    assert obj.data.materials[0] == material_of(obj) == own


def test_a_result_whose_material_was_replaced_is_lost():
    obj = helper.cube()
    helper.generate("bricks")
    material_of(obj).user_remap(bpy.data.materials.new("other"))
    helper.generate("moss")
    assert history.lost(history.of(obj)[0])
    assert history.problems(obj, history.of(obj)[0])
    helper.raises(lambda: OPS.again(index=0), "deleted")
    assert OPS.variations(prompt="stone", count=2) == {"FINISHED"}
    assert OPS.remove_result(index=0) == {"FINISHED"}
    assert "other" in bpy.data.materials


def test_what_variations_start_from_may_be_deleted_meanwhile():
    obj = helper.cube()
    helper.generate("bricks")
    noted = slot_materials.to_uids(slot_materials.shown(obj))
    assert slot_materials.from_uids(noted) == slot_materials.shown(obj)
    bpy.data.materials.remove(material_of(obj))
    assert slot_materials.from_uids(noted) == ()


def test_a_copy_has_its_own_list():
    obj = helper.cube()
    helper.generate("bricks")
    helper.generate("moss")
    bpy.ops.object.duplicate()
    copy = bpy.context.object
    assert [one.name for one in history.of(copy)] == ["bricks", "moss"]
    OPS.show_result(index=0)
    assert (history.shown(copy), history.shown(obj)) == (0, 1)
    OPS.remove_result(index=1)
    assert history.shown(obj) == 1
    assert not history.problems(obj, history.of(obj)[1])
    OPS.again(seed="other")
    assert (len(history.of(copy)), len(history.of(obj))) == (2, 2)


def test_a_linked_copy_keeps_its_look():
    obj = helper.cube()
    helper.generate("bricks")
    helper.generate("moss")
    bpy.ops.object.duplicate(linked=True)
    copy = bpy.context.object
    OPS.remove_result(index=0)
    OPS.remove_result(index=0)
    assert history.shown(obj) == 1
    assert material_of(copy) is None


def test_results_survive_saving_reopening_and_appending():
    path = Path(tempfile.mkdtemp()) / "scene.blend"
    obj = helper.cube()
    helper.generate("bricks", seed=5, texture_size="512")
    helper.generate("moss")
    small = thumbnail.read(history.image(history.of(obj)[0]))
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    check_two(bpy.data.objects["Cube"], small)
    helper.empty_scene()
    with bpy.data.libraries.load(str(path)) as (_there, here):
        here.objects = ["Cube"]
    obj = here.objects[0]
    bpy.context.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    check_two(obj, small)


def check_two(obj, small):
    assert [one.name for one in history.of(obj)] == ["bricks", "moss"]
    assert not any(history.problems(obj, one) for one in history.of(obj))
    assert history.shown(obj) == 1
    OPS.show_result(index=0)
    assert dict(material_of(obj)["sync_texture"])["seed"] == 5
    np.testing.assert_array_equal(thumbnail.read(history.image(history.of(obj)[0])), small)
    OPS.use_settings()
    assert bpy.context.scene.sync_texture.texture_size == "512"


def test_what_is_missing_is_told():
    folder = Path(tempfile.mkdtemp())
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    obj = helper.cube()
    helper.generate("bricks")
    helper.generate("moss")
    first, second = history.of(obj)
    assert not history.problems(obj, first)
    (folder / "textures" / "Cube_bricks.png").unlink()
    assert "Cube_bricks.png" in history.problems(obj, first)[0]
    assert not history.problems(obj, second)
    obj.data.uv_layers[0].name = "other"
    assert "UVMap" in history.problems(obj, second)[0]
    bpy.data.materials.remove(first.material)
    assert history.problems(obj, first) == ["Its material was deleted"]
    helper.raises(lambda: OPS.show_result(index=0), "deleted")
    helper.raises(lambda: OPS.use_settings(index=0), "deleted")
    helper.raises(lambda: OPS.again(index=0), "deleted")
    helper.raises(lambda: OPS.show_result(index=7), "no result 7")
    OPS.remove_result(index=0)
    assert [one.name for one in history.of(obj)] == ["moss"]
    assert (folder / "textures" / "Cube_moss.png").is_file()


def test_results_of_a_linked_object_are_only_shown():
    made = helper.cube()
    made.name = "made"
    mine(made)
    helper.generate("bricks")
    helper.generate("moss")
    path = TMP / "linked_object.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    for override in (False, True):
        helper.empty_scene()
        with bpy.data.libraries.load(str(path), link=True) as (_, found):
            found.objects = ["made"]
        obj = found.objects[0].override_create() if override else found.objects[0]
        bpy.context.collection.objects.link(obj)
        bpy.context.view_layer.objects.active = obj
        assert (len(history.of(obj)), history.shown(obj)) == (2, 1)
        assert OPS.use_settings(index=0) == {"FINISHED"}
        assert bpy.context.scene.sync_texture.prompt == "bricks"
        for name in ("show_result", "remove_result", "keep", "take_back", "feed_base_color"):
            assert not getattr(OPS, name).poll(), name
        assert override or not OPS.restore_materials.poll()


def test_nothing_is_offered_where_nothing_was_made():
    obj = helper.cube()
    assert not history.of(obj)
    assert not obj.is_property_set("sync_texture"), "asking must not write"
    for name in (
        "show_result",
        "again",
        "remove_result",
        "take_back",
        "keep",
        "feed_base_color",
        "use_settings",
    ):
        assert not getattr(OPS, name).poll(), name
    assert OPS.variations.poll()


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
