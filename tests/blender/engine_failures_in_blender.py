"""Run inside Blender or bpy by test_in_blender.py: jobs of the real engine and the starter that fail, in a
scene with something of everything in it. Each ends in one clear line, and the whole file is as it was."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import everything
import helper

ADDON = helper.enable()
os.environ["SYNC_TEXTURE_PYTHON"] = os.environ.get("SYNC_TEXTURE_TEST_PYTHON", sys.executable)
os.environ["OMP_NUM_THREADS"] = "1"

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402

QUICK = {"steps": 2, "rig": "even", "view_count": 2, "texture_size": "256"}


def check_untouched(*words: str, **options) -> None:
    before = everything.snapshot()
    helper.raises(lambda: helper.generate(**{"prompt": "red bricks", **QUICK, **options}), *words)
    helper.check_same(before, everything.snapshot())
    assert helper.left_folders() == []


def kill_while_it_paints() -> None:
    """SIGKILL, as of the system when memory runs out."""

    def wait_and_kill() -> None:
        while (state := engine.supervisor._state) is None or state.ended or state.stage != "denoise":
            time.sleep(0.02)
        os.kill(engine.supervisor.pid, 9)

    threading.Thread(target=wait_and_kill, daemon=True).start()


def test_a_killed_engine():
    everything.scene()
    kill_while_it_paints()
    check_untouched("killed by signal 9", "Generate again", steps=500)


def test_a_missing_model():
    everything.scene()
    check_untouched("'nothing-like-it'", model="nothing-like-it")
    check_untouched("/nowhere/model", model="/nowhere/model")
    folder = tempfile.mkdtemp()
    check_untouched(folder, model=folder)


def test_too_large_textures():
    everything.scene()
    for i in range(40):
        helper.cube(location=(3 * i, 9, 0))
    bpy.ops.object.select_by_type(type="MESH")
    bpy.data.objects["hero"].select_set(False)
    bpy.data.objects["twin"].select_set(False)
    check_untouched("8192 x 8192", "smaller Size", target="selected", texture_size="8192")


def test_a_full_disk():
    """Room for the mesh, but not for the texture; and not even for the mesh."""
    disk = tempfile.mkdtemp()
    everything.scene()
    files = bpy.context.preferences.filepaths
    usual = files.temporary_directory
    for size, words in (
        ("96k", ["is full", "Free some space", "temporary folder in Preferences"]),
        ("4k", ["mesh can't be written", "Make room"]),
    ):
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk]
        if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, check=False).returncode:
            print("no disk could be made that is full", flush=True)
            return
        try:
            files.temporary_directory = disk
            assert bpy.app.tempdir.startswith(disk), bpy.app.tempdir
            if size == "4k":
                (Path(disk) / "other").write_bytes(bytes(4096))
            check_untouched(*words)
        finally:
            files.temporary_directory = usual
            subprocess.run(["umount", "-l", disk], check=True)


def test_and_then_it_works():
    everything.scene()
    obj = bpy.data.objects["hero"]
    assert helper.generate("red bricks", **QUICK) == {"FINISHED"}
    assert obj.material_slots[0].material["sync_texture"]["prompt"] == "red bricks"


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
