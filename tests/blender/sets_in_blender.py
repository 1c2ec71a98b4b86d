"""Run inside Blender or bpy by test_in_blender.py: several objects, UDIM tiles, textures by material."""

from __future__ import annotations

import json
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

from sync_texture.blender_sync_addon.command import main  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine, texture_job  # noqa: E402
from sync_texture.blender_sync_addon.jobs.job_files import file_names  # noqa: E402
from sync_texture.blender_sync_addon.operators import running_job  # noqa: E402
from sync_texture.blender_sync_addon.read.settings import Settings  # noqa: E402
from sync_texture.blender_sync_addon.results import recording  # noqa: E402

COLOURS = dict(zip(("red", "green", "blue", "yellow"), fake_engine.PLAIN, strict=True))


def generate(prompt="bricks", **options):
    return bpy.ops.sync_texture.generate(prompt=prompt, **options)


def quads(name, places, tiles=None):
    """Unit squares in one mesh, each centred at one of ``places`` with its UVs in one of ``tiles``."""
    corners = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
    vertices = [(x + a, y + b, 0) for x, y in places for a, b in corners]
    faces = [tuple(range(4 * i, 4 * i + 4)) for i in range(len(places))]
    uvs = [(u + a + 0.5, v + b + 0.5) for u, v in tiles or [(0, 0)] * len(places) for a, b in corners]
    return helper.mesh_object(name, vertices, faces, uvs)


def select(*objects):
    for obj in bpy.context.view_layer.objects:
        obj.select_set(obj in objects)
    bpy.context.view_layer.objects.active = objects[0]


def seen(path, *places):
    """The colours at ``places``, looking down on the scene."""
    helper.look_down(width=4.0)
    picture = helper.render(TMP / path)
    size = len(picture)
    return [
        helper.nearest(picture[int((y + 2) / 4 * size), int((x + 2) / 4 * size)], COLOURS) for x, y in places
    ]


def image_of(material):
    return next(node.image for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeTexImage")


def test_all_selected_objects_are_sent_as_they_stand_and_each_shows_its_own():
    one, other = quads("one", [(0, 0)]), quads("other", [(0, 0)])
    aside = quads("aside", [(0, 0)])
    one.location, other.location, aside.location = (-1, 0, 0), (1, 0, 0), (0, 9, 0)
    other.rotation_euler = (0, 0, 0.5)
    bpy.context.view_layer.update()
    select(other, one)
    out = Path(tempfile.mkdtemp())
    job = texture_job.TextureJob([other, one], Settings(prompt="bricks"), out)
    assert job.name == "other and 1 more"
    job.wait()
    outcome = recording.finish(job)
    job.close()
    assert [textured.object for textured in outcome.objects] == ["other", "one"]
    for obj, name in ((other, "given.npz"), (one, "given.1.npz")):
        world = np.array([obj.matrix_world @ v.co for v in obj.data.vertices], np.float32)
        wanted = np.stack([world[:, 0], world[:, 2], -world[:, 1]], axis=1)
        np.testing.assert_allclose(np.load(out / name)["vertices"], wanted, atol=1e-6)
    request = json.loads((out / "request.json").read_text())
    assert [Path(path).stem for path in (request["mesh"], *request["other_meshes"])] == ["other", "one"]
    assert aside.material_slots.keys() == []
    assert seen("objects.png", (1, 0), (-1, 0)) == ["red", "green"]


def test_the_operator_takes_the_active_or_all_selected():
    one, other = quads("one", [(0, 0)]), quads("other", [(0, 0)])
    bpy.ops.object.light_add()
    lamp = bpy.context.object
    select(one, other, lamp)
    assert generate() == {"FINISHED"}
    assert not other.material_slots
    assert generate(target="selected") == {"FINISHED"}
    assert [obj.material_slots[0].material.name for obj in (one, other)] == ["one bricks.001", "other bricks"]
    generate("warn", target="selected")
    assert running_job.last_warnings(one) == running_job.last_warnings(other) == ("fake warning",)
    bpy.context.scene.sync_texture.target = "selected"
    select(lamp)
    helper.raises(generate, "not a mesh but a light")
    select(lamp, other)
    assert generate("moss") == {"FINISHED"}
    assert other.material_slots[0].material.name == "other moss"


def test_new_uvs_go_to_the_object_that_they_are_for():
    one, other = quads("one", [(0, 0)]), quads("other", [(0, 0), (1, 0)])
    other.data.uv_layers.remove(other.data.uv_layers[0])
    other.data.update()  # Blender doesn't tag the mesh by itself
    select(one, other)
    assert generate(target="selected") == {"FINISHED"}
    assert [layer.name for layer in one.data.uv_layers] == ["UVMap"]
    assert [layer.name for layer in other.data.uv_layers] == ["SyncTexture"]
    layer = other.data.uv_layers[0]
    for polygon in other.data.polygons:
        for loop in polygon.loop_indices:
            vertex = other.data.loops[loop].vertex_index
            wanted = fake_engine.known_uv(np.array(polygon.index), np.array(vertex))
            assert np.allclose(layer.uv[loop].vector, wanted)


def test_nothing_is_changed_when_one_of_them_fails():
    one, other = quads("one", [(0, 0)]), quads("other", [(0, 0)])
    while len(other.data.uv_layers) < 8:
        other.data.uv_layers.new()
    select(one, other)
    before = helper.dump()
    helper.raises(lambda: generate(target="selected", unwrap="always"), "needs a new UV map, and has 8")
    helper.check_same(before, helper.dump())


PLACES, TILES = [(-1, -1), (1, -1), (-1, 1)], [(0, 0), (1, 0), (0, 1)]


def check_tiled(obj, name):
    image = image_of(obj.material_slots[0].material)
    assert image.source == "TILED"
    assert [tile.number for tile in image.tiles] == [1001, 1002, 1011]
    assert image.colorspace_settings.name == "sRGB"
    assert seen(name, *PLACES) == ["red", "green", "blue"]
    return image


def test_udim_tiles_become_a_tiled_image_that_is_packed():
    obj = quads("tiles", PLACES, TILES)
    assert generate() == {"FINISHED"}
    image = check_tiled(obj, "packed.png")
    assert len(image.packed_files) == 3
    path = Path(tempfile.mkdtemp()) / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    check_tiled(bpy.data.objects["tiles"], "reopened.png")


def test_udim_tiles_lie_beside_a_saved_file_as_blender_names_them():
    folder = Path(tempfile.mkdtemp())
    obj = quads("tiles", PLACES, TILES)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    generate()
    generate()
    names = [f"tiles_bricks{n}.{tile}.png" for n in ("", "-2") for tile in (1001, 1002, 1011)]
    assert sorted(p.name for p in (folder / "textures").iterdir()) == sorted(names)
    image = check_tiled(obj, "beside.png")
    assert image.filepath == "//textures/tiles_bricks-2.<UDIM>.png"
    assert not image.packed_files
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(folder / "scene.blend"))
    check_tiled(bpy.data.objects["tiles"], "beside_again.png")


