"""Run inside Blender or bpy by test_in_blender.py: what commands make of files as they were saved, in any
mode, with instances, with objects that can't be textured."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper
import numpy as np
import scenes

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.command import main, scene_exchange  # noqa: E402
from sync_texture.blender_sync_addon.datablocks import is_ours  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine, job_object, texture_job  # noqa: E402
from sync_texture.blender_sync_addon.read import mesh  # noqa: E402
from sync_texture.blender_sync_addon.read.settings import Settings  # noqa: E402
from sync_texture.engine import protocol  # noqa: E402
from sync_texture.engine.protocol import Request  # noqa: E402

MODES = ("EDIT", "SCULPT", "VERTEX_PAINT", "WEIGHT_PAINT", "TEXTURE_PAINT")


def saved() -> Path:
    path = Path(tempfile.mkdtemp()) / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    return path


def read(path: Path, **request) -> dict:
    """What Blender answers the engine; arrays in place of the files' names."""
    folder = Path(tempfile.mkdtemp())
    asked = Request(str(path), "oak", str(folder), **request).as_dict()
    order = {"action": "read", "blend": str(path), "request": asked}
    (folder / scene_exchange.ORDER).write_text(json.dumps(order), "utf-8")
    scene_exchange.answer(folder)
    found = json.loads((folder / scene_exchange.ANSWER).read_text("utf-8"))
    for one in found.get("meshes", ()):
        one["arrays"] = dict(np.load(one["file"], allow_pickle=False))
    return found


