"""Run inside Blender or bpy by test_in_blender.py: generate through the fake engine, look at the scene."""

from __future__ import annotations

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

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.operators import texture  # noqa: E402


def test_the_node_graph_and_the_image():
    obj = helper.cube()
    assert helper.generate() == {"FINISHED"}
    material = obj.material_slots[0].material
    assert material == obj.data.materials[0]
    assert dict(material["sync_texture"])["prompt"] == "bricks"
    nodes = helper.nodes_of(material)
    assert set(nodes) == {
        "ShaderNodeUVMap",
        "ShaderNodeTexImage",
        "ShaderNodeBsdfPrincipled",
        "ShaderNodeOutputMaterial",
    }
    assert nodes["ShaderNodeUVMap"].uv_map == "UVMap"
    base = nodes["ShaderNodeBsdfPrincipled"].inputs["Base Color"].links[0].from_node
    assert base == nodes["ShaderNodeTexImage"]
    assert base.inputs["Vector"].links[0].from_node == nodes["ShaderNodeUVMap"]
    assert material.node_tree.nodes.active == base
    image = base.image
    assert tuple(image.size) == (fake_engine.SIZE, fake_engine.SIZE)
    assert image.colorspace_settings.name == "sRGB"
    assert image.packed_file
    assert len(obj.data.uv_layers) == 1


def test_pixels_are_the_right_way_up():
    helper.cube()
    helper.generate()
    image = next(i for i in bpy.data.images if "sync_texture" in i)
    pixels = np.array(image.pixels[:]).reshape(fake_engine.SIZE, fake_engine.SIZE, 4)
    for (u, v), colour in fake_engine.QUADRANTS.items():
        seen = pixels[10 + 40 * v, 10 + 40 * u, :3] * 255
        assert np.abs(seen - colour).max() <= 1, ((u, v), seen, colour)


def test_render_shows_each_uv_where_it_belongs():
    helper.mesh_object("plane", *helper.PLANE)
    helper.generate()
    helper.look_down()
    helper.check_quadrants(helper.render(TMP / "kept.png"))


def test_render_of_a_new_uv_map():
    """The fake's UV for (polygon, vertex): the plane's corners all get u = 0.01, v = 0.01 ... 0.04: red."""
    obj = helper.mesh_object("plane", *helper.PLANE)
    helper.generate(unwrap="always")
    assert helper.nodes_of(obj.material_slots[0].material)["ShaderNodeUVMap"].uv_map == "SyncTexture"
    helper.look_down()
    picture = helper.render(TMP / "new.png")
    assert helper.nearest(picture[32, 32], helper.COLOURS) == "red"


def test_saved_file_has_its_texture_beside_it_and_survives_reopening():
    folder = Path(tempfile.mkdtemp())
    path = folder / "scene.blend"
    obj = helper.mesh_object("plane", *helper.PLANE)
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    helper.generate("old bricks")
    helper.generate("old bricks")
    assert sorted(p.name for p in (folder / "textures").iterdir()) == [
        "plane_old_bricks-2.png",
        "plane_old_bricks.png",
    ]
    image = helper.nodes_of(obj.material_slots[0].material)["ShaderNodeTexImage"].image
    assert image.filepath == "//textures/plane_old_bricks-2.png"
    assert not image.packed_file
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(path))
    helper.look_down()
    helper.check_quadrants(helper.render(TMP / "reopened.png"))


def test_packed_texture_survives_reopening():
    helper.mesh_object("plane", *helper.PLANE)
    helper.generate()
    path = Path(tempfile.mkdtemp()) / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    helper.look_down()
    helper.check_quadrants(helper.render(TMP / "packed.png"))


def test_options_come_from_the_scene_where_not_given():
    helper.cube()
    options = bpy.context.scene.sync_texture
    options.prompt, options.seed, options.rig, options.view_count, options.steps = "moss", 7, "even", 6, 5
    bpy.ops.sync_texture.generate(steps=9)
    origin = dict(next(i for i in bpy.data.images if "sync_texture" in i)["sync_texture"])
    assert (origin["prompt"], origin["seed"], origin["views"], origin["steps"]) == ("moss", 7, "6", 9)
    assert "guidance" not in origin


# --- nothing of the artist's is touched ---


def added(difference):
    """The part of a dump's difference that isn't about datablocks, maps and properties of ours."""
    ours = ("Cube bricks", "SyncTexture", "sync_texture")
    return {k: v for k, v in difference.items() if not any(word in f"{k} {v}" for word in ours)}


def test_everything_of_the_artists_stays():
    obj = helper.material_slots_with_faces()
    bpy.ops.object.light_add()
    bpy.context.view_layer.objects.active = obj
    before = helper.dump()
    materials = list(obj.data.materials)
    helper.generate(unwrap="always")
    left = added(helper.difference(before, helper.dump()))
    allowed = (
        ".uv_layers",
        ".attributes",
        ".material_slots",
        "active_material",
        "len",
        ".data_layers",
        "loop_layers",
    )
    strange = {k: v for k, v in left.items() if not any(word in k for word in allowed)}
    assert not strange, strange
    assert list(obj.data.materials) == materials
    assert [p.material_index for p in obj.data.polygons] == [0, 0, 0, 1, 1, 1]
    assert [layer.name for layer in obj.data.uv_layers] == ["UVMap", "light", "SyncTexture"]
    assert obj.data.uv_layers.active.name == "UVMap"
    assert [layer.active_render for layer in obj.data.uv_layers] == [False, True, False]
    assert {slot.material.name for slot in obj.material_slots} == {"Cube bricks"}
    assert bpy.ops.sync_texture.restore_materials() == {"FINISHED"}
    assert [slot.material for slot in obj.material_slots] == materials
    assert {slot.link for slot in obj.material_slots} == {"DATA"}


def test_restore_after_two_textures_and_object_level_materials():
    obj = helper.material_slots_with_faces()
    own = bpy.data.materials.new("own")
    obj.material_slots[1].link = "OBJECT"
    obj.material_slots[1].material = own
    helper.generate()
    helper.generate("moss")
    assert {slot.material.name for slot in obj.material_slots} == {"Cube moss"}
    bpy.ops.sync_texture.restore_materials()
    assert [slot.material.name for slot in obj.material_slots] == ["wood", "own"]
    assert [slot.link for slot in obj.material_slots] == ["DATA", "OBJECT"]
    assert [m.name for m in obj.data.materials] == ["wood", "iron"]
    assert not texture.RestoreMaterials.poll(bpy.context)


def test_other_users_of_the_mesh_keep_their_look():
    obj = helper.cube()
    other = obj.copy()
    bpy.context.collection.objects.link(other)
    helper.generate(unwrap="always")
    assert obj.material_slots[0].material
    assert other.material_slots[0].material is None
    assert obj.data == other.data
    assert obj.data.uv_layers.active.name == "UVMap"


def test_the_same_uvs_again_use_the_same_map():
    obj = helper.cube()
    helper.generate(unwrap="always")
    helper.generate(unwrap="always")
    assert [layer.name for layer in obj.data.uv_layers] == ["UVMap", "SyncTexture"]


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
