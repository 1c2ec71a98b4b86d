"""Run inside Blender or bpy by test_in_blender.py: ``--command sync_texture batch`` over objects."""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.command import main, save_files  # noqa: E402
from sync_texture.blender_sync_addon.command.batch import with_absolute_paths  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402


def cubes(*names):
    for i, name in enumerate(names):
        helper.cube(location=(3 * i, 0, 0)).name = name
    return [bpy.data.objects[name] for name in names]


def run(*words):
    return main.run(["batch", *map(str, words)])


def rows(out):
    with (out / "summary.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def prompts(objects=None):
    shown = ((obj.name, slot.material) for obj in objects or bpy.data.objects for slot in obj.material_slots)
    return {name: material["sync_texture"]["prompt"] for name, material in shown if material}


def stamps(out):
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("*/job.json")}


def test_objects_each_by_itself_saved_and_exported():
    a, b, _ = cubes("a b", "c", "left")
    b["look"] = "moss"
    folder = Path(tempfile.mkdtemp())
    out = folder / "out"
    words = (
        "--objects",
        "a b",
        "c",
        "--out",
        out,
        "--prompt",
        "oak",
        "--prompt-property",
        "look",
        "--seed",
        7,
    )
    words = (*words, "--texture-size", 64, "--quiet")
    before = helper.dump()
    assert run(*words) == 0
    helper.check_same(before, helper.dump())  # without --save, and --glb, only the folder is made
    assert {name: row["prompt"] for name, row in rows(out).items()} == {"a_b": "oak", "c": "moss"}
    made = stamps(out)
    b.data.vertices[0].co.x -= 1
    assert run(*words) == 0
    assert [name for name, stamp in stamps(out).items() if stamp != made[name]] == ["c"]
    made = stamps(out)
    assert run(*words, "--save", folder / "new.blend", "--glb", folder / "new.glb") == 0
    assert stamps(out) == made  # it was done already
    assert prompts([a, b]) == {"a b": "oak", "c": "moss"}
    blob = (folder / "new.glb").read_bytes()
    gltf = json.loads(blob[20 : 20 + int.from_bytes(blob[12:16], "little")])
    assert sorted(node["name"] for node in gltf["nodes"]) == ["a b", "c"]
    assert len(gltf["images"]) == 2
    bpy.ops.wm.open_mainfile(filepath=str(folder / "new.blend"))
    assert prompts() == {"a b": "oak", "c": "moss"}
    assert all(image.packed_file for image in bpy.data.images if "sync_texture" in image)


def test_hidden_objects_are_exported_too():
    a, b, c, other = cubes("a", "b", "c", "other")
    a.hide_set(True)
    b.hide_viewport = True
    c.hide_select = True
    before = helper.dump()
    path = Path(tempfile.mkdtemp()) / "hidden.glb"
    save_files.export([a, b, c], path)
    blob = path.read_bytes()
    gltf = json.loads(blob[20 : 20 + int.from_bytes(blob[12:16], "little")])
    assert sorted(node["name"] for node in gltf["nodes"]) == ["a", "b", "c"]
    helper.check_same(before, helper.dump())
    assert [obj.hide_get() for obj in (a, b, c, other)] == [True, False, False, False]


def test_files_beside_the_saved_one():
    folder = Path(tempfile.mkdtemp())
    cubes("a")
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    words = ("--objects", "a", "--out", folder / "out", "--prompt", "oak", "--quiet")
    assert run(*words, "--save", folder / "new.blend") == 0
    assert [path.name for path in (folder / "textures").iterdir()] == ["a_oak.png"]
    bpy.ops.wm.open_mainfile(filepath=str(folder / "scene.blend"))
    assert run(*words, "--save", folder / "packed.blend", "--pack") == 0
    bpy.ops.wm.open_mainfile(filepath=str(folder / "packed.blend"))
    (image,) = (image for image in bpy.data.images if "sync_texture" in image)
    assert image.packed_file
    assert [path.name for path in (folder / "textures").iterdir()] == ["a_oak.png"]


def test_new_uvs_come_back():
    (a,) = cubes("a")
    folder = Path(tempfile.mkdtemp())
    words = ("--objects", "a", "--out", folder, "--prompt", "oak", "--unwrap", "always", "--quiet")
    assert run(*words, "--glb", folder / "a.glb") == 0
    assert [layer.name for layer in a.data.uv_layers] == ["UVMap", "SyncTexture"]


