"""Run inside Blender or bpy by test_in_blender.py, with a studio's colour configuration (studio.ocio) in
which no space has a name of Blender's: a texture comes out all the same, and what isn't known is said."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np

ADDON = helper.enable()
helper.use_fake_engine()
sys.path.append(str(helper.ROOT))

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.jobs.texture_job import TextureJob  # noqa: E402
from sync_texture.blender_sync_addon.read.settings import Settings  # noqa: E402
from sync_texture.blender_sync_addon.results import recording  # noqa: E402
from sync_texture.blender_sync_addon.write import colour_space  # noqa: E402
from sync_texture.engine import words  # noqa: E402


def float_image(name: str):
    """The image of a float EXR, in the space that the configuration gives to all such."""
    path = Path(tempfile.mkdtemp()) / f"{name}.exr"
    made = bpy.data.images.new(name, 8, 8, float_buffer=True)
    made.pixels.foreach_set(np.full(256, 0.25, np.float32))
    made.file_format, made.filepath_raw = "OPEN_EXR", str(path)
    made.save()
    bpy.data.images.remove(made)
    return bpy.data.images.load(str(path))


def test_there_is_no_name_of_blenders():
    for name in (colour_space.SRGB, colour_space.LINEAR, colour_space.DATA):
        image = float_image("x")
        try:
            image.colorspace_settings.name = name
        except TypeError:
            continue
        raise AssertionError(f"{name} is there: was OCIO set?")


def test_a_texture_comes_out_and_its_colours_are_said():
    job = TextureJob([helper.cube()], Settings(prompt="bricks"))
    job.wait()
    outcome = recording.finish(job)
    (said,) = outcome.warnings
    shown = bpy.data.images[outcome.image].colorspace_settings.name
    assert said.startswith(f"'{outcome.image}' is taken as {repr(shown) if shown else 'it is'}: "), said
    assert "has no 'sRGB'" in said
    assert len(said) <= words.LINE
    job.close()


def test_a_float_picture_is_said_once():
    image = float_image("bricks")
    colour_space.set_space(image, colour_space.LINEAR)
    (said,) = colour_space.notes([image, image])
    assert "no 'Linear Rec.709'" in said
    assert "'studio-lin'" in said


def test_data_is_found_by_the_names_of_other_configurations():
    image = float_image("rough")
    colour_space.set_space(image, colour_space.DATA)
    assert image.colorspace_settings.name == "Raw"
    assert image.colorspace_settings.is_data


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
