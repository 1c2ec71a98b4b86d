"""Run inside Blender or bpy by test_in_blender.py: a material of the artist's own, tiles, worlds."""

from __future__ import annotations

import json
import os
import struct
import subprocess
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

from made import material_of, mine  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.problem import Problem  # noqa: E402
from sync_texture.blender_sync_addon.read import surroundings  # noqa: E402
from sync_texture.blender_sync_addon.results import history  # noqa: E402
from sync_texture.blender_sync_addon.results import world as worlds  # noqa: E402
from sync_texture.blender_sync_addon.results.tile_material import TileTarget  # noqa: E402

OPS = bpy.ops.sync_texture


def base(material):
    return material.node_tree.nodes["Principled BSDF"].inputs["Base Color"]


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


# --- tileable materials ---


def new_tile(prompt: str = "bricks", **options):
    return OPS.new_tile(prompt=prompt, **options)


def why(call):
    """What keeps ``call`` from working."""
    try:
        call()
    except Problem as problem:
        return str(problem)
    return ""


def lengths(material):
    """The numbers by which its Mapping multiplies."""
    return tuple(helper.nodes_of(material)["ShaderNodeMapping"].inputs["Scale"].default_value)


def test_a_tile_is_a_new_material_on_the_active_slot():
    obj = helper.material_slots_with_faces()
    obj.active_material_index = 1
    assert new_tile("bricks", width=128, height=64, seed=5) == {"FINISHED"}
    material = obj.material_slots[1].material
    assert [slot.material.name for slot in obj.material_slots] == ["wood", "bricks"]
    assert [m.name for m in obj.data.materials] == ["wood", "iron"]
    nodes = helper.nodes_of(material)
    image, mapping = nodes["ShaderNodeTexImage"], nodes["ShaderNodeMapping"]
    assert tuple(image.image.size) == (128, 64)
    assert image.extension == "REPEAT"
    assert image.inputs["Vector"].links[0].from_node == mapping
    assert mapping.inputs["Vector"].links[0].from_node == nodes["ShaderNodeUVMap"]
    assert nodes["ShaderNodeUVMap"].uv_map == "light"
    # Blender's cube, 2 wide: a face has a quarter of the map, so a unit of u is 8 long, a tile 1 long
    assert np.allclose(lengths(material), (8, 16, 1), atol=1e-5)
    (result,) = history.of(obj)
    assert (result.name, result.material, history.shown(obj)) == ("bricks", material, 0)
    assert dict(material["sync_texture"])["seed"] == 5
    assert OPS.take_back() == {"FINISHED"}
    assert [slot.material.name for slot in obj.material_slots] == ["wood", "iron"]
    assert not [image.name for image in bpy.data.images if "sync_texture" in image]


def test_a_tile_without_a_uv_map_or_without_an_object():
    obj = helper.mesh_object("plane", *helper.PLANE[:2])
    obj.scale = (3, 1, 1)
    bpy.context.view_layer.update()
    new_tile(repeat=3)
    nodes = helper.nodes_of(obj.material_slots[0].material)
    assert nodes["ShaderNodeTexImage"].projection == "BOX"
    assert nodes["ShaderNodeMapping"].inputs["Vector"].links[0].from_socket.name == "Generated"
    assert np.allclose(lengths(obj.material_slots[0].material), (3, 1, 0), atol=1e-5)
    bpy.context.view_layer.objects.active = None
    new_tile("moss")
    moss = bpy.data.materials["moss"]
    assert moss.use_fake_user
    assert np.allclose(lengths(moss), (2, 2, 1))


def test_a_render_shows_the_tiles_beside_each_other():
    helper.mesh_object("plane", *helper.PLANE)
    new_tile(repeat=2)
    helper.look_down()
    picture = helper.render(TMP / "tiles.png")
    for corner in (picture[:32, :32], picture[:32, 32:], picture[32:, :32], picture[32:, 32:]):
        helper.check_quadrants(corner)


def test_a_tile_is_made_again_and_fills_the_panel():
    obj = helper.cube()
    scene = bpy.context.scene
    new_tile("oak", width=64, height=128, repeat=4, seed=2)
    OPS.again(seed="other")
    first, second = (one.material for one in history.of(obj))
    assert [dict(one["sync_texture"])["seed"] for one in (first, second)] == [2, 3]
    assert lengths(first) == lengths(second)
    scene.sync_texture_tile.width = 256
    OPS.use_settings(index=0)
    tile = scene.sync_texture_tile
    assert (scene.sync_texture.prompt, tile.width, tile.height, tile.repeat) == ("oak", 64, 128, 4)
    helper.raises(lambda: OPS.feed_base_color(), "'oak.001' tiles", "Mapping")


def test_a_tile_finds_its_slot_again():
    """Wherever it is moved while the job runs; where it is gone, or the object, nothing is changed."""
    obj = helper.material_slots_with_faces()
    obj.active_material_index = 1
    target = TileTarget.of(obj)
    assert (target.slot_of(obj), target.blocked) == (1, "")
    bpy.ops.object.material_slot_move(direction="UP")
    assert target.slot_of(obj) == 0
    bpy.ops.object.mode_set(mode="EDIT")
    assert target.blocked == "Leave Edit Mode to finish"
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.object.material_slot_remove()
    assert "slot of 'Cube' was removed while" in why(lambda: target.slot_of(obj))
    bpy.data.objects.remove(obj)
    assert "'Cube' was deleted while" in why(target.object)
    assert TileTarget.of(None).object() is None


