"""Run inside Blender or bpy by test_in_blender.py: the results of an object, after their jobs."""

from __future__ import annotations

import json
import struct
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np
from helper import fake_engine

TMP = Path(tempfile.mkdtemp())
ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon import preferences, task  # noqa: E402
from sync_texture.blender_sync_addon.read import settings as read_settings  # noqa: E402
from sync_texture.blender_sync_addon.results import again, history, sheet, thumbnail  # noqa: E402
from sync_texture.blender_sync_addon.results import settings as result_settings  # noqa: E402

OPS = bpy.ops.sync_texture


def material_of(obj, slot=0):
    return obj.material_slots[slot].material


def seeds(obj):
    return [result_settings.stored(one.material).seed for one in history.of(obj)]


def mine(obj, name="mine"):
    """``obj`` with a material of the artist's, a brown one with nodes."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (0.4, 0.2, 0.1, 1)
    obj.data.materials.append(material)
    return material


def base(material):
    return material.node_tree.nodes["Principled BSDF"].inputs["Base Color"]


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
    noted = again.numbers(history.parts(obj))
    assert again.parts(noted) == history.parts(obj)
    bpy.data.materials.remove(material_of(obj))
    assert again.parts(noted) == ()


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
    again = read_settings.from_options(args, options, preferences.device())
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
    helper.generate("bricks")
    helper.generate("moss", from_texture=True, strength=0.3)
    helper.generate("gold")
    first = material_of(obj)
    assert history.of(obj)[1].start == history.of(obj)[0].material
    OPS.again(index=1, seed="other")
    assert history.of(obj)[3].start == history.of(obj)[0].material
    assert material_of(obj) != first
    OPS.remove_result(index=0)
    assert "Cube bricks" in bpy.data.materials, "what others start from must stay"
    OPS.again(index=0, seed="other")
    assert history.of(obj)[3].start.name == "Cube bricks"


def test_variations_are_a_row_of_seeds_and_a_sheet():
    obj = helper.cube()
    own = mine(obj)
    helper.generate("bricks", seed=2)
    pid = task.supervisor.pid
    assert OPS.variations(prompt="bricks", seed=1, count=4) == {"FINISHED"}
    assert task.supervisor.pid == pid, "the engine, and its model, must stay"
    assert seeds(obj) == [2, 1, 3, 4, 5]
    results = history.of(obj)
    assert len({one.batch for one in results}) == 2
    assert results[0].batch == ""
    image = results[1].sheet
    assert {one.sheet for one in results[1:]} == {image}
    assert image.packed_file
    assert image.size[0] == 2 * (fake_engine.CELL + sheet.GAP) + sheet.GAP
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
    picture = sheet.compose([(red, 0), (green, 1), (None, 2)], 4)
    foot = 5 * sheet.SCALE + sheet.GAP
    top, left = 8 + 2 * foot + 2 * sheet.GAP, sheet.GAP
    assert tuple(picture[top, left]) == (255, 0, 0, 255)
    assert tuple(picture[top, left + 8 + sheet.GAP]) == (0, 255, 0, 255)
    assert not (picture[: len(picture) // 2, :, :2] == 255).any()
    seven = sheet.text("7")[:: -sheet.SCALE, :: sheet.SCALE]
    assert ["".join(" #"[dot] for dot in row) for row in seven.astype(int)] == [
        "### ",
        "  # ",
        " #  ",
        " #  ",
        " #  ",
    ]


def test_feeding_the_base_colour_of_ones_own_material():
    obj = helper.cube()
    own = mine(obj)
    before = helper.dump()
    helper.generate("bricks")
    image = history.image(history.of(obj)[0])
    assert OPS.feed_base_color() == {"FINISHED"}
    assert material_of(obj) == own
    node = base(own).links[0].from_node
    assert node.image == image
    assert node.inputs["Vector"].links[0].from_node.uv_map == "UVMap"
    assert own.node_tree.nodes.active == node
    helper.generate("moss")
    OPS.feed_base_color()
    assert base(own).links[0].from_node == node
    assert node.image.name == "Cube moss"
    assert OPS.unfeed_base_color() == {"FINISHED"}
    OPS.remove_result()
    OPS.remove_result()
    ignored = ("location", "tree.links", "node_tree.nodes.active")
    changed = helper.difference(before, helper.dump())
    assert not {k: v for k, v in changed.items() if not any(word in k for word in ignored)}, changed


def test_the_old_link_is_kept_and_comes_back():
    obj = helper.cube()
    own = mine(obj)
    tree = own.node_tree
    noise, mix = tree.nodes.new("ShaderNodeTexNoise"), tree.nodes.new("ShaderNodeInvert")
    tree.links.new(noise.outputs["Color"], mix.inputs["Color"])
    tree.links.new(mix.outputs["Color"], base(own))
    helper.generate("bricks")
    OPS.feed_base_color()
    assert base(own).links[0].from_node.bl_idname == "ShaderNodeTexImage"
    path = Path(tempfile.mkdtemp()) / "scene.blend"
    mix.name = "renamed"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    own = bpy.data.materials["mine"]
    OPS.unfeed_base_color()
    assert base(own).links[0].from_node.name == "renamed"
    assert {node.bl_idname for node in own.node_tree.nodes} == {
        "ShaderNodeBsdfPrincipled",
        "ShaderNodeOutputMaterial",
        "ShaderNodeTexNoise",
        "ShaderNodeInvert",
    }


def test_feeding_a_renders_look():
    helper.mesh_object("plane", *helper.PLANE)
    mine(bpy.context.object)
    helper.generate()
    OPS.feed_base_color()
    helper.look_down()
    helper.check_quadrants(helper.render(TMP / "fed.png"))


def glb(path):
    """(JSON, binary chunk) of a .glb, read as its specification says."""
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    return json.loads(data[20 : 20 + length]), data[28 + length :]


def accessor(told, binary, number):
    """A float accessor's values."""
    one = told["accessors"][number]
    part = told["bufferViews"][one["bufferView"]]
    wide = {"VEC2": 2, "VEC3": 3}[one["type"]]
    start = part.get("byteOffset", 0) + one.get("byteOffset", 0)
    return np.frombuffer(binary, np.float32, one["count"] * wide, start).reshape(-1, wide)


