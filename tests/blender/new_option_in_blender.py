"""Run inside Blender or bpy by test_in_blender.py: one new entry in the table, and where it is then found."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

FOLDER = Path(tempfile.mkdtemp())
for part in ("engine", "blender_sync_addon"):
    left_out = shutil.ignore_patterns("__pycache__", "*.safetensors")
    shutil.copytree(helper.ROOT / part, FOLDER / part, ignore=left_out)
TABLE = FOLDER / "engine" / "options" / "request.py"
ENTRY = """    shine: float = field(
        default=0.25, metadata=option("Shine", "How much it shines", TEXTURE, low=0, high=1)
    )
"""
text = TABLE.read_text(encoding="utf-8")
TABLE.write_text(
    text.replace("    texture_depth: str", f"{ENTRY}    texture_depth: str", 1), encoding="utf-8"
)
helper.ROOT = FOLDER
ADDON = helper.enable()

from sync_texture.blender_sync_addon.command import main  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.read import settings  # noqa: E402
from sync_texture.blender_sync_addon.ui import presets  # noqa: E402
from sync_texture.engine import cli  # noqa: E402
from sync_texture.engine.errors import UserError  # noqa: E402
from sync_texture.engine.options import job_fields, page  # noqa: E402
from sync_texture.engine.options.request import Request  # noqa: E402

WORDS = ["texture", "--prompt", "oak", "--shine", "0.5", "--out", "x"]


def test_both_commands_have_it():
    assert cli.parser().parse_args([*WORDS, "--mesh", "a.obj"]).shine == 0.5
    assert main.parser().parse_args(WORDS).shine == 0.5
    assert main._settings(main.parser().parse_args([*WORDS, "--target", "active"])).shine == 0.5
    assert cli.parser().parse_args(["batch", "jobs.csv", "--out", "x", "--shine", "1"]).shine == 1
    assert "--shine X" in next(iter(cli.parser()._subparsers._group_actions)).choices["texture"].format_help()


def test_a_job_file_has_it():
    assert job_fields.read({"shine": "0.5"}) == {"shine": 0.5}
    with contextlib.suppress(UserError):
        raise AssertionError(job_fields.read({"shine": "2"}))


def test_a_request_has_it():
    request = Request("a.obj", "oak", "x", shine=0.5)
    assert Request.from_dict(request.as_dict()) == request


def test_the_panel_has_it():
    options = bpy.context.scene.sync_texture
    prop = type(options).bl_rna.properties["shine"]
    assert (prop.name, prop.description) == ("Shine", "How much it shines")
    assert (prop.hard_min, prop.hard_max, prop.default) == (0, 1, 0.25)
    options.shine = 0.75
    operator = bpy.ops.sync_texture.generate.get_rna_type().properties
    assert "shine" in operator
    assert "shine" in presets.names()
    assert "shine" in settings.REMEMBERED


def test_the_page_has_it():
    assert (
        "| `--shine`, Shine | How much it shines | a number from 0 to 1 | 0.25 | everywhere |" in page.page()
    )


helper.main(globals(), ADDON, engine.supervisor.abandon)
