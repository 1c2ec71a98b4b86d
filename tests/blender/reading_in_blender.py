"""Run inside Blender or bpy by test_in_blender.py: the meshes that the engine is sent."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np
from helper import effort, fake_engine

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.read import mesh as read_mesh  # noqa: E402


def reading(obj, **options):
    return read_mesh.read(obj, bpy.context.evaluated_depsgraph_get(), read_mesh.WantedMesh(**options))


def read(obj, **options):
    return reading(obj, **options).arrays()


def signed_volume(arrays):
    a, b, c = (arrays.vertices[arrays.faces[:, k]].astype(float) for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def test_axes_are_the_engines():
    obj = helper.mesh_object("tri", [(1, 2, 3), (4, 5, 6), (7, 8, 10)], [(0, 1, 2)])
    arrays = read(obj)
    assert np.array_equal(arrays.vertices, [(1, 3, -2), (4, 6, -5), (7, 10, -8)])


def test_scale_counts_and_mirroring_keeps_the_outside_outside():
    obj = helper.cube(location=(5, 6, 7), rotation=(0.3, 0.2, 0.1))
    for scale in ((1, 2, 3), (-1, 2, 3), (-1, -2, 3), (-1, -2, -3)):
        obj.scale = scale
        bpy.context.view_layer.update()
        arrays = read(obj)
        assert np.allclose(np.ptp(arrays.vertices, axis=0), (2, 6, 4), atol=1e-5)
        assert abs(signed_volume(arrays) - 48) < 1e-3, scale
        assert np.allclose(read_mesh.scale(obj), scale, atol=1e-5)


def test_a_mirroring_parent():
    obj = helper.cube()
    parent = bpy.data.objects.new("parent", None)
    bpy.context.collection.objects.link(parent)
    parent.scale = (1, 1, -1)
    obj.parent = parent
    bpy.context.view_layer.update()
    assert np.allclose(read_mesh.scale(obj), (-1, 1, 1))
    assert signed_volume(read(obj)) > 0


def test_mirrored_corners_keep_their_uvs():
    obj = helper.cube()
    plain = read(obj)
    obj.scale.x = -1
    bpy.context.view_layer.update()
    mirrored = read(obj)
    loops = np.empty((len(obj.data.loops), 2), np.float32)
    obj.data.uv_layers.active.uv.foreach_get("vector", loops.ravel())
    verts = np.array([loop.vertex_index for loop in obj.data.loops])
    for arrays in (plain, mirrored):
        assert np.array_equal(loops[arrays.corners], arrays.uvs)
        assert np.array_equal(verts[arrays.corners], arrays.faces)


def test_polygons_and_new_uvs_fit_each_loop():
    """A ten-gon, quads and triangles: each loop gets the UV that the engine gave to its polygon's corner."""
    bpy.ops.mesh.primitive_cylinder_add(vertices=10, calc_uvs=False)
    obj = bpy.context.object
    while obj.data.uv_layers:
        obj.data.uv_layers.remove(obj.data.uv_layers[0])
    obj.scale.y = -1
    bpy.context.view_layer.update()
    helper.generate()
    layer = obj.data.uv_layers["SyncTexture"]
    for polygon in obj.data.polygons:
        for loop in polygon.loop_indices:
            wanted = fake_engine.known_uv(
                np.array(polygon.index), np.array(obj.data.loops[loop].vertex_index)
            )
            assert np.allclose(layer.uv[loop].vector, wanted), (polygon.index, loop)
    assert layer.active
    assert layer.active_render


def test_the_chosen_uv_map_is_sent():
    obj = helper.cube()
    second = obj.data.uv_layers.new(name="second")
    second.uv.foreach_set("vector", np.full(48, 0.25, np.float32))
    assert reading(obj).uv_layer == "UVMap"
    assert (read(obj, uv_layer="second").uvs == 0.25).all()
    helper.generate(uv_layer="second")
    assert helper.nodes_of(obj.material_slots[0].material)["ShaderNodeUVMap"].uv_map == "second"
    assert obj.data.uv_layers.active.name == "UVMap"


def test_deforming_modifiers_are_seen_and_can_get_new_uvs():
    obj = helper.cube()
    obj.modifiers.new("displace", "DISPLACE").strength = 3.0
    arrays = read(obj)
    assert np.abs(arrays.vertices).min() > 1.5, arrays.vertices
    helper.generate(unwrap="always")
    assert "SyncTexture" in obj.data.uv_layers


def test_topology_modifiers_with_uvs_are_sent_whole():
    obj = helper.cube()
    obj.modifiers.new("subdivide", "SUBSURF").levels = 2
    arrays = read(obj)
    assert len(arrays.faces) == 6 * 16 * 2
    how = reading(obj)
    assert (how.unwrap, how.warnings, how.uv_layer, how.on_base) == ("never", (), "UVMap", False)
    assert helper.generate() == {"FINISHED"}
    assert len(obj.data.uv_layers) == 1


def test_topology_modifiers_without_uvs_unwrap_the_base():
    obj = helper.cube(calc_uvs=False)
    while obj.data.uv_layers:
        obj.data.uv_layers.remove(obj.data.uv_layers[0])
    obj.modifiers.new("subdivide", "SUBSURF").levels = 2
    arrays = read(obj)
    assert len(arrays.faces) == 12
    assert reading(obj).warnings == (read_mesh.MODIFIERS_LEFT_OUT,)
    assert helper.generate() == {"FINISHED"}
    assert [layer.name for layer in obj.data.uv_layers] == ["SyncTexture"]
    evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    assert [layer.name for layer in evaluated.data.uv_layers] == ["SyncTexture"]


def test_useless_uvs_behind_modifiers_are_replaced():
    obj = helper.cube()
    obj.data.uv_layers[0].uv.foreach_set("vector", np.full(48, 0.5, np.float32))
    obj.modifiers.new("mirror", "MIRROR")
    assert reading(obj).warnings == (read_mesh.MODIFIERS_LEFT_OUT,)
    helper.raises(lambda: helper.generate(unwrap="never"), "no UV map that has an area", "Use Unwrap")
    far = np.random.default_rng(0).uniform(-9, 9, 48).astype(np.float32)
    obj.data.uv_layers[0].uv.foreach_set("vector", far)
    obj.data.update_tag()
    assert reading(obj).warnings == (read_mesh.MODIFIERS_LEFT_OUT,)
    kept = reading(obj, unwrap="never")
    assert (kept.unwrap, kept.warnings) == ("never", ())


def test_shape_keys_are_seen():
    obj = helper.cube()
    obj.shape_key_add(name="Basis")
    key = obj.shape_key_add(name="tall")
    for point in key.data:
        point.co.z *= 3
    key.value = 1.0
    assert np.ptp(read(obj).vertices[:, 1]) == 6


def calls_to_read(side):
    """How many functions a grid of ``side`` x ``side`` vertices takes to read."""
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=side, y_subdivisions=side)
    obj, depsgraph = bpy.context.object, bpy.context.evaluated_depsgraph_get()
    return effort.calls(lambda: read_mesh.read(obj, depsgraph, read_mesh.WantedMesh()))


def test_reading_calls_nothing_for_each_face():
    """So a mesh of 200,000 faces is read in a third of a second (``tests/bench/ui.py``)."""
    few, many = calls_to_read(4), calls_to_read(300)
    print(f"       {few} and {many} calls")
    assert 0 < many <= few + 10


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