def test_a_collection_and_what_cannot_be_textured():
    collection = bpy.data.collections.new("row")
    bpy.context.scene.collection.children.link(collection)
    for obj in cubes("a", "bare", "c"):
        collection.objects.link(obj)
    bpy.data.objects["bare"].data.clear_geometry()
    bpy.data.objects["c"]["look"] = "die"
    out = Path(tempfile.mkdtemp())
    words = ("--collection", "row", "--prompt", "oak", "--prompt-property", "look", "--quiet", "--out", out)
    assert run(*words, "--save", out / "new.blend") == 1
    found = {name: row["state"] for name, row in rows(out).items()}
    assert found == {"a": "done", "": "refused", "c": "failed"}
    assert "killed" in rows(out)["c"]["error"]
    assert (rows(out)[""]["mesh"], rows(out)[""]["line"]) == ("bare", "2")
    assert "no faces" in rows(out)[""]["error"]
    assert prompts() == {"a": "oak"}
    assert run("--objects", "bare", "--prompt", "oak", "--out", out) == 2
    assert run("--collection", "nowhere", "--prompt", "oak", "--out", out) == 2


def test_a_job_file():
    folder = Path(tempfile.mkdtemp())
    (folder / "a.obj").write_text("v 0 0 0\n")
    (folder / "jobs.jsonl").write_text('{"mesh": "none.obj", "prompt": "oak"}\n')
    assert run(folder / "jobs.jsonl", "--out", folder / "out", "--quiet") == 1
    assert [row["state"] for row in rows(folder / "out").values()] == ["refused"]
    assert run(folder / "nowhere.jsonl", "--out", folder / "out") == 2