def test_a_tiled_image_without_tile_1001():
    obj = quads("tiles", PLACES[:2], [(1, 0), (2, 0)])
    generate()
    image = image_of(obj.material_slots[0].material)
    assert [tile.number for tile in image.tiles] == [1002, 1003]
    assert seen("no1001.png", *PLACES[:2]) == ["red", "green"]


def test_starting_from_tiles_and_from_several_objects():
    one, other = quads("one", PLACES, TILES), quads("other", [(0, 0)])
    select(one, other)
    generate(target="selected")
    out = Path(tempfile.mkdtemp())
    job = texture_job.TextureJob([one, other], Settings(prompt="wood", from_texture=True), out)
    job.wait()
    request = json.loads((out / "request.json").read_text())
    assert Path(request["init_texture"]).name == "start.<SET>.<UDIM>.png"
    names = [f"start.one.{tile}.png" for tile in (1001, 1002, 1011)] + ["start.other.1001.png"]
    for name, colour in zip(names, fake_engine.PLAIN, strict=True):
        image = bpy.data.images.load(str(job.folder / name))
        np.testing.assert_allclose(np.array(image.pixels[:3]) * 255, colour, atol=1)
        bpy.data.images.remove(image)
    recording.finish(job)
    job.close()


def test_a_texture_for_each_material():
    obj = quads("both", PLACES[:2])
    for name in ("wood", "iron"):
        obj.data.materials.append(bpy.data.materials.new(name))
    obj.data.polygons.foreach_set("material_index", [1, 0])
    assert generate(texture_sets="material") == {"FINISHED"}
    assert [m.name for m in obj.data.materials] == ["wood", "iron"]
    names = ["both wood bricks", "both iron bricks"]
    assert [slot.material.name for slot in obj.material_slots] == names
    assert seen("materials.png", *PLACES[:2]) == ["green", "red"]
    generate("moss", texture_sets="material")  # by the artist's materials, not by ours
    assert [slot.material.name for slot in obj.material_slots] == ["both wood moss", "both iron moss"]
    assert bpy.ops.sync_texture.restore_materials() == {"FINISHED"}
    assert [slot.material.name for slot in obj.material_slots] == ["wood", "iron"]


def test_slots_of_one_material_share_a_texture():
    obj = quads("both", PLACES)
    wood, iron = (bpy.data.materials.new(name) for name in ("wood", "iron"))
    for material in (wood, iron, wood):
        obj.data.materials.append(material)
    obj.data.polygons.foreach_set("material_index", [0, 1, 2])
    assert generate(texture_sets="material") == {"FINISHED"}
    names = [slot.material.name for slot in obj.material_slots]
    assert names == ["both wood bricks", "both iron bricks", "both wood bricks"]
    assert seen("shared.png", *PLACES) == ["red", "green", "red"]


def test_command_textures_several_objects():
    folder = Path(tempfile.mkdtemp())
    for i, name in enumerate(("one", "other", "third")):
        quads(name, [(0, 0)]).location = (i, 0, 0)
    words = ["texture", "--prompt", "bricks", "--object", "other", "--object", "one", "--quiet", "--glb"]
    assert main.run([*words, str(folder / "a.glb"), "--out", str(folder / "out")]) == 0
    blob = (folder / "a.glb").read_bytes()
    gltf = json.loads(blob[20 : 20 + int.from_bytes(blob[12:16], "little")])
    assert sorted(node["name"] for node in gltf["nodes"]) == ["one", "other"]
    assert len(gltf["images"]) == 2
    assert bpy.data.objects["third"].material_slots.keys() == []


def test_names_of_files():
    assert file_names(["Cube", "cube", "a.b/c", "", "Cube"]) == [
        "Cube",
        "cube-2",
        "a_b_c",
        "object",
        "Cube-3",
    ]


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
