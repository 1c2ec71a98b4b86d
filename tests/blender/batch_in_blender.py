"""Run inside Blender or bpy by test_in_blender.py: many objects from a script."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402

batch = bpy.ops.sync_texture.batch


def cubes(*names):
    for name in names:
        helper.cube().name = name
    bpy.ops.object.select_all(action="DESELECT")
    return [bpy.data.objects[name] for name in names]


def prompts():
    """Of each object that has a texture of ours, by name."""
    shown = ((obj.name, slot.material) for obj in bpy.data.objects for slot in obj.material_slots)
    return {name: material["sync_texture"]["prompt"] for name, material in shown if material}


def test_named_objects_with_one_prompt():
    cubes("a", "b", "c")
    before = bpy.context.view_layer.objects.active
    assert batch(objects=[{"name": "a"}, {"name": "c"}, {"name": "a"}], prompt="oak") == {"FINISHED"}
    assert prompts() == {"a": "oak", "c": "oak"}
    assert bpy.context.view_layer.objects.active == before
    assert not bpy.context.selected_objects


def test_prompts_of_their_own():
    a, b, _, d = cubes("a", "b", "c", "d")
    a["look"], b["look"], d["look"] = "moss", "  ", 7
    bpy.context.scene.sync_texture.prompt = "oak"
    for obj in (a, b, d):
        obj.select_set(True)
    assert batch(prompts=[{"name": "c", "prompt": "lava"}], objects=[{"name": "a"}]) == {"FINISHED"}
    assert prompts() == {"a": "oak", "c": "lava"}
    assert batch(prompt_property="look") == {"FINISHED"}  # the selected ones
    assert prompts() == {"a": "moss", "b": "oak", "c": "lava", "d": "7"}


def test_a_collection_with_what_is_inside_it():
    inner, outer = (bpy.data.collections.new(name) for name in ("inner", "outer"))
    bpy.context.scene.collection.children.link(outer)
    outer.children.link(inner)
    for obj, collection in zip(cubes("a", "b", "c"), (outer, inner, None), strict=True):
        if collection:
            collection.objects.link(obj)
    bpy.ops.object.light_add()
    outer.objects.link(bpy.context.object)
    assert batch(collection="outer", prompt="oak") == {"FINISHED"}
    assert prompts() == {"a": "oak", "b": "oak"}
    helper.raises(lambda: batch(collection="nowhere", prompt="oak"), "no collection 'nowhere'", "'outer'")
    bpy.data.collections.new("empty")
    helper.raises(lambda: batch(collection="empty", prompt="oak"), "no meshes")


def test_what_fails_costs_that_object_only():
    _, bare, _ = cubes("a", "bare", "b")
    bare.data.clear_geometry()
    bpy.ops.object.light_add()
    bpy.context.object.name = "lamp"
    names = [{"name": name} for name in ("a", "bare", "lamp", "nobody", "b")]
    said = helper.raises(lambda: batch(objects=names, prompt="oak"), "2 of 5 objects textured")
    for words in ("'bare' failed: 'bare' has no faces", "'lamp' is not a mesh but a light", "'nobody'"):
        assert words in said, said
    assert prompts() == {"a": "oak", "b": "oak"}


def test_a_killed_engine_costs_nothing_but_time():
    cubes("a", "b")
    before = helper.dump()
    said = helper.raises(
        lambda: batch(prompts=[{"name": "a", "prompt": "die"}]), "0 of 1", "killed by signal 9"
    )
    assert len(said.strip().splitlines()) == 2, said
    helper.check_same(before, helper.dump())
    prompted = [{"name": "a", "prompt": "die"}, {"name": "b", "prompt": "oak"}]
    helper.raises(lambda: batch(prompts=prompted), "1 of 2 objects textured", "'a' failed")
    assert prompts() == {"b": "oak"}


def test_an_engine_killed_from_outside_costs_its_object_only():
    cubes("a", "b")
    killed = []

    def kill():
        while not (engine.supervisor.busy and engine.supervisor.pid):
            time.sleep(0.01)
        time.sleep(0.5)
        killed.append(engine.supervisor.pid)
        os.kill(engine.supervisor.pid, signal.SIGKILL)

    batch(objects=[{"name": "b"}], prompt="moss")  # so that the engine is there, and has taken its job up
    threading.Thread(target=kill, daemon=True).start()
    prompted = [{"name": "a", "prompt": "slow"}, {"name": "b", "prompt": "oak"}]
    helper.raises(lambda: batch(prompts=prompted), "1 of 2 objects textured", "killed by signal 9")
    assert killed
    assert prompts() == {"b": "oak"}


def test_memory_that_ran_out_costs_its_object_only():
    cubes("a", "b")
    prompted = [{"name": "a", "prompt": "hungry"}, {"name": "b", "prompt": "oak"}]
    helper.raises(lambda: batch(prompts=prompted), "1 of 2 objects textured", "'a' failed")
    assert prompts() == {"b": "oak"}


def test_one_engine_for_all():
    cubes("a", "b", "c")
    batch(objects=[{"name": "a"}], prompt="oak")
    first = engine.supervisor.pid
    batch(objects=[{"name": "b"}, {"name": "c"}], prompt="oak")
    assert engine.supervisor.pid == first


def test_interrupted_it_keeps_what_is_done():
    cubes("a", "b", "c")
    prompted = [
        {"name": name, "prompt": prompt} for name, prompt in zip("abc", ("oak", "slow", "oak"), strict=True)
    ]

    def interrupt():
        while not prompts():
            time.sleep(0.05)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    before = signal.getsignal(signal.SIGINT)
    helper.raises(
        lambda: batch(prompts=prompted), "1 of 3 objects textured, 1 left out", "'b' failed: Cancelled"
    )
    assert signal.getsignal(signal.SIGINT) == before
    assert prompts() == {"a": "oak"}


def test_nothing_to_do_and_no_engine():
    helper.raises(lambda: batch(prompt="oak"), "Nothing to texture")
    cubes("a")
    python = os.environ.pop("SYNC_TEXTURE_PYTHON")
    said = helper.raises(lambda: batch(objects=[{"name": "a"}], prompt="oak"), "engine is not set up")
    assert len(said.strip().splitlines()) == 1
    os.environ["SYNC_TEXTURE_PYTHON"] = "/bin/false"
    cubes("b", "c")
    call = lambda: batch(objects=[{"name": name} for name in "abc"], prompt="oak")  # noqa: E731
    helper.raises(call, "0 of 3 objects textured, 2 left out", "exit status 1")
    os.environ["SYNC_TEXTURE_PYTHON"] = python
    helper.raises(lambda: batch(objects=[{"name": "a"}]), "'a' failed: The prompt is empty")


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
