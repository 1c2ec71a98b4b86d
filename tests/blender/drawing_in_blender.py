"""Run inside Blender or bpy by test_in_blender.py: as much of the previews as can be without a graphics card.

Every call of Blender's that the drawing needs is there, and takes what it is given; the pictures themselves
are looked at in a window (tests/gui/preview_in_window.py).
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import gpu
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.jobs import engine, texture_job  # noqa: E402
from sync_texture.blender_sync_addon.preview import display, overlay, shader  # noqa: E402
from sync_texture.blender_sync_addon.read.settings import Settings  # noqa: E402

# What can't be called without a card, as Blender's own texts have it.
SIGNATURES = {
    "GPUVertFormat.attr_add": "attr_add(id, comp_type, len, fetch_mode)",
    "GPUVertBuf": "(format, len)",
    "GPUVertBuf.attr_fill": "attr_fill(id, data)",
    "GPUBatch": "(type, buf, elem=None)",
    "Buffer": "(format, dimensions, data)",
    "GPUTexture": "format='RGBA8', data=None)",
    "GPUShader.uniform_sampler": "uniform_sampler(name, texture)",
    "GPUShader.uniform_float": "uniform_float(name, value)",
}


def test_the_shader_is_described():
    assert shader.description()


def test_what_needs_a_card_takes_what_it_is_given():
    for name, words in SIGNATURES.items():
        found = gpu.types
        for part in name.split("."):
            found = getattr(found, part)
        assert words in found.__doc__, (name, found.__doc__[:200])


def gpu_names(module) -> set[str]:
    """Each gpu.a.b that the module's code names."""
    tree = ast.parse(Path(module.__file__).read_text())
    named = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {name for name in named if name.startswith("gpu.") and "(" not in name}


def test_all_of_the_gpu_module_that_is_named_is_there():
    names = gpu_names(overlay) | gpu_names(shader)
    assert len(names) > 8, names
    for name in sorted(names):
        found = gpu
        for part in name.split(".")[1:]:
            found = getattr(found, part)
    for kind, calls in {
        "GPUShader": ("bind", "uniform_float", "uniform_sampler"),
        "GPUVertBuf": ("attr_fill",),
        "GPUBatch": ("draw",),
    }.items():
        assert all(hasattr(getattr(gpu.types, kind), call) for call in calls), kind


def test_an_object_is_shown_where_the_artist_shows_it():
    obj = helper.cube()
    for name in ("visible_get", "visible_in_viewport_get"):
        assert name in bpy.types.Object.bl_rna.functions, name
    kinds = set(bpy.types.View3DShading.bl_rna.properties["type"].enum_items.keys())
    assert not overlay.SHADED - kinds
    assert overlay.redraw() is None
    assert obj.mode == "OBJECT"


def test_shapes_follow_the_object():
    obj = helper.cube()
    job = texture_job.TextureJob([obj], Settings(prompt="bricks"))
    job.wait()
    read = job.objects[0].read
    job.close()
    assert (display.points_now(obj, read) == read.points).all()
    obj.data.vertices[0].co.x += 1
    obj.data.update()
    moved = display.points_now(obj, read)
    assert abs(moved[0, 0] - read.points[0, 0] - 1) < 1e-5
    obj.modifiers.new("more", "SUBSURF")
    assert display.points_now(obj, read) is None


def test_a_show_leaves_no_handler():
    obj = helper.cube()
    before = list(bpy.app.handlers.depsgraph_update_post)
    job = texture_job.TextureJob([obj], Settings(prompt="bricks"))
    job.wait()
    shown = display.PreviewDisplay(
        [display.PreviewedObject(one.name, one.uid, one.read) for one in job.objects]
    )
    assert len(bpy.app.handlers.depsgraph_update_post) == len(before) + 1
    shown.update(None)
    shown.close()
    shown.close()
    job.close()
    assert list(bpy.app.handlers.depsgraph_update_post) == before


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
