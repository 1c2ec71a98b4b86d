"""Four squares with two materials, for what has a part of an object for its target."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy
import helper
import numpy as np
from helper import fake_engine
from sync_texture.blender_sync_addon.jobs import texture_job
from sync_texture.blender_sync_addon.problem import Problem
from sync_texture.blender_sync_addon.read.settings import Settings
from sync_texture.blender_sync_addon.results import recording

TMP = Path(tempfile.mkdtemp())
SHOWN = {"red": fake_engine.RED, "wood": (60, 20, 180), "iron": (20, 160, 160)}
PLACES = [(-1, -1), (1, -1), (-1, 1), (1, 1)]


def generate(prompt="bricks", **options):
    return bpy.ops.sync_texture.generate(prompt=prompt, **options)


def plain(name):
    """A material of one colour of SHOWN."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    linear = (np.array(SHOWN[name]) / 255) ** 2.2
    material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (*linear, 1)
    return material


def tiles(indices=(0, 0, 1, 1), slots=("wood", "iron"), name="tiles"):
    """Four squares of 1 x 1 with ``slots``, their UVs in the quarter of the square that the fake engine makes
    red."""
    corners = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
    vertices = [(x + a, y + b, 0) for x, y in PLACES for a, b in corners]
    faces = [tuple(range(4 * i, 4 * i + 4)) for i in range(4)]
    obj = helper.mesh_object(name, vertices, faces, [(a / 5 + 0.2, b / 5 + 0.2) for a, b in corners] * 4)
    for slot in slots:
        obj.data.materials.append(bpy.data.materials.get(slot) or plain(slot))
    obj.data.polygons.foreach_set("material_index", indices)
    return obj


def pick(obj, *faces):
    """Select these faces alone."""
    obj.data.polygons.foreach_set("select", [i in faces for i in range(len(obj.data.polygons))])
    obj.data.update()


def indices(obj):
    return [polygon.material_index for polygon in obj.data.polygons]


def names(obj):
    return [slot.material and slot.material.name for slot in obj.material_slots]


def seen():
    """What each of the four squares shows."""
    if "camera" not in bpy.data.objects:
        helper.look_down(width=4.0)
    picture = helper.render(TMP / "seen.png")
    at = [picture[int((y + 2) * 16), int((x + 2) * 16)] for x, y in PLACES]
    return [helper.nearest(colour, SHOWN) for colour in at]


def uvs_of(obj):
    return [[tuple(loop.vector) for loop in layer.uv] for layer in obj.data.uv_layers]


def given(obj, **settings):
    """(the mesh that the engine was given, the job's folder) by a job that was finished."""
    out = Path(tempfile.mkdtemp())
    job = texture_job.TextureJob([obj], Settings(prompt="bricks", **settings), out)
    job.wait()
    recording.finish(job)
    job.close()
    return np.load(out / "given.npz"), out


def ends_with(job, words):
    """``job`` can't be finished, and says these ``words``."""
    said = ""
    try:
        recording.finish(job)
    except Problem as problem:
        said = str(problem)
    job.close()
    assert words in said.lower(), said
