"""Run inside Blender or bpy by test_in_blender.py: starting from the texture that an object shows."""

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
from sync_texture.blender_sync_addon.operators import notices  # noqa: E402
from sync_texture.blender_sync_addon.problem import Problem  # noqa: E402
from sync_texture.blender_sync_addon.read import texture as read_texture  # noqa: E402
from sync_texture.blender_sync_addon.read.settings import Settings  # noqa: E402
from sync_texture.blender_sync_addon.results import recording  # noqa: E402
from sync_texture.blender_sync_addon.write import image as write_image  # noqa: E402
from sync_texture.engine.pictures import png  # noqa: E402


def textured(image=None, uv_map=None):
    """A cube whose material shows ``image`` by the UV map node ``uv_map``, without one if None."""
    obj = helper.cube()
    material = bpy.data.materials.new("mine")
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    tree.links.new(node.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])
    if uv_map is not None:
        uv = tree.nodes.new("ShaderNodeUVMap")
        uv.uv_map = uv_map
        tree.links.new(uv.outputs["UV"], node.inputs["Vector"])
    obj.data.materials.append(material)
    return obj


def image_file(name="start.png"):
    """A picture of four colours in a file of its own."""
    path = Path(tempfile.mkdtemp()) / name
    fake_engine.write_png(path, fake_engine.texture())
    return path


def loaded(path):
    return bpy.data.images.load(str(path))


def job(obj, **options):
    """The folder of a finished job with the request and the texture that the engine was given."""
    out = Path(tempfile.mkdtemp())
    running = texture_job.TextureJob([obj], Settings(prompt="bricks", **options), out)
    try:
        running.wait()
        recording.finish(running)
    finally:
        running.close()
    return out


def request(out):
    return json.loads((out / "request.json").read_text())


def pixels(path):
    """The picture in the file ``path``, (H, W, 4) in [0, 1], first row at the bottom."""
    image = bpy.data.images.load(str(path))
    values = np.array(image.pixels[:], np.float32).reshape(image.size[1], image.size[0], 4)
    bpy.data.images.remove(image)
    return values


def expected():
    picture = np.ones((fake_engine.SIZE, fake_engine.SIZE, 4), np.float32)
    picture[..., :3] = fake_engine.texture()[::-1] / 255
    return picture


def refused(obj, *words, **options):
    text = ""
    try:
        read_texture.read(obj, **options)
    except Problem as problem:
        text = str(problem)
    assert text, "nothing raised"
    for word in words:
        assert word in text, text


def test_a_file_is_used_as_it_lies():
    path = image_file()
    out = job(textured(loaded(path)), from_texture=True, strength=0.3)
    assert Path(request(out)["init_texture"]).samefile(path)
    assert request(out)["strength"] == 0.3
    assert (out / "start.png").read_bytes() == path.read_bytes()


def test_a_packed_file_is_handed_over_whole():
    path = image_file()
    image = loaded(path)
    image.pack()
    path.unlink()
    out = job(textured(image), from_texture=True)
    np.testing.assert_allclose(pixels(out / "start.png"), expected(), atol=1e-3)


def test_what_was_painted_since_is_there_too():
    path = image_file()
    image = loaded(path)
    values = np.array(image.pixels[:], np.float32)
    values[:4] = (1.0, 0.0, 1.0, 1.0)
    image.pixels.foreach_set(values)
    image.update()
    before = path.read_bytes()
    out = job(textured(image), from_texture=True)
    given = pixels(out / "start.png")
    np.testing.assert_allclose(given[0, 0], (1, 0, 1, 1), atol=1e-3)
    np.testing.assert_allclose(given[1:], expected()[1:], atol=0.003)
    assert path.read_bytes() == before
    assert image.is_dirty


def test_images_that_were_never_a_file():
    image = bpy.data.images.new("new", 6, 4, alpha=True)
    values = np.random.default_rng(0).random((4, 6, 4)).astype(np.float32)
    image.pixels.foreach_set(values.ravel())
    out = job(textured(image), from_texture=True)
    np.testing.assert_allclose(pixels(out / "start.png"), values, atol=0.005)


def test_float_images_are_turned_into_srgb():
    image = bpy.data.images.new("hdr", 4, 4, alpha=True, float_buffer=True)
    image.pixels.foreach_set(np.tile(np.array([0.2140411, 1.0, 4.0, 1.0], np.float32), 16))
    out = job(textured(image), from_texture=True)
    np.testing.assert_allclose(pixels(out / "start.png")[0, 0], (0.5, 1, 1, 1), atol=0.005)


def test_alpha_that_is_something_else_is_left_out():
    image = bpy.data.images.new("gloss", 4, 4, alpha=True)
    image.pixels.foreach_set(np.tile(np.array([0.2, 0.4, 0.6, 0.0], np.float32), 16))
    image.alpha_mode = "CHANNEL_PACKED"
    out = job(textured(image), from_texture=True)
    np.testing.assert_allclose(pixels(out / "start.png")[0, 0], (0.2, 0.4, 0.6, 1), atol=0.005)


