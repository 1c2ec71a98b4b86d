"""Run inside Blender or bpy by test_in_blender.py: a texture for one material slot, or for selected faces."""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import types
from pathlib import Path
from urllib.parse import unquote

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np
from helper import fake_engine
from mathutils import Matrix, Vector

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.command import main  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine, texture_job  # noqa: E402
from sync_texture.blender_sync_addon.operators.repaint import repaint_settings  # noqa: E402
from sync_texture.blender_sync_addon.read import cameras, picture  # noqa: E402
from sync_texture.blender_sync_addon.read.settings import Settings  # noqa: E402
from tiles import PLACES, SHOWN, generate, given, indices, names, pick, plain, seen, tiles, uvs_of  # noqa: E402


def test_selected_faces_get_a_slot_of_their_own():
    obj = tiles()
    pick(obj, 1, 2)
    uvs = uvs_of(obj)
    mesh, _ = given(obj, target="faces")
    assert len(mesh["faces"]) == 4
    placed = np.unique(np.round(mesh["vertices"][mesh["faces"]].mean(axis=1), 1), axis=0)
    assert sorted({(np.sign(x), np.sign(-z)) for x, _, z in placed}) == [(-1, 1), (1, -1)]
    assert indices(obj) == [0, 2, 3, 1]
    assert names(obj) == ["wood", "iron", "tiles bricks", "tiles bricks"]
    assert [m.name for m in obj.data.materials] == ["wood", "iron", "wood", "iron"]
    assert uvs_of(obj) == uvs
    assert seen() == ["wood", "red", "red", "iron"]
    bpy.ops.sync_texture.restore_materials()
    assert names(obj) == ["wood", "iron", "wood", "iron"]
    assert seen() == ["wood", "wood", "iron", "iron"]


def test_areas_that_only_blender_knows():
    """How much each corner is in a vertex group, face set, attribute, or among the selected faces."""
    obj = tiles()
    pick(obj, 3)
    obj.vertex_groups.new(name="Rust").add([0, 1, 4, 5, 6, 7], 0.5, "REPLACE")
    sets = obj.data.attributes.new(".sculpt_face_set", "INT", "FACE")
    sets.data.foreach_set("value", [7, 2, 2, 7])
    obj.data.attributes.new("worn", "BOOLEAN", "FACE").data.foreach_set("value", [True, False, False, False])
    said = ("group:Rust", "faces:2", "faces:worn", "faces:selected")
    mesh, _ = given(obj, region=tuple(f"{area}=gold" for area in said))
    assert tuple(mesh["area_names"]) == said
    assert tuple(mesh["object_name"]) == ("tiles",)
    middle = np.round(mesh["vertices"][mesh["faces"]].mean(axis=1))
    square = [PLACES.index((np.sign(x), np.sign(-z))) for x, _, z in middle]
    weights = mesh["area_weights"]
    assert [sorted(set(np.ravel(weights[0][np.array(square) == i]))) for i in range(4)] == [
        [0, 0.5],
        [0.5],
        [0],
        [0],
    ]
    for number, inside in ((1, {1, 2}), (2, {0}), (3, {3})):
        np.testing.assert_array_equal(weights[number].all(axis=1), [one in inside for one in square])
    helper.raises(lambda: generate(region="group:rust=gold"), "has no vertex group 'rust'", "'Rust'")
    helper.raises(lambda: generate(region="faces:3=gold"), "has no face set 3")
    helper.raises(lambda: generate(region="mask:nowhere=gold"), "no image and no picture file 'nowhere'")
    helper.raises(lambda: generate(region="wood=gold"), "names no area")


def test_the_faces_of_a_slot():
    obj = tiles()
    assert generate(target="slot", slot="iron") == {"FINISHED"}
    assert indices(obj) == [0, 0, 1, 1]
    assert names(obj) == ["wood", "tiles bricks"]
    assert seen() == ["wood", "wood", "red", "red"]
    obj.active_material_index = 0
    assert generate("moss", target="slot") == {"FINISHED"}
    assert names(obj) == ["tiles moss", "tiles bricks"]
    assert generate("sand", slot="iron") == {"FINISHED"}  # by the artist's name too
    assert names(obj) == ["tiles moss", "tiles sand"]
    bpy.ops.sync_texture.restore_materials()
    assert seen() == ["wood", "wood", "iron", "iron"]


