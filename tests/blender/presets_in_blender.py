"""Run inside Blender or bpy by test_in_blender.py: qualities and presets."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from choosing import OTHERS, asked, options  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.read import quality  # noqa: E402
from sync_texture.blender_sync_addon.ui import presets  # noqa: E402


def test_quality_sets_the_numbers_and_the_numbers_tell_the_quality():
    chosen = options()
    assert chosen.quality == quality.STANDARD == quality.of(chosen)
    for model in ("starter", "sd15", "/my/model", "sd21"):
        chosen.model = model
        for name, numbers in quality.table(model).items():
            chosen.quality = name
            assert quality.of(chosen) == chosen.quality == name
            assert (chosen.steps, chosen.rig, chosen.texture_size) == (
                numbers.steps,
                numbers.rig,
                numbers.texture_size,
            )
    chosen.quality = "high"
    chosen.steps = 33
    assert chosen.quality == quality.CUSTOM
    chosen.model = "starter"
    assert chosen.steps == 33, "what was chosen by hand stays"
    chosen.quality = "draft"
    chosen.view_count = 7
    assert chosen.quality == quality.CUSTOM
    chosen.view_count = 6
    assert chosen.quality == "draft"
    chosen.model = "sd15"
    assert (chosen.quality, chosen.texture_size) == ("draft", quality.table("sd15")["draft"].texture_size)


def test_a_script_gives_a_quality_and_a_number():
    helper.cube()
    options().prompt = "bricks"
    options().steps = 33
    small, large = (json.loads(asked(quality="draft", **more))["request"] for more in ({}, {"model": "sd15"}))
    assert (small["steps"], small["views"], small["texture_size"]) == (6, "6", 512)
    assert (large["steps"], large["texture_size"]) == (12, 1024)
    assert json.loads(asked(quality="draft", steps=4))["request"]["steps"] == 4
    assert json.loads(asked())["request"]["steps"] == 33


def test_an_accelerator_decides_the_steps_unless_they_were_chosen_by_hand():
    helper.cube()
    options().prompt, options().quality = "bricks", "high"
    assert json.loads(asked())["request"]["steps"] == quality.table("starter")["high"].steps
    assert json.loads(asked(accelerator="none"))["request"]["steps"] is not None
    assert json.loads(asked(accelerator="lcm"))["request"]["steps"] is None
    assert json.loads(asked(accelerator="lcm", steps=6))["request"]["steps"] == 6
    options().accelerator = "lcm"
    assert json.loads(asked())["request"]["steps"] is None
    options().steps = 6
    assert json.loads(asked())["request"]["steps"] == 6


def test_presets_are_kept_and_bring_all_back():
    chosen = options()
    values = {n: v for n, (v, _) in OTHERS.items() if n in presets.names() and n != "quality"}
    for name, value in values.items():
        setattr(chosen, name, value)
    chosen.prompt = "mine"
    assert bpy.ops.sync_texture.preset_add(name="My Own") == {"FINISHED"}
    path = bpy.utils.preset_find("My_Own", presets.FOLDER)
    assert path
    assert os.environ["BLENDER_USER_RESOURCES"] in path
    for name in presets.names():
        chosen.property_unset(name)
    chosen.prompt = "another"
    bpy.ops.script.execute_preset(filepath=path, menu_idname="SYNC_TEXTURE_MT_presets")
    assert {name: getattr(chosen, name) for name in values} == {
        **values,
        "guidance": chosen.guidance,
        "strength": chosen.strength,
    }
    assert chosen.prompt == "another"
    assert chosen.quality == quality.CUSTOM
    assert bpy.types.SYNC_TEXTURE_MT_presets.bl_label == "My Own"
    assert bpy.ops.sync_texture.preset_add(remove_active=True) == {"FINISHED"}
    assert not bpy.utils.preset_find("My_Own", presets.FOLDER)


def test_shipped_presets_run():
    if not hasattr(bpy.utils, "register_preset_path"):
        return
    (folder,) = [p for p in bpy.utils.preset_paths(presets.FOLDER) if p.startswith(presets.SHIPPED)]
    files = sorted(Path(folder).glob("*.py"))
    assert len(files) == 3
    for path in files:
        for name in presets.names():
            options().property_unset(name)
        before = {name: getattr(options(), name) for name in presets.names()}
        bpy.ops.script.execute_preset(filepath=str(path), menu_idname="SYNC_TEXTURE_MT_presets")
        assert before != {name: getattr(options(), name) for name in presets.names()}, path


helper.main(globals(), ADDON, engine.supervisor.abandon)