def test_our_own_texture_is_changed_on_its_own_uv_map():
    obj = helper.cube()
    assert bpy.ops.sync_texture.generate(prompt="bricks", unwrap="always") == {"FINISHED"}
    assert [layer.name for layer in obj.data.uv_layers] == ["UVMap", "SyncTexture"]
    out = job(obj, from_texture=True)
    given = np.load(out / "given.npz")["uvs"].reshape(-1, 2)
    shown = {tuple(uv) for uv in given.round(4)}
    layer = obj.data.uv_layers["SyncTexture"]
    flat = np.empty(2 * len(layer.uv), np.float32)
    layer.uv.foreach_get("vector", flat)
    assert shown == {tuple(uv) for uv in flat.reshape(-1, 2).round(4)}
    assert bpy.ops.sync_texture.generate(prompt="wood", from_texture=True, strength=0.4) == {"FINISHED"}
    material = obj.material_slots[0].material
    assert read_texture.shown(obj, obj.active_material)[1] == "SyncTexture"
    assert dict(material["sync_texture"])["strength"] == np.float32(0.4)
    assert len(obj.data.uv_layers) == 2


def test_the_render_uv_map_counts_where_no_node_says_otherwise():
    obj = textured(loaded(image_file()))
    obj.data.uv_layers.new(name="second").active_render = True
    assert read_texture.shown(obj, obj.active_material)[1] == "second"
    for layer in ("", "UVMap"):
        other = textured(loaded(image_file()), layer)
        assert read_texture.shown(other, other.active_material)[1] == "UVMap"


def test_objects_without_such_a_texture():
    refused(helper.cube(), "no material")
    refused(textured(None), "'mine'", "no image")
    plain = textured(loaded(image_file()))
    plain.active_material.node_tree.links.clear()
    refused(plain, "no image")
    other = textured(loaded(image_file()))
    refused(other, "'UVMap'", "'else'", uv_layer="else")
    moved = textured(loaded(image_file()))
    tree = moved.active_material.node_tree
    mapping = tree.nodes.new("ShaderNodeMapping")
    tree.links.new(mapping.outputs[0], next(n for n in tree.nodes if n.type == "TEX_IMAGE").inputs["Vector"])
    refused(moved, "UV map alone")
    tiled = loaded(image_file())
    tiled.source = "TILED"
    tiled.tiles.new(tile_number=1002)
    tiled.filepath_raw = tiled.filepath.replace(".png", ".<UDIM>.png")
    refused(textured(tiled), "Tile 1001", "missing")
    film = loaded(image_file())
    film.source = "SEQUENCE"
    refused(textured(film), "a film")
    path = image_file()
    lost = loaded(path)
    path.unlink()
    lost.reload()
    refused(textured(lost), "missing")


def test_reroutes_are_followed():
    obj = textured(loaded(image_file()))
    tree = obj.active_material.node_tree
    node = next(n for n in tree.nodes if n.type == "TEX_IMAGE")
    reroute = tree.nodes.new("NodeReroute")
    tree.links.new(node.outputs["Color"], reroute.inputs[0])
    tree.links.new(reroute.outputs[0], tree.nodes["Principled BSDF"].inputs["Base Color"])
    assert read_texture.shown(obj, obj.active_material)[0] == node.image


def test_generate_says_why_it_cannot_start_from_a_texture():
    helper.cube()
    before = helper.dump()
    call = lambda **more: bpy.ops.sync_texture.generate(prompt="bricks", from_texture=True, **more)  # noqa: E731
    helper.raises(call, "no material", "Start from Current Texture")
    helper.raises(lambda: call(unwrap="always"), "new UV map")
    helper.check_same(before, helper.dump())


def test_the_panel_says_it_before_the_button_is_pressed():
    obj = helper.cube()
    options = bpy.context.scene.sync_texture
    options.prompt = "bricks"
    assert not any(notice.stops for notice in notices.notices(bpy.context, [obj], options))
    options.from_texture = True
    (notice,) = notices.notices(bpy.context, [obj], options)
    assert notice.stops
    assert "no material" in notice.text
    other = textured(loaded(image_file()))
    assert not any(notice.stops for notice in notices.notices(bpy.context, [other], options))


def run(*words):
    return main.run(["texture", "--prompt", "bricks", "--quiet", *map(str, words)])


def test_command_starts_from_a_file_or_from_what_is_shown():
    path = image_file()
    folder = Path(tempfile.mkdtemp())
    places = ("--save", folder / "a.blend", "--out", folder / "out")
    helper.cube()
    assert run("--init-texture", path, "--strength", 0.25, "--texture-depth", 16, *places) == 0
    given = request(folder / "out")
    assert (given["init_texture"], given["strength"], given["texture_depth"]) == (str(path), 0.25, "16")
    assert run("--from-texture", *places) == 2  # a.blend is there
    assert run("--from-texture", *places, "--overwrite") == 0  # what the first run made
    given = request(folder / "out")
    assert (given["strength"], given["texture_depth"]) == (None, "8")
    assert given["init_texture"]
    assert run("--from-texture", "--init-texture", path, *places) == 2
    assert run("--init-texture", "", *places) == 2


def test_old_requests_are_sent_as_before():
    given = request(job(helper.cube()))
    assert (given["init_texture"], given["strength"], given["texture_depth"]) == (None, None, "8")


def test_sixteen_bits_are_handed_back_as_they_are():
    values = np.zeros((64, 64, 3), np.float32)
    values[..., 0] = np.arange(64 * 64).reshape(64, 64) * 16 / 65535
    path = TMP / "deep.png"
    png.write(values, path, bits=16)
    out = job(textured(write_image.write(path, "deep", {}, pack=True)), from_texture=True)
    assert (out / "start.png").read_bytes() == path.read_bytes()


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