def test_what_stands_beside_the_faces_goes_with_them():
    """Colours, and pictures with the UV map that each is laid out by; not what is painted."""
    obj = tiles(name="50%20 off: a/b")
    mesh, _ = given(obj, target="slot", slot="iron")
    places = mesh["vertices"][mesh["beside_faces"]].mean(axis=1)
    assert len(mesh["faces"]) == len(mesh["beside_faces"]) == 4
    assert {tuple(np.sign(place[[0, 2]])) for place in places} == {(-1, 1), (1, 1)}
    assert mesh["beside_pictures"].tolist() == [""]
    shown = np.array(SHOWN["wood"]) / 255
    np.testing.assert_allclose(mesh["beside_colors"], [shown], atol=0.05)
    obj.data.uv_layers.new(name="other")
    moved = np.add(uvs_of(obj)[1], (0.5, 0.25))
    obj.data.uv_layers["other"].uv.foreach_set("vector", moved.astype(np.float32).ravel())
    image = bpy.data.images.new("rough wood", 4, 4)
    tree = obj.material_slots[0].material.node_tree
    node, layer = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeUVMap")
    node.image, layer.uv_map = image, "other"
    tree.links.new(layer.outputs[0], node.inputs[0])
    tree.links.new(node.outputs[0], tree.nodes["Principled BSDF"].inputs["Base Color"])
    job = texture_job.TextureJob([obj], Settings(prompt="moss", target="slot", slot=1))
    job.wait()
    (path,) = job.folder.glob("*.npz")
    mesh = np.load(path)
    (name,) = map(unquote, mesh["beside_pictures"].tolist())
    assert (job.folder / name).read_bytes().startswith(b"\x89PNG")
    np.testing.assert_allclose(
        np.sort(np.unique(mesh["beside_uvs"][..., 0])), np.unique(moved[:, 0].round(6)), atol=1e-5
    )
    job.close()


def test_faces_of_a_texture_of_ours():
    obj = tiles()
    generate("all", seed=7)
    pick(obj, 0)
    job = texture_job.TextureJob([obj], Settings(prompt="one", target="faces", seed=5))
    assert job.settings.layout == 7, "its patterns go on where those beside it lie"
    job.wait()
    job.close()
    generate("one", target="faces")
    assert indices(obj) == [2, 0, 1, 1]
    assert names(obj) == ["tiles all", "tiles all", "tiles one"]
    generate("again", target="faces")  # the very faces that have a slot already: no new one
    assert names(obj) == ["tiles all", "tiles all", "tiles again"]
    settings = dict(obj.material_slots[2].material["sync_texture"])
    assert (settings["target"], settings["slot"]) == ("slot", 2)  # to make them once more
    pick(obj)
    given(obj, target="slot", slot=2)
    assert names(obj) == ["tiles all", "tiles all", "tiles bricks"]
    bpy.ops.sync_texture.restore_materials()
    assert names(obj) == ["wood", "iron", "wood"]
    assert seen() == ["wood", "wood", "iron", "iron"]


def test_faces_of_an_object_without_materials():
    obj = tiles((0, 0, 0, 0), ())
    pick(obj, 3)
    assert generate(target="faces") == {"FINISHED"}
    assert indices(obj) == [0, 0, 0, 1]
    assert names(obj) == [None, "tiles bricks"]
    pick(obj, 0, 1, 2, 3)
    generate("all", target="faces")
    assert names(obj) == ["tiles all", "tiles all"]
    bpy.ops.sync_texture.restore_materials()
    assert names(obj) == [None, None]


def test_all_faces_need_no_slot_of_their_own():
    obj = tiles((0, 0, 0, 0), ())
    pick(obj, 0, 1, 2, 3)
    assert generate(target="faces") == {"FINISHED"}
    assert names(obj) == ["tiles bricks"]


def test_other_objects_with_the_mesh_look_as_before():
    obj = tiles()
    other = bpy.data.objects.new("other", obj.data)
    bpy.context.collection.objects.link(other)
    own = plain("red")
    other.material_slots[0].link = "OBJECT"
    other.material_slots[0].material = own
    pick(obj, 0, 2)
    generate(target="faces")
    assert names(obj) == ["wood", "iron", "tiles bricks", "tiles bricks"]
    assert names(other) == ["red", "iron", "red", "iron"]
    obj.hide_render = True
    assert seen() == ["red", "red", "iron", "iron"]


def test_what_is_beyond_the_last_slot_keeps_its_look():
    obj = tiles((0, 1, 7, 7))
    pick(obj, 0, 2)
    generate(target="faces")
    assert indices(obj) == [0, 1, 2, 1]
    assert names(obj) == ["tiles bricks", "iron", "tiles bricks"]
    assert seen() == ["red", "iron", "red", "iron"]