def test_a_blend_in_a_job_file():
    """Another Blender opens it, or another Python with bpy."""
    folder = Path(tempfile.mkdtemp())
    cubes("a", "b")
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    wanted = [{"object": "a", "out": "one"}, {"object": ["b", "a"], "out": "two", "scene": "packed"}]
    lines = [{"mesh": "scene.blend", "prompt": "oak", **one} for one in wanted]
    (folder / "jobs.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert run(folder / "jobs.jsonl", "--out", folder / "out", "--quiet") == 0
    for name, names, packed in (("one", ["a"], False), ("two", ["a", "b"], True)):
        bpy.ops.wm.open_mainfile(filepath=str(folder / "out" / name / "scene.blend"))
        assert prompts() == dict.fromkeys(names, "oak")
        images = [image for image in bpy.data.images if "sync_texture" in image]
        assert len(images) == len(names)
        for image in images:
            assert tuple(image.size) == (helper.fake_engine.SIZE,) * 2
            assert bool(image.packed_file) == packed
            assert packed or image.filepath == "//texture.png"
    assert rows(folder / "out")["one"]["blend"] == "one/scene.blend"


def test_what_makes_no_sense():
    cubes("a")
    assert run("jobs.jsonl", "--out", "x", "--save", "a.blend") == 2
    assert run("jobs.jsonl", "--out", "x", "--objects", "a") == 2
    assert run("jobs.jsonl", "--out", "x", "--collection", "Collection", "--prompt-property", "look") == 2
    assert run("--out", "x") == 2
    assert run("--objects", "a", "--prompt", "oak", "--out", "x", "--method", "magic") == 2
    assert run("--objects", "a", "--prompt", "oak") == 2
    assert run("--objects", "a", "--prompt", "oak", "--out", "x", "--part", "1/2", "--save", "a.blend") == 2
    python = os.environ.pop("SYNC_TEXTURE_PYTHON")
    assert run("jobs.jsonl", "--out", "x") == 2
    os.environ["SYNC_TEXTURE_PYTHON"] = python
    assert not Path("x").exists()


def test_paths_of_a_result():
    said = {
        "texture": "t.png",
        "uvs": None,
        "other_uvs": ["u.npy", None],
        "textures": [{"path": "t.png", "mesh": 0}],
    }
    found = with_absolute_paths(said, Path("/f"))
    assert (found["texture"], found["uvs"], found["other_uvs"]) == ("/f/t.png", None, ["/f/u.npy", None])
    assert found["textures"] == [{"path": "/f/t.png", "mesh": 0}]


def test_texture_packs_where_that_is_wanted():
    folder = Path(tempfile.mkdtemp())
    cubes("a")
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    words = ["texture", "--prompt", "oak", "--quiet", "--save", str(folder / "new.blend")]
    assert main.run([*words, "--pack"]) == 0
    assert not (folder / "textures").exists()
    saved = (folder / "new.blend").read_bytes()
    assert main.run(words) == 2  # it is there
    assert (folder / "new.blend").read_bytes() == saved
    assert main.run([*words, "--overwrite"]) == 0
    assert (folder / "textures").is_dir()


def test_nothing_is_written_over():
    folder = Path(tempfile.mkdtemp())
    cubes("a")
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    (folder / "a.glb").write_text("precious")
    (folder / "summary.csv").write_text("precious")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    texture = ("texture", "--prompt", "oak", "--quiet")
    batch = ("batch", "--objects", "a", "--prompt", "oak", "--quiet", "--out", str(folder))
    for words in (
        (*texture, "--save", str(folder / "scene.blend")),
        (*texture, "--glb", str(folder / "a.glb")),
        (*batch, "--save", str(folder / "scene.blend")),
        (*batch, "--glb", str(folder / "a.glb")),
        batch,
    ):
        assert main.run([*words]) == 2, words
        assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert main.run([*batch, "--glb", str(folder / "a.glb"), "--overwrite"]) == 0
    assert rows(folder)["a"]["state"] == "done"
    assert main.run([*batch]) == 0  # what is there now is the batch's own


OTHERWISE = {"scene": "--save and --pack", "blender": "this one", "up": "its own axes"}
"""Options of the engine's texture that have no place in Blender's, and what does their work there."""
OWN = {"device": "by the preferences", "out": "--save or --glb will do", "help": ""}


def options(parser, name):
    """Of the command ``name``, by what they are called."""
    commands = next(action for action in parser._actions if action.nargs == "A...")
    return {word: one for one in commands.choices[name]._actions for word in one.option_strings}


def test_options_are_the_engines_own():
    from sync_texture.engine import cli

    own, theirs = options(main.parser(), "texture"), options(cli.parser(), "texture")
    for word, one in theirs.items():
        if one.dest in OTHERWISE or word == "--mesh":  # with which it is theirs
            continue
        assert word in own, word
        (ours,), (entry,) = (option.type.args if option.type else [None] for option in (own[word], one))
        if one.dest != "out":
            assert (ours is None) == (entry is None), word
            assert entry is None or (ours.kind, ours.limits) == (entry.kind, entry.limits), word
            assert entry is None or entry.choices.keys() <= ours.choices.keys(), word
        assert one.dest in OWN or own[word].default == one.default, word
        assert one.dest in OWN or own[word].required == one.required, word


def test_mesh_files_are_the_engine_s():
    for words in (["--mesh", "a.obj"], ["--prompt", "oak", "--mesh=a.obj"]):
        assert main.run(["texture", *words, "--out", "x"]) == 5  # as it ends when it is passed on
    assert main.run(["--offline", "texture", "--mesh", "a.obj"]) == 5
    assert "HF_HUB_OFFLINE" not in os.environ


def test_a_collection_together_cameras_and_files_only():
    collection = bpy.data.collections.new("row")
    bpy.context.scene.collection.children.link(collection)
    a, b, c = cubes("a", "b", "c")
    collection.objects.link(a)
    collection.objects.link(b)
    folder = Path(tempfile.mkdtemp())
    words = ["texture", "--prompt", "oak", "--quiet", "--out", str(folder / "out")]
    assert main.run([*words, "--collection", "row", "--cameras", "cameras.json", "--preview"]) == 0
    asked = json.loads((folder / "out" / "request.json").read_text())
    assert asked["cameras"] == os.path.abspath("cameras.json")
    assert asked["preview"]
    assert len(asked["other_meshes"]) == 1
    assert prompts([a, b, c]) == {"a": "oak", "b": "oak"}
    assert main.run([*words, "--cameras", "cameras.json", "--views", "4"]) == 2
    assert main.run([*words[:-2], "--save", str(folder / "a.blend"), "--preview"]) == 2


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
