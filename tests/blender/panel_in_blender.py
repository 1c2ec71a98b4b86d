"""Run inside Blender or bpy by test_in_blender.py: the command line, the panel, suggestions."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

TMP = Path(tempfile.mkdtemp())
ADDON = helper.enable()
helper.use_fake_engine()

from sync_texture.blender_sync_addon.command import main  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.jobs.state import State  # noqa: E402
from sync_texture.blender_sync_addon.operators import (  # noqa: E402
    properties,
    running_job,
)
from sync_texture.blender_sync_addon.ui import menus, panel  # noqa: E402
from sync_texture.engine import protocol  # noqa: E402
from sync_texture.engine.errors import UserError  # noqa: E402
from sync_texture.engine.options import choices  # noqa: E402


def run(*words):
    return main.run(["texture", *map(str, words), "--quiet"])


def test_command_saves_blend_glb_and_out():
    folder = Path(tempfile.mkdtemp())
    helper.mesh_object("plane", *helper.PLANE)
    other = helper.cube(location=(9, 0, 0))
    words = ("--prompt", "bricks", "--object", "plane", "--seed", 5, "--views", 4)
    places = ("--save", folder / "new" / "a.blend", "--glb", folder / "a.glb", "--out", folder / "out")
    assert run(*words, *places) == 0
    assert bpy.context.view_layer.objects.active == other
    assert other.select_get()
    assert json.loads((folder / "out" / "report.json").read_text())["seed"] == 5
    blob = (folder / "a.glb").read_bytes()
    size = int.from_bytes(blob[12:16], "little")
    gltf = json.loads(blob[20 : 20 + size])
    assert [node["name"] for node in gltf["nodes"]] == ["plane"]
    assert "baseColorTexture" in gltf["materials"][0]["pbrMetallicRoughness"]
    bpy.ops.wm.open_mainfile(filepath=str(folder / "new" / "a.blend"))
    helper.look_down()
    helper.check_quadrants(helper.render(TMP / "command.png"))


def test_command_exit_statuses():
    folder = Path(tempfile.mkdtemp())
    save = ("--save", folder / "a.blend")
    helper.cube()
    assert run("--prompt", "bricks") == 2
    assert run(*save) == 2
    assert run("--prompt", " ", *save) == 2
    assert run("--prompt", "bricks", "--method", "magic", *save) == 2
    assert run("--prompt", "bricks", "--object", "none", *save) == 2
    assert run("--prompt", "bricks", "--save", "/proc/none/a.blend") == 2
    assert run("--prompt", "fail", *save) == 2
    assert run("--prompt", "oom", *save) == 4
    assert run("--prompt", "die", *save) == 1
    assert not (folder / "a.blend").exists()
    assert main.run(["doctor"]) == 5
    assert main.run([]) == 2


class Layout:
    """Keeps what is drawn into it: (what, its text or name)."""

    def __init__(self):
        self.drawn = []

    def row(self, **_options):
        return self

    column = row

    def prop(self, _owner, name, **_options):
        self.drawn.append(("prop", name))

    def menu(self, name, **_options):
        self.drawn.append(("menu", name))

    def label(self, text, icon):
        self.drawn.append(("label", text))

    def operator(self, name, text="", **_options):
        self.drawn.append((name, text))
        return self


def own_vocabulary(**lists):
    folder = Path(tempfile.mkdtemp())
    (folder / "vocabulary.json").write_text(json.dumps(lists))
    return str(folder)


def test_the_prompts_field_suggests_what_the_model_knows():
    options = bpy.context.scene.sync_texture
    shown = properties.prompts(options, bpy.context, "")
    assert len(shown) > 30
    assert all(isinstance(text, str) for text in shown)
    typed = properties.prompts(options, bpy.context, "rusty me")
    assert "rusty metal" in typed
    assert typed[0] == "rusty me", "Enter takes the first"
    options.prompt = "my bricks"
    assert properties.prompts(options, bpy.context, "my bricks")[1:] == shown  # the field is just opened
    options.model = own_vocabulary(materials=["jelly"], examples=["green jelly"])
    assert properties.prompts(options, bpy.context, "j") == ["j", "jelly", "green jelly"]
    for unknown in ("sd15", "/nowhere", "//beside", own_vocabulary(materials="jelly")):
        options.model = unknown
        assert properties.prompts(options, bpy.context, "j") == []


def test_examples_are_one_click_away():
    options = bpy.context.scene.sync_texture
    layout = Layout()
    panel.draw_prompt(layout, options)
    assert layout.drawn == [("prop", "prompt"), ("menu", "SYNC_TEXTURE_MT_examples")]
    menu = types.SimpleNamespace(layout=Layout())
    menus.ExamplesMenu.draw(menu, bpy.context)
    assert ("sync_texture.use_example", "snow") in menu.layout.drawn
    assert bpy.ops.sync_texture.use_example(prompt="snow") == {"FINISHED"}
    assert options.prompt == "snow"
    options.model = "sd15"
    layout = Layout()
    panel.draw_prompt(layout, options)
    assert layout.drawn == [("prop", "prompt")]


def test_the_panel_says_what_the_engine_noted_about_the_last_texture():
    obj = helper.cube()
    helper.generate("warn")
    assert running_job.last_warnings(obj) == ("fake warning",)
    layout = Layout()
    region = types.SimpleNamespace(width=300)
    context = types.SimpleNamespace(view_layer=bpy.context.view_layer, scene=bpy.context.scene, region=region)
    panel.draw_generate(layout, context)
    assert ("label", "fake warning") in layout.drawn
    other = helper.cube()
    assert running_job.last_warnings(other) == ()
    assert running_job.last_warnings(None) == ()
    helper.generate("bricks")
    assert running_job.last_warnings(obj) == running_job.last_warnings(other) == ()


def test_unregister_ends_the_engine_and_register_works_again():
    helper.cube()
    helper.generate()
    assert engine.supervisor.pid
    ADDON.unregister()
    assert engine.supervisor.pid is None
    assert not hasattr(bpy.types.Scene, "sync_texture")
    ADDON.register()
    helper.generate()


def test_command_is_cancelled_by_ctrl_c():
    helper.cube()
    threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    assert run("--prompt", "slow", "--save", TMP / "never.blend") == 3
    assert time.monotonic() - start < 0.7 + 2 + 1  # until it is asked, to answer, for a busy machine
    assert not (TMP / "never.blend").exists()


def test_stages_are_told_in_words():
    assert State("a", "plan", 3, 16).text == "Choosing views 3/16"
    assert State("a", "denoise", 1, 2, 90.0).text == "Painting 1/2, 2 min left"
    assert State("a").text == "Starting the engine"
    for stage in protocol.STAGES:
        assert stage.capitalize() != State("a", stage, 0, 1).text


def test_attention_and_rasteriser_are_sent_where_they_are_chosen():
    helper.cube()
    options = bpy.context.scene.sync_texture
    for chosen, sent in (("auto", None), ("views", "views"), ("off", "off")):
        options.attention = chosen
        helper.generate()
        (origin,) = (dict(i["sync_texture"]) for i in bpy.data.images if "sync_texture" in i)
        assert (origin.get("attention"), origin["raster"]) == (sent, "auto")
        helper.empty_scene()
        helper.cube()
        options = bpy.context.scene.sync_texture
    helper.generate(raster="embree")
    assert next(i for i in bpy.data.images if "sync_texture" in i)["sync_texture"]["raster"] == "embree"
    for name in ("attention", "raster"):
        items = type(options).bl_rna.properties[name].enum_items
        assert {item.identifier for item in items} == {"auto", *getattr(choices, f"{name.upper()}S")}
        assert all(item.description for item in items)


def test_the_engines_advice_names_what_the_panel_shows():
    for wording, wanted in {
        UserError(
            "it is big", "choose a smaller {texture_size}, or fewer", texture_size=None
        ): "a smaller Size, or",
        UserError(
            "no", "use fewer {views}, or {raster}", views=None, raster="embree"
        ): "Views, or Rasteriser Embree",
        UserError(
            "full", "give another {out}", out=None
        ): "another Temporary Folder in Preferences > File Paths",
        UserError("no", "use {device} or cpu", device="auto"): "Use Device Automatic in Preferences or cpu",
        UserError(
            "no texture", "check {init_texture}", init_texture=None
        ): "Check Start from Current Texture",
        UserError("{guidance} is 200", "use less", guidance=None): "Guidance is 200. Use less",
        UserError("the network is off ({offline})", "", offline=None): "The network is off (--offline)",
    }.items():
        state = State("job")
        state.apply(protocol.failed(wording.wording, protocol.EXIT_BAD_INPUT, id="job"))
        assert wanted in str(state.problem), str(state.problem)


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
