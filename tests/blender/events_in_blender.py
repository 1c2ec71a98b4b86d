"""Run inside Blender or bpy by test_in_blender.py: ``texture --json`` of both commands, with the real engine
and the starter: the same events and exit statuses, whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import helper

ADDON = helper.enable()
PYTHON = os.environ.get("SYNC_TEXTURE_TEST_PYTHON", sys.executable)
os.environ["SYNC_TEXTURE_PYTHON"] = PYTHON
os.environ["OMP_NUM_THREADS"] = "1"

from interrupting import interrupting  # noqa: E402
from sync_texture.blender_sync_addon.command import main  # noqa: E402
from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.engine import json_lines  # noqa: E402

QUICK = ["--steps", "2", "--views", "2", "--texture-size", "64", "--device", "cpu"]
GOOD = {"prompt": "red bricks", "mesh": "box.obj", "object": "box", "out": "out"}
CASES = {
    "good": {"more": ["--preview"]},
    "cancelled": {"more": ["--steps", "50"]},
    "no prompt": {"prompt": " "},
    "no mesh": {"mesh": "none.obj", "object": "none"},
    "no model": {"more": ["--model", "no-such-model"]},
    "no rig": {"more": ["--views", "some"]},
    "no folder": {"out": "file/out"},
    "no texture": {"more": ["--init-texture", "none.png"]},
    "no method": {"more": ["--method", "magic"]},
    "no option": {"more": ["--colour", "red"]},
}
# The engine's command, case after case in one process, which spares the others its start.
ENGINE = """
import json, sys
from engine import cli, json_lines
sys.path.insert(0, "tests/blender")
from interrupting import interrupting
for name, words in json.loads(sys.argv[1]).items():
    with interrupting(json_lines, name == "cancelled"):
        try:
            status = cli.main(words)
        except SystemExit as end:
            status = end.code
    print(json.dumps({"case": name, "status": status}), flush=True)
"""


def words(case, what, folder):
    said = {**GOOD, **case}
    about = {"mesh": ["--mesh", str(folder / said["mesh"])], "object": ["--object", said["object"]]}[what]
    out = str(folder / what / said["out"])
    return [
        "texture",
        *about,
        "--prompt",
        said["prompt"],
        "--out",
        out,
        *QUICK,
        *said.get("more", ()),
        "--json",
    ]


def by_the_engine(folder):
    """{case: (status, events)} of the engine's own command."""
    cases = {name: words(case, "mesh", folder) for name, case in CASES.items()}
    ran = subprocess.run(
        [PYTHON, "-c", ENGINE, json.dumps(cases)],
        cwd=helper.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found, events = {}, []
    for line in map(json.loads, ran.stdout.splitlines()):
        if "case" in line:
            found[line["case"]], events = (line["status"], events), []
        else:
            events.append(line)
    return found


def by_blender(name, folder):
    """(status, events) of the command inside Blender."""
    path, kept = folder / "stdout", os.dup(1)
    with path.open("wb") as file:
        os.dup2(file.fileno(), 1)
        try:
            with interrupting(json_lines, name == "cancelled"):
                status = main.run(words(CASES[name], "object", folder))
        finally:
            os.dup2(kept, 1)
            os.close(kept)
    lines = path.read_text("utf-8").splitlines()
    print(*(line for line in lines if line[:1] != "{"), sep="\n")
    return status, [json.loads(line) for line in lines if line[:1] == "{"]


def told(events):
    """The kinds in their order, each run of one kind once; progress with its stages."""
    kinds = [
        event["kind"] + (f" {event['stage']}" if event["kind"] == "progress" else "") for event in events
    ]
    kinds = [kind for kind in kinds if kind != "preview"]
    return [kind for before, kind in zip([None, *kinds], kinds, strict=False) if kind != before]


def test_both_commands_tell_the_same():
    folder = Path(tempfile.mkdtemp())
    helper.cube().name = "box"
    bpy.ops.wm.obj_export(filepath=str(folder / "box.obj"), export_materials=False)
    for what in ("mesh", "object"):
        (folder / what).mkdir()
        (folder / what / "file").write_text("in the way")
    theirs = by_the_engine(folder)
    assert {name: status for name, (status, _) in theirs.items()} == {
        **dict.fromkeys(CASES, 2),
        "good": 0,
        "cancelled": 3,
    }
    for name in CASES:
        status, events = by_blender(name, folder)
        assert status == theirs[name][0], (name, status)
        same(name, events, theirs[name][1])


def same(name, events, wanted):
    """Types, order and fields of the events ``wanted``; of what fails early, the stages may end earlier."""
    assert {event["kind"] for event in events} == {event["kind"] for event in wanted}, name
    assert [event["id"] for event in events] == ["texture"] * len(events), name
    if name in ("good", "cancelled"):
        assert told(events) == told(wanted), name
    for ours, theirs in zip((events or [{}])[-1:], (wanted or [{}])[-1:], strict=True):
        assert ours.get("code") == theirs.get("code"), name
        assert ours.keys() >= theirs.keys(), name
        assert ours.get("result", {}).keys() == theirs.get("result", {}).keys(), name
    if name == "good":
        assert Path(events[-1]["result"]["texture"]).read_bytes()
        assert {"save", "glb", "out", "objects", "report"} <= events[-1].keys()


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