def test_an_exported_file_has_the_texture_on_its_own_uvs():
    for own in (False, True):
        helper.empty_scene()
        obj = helper.mesh_object("plane", *helper.PLANE)
        mine(obj)
        wrong = obj.data.uv_layers.new(name="light")
        wrong.uv.foreach_set("vector", np.full(8, 0.5, np.float32))
        obj.data.uv_layers.active_index = 0
        wrong.active_render = True
        helper.generate("bricks")
        if own:
            OPS.feed_base_color()
        path = TMP / f"{own}.glb"
        bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB")
        told, binary = glb(path)
        primitive = told["meshes"][0]["primitives"][0]
        base_color = told["materials"][primitive["material"]]["pbrMetallicRoughness"]["baseColorTexture"]
        image = told["images"][told["textures"][base_color["index"]]["source"]]
        view = told["bufferViews"][image["bufferView"]]
        picture = TMP / "exported.png"
        picture.write_bytes(binary[view.get("byteOffset", 0) :][: view["byteLength"]])
        loaded = bpy.data.images.load(str(picture))
        shown = np.array(loaded.pixels[:]).reshape(fake_engine.SIZE, fake_engine.SIZE, 4)[::-1, :, :3]
        np.testing.assert_allclose(shown * 255, fake_engine.texture(), atol=1)
        uvs = accessor(told, binary, primitive["attributes"][f"TEXCOORD_{base_color.get('texCoord', 0)}"])
        places = accessor(told, binary, primitive["attributes"]["POSITION"])
        wanted = np.stack([(places[:, 0] + 1) / 2, (places[:, 2] + 1) / 2], axis=1)  # glTF: v and z down
        np.testing.assert_allclose(uvs, wanted, atol=1e-6)


def test_materials_that_cannot_be_fed_say_why():
    obj = helper.cube()
    helper.generate("bricks")
    helper.raises(lambda: OPS.feed_base_color(), "no material of yours")
    OPS.take_back()
    own = mine(obj)
    helper.generate("bricks")
    tree = own.node_tree
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    shader = tree.nodes.new("ShaderNodeEmission")
    tree.links.new(shader.outputs[0], tree.get_output_node("ALL").inputs["Surface"])
    before = helper.dump()
    helper.raises(lambda: OPS.feed_base_color(), "'mine' has no Principled BSDF")
    tree.nodes.new("ShaderNodeBsdfPrincipled")
    helper.raises(lambda: OPS.feed_base_color(), "'mine' has no Principled BSDF")
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    helper.check_same(before, helper.dump())
    mix, good = tree.nodes.new("ShaderNodeMixShader"), tree.nodes.new("ShaderNodeBsdfPrincipled")
    tree.links.new(mix.outputs[0], tree.get_output_node("ALL").inputs["Surface"])
    tree.links.new(good.outputs[0], mix.inputs[2])
    assert OPS.feed_base_color() == {"FINISHED"}


def test_a_linked_material_is_not_touched():
    path = Path(tempfile.mkdtemp()) / "library.blend"
    mine(helper.cube(), "theirs")
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    helper.empty_scene()
    with bpy.data.libraries.load(str(path), link=True) as (_there, here):
        here.materials = ["theirs"]
    obj = helper.cube()
    obj.data.materials.append(here.materials[0])
    helper.generate("bricks")
    helper.raises(lambda: OPS.feed_base_color(), "'theirs' is linked from a library")


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


helper.main(dict(globals()), ADDON, task.supervisor.abandon)
