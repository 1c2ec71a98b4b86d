"""Run inside Blender or bpy by test_in_blender.py: the examples of docs/scripting.md, as they stand there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402

PAGE = (helper.ROOT / "docs" / "scripting.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def textured():
    """The prompts on the page's objects."""
    materials = {obj.name: obj.active_material for obj in bpy.data.objects if obj.type == "MESH"}
    return {
        name: one["sync_texture"]["prompt"]
        for name, one in materials.items()
        if one and "sync_texture" in one
    }


def run(words):
    """The one example with ``words`` in it, in the default scene."""
    (text,) = (example for example in EXAMPLES if words in example)
    EXAMPLES.remove(text)
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    exec(compile(text, f"docs/scripting.md: {words}", "exec"), {"__name__": "__main__"})
    return textured()


def test_one_object():
    assert run("seed=7") == {"Cube": "weathered red bricks"}
    assert run("but for the seed") == {"Cube": "old oak wood"}
    assert run("no such map") == {}
    assert run('target="selected"') == {"Cube": "mossy stone", "Suzanne": "mossy stone"}


def test_a_tileable_material():
    assert run("new_tile") == {"Cube": "mossy stone"}


def test_a_world():
    assert run("new_world") == {}
    assert bpy.context.scene.world.name == "red bricks"


def test_many_objects():
    assert run("blue denim") == {"Cube": "weathered red bricks", "Suzanne": "blue denim"}
    prompts = {"table": "old oak wood", "lamp": "polished gold", "shelf": "grey concrete"}
    assert run("Furniture") == prompts
    assert run("no faces") == {"Cube": "lava"}
    assert run("chair.glb") == {"Cube": "chair"}
    assert Path(bpy.data.filepath).name == "chair.blend"


def test_taking_it_back():
    assert run("restore_materials") == {}


def test_no_example_is_left_out():
    assert not EXAMPLES


def test_the_page_names_all_options_of_batch():
    own = bpy.ops.sync_texture.batch.get_rna_type().properties.keys()
    shared = bpy.ops.sync_texture.generate.get_rna_type().properties.keys()
    table = re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)
    assert set(table) == set(own) - set(shared)


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
