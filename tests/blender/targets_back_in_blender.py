"""Run inside Blender or bpy by test_in_blender.py: a part's texture cancelled, switched, taken back."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.jobs import engine, texture_job  # noqa: E402
from sync_texture.blender_sync_addon.read import mesh as read_mesh  # noqa: E402
from sync_texture.blender_sync_addon.read.settings import Settings  # noqa: E402
from sync_texture.blender_sync_addon.results import history, recording, removal  # noqa: E402
from sync_texture.blender_sync_addon.write import slots as write_slots  # noqa: E402
from tiles import ends_with, generate, indices, names, pick, seen, tiles  # noqa: E402


def test_a_cancelled_job_changes_nothing():
    obj = tiles()
    pick(obj, 0, 3)
    before = helper.dump()
    job = texture_job.TextureJob([obj], Settings(prompt="slow", target="faces"))
    job.cancel()
    while not job.poll():
        pass
    ends_with(job, "cancelled")
    helper.check_same(before, helper.dump())


def test_faces_chosen_at_the_start_are_painted_whatever_is_selected_at_the_end():
    obj = tiles()
    pick(obj, 0)
    job = texture_job.TextureJob([obj], Settings(prompt="bricks", target="faces"))
    job.wait()
    pick(obj, 3)
    recording.finish(job)
    job.close()
    assert indices(obj) == [2, 0, 1, 1]
    job = texture_job.TextureJob([obj], Settings(prompt="bricks", target="faces"))
    job.wait()
    obj.data.clear_geometry()
    obj.data.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    ends_with(job, "was changed")


def test_a_slot_that_was_made_can_be_joined_again():
    obj = tiles()
    before = indices(obj), names(obj), helper.dump()
    pick(obj, 1, 2)
    chosen = read_mesh.target.select_faces(obj, "faces", "")
    assert write_slots.own(obj, chosen.polygons) == [2, 3]
    assert (names(obj), indices(obj)) == (["wood", "iron", "wood", "iron"], [0, 2, 3, 1])
    wanted = ((0, "a"), (3, "b"))
    assert write_slots.spread(obj, wanted) == ((0, "a"), (2, "a"), (3, "b"))
    write_slots.join(obj, 3)
    assert (names(obj), indices(obj)) == (["wood", "iron", "wood"], [0, 2, 1, 1])
    write_slots.join(obj, 2)
    assert (indices(obj), names(obj)) == before[:2]
    pick(obj, 0, 1, 2, 3)  # as at first
    helper.check_same(before[2], helper.dump())


def test_faces_whose_slot_the_artist_has_removed_are_taken_back():
    obj = tiles((0, 0, 0, 0), ("wood",))
    pick(obj, 1)
    generate(target="faces")
    obj.active_material_index = 1
    bpy.ops.object.material_slot_remove()
    assert bpy.ops.sync_texture.take_back() == {"FINISHED"}
    assert (indices(obj), names(obj)) == ([0, 0, 0, 0], ["wood"])
    assert write_slots.SPLIT not in obj


def test_results_of_faces_can_be_switched_and_taken_back():
    obj = tiles()
    untouched = indices(obj), names(obj)
    generate("all")
    pick(obj, 0, 2)
    generate("some", target="faces")
    assert history.shown(obj) == 1
    history.show(obj, 0)
    assert names(obj) == ["tiles all"] * 4
    assert history.shown(obj) == 0
    history.show(obj, 1)
    assert names(obj) == ["tiles all", "tiles all", "tiles some", "tiles some"]
    bpy.ops.sync_texture.restore_materials()
    assert seen() == ["wood", "wood", "iron", "iron"]
    history.show(obj, 1)
    assert names(obj) == ["tiles all", "tiles all", "tiles some", "tiles some"]
    removal.take_back(obj)
    assert (indices(obj), names(obj)) == ([0, 0, 1, 1], ["tiles all", "tiles all"])
    removal.take_back(obj)
    assert (indices(obj), names(obj)) == untouched


def test_taking_back_leaves_an_object_without_materials_without():
    obj = tiles((0, 0, 0, 0), ())
    pick(obj, 1)
    before = helper.dump()
    generate(target="faces", unwrap="always")
    removal.take_back(obj)
    helper.check_same(before, helper.dump())


def test_undo_brings_everything_back():
    obj = tiles()
    pick(obj, 1, 2)
    bpy.ops.ed.undo_push(message="before")
    before = helper.dump()
    generate(target="faces", unwrap="always")
    bpy.ops.ed.undo_push(message="textured")
    assert len(bpy.data.objects["tiles"].material_slots) == 4
    bpy.ops.ed.undo()
    helper.check_same(before, helper.dump())


def test_undo_brings_the_picture_back_that_was_repainted():
    obj, old = tiles(), bpy.data.images.new("wall", 64, 64)
    old.pixels.foreach_set([0.25] * 4 * 64 * 64)
    old.pack()
    nodes = obj.material_slots[0].material.node_tree.nodes
    nodes.new("ShaderNodeTexImage").image = old
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.sync_texture.repaint_picture(prompt="moss", image="wall")
    bpy.ops.ed.undo_push(message="repainted")
    assert bpy.data.images["wall moss"].users == 1
    bpy.ops.ed.undo()
    nodes = bpy.data.objects["tiles"].material_slots[0].material.node_tree.nodes
    (image,) = [node.image for node in nodes if node.type == "TEX_IMAGE"]
    assert (image.name, image.use_fake_user) == ("wall", False)
    assert abs(image.pixels[0] - 0.25) < 1 / 255
    assert "wall moss" not in bpy.data.images


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