def test_a_tile_that_fails_changes_nothing():
    obj = helper.material_slots_with_faces()
    before = helper.dump()
    helper.raises(lambda: new_tile(" "), "prompt is empty")
    helper.raises(lambda: new_tile(width=20), "Width", "64")
    helper.raises(lambda: new_tile("fail"), "It went wrong")
    helper.raises(lambda: new_tile("larger", width=64, height=64), "wasn't asked for")
    helper.check_same(before, helper.dump())
    usual, history.add = history.add, None
    try:
        helper.raises(lambda: new_tile(), "nothing of it was")
    finally:
        history.add = usual
    helper.check_same(before, helper.dump())
    assert not history.of(obj)


# --- worlds ---

surroundings.HEIGHT = 64
READ = """
import sys, numpy as np
from engine.pictures import depth_file
from tests.engine import rooms
found = depth_file.read(sys.argv[1])
ray = rooms.equirectangular(len(found))
turn = float(sys.argv[2])  # to the left
c, s, (x, y, z) = np.cos(turn), np.sin(turn), np.moveaxis(ray, -1, 0)
truth = rooms.distances(np.stack([c * x + s * z, y, c * z - s * x], axis=-1))
print(found.shape, (np.abs(found / truth - 1) > 1e-3).mean())
"""
ROOMS = helper.module(helper.ROOT / "tests" / "engine" / "rooms.py", "rooms")
TURN = 0.7


def room():
    """The room of boxes, and a camera in it that looks down a little; its middle is where that does."""
    for low, high in (ROOMS.WALLS, *ROOMS.BOXES):
        low, high = (np.array([x, -z, y]) for x, y, z in (low, high))
        bpy.ops.mesh.primitive_cube_add(size=1, location=(low + high) / 2)
        bpy.context.object.scale = np.abs(high - low)
    bpy.ops.object.camera_add(rotation=(1.3, 0, TURN))
    bpy.context.scene.camera = bpy.context.object
    return bpy.context.object


def test_the_depth_of_a_room_is_that_of_its_formulas_and_leaves_no_trace():
    camera, scene = room(), bpy.context.scene
    camera.data.type = "ORTHO"
    scene.render.use_border = scene.render.use_compositing = True
    before = helper.dump()
    eye = surroundings.Eye.of(scene, "camera")
    assert abs(eye.heading - TURN) < 1e-5
    surroundings.depth(scene, bpy.context.view_layer, eye, TMP / "depth.exr")
    helper.check_same(before, helper.dump())
    python = os.environ.get("SYNC_TEXTURE_TEST_PYTHON", sys.executable)
    words = [python, "-c", READ, str(TMP / "depth.exr"), str(TURN)]
    done = subprocess.run(words, cwd=helper.ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("(64, 128) "), done.stderr
    assert float(done.stdout.split()[-1]) < 0.03, done.stdout  # at edges rays may fall on either side


def test_a_world_is_the_scenes_and_the_earlier_one_comes_back():
    bpy.ops.object.camera_add(rotation=(np.pi / 2, 0, TURN))
    camera, scene = bpy.context.object, bpy.context.scene
    scene.camera, earlier = camera, scene.world
    assert OPS.new_world(prompt="a hall", surroundings=False, width=128) == {"FINISHED"}
    ours = scene.world
    assert (ours.name, ours["sync_texture"]["kind"], ours["sync_texture_before"]) == (
        "a hall",
        "panorama",
        earlier,
    )
    helper.check_quadrants(helper.render(TMP / "world.png"))
    OPS.new_world(prompt="moss", surroundings=False, show=False, eye="cursor")
    assert scene.world == ours
    assert bpy.data.worlds["moss"].use_fake_user
    assert OPS.earlier_world() == {"FINISHED"}
    assert scene.world == earlier
    assert ours.use_fake_user
    helper.raises(lambda: OPS.earlier_world(), "no earlier one")


def test_a_world_that_fails_changes_nothing():
    before = helper.dump()
    helper.raises(lambda: OPS.new_world(prompt="hall"), "nothing to paint a world around")
    helper.raises(lambda: OPS.new_world(prompt="hall", surroundings=False), "no active camera")
    free = {"surroundings": False, "eye": "cursor"}
    helper.raises(lambda: OPS.new_world(prompt=" ", **free), "prompt is empty")
    helper.raises(lambda: OPS.new_world(prompt="fail", **free), "It went wrong")
    usual, worlds.write_world.make = worlds.write_world.make, None
    try:
        helper.raises(lambda: OPS.new_world(prompt="hall", **free), "nothing of it was")
    finally:
        worlds.write_world.make = usual
    helper.check_same(before, helper.dump())
    helper.cube()
    with_cube = helper.dump()
    helper.raises(lambda: OPS.new_world(prompt="fail", eye="cursor"), "It went wrong")
    helper.check_same(with_cube, helper.dump())


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
