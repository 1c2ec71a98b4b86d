"""Run inside Blender or bpy by test_in_blender.py: objects whose modifiers decide what of a result would be
seen. What can't come out right is refused before the engine hears of it, and changes nothing."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np
import scenes

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.read import mesh as read_mesh  # noqa: E402


def suzanne(name="Suzanne"):
    bpy.ops.mesh.primitive_monkey_add()
    bpy.context.object.name = name
    return bpy.context.object


def reading(obj, **options):
    return read_mesh.read(obj, bpy.context.evaluated_depsgraph_get(), read_mesh.WantedMesh(**options))


def evaluated(obj):
    return obj.evaluated_get(bpy.context.evaluated_depsgraph_get())


def shown(obj) -> set[str]:
    """What Blender shows on the faces of ``obj``, by name: its own exporter's rule."""
    found = evaluated(obj)
    slots = [slot.material and slot.material.name for slot in found.material_slots]
    return {slots[min(polygon.material_index, len(slots) - 1)] for polygon in found.data.polygons}


def refused(*words, **options):
    """Generate must say these ``words``, start no engine, and leave everything as it was."""
    engine.supervisor.shutdown()
    before = helper.dump()
    text = helper.raises(lambda: helper.generate(**options), *words)
    helper.check_same(before, helper.dump())
    assert engine.supervisor.pid is None
    assert len(text.strip().splitlines()) == 1, text


def test_modifiers_that_drop_uv_maps():
    for name in ("REMESH", "WIREFRAME", "SKIN"):
        obj = helper.cube()
        made = obj.modifiers.new("one", name)
        if name == "REMESH":
            made.mode = "VOXEL"
        refused("The modifiers of 'Cube'", "no usable UV map", "Object > Convert > Mesh")
        refused("no usable UV map", unwrap="always")
        refused("no usable UV map", unwrap="never")
        while obj.data.uv_layers:
            obj.data.uv_layers.remove(obj.data.uv_layers[0])
        refused("no usable UV map")
        bpy.data.objects.remove(obj)


def test_after_converting_as_advised_there_is_a_texture():
    obj = suzanne()
    obj.modifiers.new("one", "REMESH").mode = "VOXEL"
    bpy.ops.object.convert(target="MESH")
    assert helper.generate() == {"FINISHED"}
    (layer,) = obj.data.uv_layers
    assert helper.nodes_of(obj.material_slots[0].material)["ShaderNodeUVMap"].uv_map == layer.name


def test_nodes_that_take_the_uv_map_away():
    obj = suzanne()
    scenes.nodes(obj, scenes.without_uv_map("UVMap"))
    read = reading(obj)
    assert (read.uv_layer, read.on_base) == (None, True)
    assert helper.generate() == {"FINISHED"}  # a new one comes through
    (made,) = evaluated(obj).data.uv_layers
    assert made.name == "SyncTexture"


def test_modifiers_that_make_the_faces():
    for kind in ("SCREW", "SKIN"):
        obj = scenes.edges("Vase")
        obj.modifiers.new("one", kind)
        refused("modifiers of 'Vase'", "no usable UV map", "Object > Convert > Mesh")
        bpy.data.objects.remove(obj)
    scenes.nodes(scenes.edges("Ball"), scenes.sphere())
    refused("modifiers of 'Ball", "no usable UV map")


def test_nodes_that_make_faces_with_a_uv_map_are_textured():
    for materials in ([], ["wood"]):
        obj = scenes.edges("Ball")
        for name in materials:
            obj.data.materials.append(bpy.data.materials.new(name))
        scenes.nodes(obj, scenes.sphere("ball"))
        read = reading(obj)
        assert (read.uv_layer, read.unwrap, len(read.triangles)) == ("ball", "never", 960), read
        assert helper.generate() == {"FINISHED"}
        material = obj.material_slots[0].material
        assert shown(obj) == {material.name}, shown(obj)
        assert helper.nodes_of(material)["ShaderNodeUVMap"].uv_map == "ball"
        assert not len(obj.data.polygons)
        bpy.data.objects.remove(obj)


def test_nodes_that_show_a_material_of_their_own():
    gold = bpy.data.materials.new("gold")
    for own in ([], ["wood"]):
        obj = suzanne()
        for name in own:
            obj.data.materials.append(bpy.data.materials.new(name))
        scenes.nodes(obj, scenes.set_material(gold))
        assert shown(obj) == {"gold"}
        refused("The modifiers of 'Suzanne", "show 'gold'", "Object > Convert > Mesh")
        bpy.data.objects.remove(obj)


def test_faces_with_a_material_of_the_nodes_are_left_out():
    obj = helper.cube()
    scenes.nodes(obj, scenes.set_material(bpy.data.materials.new("gold"), where=2))
    read = reading(obj)
    assert sorted(set(read.polygons.tolist())) == [0, 1, 3, 4, 5]
    (said,) = read.warnings
    assert said == "Faces of 'Cube' on which its modifiers show 'gold' are left out"
    assert read.arrays().faces.shape == (10, 3)
    assert helper.generate() == {"FINISHED"}
    assert shown(obj) == {"gold", obj.material_slots[0].material.name}
    assert helper.generate(unwrap="always") == {"FINISHED"}