def command(*words) -> tuple[int, str]:
    """The exit status of our command, and what it says."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        status = main.run(["texture", "--prompt", "bricks", *map(str, words)])
    return status, said.getvalue()


def textured() -> set[str]:
    """The objects that show a material of ours."""
    return {
        obj.name
        for obj in bpy.data.objects
        if any(slot.material and is_ours(slot.material) for slot in obj.material_slots)
    }


def test_files_saved_in_any_mode():
    for mode in MODES:
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        for place in (0, 3):
            bpy.ops.mesh.primitive_cube_add(location=(place, 0, 0))
        bpy.data.objects["Cube"].select_set(True)
        bpy.ops.object.mode_set(mode=mode)
        if mode == "EDIT":  # of several objects, with changes that were not left yet
            bpy.ops.mesh.select_all(action="SELECT")
            bpy.ops.mesh.subdivide()
        path = saved()
        found = read(path)
        assert sorted(found["objects"]) == ["Cube", "Cube.001"], (mode, found)
        faces = {len(one["arrays"]["faces"]) for one in found["meshes"]}
        assert faces == {48 if mode == "EDIT" else 12}, (mode, faces)
        bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False)
        status, said = command("--object", "Cube", "--out", path.parent / "out")
        assert status == protocol.EXIT_DONE, (mode, said)
        assert textured() == {"Cube"}, mode


def nine_meshes():
    """Nine in a collection, two of them without faces."""
    collection = bpy.data.collections.new("Kit")
    bpy.context.scene.collection.children.link(collection)
    for number in range(9):
        bpy.ops.mesh.primitive_cube_add(location=(3 * number, 0, 0))
        obj = bpy.context.object
        obj.name = f"part {number}"
        collection.objects.link(obj)
        if number in (4, 7):
            obj.data.clear_geometry()
    return [f"part {number}" for number in range(9)]


def test_what_can_be_textured_is_and_the_rest_is_named():
    names = nine_meshes()
    path = saved()
    wanted = [name for name in names if name not in ("part 4", "part 7")]
    for request in ({}, {"collection": "Kit"}):
        found = read(path, **request)
        assert (sorted(found["objects"]), found["left_out"]) == (wanted, ["part 4", "part 7"]), found
        assert found["warnings"] == [
            "'part 4': left out, it has no faces",
            "'part 7': left out, it has no faces",
        ]
    found = read(path, objects=("part 3", "part 4"))
    assert found["error"] == "'part 4' has no faces", found
    status, said = command("--collection", "Kit", "--out", path.parent / "out")
    assert status == protocol.EXIT_INCOMPLETE, said
    assert "'part 4': left out, it has no faces" in said
    assert textured() == set(wanted)
    assert command("--object", "part 4", "--out", path.parent / "out")[0] == protocol.EXIT_BAD_INPUT


def test_each_of_a_collection_is_read_once():
    nine_meshes()
    path, asked = saved(), []

    def noted(obj, *others):
        asked.append(obj.name)
        return read_mesh(obj, *others)

    read_mesh = mesh.read
    with mock.patch.object(mesh, "read", noted):
        assert command("--collection", "Kit", "--out", path.parent / "out")[0] == protocol.EXIT_INCOMPLETE
    assert len(asked) == len(set(asked)) == 9, asked


def test_the_one_that_is_left_of_a_collection_is_textured_as_alone():
    for obj in map(bpy.data.objects.get, nine_meshes()):
        if obj.name != "part 5":
            obj.data.clear_geometry()
    out = saved().parent / "out"
    settings = Settings(prompt="bricks")
    obj = bpy.data.objects["part 5"]
    depsgraph = bpy.context.evaluated_depsgraph_get()
    chosen = main._read([*bpy.data.collections["Kit"].objects], settings, insist=False)
    (one,) = chosen.found
    assert one.read.world is not None, "it stood among others"
    job = texture_job.TextureJob([one], settings, out)
    try:
        alone = job_object.JobObject(obj, depsgraph, settings, False).read
        assert job.objects[0].read.world is None
        assert np.array_equal(job.objects[0].read.placed, alone.placed)
    finally:
        engine.supervisor.abandon()
        job.close()


def test_many_that_cannot_be_textured_are_one_line():
    for number in range(6):
        helper.cube().name = f"part {number}"
        if number:
            bpy.context.object.data.clear_geometry()
    found = read(saved())
    (line,) = found["warnings"]
    assert line == "5 of 6 objects, the first of them 'part 1': left out, it has no faces"
    bpy.data.objects["part 0"].data.clear_geometry()
    found = read(saved())
    assert found["error"].startswith("None of 6 objects can be textured: 6 of 6 objects"), found


def test_instanced_collections_are_textured_where_they_are_seen():
    """The objects lie in no view layer: an empty shows them, moved and turned."""
    tree, leaf = helper.cube(location=(1, 0, 0)), helper.cube(location=(1, 0, 2))
    tree.name, leaf.name = "tree", "leaf"
    scenes.instancer("Forest", tree, leaf).location = (0, 0, 10)
    path, empty = saved(), "Forest here"
    for request in ({}, {"collection": "Forest"}, {"objects": (empty,)}, {"objects": ("tree", "leaf")}):
        found = read(path, **request)
        assert (sorted(found["objects"]), found["left_out"]) == (["leaf", "tree"], []), found
        middle = {
            name: one["arrays"]["vertices"].mean(axis=0)
            for name, one in zip(found["objects"], found["meshes"], strict=True)
        }
        assert np.allclose(middle["tree"], (1, 10, 0), atol=1e-5), middle
        assert np.allclose(middle["leaf"], (1, 12, 0), atol=1e-5), middle
    bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False)
    save = path.parent / "textured.blend"
    assert command("--object", empty, "--save", save)[0] == protocol.EXIT_DONE
    assert textured() == {"tree", "leaf"}
    status, said = command("--object", "tree", "--glb", path.parent / "tree.glb")
    assert status == protocol.EXIT_BAD_INPUT
    assert "by its instances alone" in said


def test_what_shows_others_alone_is_nothing_left_out():
    cube = helper.cube()
    cube.hide_set(True)
    host = helper.cube()
    host.name = "host"
    scenes.nodes(host, scenes.objects_as_instances(cube))
    found = read(saved())
    assert (found["objects"], found["left_out"], found["warnings"]) == (["Cube"], [], []), found


def test_collections_that_show_themselves_through_others():
    inner = scenes.instancer("Inner", helper.cube())
    scenes.instancer("Outer", inner)
    found = read(saved())
    assert found["objects"] == ["Cube"], found
    assert read(saved(), objects=("Outer here",))["objects"] == ["Cube"]


def test_linked_objects_are_named():
    helper.cube().name = "there"
    library = saved()
    helper.empty_scene()
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.objects = ["there"]
    bpy.context.collection.objects.link(wanted.objects[0])
    helper.cube().name = "own"
    found = read(saved())
    assert (found["objects"], found["left_out"]) == (["own"], ["there"]), found
    assert found["warnings"] == ["'there': left out, it is linked from a library"]


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
