"""Run inside Blender or bpy by test_in_blender.py: the rows of the panel's Controls."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

ADDON = helper.enable()
helper.use_fake_engine()

from choosing import asked, options  # noqa: E402
from sync_texture.blender_sync_addon.command import main  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.ui import controls as drawn  # noqa: E402

OPS = bpy.ops.sync_texture


class Column:
    """What is drawn, in words."""

    def __init__(self, said):
        self.said = said

    def label(self, text="", **_):
        self.said.append(text)

    def operator(self, name, **_):
        self.said.append(name)
        return SimpleNamespace()

    def separator(self):
        pass

    def row(self, **_):
        return self

    def prop(self, _options, name, **_):
        self.said.append(f"<{name}>")


def shown() -> list[str]:
    said: list[str] = []
    drawn.draw(Column(said), options())
    return [word for word in said if "." not in word or ":" in word or "," in word]


def test_rows_are_added_changed_and_removed():
    helper.cube()
    options().prompt = "bricks"
    assert options().controls == ""
    assert shown() == ["<controls>"]
    OPS.control_edit(kind="depth", scale=0.5, end=1.0)
    net = Path(tempfile.mkdtemp()) / "nets"
    net.mkdir()
    OPS.control_edit(kind="normal", source=str(net), scale=0.25, end=0.5)
    assert options().controls == f"depth:0.5:1; normal={net}:0.25:0.5"
    assert shown() == ["<controls>", "Depth, the model's own, 0.5", "Normal, nets, 0.25, to 50%"]
    assert f'"controls": ["depth:0.5:1", "normal={net}:0.25:0.5"]' in asked()
    OPS.control_edit(index=0, kind="lines", scale=0.4, end=1.0)
    assert options().controls.startswith("lines:0.4:1; ")
    OPS.control_remove(index=1)
    assert options().controls == "lines:0.4:1"
    OPS.control_remove()
    assert options().controls == ""
    assert '"controls": []' in asked()


def test_a_kind_twice_and_what_cannot_be_read_are_said():
    OPS.control_edit(kind="depth", scale=0.5, end=1.0)
    helper.raises(lambda: OPS.control_edit(kind="depth", scale=0.7, end=1.0), "given twice")
    assert options().controls == "depth:0.5:1"
    options().controls = "depth:much"
    assert "not a number" in " ".join(shown())
    helper.raises(lambda: OPS.control_edit(kind="normal"), "not a number")
    OPS.control_remove()
    assert shown() == ["<controls>"]


def test_an_operator_and_the_command_take_them():
    helper.cube()
    assert '"controls": ["lines:0.3"]' in asked(prompt="gold", controls="lines:0.3")
    words = ["texture", "--prompt", "gold", "--control", "depth:0.5", "--control", "lines:0.3"]
    assert main._settings(main.parser().parse_args([*words, "--target", "active"])).controls == (
        "depth:0.5",
        "lines:0.3",
    )


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