def test_new_uvs_are_the_faces_alone():
    obj = tiles()
    before = uvs_of(obj)
    pick(obj, 2)
    generate(target="faces", unwrap="always")
    assert [layer.name for layer in obj.data.uv_layers] == ["UVMap", "SyncTexture"]
    kept, new = uvs_of(obj)
    assert kept == before[0]
    for i, polygon in enumerate(obj.data.polygons):
        for loop in polygon.loop_indices:
            vertex = obj.data.loops[loop].vertex_index
            wanted = fake_engine.known_uv(np.array(0), np.array(vertex)) if i == 2 else (0, 0)
            if i != 2:
                assert new[loop] == wanted
    assert len({new[loop] for loop in obj.data.polygons[2].loop_indices}) > 1


def test_a_texture_for_each_material_of_the_faces():
    obj = tiles()
    pick(obj, 0, 2)
    generate(target="faces", texture_sets="material")
    assert names(obj) == ["wood", "iron", "tiles wood bricks", "tiles iron bricks"]
    assert indices(obj) == [2, 0, 3, 1]


def test_modifiers_carry_the_faces_on():
    for kind in ("ARRAY", "SUBSURF", "SOLIDIFY"):
        helper.empty_scene()
        obj = tiles()
        obj.modifiers.new("made", kind)
        bpy.context.view_layer.update()
        pick(obj, 1, 2)
        whole, _ = given(obj)
        mesh, _ = given(obj, target="faces")
        assert 0 < len(mesh["faces"]) == len(whole["faces"]) // 2, kind
        assert indices(obj) == [0, 2, 3, 1], kind
        mesh, _ = given(obj, target="slot", slot=0)
        assert 0 < len(mesh["faces"]) == len(whole["faces"]) // 4, kind


def test_starting_from_what_the_faces_show():
    obj = tiles()
    generate("start", target="slot", slot="iron")
    pick(obj, 3)
    _, out = given(obj, target="faces", from_texture=True)
    request = json.loads((out / "request.json").read_text())
    assert request["init_texture"]
    pick(obj, 0, 2)
    helper.raises(lambda: generate(target="faces", from_texture=True), "several materials")
    pick(obj, 0)
    helper.raises(lambda: generate(target="faces", from_texture=True), "no image")


def repaint(**options):
    return bpy.ops.sync_texture.repaint(**{"prompt": "moss", **options})


def test_a_part_of_a_texture_is_repainted_with_what_lies_beside_it():
    """All faces that show it are sent, whichever are painted; nothing gets a slot of its own."""
    obj = tiles()
    generate("start", target="slot", slot="iron")
    pick(obj, 3)
    fields = {"from_texture": True, "strength": 1.0}
    mesh, out = given(obj, repaint=("faces:selected",), views="viewport", **fields)
    request = json.loads((out / "request.json").read_text())
    assert (request["repaint"], request["strength"], request["views"]) == (["faces:selected"], 1.0, "auto")
    assert Path(request["init_texture"]).suffix == ".png"
    assert len(mesh["faces"]) == 4
    assert sorted(mesh["area_weights"][0].mean(axis=1)) == [0, 0, 1, 1]
    assert names(obj) == ["wood", "tiles bricks"]
    obj.vertex_groups.new(name="Rust").add([12], 1.0, "REPLACE")
    obj.active_material_index = 1
    mask = bpy.data.images.new("mask", 8, 8)
    for area, name in (("group", ""), ("faces", ""), ("mask", mask.name), ("material", "iron")):
        assert repaint(area=area, area_name=name) == {"FINISHED"}
    assert names(obj)[0] == "wood"
    _, out = given(obj, repaint=("mask:mask",), **fields)
    kind, path = json.loads((out / "request.json").read_text())["repaint"][0].split(":", 1)
    assert (kind, Path(path).name) == ("mask", "repaint.0.png")


def test_what_is_repainted_gets_no_close_ups():
    obj = tiles()
    own = {"area": "faces", "area_name": "", "strength": 1.0, "viewport": False}
    found = repaint_settings(Settings(prompt="moss", detail="2"), obj, own)
    assert (found.detail, found.repaint) == ("off", ("faces:selected",))


def test_what_cannot_be_repainted_is_refused_and_changes_nothing():
    obj = tiles()
    pick(obj, 3)
    before = helper.dump()
    helper.raises(lambda: repaint(area="faces"), "no image")
    helper.raises(lambda: repaint(area="mask"), "No image is chosen as mask")
    helper.raises(lambda: repaint(area="group"), "has no vertex group")
    pick(obj)
    helper.raises(lambda: repaint(area="faces"), "are selected")
    helper.raises(lambda: repaint(prompt=" ", area="material"), "prompt is empty")
    pick(obj, 3)
    helper.check_same(before, helper.dump())