def test_nodes_that_show_what_a_slot_has_hide_nothing():
    obj = helper.cube()
    wood = bpy.data.materials.new("wood")
    obj.data.materials.append(wood)
    scenes.nodes(obj, scenes.set_material(wood))
    assert reading(obj).warnings == ()
    assert helper.generate() == {"FINISHED"}
    assert shown(obj) == {obj.material_slots[0].material.name}


def test_instances_of_nodes():
    obj = suzanne()
    scenes.nodes(obj, scenes.cubes_on_points(beside=False))
    refused("'Suzanne' has no faces, but shows instances", "Realize Instances", "Object > Convert > Mesh")
    obj.modifiers.clear()
    scenes.nodes(obj, scenes.cubes_on_points(beside=True))
    (said,) = reading(obj).warnings
    assert said == "The instances beside the mesh of 'Suzanne' are not textured with it"
    other = helper.cube()
    obj.modifiers.clear()
    scenes.nodes(obj, scenes.objects_as_instances(other))
    bpy.context.view_layer.objects.active = obj
    refused("'Suzanne' has no faces, but shows instances of 'Cube'", "Texture what", "Make Instances Real")


def test_the_advice_about_instances_leads_to_a_texture():
    obj = suzanne()
    scenes.nodes(obj, scenes.realised(scenes.cubes_on_points(beside=False)))
    bpy.ops.object.convert(target="MESH")
    assert len(obj.data.polygons) == 6 * 507
    assert helper.generate() == {"FINISHED"}
    bpy.data.objects.remove(obj)
    cube, obj = helper.cube(), suzanne()
    scenes.nodes(obj, scenes.objects_as_instances(cube))
    bpy.ops.object.select_all(action="DESELECT")
    obj.select_set(True)
    bpy.ops.object.duplicates_make_real()
    (made,) = (one for one in bpy.context.selected_objects if one not in (cube, obj))
    bpy.context.view_layer.objects.active = made
    assert helper.generate() == {"FINISHED"}
    assert shown(made) == {made.material_slots[0].material.name}


def test_realised_instances_of_an_object_are_textured_on_its_uv_map():
    cube, obj = helper.cube(), scenes.edges("Host")
    cube.data.materials.append(bpy.data.materials.new("wood"))
    scenes.nodes(obj, scenes.realised(scenes.objects_as_instances(cube)))
    read = reading(obj)
    assert (read.uv_layer, read.unwrap, len(read.triangles)) == ("UVMap", "never", 12)
    assert helper.generate() == {"FINISHED"}
    material = obj.material_slots[0].material
    assert shown(obj) == {material.name}
    assert helper.nodes_of(material)["ShaderNodeUVMap"].uv_map == "UVMap"
    assert [slot.material.name for slot in cube.material_slots] == ["wood"]


def test_an_instanced_collection():
    scenes.instancer("Forest", helper.cube())
    refused("'Forest here' is an empty that shows the collection 'Forest'", "Texture its objects")


def test_no_meshes_are_called_what_they_are():
    for add, words in (
        (bpy.ops.object.empty_add, "'Empty' is not a mesh but an empty"),
        (bpy.ops.object.armature_add, "but an armature"),
        (bpy.ops.object.light_add, "but a light"),
        (bpy.ops.object.text_add, "but a text. Convert it"),
        (bpy.ops.curve.primitive_bezier_circle_add, "but a curve. Convert it"),
        (bpy.ops.object.metaball_add, "but a metaball. Convert it"),
    ):
        add()
        refused(words)


def test_an_object_that_is_scaled_to_nothing():
    obj = helper.cube()
    for scale in ((0, 0, 0), (0, 0, 2), (0, 1, 0)):
        obj.scale = scale
        refused("'Cube' is scaled to nothing. Check its scale")
    parent = bpy.data.objects.new("parent", None)
    bpy.context.collection.objects.link(parent)
    obj.scale, obj.parent, parent.scale = (1, 1, 1), parent, (0, 0, 0)
    refused("'Cube' is scaled to nothing")
    parent.scale, obj.scale = (1, 1, 1), (1, 1, 0)
    assert helper.generate() == {"FINISHED"}  # flat, but a surface
    helper.mesh_object("line", [(0, 0, 0), (1, 0, 0), (2, 0, 0)], [(0, 1, 2)])
    refused("'line' has no surface")


def test_a_trial_leaves_nothing_behind_and_sees_the_frame():
    obj = suzanne()
    obj.animation_data_create()
    scenes.nodes(obj, scenes.set_material(bpy.data.materials.new("gold"), where=2))
    obj.shape_key_add(name="Basis")
    bpy.context.scene.frame_set(7)
    before = helper.dump()
    reading(obj)
    helper.check_same(before, helper.dump())
    assert bpy.context.scene.frame_current == 7
    assert np.array_equal(reading(obj).points, reading(obj).points)


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
