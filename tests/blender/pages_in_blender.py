"""Run inside Blender or bpy by test_in_blender.py: the pages' commands for Blender, and their
examples in Python but for those that scripting_in_blender.py runs, as they stand there."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.command import main  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402

pages = helper.module(helper.ROOT / "tests" / "docs" / "pages.py", "pages")
COMMANDS = [one for page in pages.PAGES for one in pages.commands(page) if one.words[0] == "blender"]
EXAMPLES = [one for page in pages.PAGES for one in pages.examples(page) if one.language == "python"]
OWN = ("--command", "sync_texture")


def scene() -> Path:
    """What the pages speak of, saved in a new folder that is the working folder from now on: Suzanne with a
    material slot and a vertex group, a collection, and splats that the engine made."""
    os.chdir(tempfile.mkdtemp())
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bpy.ops.mesh.primitive_monkey_add()
    bpy.context.object.data.materials.append(bpy.data.materials.new("Trim"))
    bpy.context.object.vertex_groups.new(name="Rust").add([*range(100)], 1.0, "REPLACE")
    furniture = bpy.data.collections.new("Furniture")
    bpy.context.scene.collection.children.link(furniture)
    furniture.objects.link(bpy.data.objects["Cube"])
    Path("results").mkdir()
    helper.write_splats(Path("results", "splats.ply"))
    bpy.ops.wm.save_as_mainfile(filepath=str(Path.cwd() / "scene.blend"))
    return Path.cwd()


def after(words, flag: str) -> str | None:
    return words[words.index(flag) + 1] if flag in words else None


def test_commands():
    done = [command for command in COMMANDS if command.words[-1] != "my_script.py" and run(command)]
    assert {command.words[5] for command in done if command.words[3] == OWN[0]} >= {"texture", "batch"}


def run(command) -> bool:
    """Whether it is a command of ours that is run here: one over the open file."""
    words = list(command.words)
    if tuple(words[3:5]) != OWN:
        return False
    folder = scene()
    assert words[1:3] == ["-b", "scene.blend"], command
    assert main.run(words[5:]) == 0, command
    for flag in ("--save", "--glb"):
        assert not (name := after(words, flag)) or (folder / name).is_file(), command
    return True


def test_what_is_not_run():
    """Job files go to the engine (tests/engine/batch/test_examples.py). The other command lines of Blender's
    name nothing of ours but an operator."""
    rest = [" ".join(command.words[1:]) for command in COMMANDS if tuple(command.words[3:5]) != OWN]
    script = "-b scene.blend --python my_script.py"
    known = ("-b --command sync_texture batch jobs.jsonl", script, "-b --online-mode")
    assert all(text.startswith(known) for text in rest), rest


def test_python():
    for example in EXAMPLES:
        if example.page != "docs/scripting.md":
            scene()
            before = {*bpy.data.materials}
            exec(compile(example.text, f"{example.page}:{example.line}", "exec"), {"bpy": bpy})
            assert {*bpy.data.materials} - before, example


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
