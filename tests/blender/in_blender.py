"""Run inside Blender or bpy by test_in_blender.py: generate through the fake engine, look at the scene."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np
from helper import fake_engine

TMP = Path(tempfile.mkdtemp())
ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon import (  # noqa: E402
    command,
    examples,
    operators,
    panel,
    properties,
    task,
)
from sync_texture.blender_sync_addon.read import mesh as read_mesh  # noqa: E402
from sync_texture.engine.mesh import frame  # noqa: E402

COLOURS = {
    "red": fake_engine.RED,
    "green": fake_engine.GREEN,
    "blue": fake_engine.BLUE,
    "yellow": fake_engine.YELLOW,
}
PLANE = ([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [(0, 1, 2, 3)], [(0, 0), (1, 0), (1, 1), (0, 1)])


def generate(prompt="bricks", **options):
    return bpy.ops.sync_texture.generate(prompt=prompt, **options)


def nodes_of(material):
    return {node.bl_idname: node for node in material.node_tree.nodes}


def reading(obj, **options):
    return read_mesh.read(obj, bpy.context.evaluated_depsgraph_get(), **options)


def read(obj, **options):
    return reading(obj, **options).arrays()


def given(out: Path):
    return dict(np.load(out / "given.npz"))


# --- the result ---


def test_the_node_graph_and_the_image():
    obj = helper.cube()
    assert generate() == {"FINISHED"}
    material = obj.material_slots[0].material
    assert material == obj.data.materials[0]
    assert dict(material["sync_texture"])["prompt"] == "bricks"
    nodes = nodes_of(material)
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
    generate()
    image = next(i for i in bpy.data.images if "sync_texture" in i)
    pixels = np.array(image.pixels[:]).reshape(fake_engine.SIZE, fake_engine.SIZE, 4)
    for (u, v), colour in fake_engine.QUADRANTS.items():
        seen = pixels[10 + 40 * v, 10 + 40 * u, :3] * 255
        assert np.abs(seen - colour).max() <= 1, ((u, v), seen, colour)


def check_quadrants(picture):
    size = len(picture)
    low, high = size // 4, 3 * size // 4
    seen = [helper.nearest(picture[y, x], COLOURS) for y in (low, high) for x in (low, high)]
    assert seen == ["red", "green", "blue", "yellow"], seen


def test_render_shows_each_uv_where_it_belongs():
    helper.mesh_object("plane", *PLANE)
    generate()
    helper.look_down()
    check_quadrants(helper.render(TMP / "kept.png"))


def test_render_of_a_new_uv_map():
    """The fake's UV for (polygon, vertex): the plane's corners all get u = 0.01, v = 0.01 ... 0.04: red."""
    obj = helper.mesh_object("plane", *PLANE)
    generate(unwrap="always")
    assert nodes_of(obj.material_slots[0].material)["ShaderNodeUVMap"].uv_map == "SyncTexture"
    helper.look_down()
    picture = helper.render(TMP / "new.png")
    assert helper.nearest(picture[32, 32], COLOURS) == "red"


def test_saved_file_has_its_texture_beside_it_and_survives_reopening():
    folder = Path(tempfile.mkdtemp())
    path = folder / "scene.blend"
    obj = helper.mesh_object("plane", *PLANE)
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    generate("old bricks")
    generate("old bricks")
    assert sorted(p.name for p in (folder / "textures").iterdir()) == [
        "plane_old_bricks-2.png",
        "plane_old_bricks.png",
    ]
    image = nodes_of(obj.material_slots[0].material)["ShaderNodeTexImage"].image
    assert image.filepath == "//textures/plane_old_bricks-2.png"
    assert not image.packed_file
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(path))
    helper.look_down()
    check_quadrants(helper.render(TMP / "reopened.png"))


def test_packed_texture_survives_reopening():
    helper.mesh_object("plane", *PLANE)
    generate()
    path = Path(tempfile.mkdtemp()) / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    helper.look_down()
    check_quadrants(helper.render(TMP / "packed.png"))


def test_options_come_from_the_scene_where_not_given():
    helper.cube()
    options = bpy.context.scene.sync_texture
    options.prompt, options.seed, options.rig, options.view_count, options.steps = "moss", 7, "even", 6, 5
    bpy.ops.sync_texture.generate(steps=9)
    origin = dict(next(i for i in bpy.data.images if "sync_texture" in i)["sync_texture"])
    assert (origin["prompt"], origin["seed"], origin["views"], origin["steps"]) == ("moss", 7, "6", 9)
    assert "guidance" not in origin


# --- nothing of the artist's is touched ---


def material_slots_with_faces():
    """A cube with two materials of its own, three faces each, two UV maps, the second one for rendering."""
    obj = helper.cube()
    for name in ("wood", "iron"):
        obj.data.materials.append(bpy.data.materials.new(name))
    obj.data.polygons.foreach_set("material_index", [0, 0, 0, 1, 1, 1])
    second = obj.data.uv_layers.new(name="light")
    second.active_render = True
    obj.data.uv_layers.active_index = 0
    return obj


def added(difference):
    """The part of a dump's difference that isn't about datablocks, maps and properties of ours."""
    ours = ("Cube bricks", "SyncTexture", "sync_texture")
    return {k: v for k, v in difference.items() if not any(word in f"{k} {v}" for word in ours)}


def test_everything_of_the_artists_stays():
    obj = material_slots_with_faces()
    bpy.ops.object.light_add()
    bpy.context.view_layer.objects.active = obj
    before = helper.dump()
    materials = list(obj.data.materials)
    generate(unwrap="always")
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
    obj = material_slots_with_faces()
    own = bpy.data.materials.new("own")
    obj.material_slots[1].link = "OBJECT"
    obj.material_slots[1].material = own
    generate()
    generate("moss")
    assert {slot.material.name for slot in obj.material_slots} == {"Cube moss"}
    bpy.ops.sync_texture.restore_materials()
    assert [slot.material.name for slot in obj.material_slots] == ["wood", "own"]
    assert [slot.link for slot in obj.material_slots] == ["DATA", "OBJECT"]
    assert [m.name for m in obj.data.materials] == ["wood", "iron"]
    assert not operators.RestoreMaterials.poll(bpy.context)


def test_other_users_of_the_mesh_keep_their_look():
    obj = helper.cube()
    other = obj.copy()
    bpy.context.collection.objects.link(other)
    generate(unwrap="always")
    assert obj.material_slots[0].material
    assert other.material_slots[0].material is None
    assert obj.data == other.data
    assert obj.data.uv_layers.active.name == "UVMap"


def test_the_same_uvs_again_use_the_same_map():
    obj = helper.cube()
    generate(unwrap="always")
    generate(unwrap="always")
    assert [layer.name for layer in obj.data.uv_layers] == ["UVMap", "SyncTexture"]


def check_untouched(words, prompt="bricks", **options):
    before = helper.dump()
    helper.raises(lambda: generate(prompt, **options), *words)
    helper.check_same(before, helper.dump())
    leftovers = list(Path(bpy.app.tempdir).glob("sync_texture_*"))
    assert not leftovers, leftovers


def test_failures_leave_everything_as_it_was():
    material_slots_with_faces()
    check_untouched(["killed by signal 9"], "die")
    check_untouched(["exit status 7", "the sky fell down"], "exit")
    check_untouched(["It went wrong", "Do better"], "fail")
    check_untouched(["left no texture"], "silent")


def test_bad_inputs_say_what_is_wrong():
    check_untouched(["No active object"])
    obj = helper.cube()
    check_untouched(["prompt is empty"], " ")
    check_untouched(["no UV map 'x'", "'UVMap'"], uv_layer="x")
    bpy.ops.object.mode_set(mode="EDIT")
    check_untouched(["Edit Mode"])
    bpy.ops.object.mode_set(mode="OBJECT")
    for python, words in (("", "is not set"), ("/nowhere", "'/nowhere'"), ("/bin/false", "exit status 1")):
        before = os.environ["SYNC_TEXTURE_PYTHON"]
        os.environ["SYNC_TEXTURE_PYTHON"] = python
        check_untouched([words])
        os.environ["SYNC_TEXTURE_PYTHON"] = before
    obj.data.clear_geometry()
    check_untouched(["no faces"])
    bpy.ops.object.light_add()
    check_untouched(["not a mesh but a light"])
    for i in range(2):
        bpy.ops.mesh.primitive_cube_add(location=(i, 0, 0))
    while len(bpy.context.object.data.uv_layers) < 8:
        bpy.context.object.data.uv_layers.new()
    check_untouched(["8 UV maps"], unwrap="always")


def test_linked_from_a_library():
    folder = Path(tempfile.mkdtemp())
    helper.cube()
    bpy.context.object.name = "linked"
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "library.blend"))
    helper.empty_scene()
    with bpy.data.libraries.load(str(folder / "library.blend"), link=True) as (_, wanted):
        wanted.objects = ["linked"]
    obj = wanted.objects[0]
    bpy.context.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    check_untouched(["linked from a library", "Make Local"])
    override = obj.override_create()
    bpy.context.collection.objects.link(override)
    bpy.context.view_layer.objects.active = override
    check_untouched(["linked from a library"])


def start_task(obj, prompt, **options):
    from sync_texture.blender_sync_addon.read.settings import Settings

    return task.Task(obj, bpy.context.evaluated_depsgraph_get(), Settings(prompt=prompt, **options))


def finish_raises(job, *words):
    problem = None
    try:
        job.finish()
    except task.Problem as raised:
        problem = raised
    finally:
        job.close()
    for word in words:
        assert word in str(problem), problem


def test_object_deleted_in_mid_job():
    job = start_task(helper.cube(), "bricks")
    bpy.ops.object.delete()
    before = helper.dump()
    job.wait()
    finish_raises(job, "was deleted")
    helper.check_same(before, helper.dump())


def test_mesh_changed_in_mid_job():
    obj = helper.cube()
    job = start_task(obj, "bricks", unwrap="always")
    bpy.ops.object.mode_set(mode="EDIT")
    job.wait()
    assert job.blocked == "Leave Edit Mode to finish"
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert job.blocked == ""
    finish_raises(job, "was changed")


def test_file_loaded_in_mid_job():
    job = start_task(helper.cube(), "slow")
    pid = task.supervisor.pid
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    before = helper.dump()
    task.supervisor.abandon()
    finish_raises(job, "Cancelled")
    helper.check_same(before, helper.dump())
    assert not job.folder.exists()
    assert task.supervisor.pid != pid


def test_renamed_object_is_found_again():
    obj = helper.cube()
    job = start_task(obj, "bricks")
    obj.name = "other"
    job.wait()
    assert job.finish().object == "other"
    job.close()


# --- what is sent ---


def signed_volume(arrays):
    a, b, c = (arrays.vertices[arrays.faces[:, k]].astype(float) for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def test_axes_are_the_engines():
    obj = helper.mesh_object("tri", [(1, 2, 3), (4, 5, 6), (7, 8, 10)], [(0, 1, 2)])
    arrays = read(obj)
    assert np.array_equal(arrays.vertices, [(1, 3, -2), (4, 6, -5), (7, 10, -8)])
    points = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    assert np.array_equal(read_mesh.to_engine_axes(points), frame.from_z_up(points))


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
    generate()
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
    generate(uv_layer="second")
    assert nodes_of(obj.material_slots[0].material)["ShaderNodeUVMap"].uv_map == "second"
    assert obj.data.uv_layers.active.name == "UVMap"


def test_deforming_modifiers_are_seen_and_can_get_new_uvs():
    obj = helper.cube()
    obj.modifiers.new("displace", "DISPLACE").strength = 3.0
    arrays = read(obj)
    assert np.abs(arrays.vertices).min() > 1.5, arrays.vertices
    generate(unwrap="always")
    assert "SyncTexture" in obj.data.uv_layers


def test_topology_modifiers_with_uvs_are_sent_whole():
    obj = helper.cube()
    obj.modifiers.new("subdivide", "SUBSURF").levels = 2
    arrays = read(obj)
    assert len(arrays.faces) == 6 * 16 * 2
    how = reading(obj)
    assert (how.unwrap, how.warnings, how.uv_layer, how.on_base) == ("never", (), "UVMap", False)
    assert generate() == {"FINISHED"}
    assert len(obj.data.uv_layers) == 1


def test_topology_modifiers_without_uvs_unwrap_the_base():
    obj = helper.cube(calc_uvs=False)
    while obj.data.uv_layers:
        obj.data.uv_layers.remove(obj.data.uv_layers[0])
    obj.modifiers.new("subdivide", "SUBSURF").levels = 2
    arrays = read(obj)
    assert len(arrays.faces) == 12
    assert reading(obj).warnings == (read_mesh.MODIFIERS_LEFT_OUT,)
    assert generate() == {"FINISHED"}
    assert [layer.name for layer in obj.data.uv_layers] == ["SyncTexture"]
    evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    assert [layer.name for layer in evaluated.data.uv_layers] == ["SyncTexture"]


def test_useless_uvs_behind_modifiers_are_replaced():
    obj = helper.cube()
    obj.data.uv_layers[0].uv.foreach_set("vector", np.full(48, 0.5, np.float32))
    obj.modifiers.new("mirror", "MIRROR")
    assert reading(obj).warnings
    assert not reading(obj, unwrap="never").warnings
    assert reading(obj, unwrap="never").unwrap == "never"


def test_shape_keys_are_seen():
    obj = helper.cube()
    obj.shape_key_add(name="Basis")
    key = obj.shape_key_add(name="tall")
    for point in key.data:
        point.co.z *= 3
    key.value = 1.0
    assert np.ptp(read(obj).vertices[:, 1]) == 6


def test_reading_200k_faces_is_quick():
    import time

    bpy.ops.mesh.primitive_grid_add(x_subdivisions=450, y_subdivisions=450)
    obj = bpy.context.object
    depsgraph = bpy.context.evaluated_depsgraph_get()
    seconds = float("inf")
    for _ in range(5):  # the machine may be busy with something else
        start = time.perf_counter()
        arrays = read_mesh.read(obj, depsgraph)
        seconds = min(seconds, time.perf_counter() - start)
    print(f"       read {len(arrays.polygons)} triangles in {1000 * seconds:.0f} ms")
    assert seconds < 0.25


# --- the command line ---


def run(*words):
    return command.run(["texture", *map(str, words), "--quiet"])


def test_command_saves_blend_glb_and_out():
    folder = Path(tempfile.mkdtemp())
    helper.mesh_object("plane", *PLANE)
    other = helper.cube(location=(9, 0, 0))
    words = ("--prompt", "bricks", "--object", "plane", "--seed", 5, "--views", 4)
    places = ("--save", folder / "new" / "a.blend", "--glb", folder / "a.glb", "--out", folder / "out")
    assert run(*words, *places) == 0
    assert bpy.context.view_layer.objects.active == other
    assert other.select_get()
    assert json.loads((folder / "out" / "report.json").read_text())["seed"] == 5
    blob = (folder / "a.glb").read_bytes()
    size = int.from_bytes(blob[12:16], "little")
    gltf = json.loads(blob[20 : 20 + size])
    assert [node["name"] for node in gltf["nodes"]] == ["plane"]
    assert "baseColorTexture" in gltf["materials"][0]["pbrMetallicRoughness"]
    bpy.ops.wm.open_mainfile(filepath=str(folder / "new" / "a.blend"))
    helper.look_down()
    check_quadrants(helper.render(TMP / "command.png"))


def test_command_exit_statuses():
    folder = Path(tempfile.mkdtemp())
    save = ("--save", folder / "a.blend")
    helper.cube()
    assert run("--prompt", "bricks") == 2
    assert run(*save) == 2
    assert run("--prompt", " ", *save) == 2
    assert run("--prompt", "bricks", "--method", "magic", *save) == 2
    assert run("--prompt", "bricks", "--object", "none", *save) == 2
    assert run("--prompt", "bricks", "--save", "/proc/none/a.blend") == 2
    assert run("--prompt", "fail", *save) == 2
    assert run("--prompt", "oom", *save) == 4
    assert run("--prompt", "die", *save) == 1
    assert not (folder / "a.blend").exists()
    assert command.run(["doctor"]) == 5
    assert command.run([]) == 2


# --- suggestions and notes ---


class Layout:
    """Keeps what is drawn into it: (what, its text or name)."""

    def __init__(self):
        self.drawn = []

    def row(self, **_options):
        return self

    column = row

    def prop(self, _owner, name, **_options):
        self.drawn.append(("prop", name))

    def menu(self, name, **_options):
        self.drawn.append(("menu", name))

    def label(self, text, icon):
        self.drawn.append(("label", text))

    def operator(self, name, text="", **_options):
        self.drawn.append((name, text))
        return self


def own_vocabulary(**lists):
    folder = Path(tempfile.mkdtemp())
    (folder / "vocabulary.json").write_text(json.dumps(lists))
    return str(folder)


def test_the_prompts_field_suggests_what_the_model_knows():
    options = bpy.context.scene.sync_texture
    shown = properties.prompts(options, bpy.context, "")
    assert len(shown) > 30
    assert all(isinstance(text, str) for text in shown)
    assert "rusty metal" in properties.prompts(options, bpy.context, "rusty me")
    options.prompt = "my bricks"
    assert properties.prompts(options, bpy.context, "my bricks") == shown  # the field is just opened
    options.model = own_vocabulary(materials=["jelly"], examples=["green jelly"])
    assert properties.prompts(options, bpy.context, "j") == ["jelly", "green jelly"]
    for unknown in ("sd15", "/nowhere", "//beside", own_vocabulary(materials="jelly")):
        options.model = unknown
        assert properties.prompts(options, bpy.context, "j") == []


def test_examples_are_one_click_away():
    options = bpy.context.scene.sync_texture
    layout = Layout()
    panel.draw_prompt(layout, options)
    assert layout.drawn == [("prop", "prompt"), ("menu", "SYNC_TEXTURE_MT_examples")]
    menu = types.SimpleNamespace(layout=Layout())
    examples.ExamplesMenu.draw(menu, bpy.context)
    assert ("sync_texture.use_example", "snow") in menu.layout.drawn
    assert bpy.ops.sync_texture.use_example(prompt="snow") == {"FINISHED"}
    assert options.prompt == "snow"
    options.model = "sd15"
    layout = Layout()
    panel.draw_prompt(layout, options)
    assert layout.drawn == [("prop", "prompt")]


def test_the_panel_says_what_the_engine_noted_about_the_last_texture():
    obj = helper.cube()
    generate("warn")
    assert operators.warnings(obj) == ("fake warning",)
    layout = Layout()
    region = types.SimpleNamespace(width=300)
    context = types.SimpleNamespace(view_layer=bpy.context.view_layer, scene=bpy.context.scene, region=region)
    panel.draw_generate(layout, context)
    assert ("label", "fake warning") in layout.drawn
    other = helper.cube()
    assert operators.warnings(other) == ()
    assert operators.warnings(None) == ()
    generate("bricks")
    assert operators.warnings(obj) == operators.warnings(other) == ()


def test_unregister_ends_the_engine_and_register_works_again():
    helper.cube()
    generate()
    assert task.supervisor.pid
    ADDON.unregister()
    assert task.supervisor.pid is None
    assert not hasattr(bpy.types.Scene, "sync_texture")
    ADDON.register()
    generate()


def test_command_is_cancelled_by_ctrl_c():
    import signal
    import threading
    import time

    helper.cube()
    threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    assert run("--prompt", "slow", "--save", TMP / "never.blend") == 3
    assert time.monotonic() - start < 3
    assert not (TMP / "never.blend").exists()


helper.main(dict(globals()), ADDON, task.supervisor.abandon)
