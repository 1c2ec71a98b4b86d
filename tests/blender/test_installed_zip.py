"""The extension as users get it: built, installed into a clean real Blender, used headless (BLENDER)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import package

SCRIPT = Path(__file__).with_name("installed.py")


@pytest.fixture
def call(blender, tmp_path):
    """Runs Blender with a profile of its own; gives (status, stdout + stderr)."""
    env = {
        **{k: v for k, v in os.environ.items() if k != "SYNC_TEXTURE_PYTHON"},
        "BLENDER_USER_RESOURCES": str(tmp_path / "user"),
        "SYNC_TEXTURE_TEST_PYTHON": sys.executable,
    }

    def call(*words, **more):
        command = [str(blender), *map(str, words)]
        done = subprocess.run(command, env=env | more, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout + done.stderr

    return call


def test_the_installed_extension(call, root, tmp_path):
    archive = tmp_path / "sync_texture.zip"
    package.fetch_wheels(package.locked_wheels(root), root / "wheels")
    status, said = call("--command", "extension", "build", "--source-dir", root, "--output-filepath", archive)
    assert status == 0, said
    folders = {name.split("/")[0] for name in zipfile.ZipFile(archive).namelist() if "/" in name}
    assert {"blender_sync_addon", "engine", "wheels"} <= folders
    assert not folders & {"tests", "training", "tools", "docs", "demo", ".venv", ".git"}, folders
    status, said = call("--command", "extension", "validate", archive)
    assert status == 0, said
    status, said = call("--command", "extension", "install-file", "-r", "user_default", "-e", archive)
    assert status == 0, said

    blend = tmp_path / "scene.blend"
    status, said = call("-b", "--python-exit-code", 1, "--python", SCRIPT, "--", blend)
    assert status == 0, said
    assert "installed: good" in said
    check_command(call, blend, tmp_path)


def check_command(call, blend, tmp_path):
    """``blender -b FILE --command sync_texture``: exit statuses, and JSON on stdout."""
    sys.path.insert(0, str(SCRIPT.parents[1] / "addon"))
    import fake_engine

    engine = {"SYNC_TEXTURE_PYTHON": str(fake_engine.install(tmp_path))}
    texture = ("-b", blend, "--command", "sync_texture", "texture", "--prompt")
    save = ("--save", tmp_path / "new.blend", "--glb", tmp_path / "new.glb", "--object", "plane", "--json")
    save += ("--overwrite",)
    status, said = call(*texture, "bricks", *save, **engine)
    assert status == 0, said
    events = [json.loads(line) for line in said.splitlines() if line.startswith('{"kind"')]
    assert (events[0]["kind"], events[-1]["kind"]) == ("started", "done")
    assert events[-1]["objects"][0]["object"] == "plane"
    assert events[-1]["report"]["prompt"] == "bricks"
    assert (tmp_path / "new.blend").stat().st_size > 0
    check_glb(tmp_path / "new.glb", "plane")
    assert call(*texture, "oom", *save, **engine)[0] == 4
    assert call(*texture, "die", *save, **engine)[0] == 1
    assert call(*texture, " ", *save, **engine)[0] == 2
    status, said = call(*texture, "bricks", *save)
    assert status == 2
    assert "engine is not set up" in said
    assert call("-b", blend, "--command", "sync_texture", "doctor", **engine)[0] == 5
    check_batch(call, blend, tmp_path, engine)


def check_glb(path, name):
    """It has one textured node of that ``name``."""
    blob = path.read_bytes()
    gltf = json.loads(blob[20 : 20 + int.from_bytes(blob[12:16], "little")])
    assert [node["name"] for node in gltf["nodes"]] == [name]
    assert "baseColorTexture" in gltf["materials"][0]["pbrMetallicRoughness"]


def check_batch(call, blend, tmp_path, engine):
    """``--command sync_texture batch``: objects of the file, and a job file with a .blend."""
    batch = ("--command", "sync_texture", "batch")
    words = ("--objects", "plane", "--prompt", "moss", "--out", tmp_path / "out", "--json")
    places = ("--save", tmp_path / "moss.blend", "--glb", tmp_path / "moss.glb")
    status, said = call("-b", blend, *batch, *words, *places, **engine)
    assert status == 0, said
    check_glb(tmp_path / "moss.glb", "plane")
    events = [json.loads(line)["kind"] for line in said.splitlines() if line.startswith('{"kind"')]
    assert (events[0], events[-1]) == ("batch", "ended")
    assert (tmp_path / "moss.blend").stat().st_size > 0
    line = {"mesh": str(blend), "object": "plane", "prompt": "lava", "out": "hot"}
    (tmp_path / "jobs.jsonl").write_text(json.dumps(line))
    status, said = call("-b", *batch, tmp_path / "jobs.jsonl", "--out", tmp_path / "out", **engine)
    assert status == 0, said
    assert (tmp_path / "out" / "hot" / "scene.blend").stat().st_size > 0
    assert call("-b", *batch, tmp_path / "none.jsonl", "--out", tmp_path / "out", **engine)[0] == 2