def test_the_viewport_is_a_camera():
    """It stands where the view looks from; without perspective as far off as shows as much."""
    obj = helper.cube()
    helper.look_down(width=4.0)
    camera = bpy.context.scene.camera
    bpy.context.view_layer.update()
    view = types.SimpleNamespace(
        is_perspective=True,
        view_matrix=camera.matrix_world.inverted(),
        window_matrix=Matrix.Diagonal((2.0, 4.0, 1.0, 1.0)),
        view_location=Vector((0, 0, 0)),
    )
    (entry,) = cameras.seen_in(view, obj, in_world=True).entries
    x, y, z = camera.matrix_world.translation
    np.testing.assert_allclose(entry["position"], (x, z, -y), atol=1e-5)
    np.testing.assert_allclose(entry["forward"], (0, -1, 0), atol=1e-5)
    assert abs(entry["fov"] - 2 * np.degrees(np.arctan(0.5))) < 1e-4
    view.is_perspective = False
    (entry,) = cameras.seen_in(view, obj, in_world=True).entries
    half = entry["position"][1] * np.tan(np.radians(entry["fov"] / 2))
    assert abs(half - 0.5) < 1e-4


def test_a_picture_is_repainted_in_the_place_of_the_old_one():
    obj = tiles()
    old, mask = bpy.data.images.new("wall", 64, 64), bpy.data.images.new("mask", 16, 16)
    node = obj.material_slots[0].material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = old
    helper.raises(lambda: bpy.ops.sync_texture.repaint_picture(prompt="moss"), "no image to repaint")
    again = {"prompt": "moss", "image": "wall"}
    helper.raises(lambda: bpy.ops.sync_texture.repaint_picture(mask="nothing", **again), "'nothing'")
    assert node.image == old
    assert bpy.ops.sync_texture.repaint_picture(mask=mask.name, strength=0.8, **again) == {"FINISHED"}
    assert (node.image.name, tuple(node.image.size)) == ("wall moss", (64, 64))
    said = dict(node.image["sync_texture"])
    assert (said["kind"], said["prompt"]) == ("picture", "moss")
    assert old.use_fake_user
    assert np.allclose(old.pixels[:4], (0, 0, 0, 1))


def test_pictures_are_written_beside_blender_and_a_full_disk_is_said():
    bpy.data.images.new("wall", 64, 64)
    keep, threads = picture.Picture.keep, []

    def full(*_given):
        threads.append(threading.current_thread())
        raise OSError("no room")

    picture.Picture.keep = full
    try:
        helper.raises(lambda: bpy.ops.sync_texture.repaint_picture(prompt="moss", image="wall"), "(no room)")
    finally:
        picture.Picture.keep = keep
    assert threads
    assert threading.main_thread() not in threads


def test_what_cannot_be_a_target_is_refused_and_changes_nothing():
    obj = tiles()
    pick(obj)
    before = helper.dump()
    helper.raises(lambda: generate(target="faces"), "No faces", "are selected", "Edit Mode")
    helper.raises(lambda: generate(target="slot", slot="gold"), "no material slot 'gold'", "'wood'")
    pick(obj, 0)
    for prompt in ("fail", "die"):
        helper.raises(lambda: generate(prompt, target="faces"))  # noqa: B023
        helper.raises(lambda: generate(prompt, target="slot", slot="wood"))  # noqa: B023
    pick(obj)
    helper.check_same(before, helper.dump())
    bare = tiles((0, 0, 0, 0), (), "bare")
    helper.raises(lambda: generate(target="slot"), "no material slots")
    bare.data.materials.append(bpy.data.materials["wood"])
    bare.data.materials.append(bpy.data.materials["iron"])
    helper.raises(lambda: generate(target="slot", slot="iron"), "No faces", "'iron'")


def test_command_textures_a_slot():
    folder = Path(tempfile.mkdtemp())
    obj = tiles()

    def run(*words):
        saved = ["--glb", str(folder / "a.glb"), "--overwrite"]
        return main.run(["texture", "--prompt", "bricks", "--quiet", *saved, *words])

    assert run("--slot", "iron") == 0
    assert names(obj) == ["wood", "tiles bricks"]
    pick(obj, 0)
    assert run("--target", "faces", "--object", "tiles") == 0
    assert names(obj) == ["wood", "tiles bricks", "tiles bricks.001"]
    other = tiles(name="other")
    bpy.ops.object.select_all(action="SELECT")
    assert run("--target", "selected") == 0
    assert names(other)[0] == "other bricks"
    assert (folder / "a.glb").stat().st_size > 0
    for wrong in (
        ("--target", "selected", "--object", "tiles"),
        ("--target", "slot", "--object", "tiles", "--object", "other"),
        ("--target", "faces", "--slot", "wood"),
        ("--target", "slot", "--slot", "gold"),
    ):
        assert run(*wrong) == 2, wrong


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
