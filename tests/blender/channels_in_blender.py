"""Run inside Blender or bpy by test_in_blender.py: results that say more of a surface than its colour."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np
from helper import fake_engine

ADDON = helper.enable()
helper.use_fake_engine()

from made import material_of, mine  # noqa: E402
from sync_texture.blender_sync_addon import datablocks  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.results import history, thumbnail  # noqa: E402
from sync_texture.blender_sync_addon.write import displacement  # noqa: E402
from sync_texture.engine.options.channels import CHANNELS, main_channel  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))
from mikktspace import tangents  # noqa: E402

OPS = bpy.ops.sync_texture
ROUGHNESS = CHANNELS["roughness"]


def fed(material, socket):
    """The node before the ``socket`` of the Principled BSDF in ``material``."""
    shader = next(node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    return shader.inputs[socket].links[0].from_node


def test_each_channel_feeds_its_socket_in_its_colour_space():
    obj = helper.cube()
    assert helper.generate("rough bricks") == {"FINISHED"}
    material = material_of(obj)
    colour, rough = fed(material, "Base Color"), fed(material, "Roughness")
    assert datablocks.images_by_channel(material) == {main_channel(): colour.image, ROUGHNESS: rough.image}
    assert colour.image.colorspace_settings.name == "sRGB"
    assert rough.image.colorspace_settings.name == "Non-Color"
    assert (colour.image.name, rough.image.name) == ("Cube rough bricks", "Cube rough bricks Roughness")
    assert abs(rough.image.pixels[0] - fake_engine.ROUGH / 255) < 1e-6
    for node in (colour, rough):
        assert node.inputs["Vector"].links[0].from_node.uv_map == "UVMap"
        assert node.image.packed_file
    assert material.node_tree.nodes.active == colour
    assert tuple(colour.location) != tuple(rough.location)


def test_the_result_is_seen_by_its_colour_and_goes_with_all_channels():
    obj = helper.cube()
    before = set(bpy.data.images)
    helper.generate("rough bricks")
    (result,) = history.of(obj)
    made = set(bpy.data.images) - before
    assert len(made) == 2
    assert history.image(result) == fed(material_of(obj), "Base Color").image
    assert [image.name for image in made if thumbnail.read(image) is not None] == ["Cube rough bricks"]
    assert history.problems(obj, result) == []
    OPS.remove_result()
    assert set(bpy.data.images) == before


def test_each_file_lies_beside_the_blend():
    folder = Path(tempfile.mkdtemp())
    obj = helper.cube()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "a.blend"))
    helper.generate("rough bricks")
    names = ["Cube_rough_bricks.png", "Cube_rough_bricks_Roughness.png"]
    assert sorted(path.name for path in (folder / "textures").iterdir()) == names
    (folder / "textures" / names[1]).unlink()
    assert names[1] in history.problems(obj, history.of(obj)[0])[0]
    bpy.ops.wm.read_homefile(use_empty=True)


def test_all_channels_feed_a_material_of_ones_own_and_leave_it_again():
    obj = helper.cube()
    own = mine(obj)
    shader = own.node_tree.nodes["Principled BSDF"]
    noise = own.node_tree.nodes.new("ShaderNodeTexNoise")
    own.node_tree.links.new(noise.outputs[0], shader.inputs["Roughness"])
    count = len(own.node_tree.nodes)
    helper.generate("rough bricks")
    assert OPS.feed_base_color() == {"FINISHED"}
    assert material_of(obj) == own
    assert fed(own, "Base Color").image.name == "Cube rough bricks"
    assert fed(own, "Roughness").image.name == "Cube rough bricks Roughness"
    helper.generate("bricks")  # of one channel: the other one is the artist's again
    assert OPS.feed_base_color() == {"FINISHED"}
    assert fed(own, "Base Color").image.name == "Cube bricks"
    assert fed(own, "Roughness") == noise
    OPS.show_result(index=0)
    OPS.feed_base_color()
    assert fed(own, "Roughness").image.name == "Cube rough bricks Roughness"
    assert OPS.unfeed_base_color() == {"FINISHED"}
    assert fed(own, "Roughness") == noise
    assert not shader.inputs["Base Color"].links
    assert len(own.node_tree.nodes) == count


def test_relief_goes_through_a_normal_map_and_glow_is_turned_up():
    obj = helper.cube()
    assert helper.generate("whole bricks") == {"FINISHED"}
    material = material_of(obj)
    images = datablocks.images_by_channel(material)
    assert list(images) == list(CHANNELS.values())
    spaces = {channel.name: image.colorspace_settings.name for channel, image in images.items()}
    assert {name for name, space in spaces.items() if space == "sRGB"} == {"base_color", "emission"}
    normal = fed(material, "Normal")
    assert (normal.bl_idname, normal.space, normal.uv_map) == ("ShaderNodeNormalMap", "TANGENT", "UVMap")
    assert normal.inputs["Color"].links[0].from_node.image == images[CHANNELS["normal"]]
    shader = material.node_tree.nodes["Principled BSDF"]
    assert shader.inputs["Emission Strength"].default_value == 1
    assert fed(material, "Emission Color").image == images[CHANNELS["emission"]]
    relief = next(node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeDisplacement")
    assert relief.inputs["Height"].links[0].from_node.image == images[CHANNELS["height"]]
    assert not relief.outputs[0].links
    assert (relief.space, relief.inputs["Scale"].default_value) == ("WORLD", fake_engine.RELIEF)
    places = [tuple(node.location) for node in material.node_tree.nodes]
    assert len(set(places)) == len(places)


def test_a_material_of_ones_own_is_turned_up_and_down_again():
    obj = helper.cube()
    own = mine(obj)
    shader = own.node_tree.nodes["Principled BSDF"]
    shader.inputs["Emission Strength"].default_value = 0.25
    bump = own.node_tree.nodes.new("ShaderNodeBump")
    own.node_tree.links.new(bump.outputs[0], shader.inputs["Normal"])
    count = len(own.node_tree.nodes)
    helper.generate("whole bricks")
    assert OPS.feed_base_color() == {"FINISHED"}
    assert fed(own, "Normal").bl_idname == "ShaderNodeNormalMap"
    assert shader.inputs["Emission Strength"].default_value == 1
    assert OPS.unfeed_base_color() == {"FINISHED"}
    assert fed(own, "Normal") == bump
    assert shader.inputs["Emission Strength"].default_value == 0.25
    assert len(own.node_tree.nodes) == count


def test_a_texture_painted_anew_in_colour_keeps_its_relief():
    obj = helper.cube()
    helper.generate("whole bricks")
    before = datablocks.images_by_channel(material_of(obj))
    helper.generate("bricks", from_texture=True)
    after = datablocks.images_by_channel(material_of(obj))
    assert list(after) == list(before)
    assert [channel.name for channel in after if after[channel] != before[channel]] == ["base_color"]
    OPS.remove_result()
    assert datablocks.images_by_channel(material_of(obj)) == before


def output_of(material):
    return material.node_tree.get_output_node("ALL")


def links_of(material):
    """Which sockets are linked, in any order."""
    links = material.node_tree.links
    return {(one.from_node.name, one.from_socket.name, one.to_node.name, one.to_socket.name) for one in links}


def unlinked(dump):
    """Without the order of links."""
    return {place: value for place, value in dump.items() if "node_tree.links[" not in place}


def test_displacement_is_real_at_a_click_and_shading_again_at_another():
    obj = helper.cube()
    helper.generate("whole bricks")
    material = material_of(obj)
    links, before = links_of(material), unlinked(helper.dump())
    assert OPS.true_displacement() == {"FINISHED"}
    assert OPS.true_displacement() == {"FINISHED"}  # as it is
    assert output_of(material).inputs["Displacement"].links[0].from_node.bl_idname == "ShaderNodeDisplacement"
    assert material.displacement_method == "BOTH"
    shader = material.node_tree.nodes["Principled BSDF"]
    assert not shader.inputs["Normal"].links  # else the relief would count twice
    (finer,) = obj.modifiers
    # six faces, 64 x 64 heights, four of them a face: 6 x 4^4 = 1536 of at least 1024
    assert (finer.type, finer.subdivision_type, finer.render_levels) == ("SUBSURF", "SIMPLE", 4)
    assert OPS.true_displacement(use=False) == {"FINISHED"}
    assert links_of(material) == links
    helper.check_same(before, unlinked(helper.dump()))


def test_displacement_leaves_with_the_result_and_a_fine_mesh_as_it_is():
    obj = helper.cube()
    usual = obj.modifiers.new("fine", "SUBSURF")
    usual.levels = 5
    helper.generate("whole bricks")
    OPS.true_displacement()
    assert list(obj.modifiers) == [usual]
    usual.levels = 0
    bpy.context.view_layer.update()
    OPS.true_displacement(rounded=True)
    assert [one.subdivision_type for one in obj.modifiers] == ["CATMULL_CLARK"] * 2
    OPS.remove_result()
    assert list(obj.modifiers) == [usual]


def test_what_has_no_height_says_so():
    helper.cube()
    helper.generate("bricks")
    before = helper.dump()
    helper.raises(lambda: OPS.true_displacement(), "has no height", "Full")
    helper.check_same(before, helper.dump())


def test_a_material_that_was_taken_apart_says_so():
    obj = helper.cube()
    helper.generate("whole bricks")
    tree = material_of(obj).node_tree
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    before = helper.dump()
    helper.raises(lambda: OPS.true_displacement(), "Principled BSDF", "by hand")
    helper.check_same(before, helper.dump())


def test_repainting_keeps_how_far_the_relief_reaches():
    obj = helper.cube()
    helper.generate("whole bricks")
    helper.generate("bricks", from_texture=True)
    assert displacement.relief(material_of(obj)) == fake_engine.RELIEF


def test_a_tile_is_a_whole_material():
    obj = helper.cube()
    assert OPS.new_tile(prompt="whole bricks", repeat=4) == {"FINISHED"}
    material = material_of(obj)
    images = datablocks.images_by_channel(material)
    assert list(images) == list(CHANNELS.values())
    mapping = fed(material, "Base Color").inputs["Vector"].links[0].from_node
    nodes = [node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeTexImage"]
    assert {node.inputs["Vector"].links[0].from_node for node in nodes} == {mapping}
    normal = fed(material, "Normal")
    assert (normal.bl_idname, normal.uv_map) == ("ShaderNodeNormalMap", "UVMap")
    # the cube is 2 wide, so a tile is 0.5
    assert displacement.relief(material) == 0.5 * fake_engine.RELIEF
    assert OPS.true_displacement() == {"FINISHED"}
    scene = bpy.context.scene
    scene.sync_texture_tile.channels = "color"
    OPS.new_tile(prompt="whole bricks")
    assert list(datablocks.images_by_channel(material_of(obj))) == [main_channel()]
    OPS.use_settings(index=0)
    assert scene.sync_texture_tile.channels == "full"


def test_a_tile_from_six_sides_is_shaded_by_its_heights():
    obj = helper.mesh_object("plane", *helper.PLANE[:2])
    OPS.new_tile(prompt="whole bricks", repeat=2)
    material = material_of(obj)
    assert CHANNELS["normal"] not in datablocks.images_by_channel(material)
    bump = fed(material, "Normal")
    assert bump.bl_idname == "ShaderNodeBump"
    assert bump.inputs["Distance"].default_value == displacement.relief(material)
    heights = bump.inputs["Height"].links[0].from_node
    assert (heights.image, heights.projection) == (
        datablocks.images_by_channel(material)[CHANNELS["height"]],
        "BOX",
    )


def test_tangents_of_tests_are_blender_s():
    """What judges the seams of normal maps elsewhere is what Blender shades with."""
    bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=2)
    mesh = bpy.context.object.data
    mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    mirrored = mesh.uv_layers.active.data  # some of it
    for i in range(0, len(mirrored), 3):
        if mirrored[i].uv[0] < 0.5:
            for k in range(3):
                mirrored[i + k].uv[0] = 0.4 - mirrored[i + k].uv[0]
    shape = (len(mesh.polygons), 3)
    uvs = np.array([one.uv for one in mirrored]).reshape(*shape, 2)
    mesh.calc_tangents()
    points = np.array([mesh.vertices[one.vertex_index].co for one in mesh.loops]).reshape(*shape, 3)
    normals = np.array([one.normal for one in mesh.loops]).reshape(*shape, 3)
    found, sign = tangents(points, normals, uvs)
    theirs = np.array([one.tangent for one in mesh.loops]).reshape(*shape, 3)
    signs = np.array([one.bitangent_sign for one in mesh.loops]).reshape(shape)
    assert (sign[:, None] == signs).all()
    assert {*sign} == {-1.0, 1.0}
    assert ((found * theirs).sum(axis=2) > 0.9999).all()


def test_the_panel_asks_for_colour_alone():
    obj = helper.cube()
    assert bpy.context.scene.sync_texture.channels == "full"
    helper.generate("bricks", channels="color")
    assert material_of(obj)[datablocks.TAG]["channels"] == "color"


def test_results_of_one_channel_are_marked_as_before():
    obj = helper.cube()
    helper.generate("bricks")
    image = history.image(history.of(obj)[0])
    assert datablocks.CHANNEL not in image
    assert datablocks.channel(image) == main_channel()


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
