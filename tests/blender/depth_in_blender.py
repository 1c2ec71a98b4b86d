"""Run inside Blender or bpy by test_in_blender.py: textures of all depths show the same colours."""

from __future__ import annotations

import os
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

from sync_texture.blender_sync_addon.command import save_files  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine, texture_job  # noqa: E402
from sync_texture.blender_sync_addon.jobs.job_object import TexturedObject  # noqa: E402
from sync_texture.blender_sync_addon.read import picture as read_picture  # noqa: E402
from sync_texture.blender_sync_addon.read.settings import Settings  # noqa: E402
from sync_texture.blender_sync_addon.results import recording  # noqa: E402
from sync_texture.blender_sync_addon.write import image as write_image  # noqa: E402
from sync_texture.blender_sync_addon.write import material as write_material  # noqa: E402
from sync_texture.engine.options.channels import main_channel  # noqa: E402

SIZE = 64
WRITE = """
import sys
from pathlib import Path
import numpy as np
from engine.pictures import exr, png
picture, folder = np.load(sys.argv[1]), Path(sys.argv[1]).parent
png.write(picture, folder / "16.png", bits=16)
for depth in exr.DEPTHS:
    exr.write(picture, folder / (depth + ".exr"), depth)
"""


def picture():
    """(SIZE, SIZE, 3) float32 sRGB: every grey from black to white, and colours."""
    ramp = np.linspace(0, 1, SIZE, dtype=np.float32)
    return np.stack(np.broadcast_arrays(ramp[None], ramp[:, None], 1 - ramp[None]), axis=-1)


def files():
    """The picture as the engine writes it, one file a depth, the plain one of 8 bits first."""
    fake_engine.write_png(TMP / "8.png", (picture() * 255 + 0.5).astype(np.uint8))
    np.save(TMP / "picture.npy", picture())
    python = os.environ.get("SYNC_TEXTURE_TEST_PYTHON", sys.executable)
    subprocess.run([python, "-c", WRITE, str(TMP / "picture.npy")], cwd=helper.ROOT, check=True)
    return [TMP / name for name in ("8.png", "16.png", "half.exr", "float.exr")]


def plane(image):
    """A square seen from above, in an otherwise empty scene, that shows ``image`` by our own material."""
    helper.empty_scene()
    corners, uvs = [(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [(0, 0), (1, 0), (1, 1), (0, 1)]
    obj = helper.mesh_object("plane", corners, [(0, 1, 2, 3)], uvs)
    write_material.show(obj, write_material.make("seen", {main_channel(): image()}, "UVMap", {}))
    return obj


def linear_of(obj):
    """(SIZE, SIZE, 3), the top row first: the colours that the object's image gives a shader."""
    image = obj.active_material.node_tree.nodes.active.image
    values = read_picture._pixels(image)[::-1, :, :3].astype(np.float64)
    if image.is_float:
        return values
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def test_every_depth_is_shown_in_the_same_colours():
    seen = []
    for path in files():
        obj = plane(lambda: write_image.write(path, path.stem, {}, pack=True))  # noqa: B023
        image = bpy.data.images[path.stem]
        assert image.colorspace_settings.name == {".png": "sRGB", ".exr": "Linear Rec.709"}[path.suffix]
        assert image.packed_file
        assert image.filepath_raw.endswith(path.suffix)
        exact = picture().astype(np.float64)
        exact = np.where(exact <= 0.04045, exact / 12.92, ((exact + 0.055) / 1.055) ** 2.4)
        steps = {
            "8": 1 / 255,
            "16": 1 / 255,
            "half": 2**-11,
            "float": 1e-6,
        }  # images of PNGs have 8 bits here
        assert np.abs(linear_of(obj) - exact).max() < 1.2 * steps[path.stem], path.stem
        helper.look_down()
        pixels = helper.render(TMP / f"seen_{path.stem}.png", size=SIZE)
        # Samples are others each time: means of 8 x 8 pixels, without those at the edge.
        seen.append(pixels[8:-8, 8:-8].reshape(SIZE // 8 - 2, 8, SIZE // 8 - 2, 8, 3).mean(axis=(1, 3)))
    assert seen[0].std() > 0.1
    for other in seen[1:]:
        assert np.abs(seen[0] - other).max() < 0.005


def test_blender_itself_takes_an_exr_for_linear():
    for path in files()[2:]:
        image = bpy.data.images.load(str(path))
        assert image.is_float
        assert image.colorspace_settings.name == "Linear Rec.709"


def test_floats_lie_beside_a_saved_file():
    source = files()[3]
    folder = Path(tempfile.mkdtemp())
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "a.blend"))
    for name in ("wood.exr", "wood-2.exr"):
        image = write_image.write(source, "wood", {})
        assert image.filepath_raw == f"//textures/{name}"
        assert (folder / "textures" / name).read_bytes() == source.read_bytes()


def test_command_exports_the_colours_too():
    """Blender's exporter alone writes floats too dark."""
    plain, *_, deep = files()
    for name in ("texture.png", "texture.exr"):
        (TMP / name).write_bytes((plain if name.endswith("png") else deep).read_bytes())
    obj = plane(lambda: write_image.write(TMP / "texture.exr", "wood", {}, pack=True))
    one = TexturedObject(obj.name, (obj.active_material.name,), ("wood",), "UVMap", (TMP / "texture.exr",))
    before, node = set(bpy.data.images), obj.active_material.node_tree.nodes.active
    with save_files.plain((one,)):
        save_files.export([obj], TMP / "a.glb")
    assert set(bpy.data.images) == before
    assert node.image.name == "wood"
    helper.empty_scene()
    before = set(bpy.data.images)
    bpy.ops.import_scene.gltf(filepath=str(TMP / "a.glb"))
    (image,) = set(bpy.data.images) - before
    assert not image.is_float
    assert np.abs(read_picture._pixels(image)[::-1, :, :3] - picture()).max() < 0.6 / 255


def test_a_texture_may_start_from_our_own_floats():
    source = files()[3]
    obj = plane(lambda: write_image.write(source, "wood", {}, pack=True))
    out = Path(tempfile.mkdtemp())
    settings = Settings(prompt="bricks", from_texture=True)
    running = texture_job.TextureJob([obj], settings, out)
    try:
        running.wait()
        recording.finish(running)
    finally:
        running.close()
    start = bpy.data.images.load(str(out / "start.png"))
    found = read_picture._pixels(start)[::-1, :, :3]
    assert np.abs(found - picture()).max() < 0.6 / 255


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
