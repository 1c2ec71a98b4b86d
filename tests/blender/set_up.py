"""Run by test_setup.py, and by hand in a Blender that has the extension installed: the engine is set up for
real, a mesh textured with it, a damaged file mended, everything removed. The last argument is a folder.

With "offline" before it, nothing may be downloaded: the refusals are looked at instead.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

OUT = Path(sys.argv[-1])
os.environ.pop("SYNC_TEXTURE_PYTHON", None)
if "bl_ext.user_default.sync_texture" in bpy.context.preferences.addons:
    from bl_ext.user_default.sync_texture.blender_sync_addon import package
    from bl_ext.user_default.sync_texture.blender_sync_addon.setup import engine_folder, engine_python
    from bl_ext.user_default.sync_texture.blender_sync_addon.setup.status import setup_status
else:  # Blender as a Python module
    helper.enable()
    from sync_texture.blender_sync_addon import package
    from sync_texture.blender_sync_addon.setup import engine_folder, engine_python
    from sync_texture.blender_sync_addon.setup.status import setup_status

WHERE = engine_folder.own()
ops = bpy.ops.sync_texture


def refused_offline() -> None:
    """One clear line, and nothing left behind."""
    helper.raises(ops.setup, "online access is off", "Allow Online Access")
    assert engine_folder.state(WHERE) == ("none", None)
    helper.cube()
    helper.raises(lambda: ops.generate(prompt="bricks"), "not set up", "Preferences")


def set_up() -> None:
    start = time.monotonic()
    assert ops.setup() == {"FINISHED"}
    state, stamp = engine_folder.state(WHERE)
    assert state == "ready", state
    print(f"set up in {time.monotonic() - start:.0f} s: {stamp}", flush=True)
    assert setup_status.doctor_report["usable"]
    assert engine_python.chosen_python() == str(WHERE.python())
    assert not WHERE.part.exists()


def texture() -> None:
    helper.cube()
    assert ops.generate(prompt="weathered red bricks", steps=6, texture_size="256") == {"FINISHED"}
    image = next(image for image in bpy.data.images if "sync_texture" in image)
    image.save(filepath=str(OUT / "texture.png"))
    helper.empty_scene()


def repair() -> None:
    module = next(WHERE.environment.glob("[Ll]ib/**/site-packages/diffusers/__init__.py"))
    module.unlink()
    assert ops.check_engine() == {"FINISHED"}
    assert setup_status.doctor_report["damaged"] == ["diffusers"]
    assert ops.setup_repair() == {"FINISHED"}
    assert module.is_file()
    assert setup_status.doctor_report["usable"]


def models() -> None:
    assert ops.models_list() == {"FINISHED"}
    starter = next(row for row in setup_status.models if row.name == "starter")
    assert starter.installed
    assert starter.bundled
    assert ops.model_verify(name="starter") == {"FINISHED"}
    helper.raises(lambda: ops.model_delete(name="starter"), "part of Sync Texture")
    bpy.context.preferences.system.use_online_access = False
    helper.raises(lambda: ops.model_download(name="sd15"), "online access is off")
    link = package.ENGINE / "models" / "starter"
    assert ops.model_link(filepath=str(link), name="mine") == {"FINISHED"}
    assert [row.link for row in setup_status.models if row.name == "mine"] == [str(link)]
    assert ops.model_delete(name="mine") == {"FINISHED"}
    assert "mine" not in [row.name for row in setup_status.models]
    assert (link / "model_index.json").is_file()


def log() -> None:
    assert ops.setup_log() == {"FINISHED"}
    assert "==" in bpy.data.texts["Sync Texture Log"].as_string()


def remove() -> None:
    assert ops.setup_remove() == {"FINISHED"}
    assert engine_folder.state(WHERE) == ("none", None)
    left = sorted(path.name for path in WHERE.root.iterdir())
    assert left == ["pace.json", "setup.lock", "setup.log"], left  # pace.json: how quick this computer is


EVERYTHING = (set_up, texture, repair, texture, models, log, remove)
helper.empty_scene()
if "offline" not in sys.argv:
    bpy.context.preferences.system.use_online_access = True
    assert bpy.app.online_access
steps = (refused_offline,) if "offline" in sys.argv else EVERYTHING
for step in steps:
    step()
    print("ok", step.__name__, flush=True)
print("setup: good", flush=True)
os._exit(0)  # bpy as a module doesn't always get through its own clean-up
