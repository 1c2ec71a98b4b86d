"""How long textures took, remembered for those to come."""

from __future__ import annotations

import json

import pytest
from sync_texture.blender_sync_addon import pace

SECONDS = {
    "denoise": 16.0,
    "sync": 1.0,
    "decode": 3.0,
    "bake": 1.0,
    "measure": 0.5,
    "save": 2.5,
    "total": 30.0,
}
REPORT = {"steps": 10, "views": [{}] * 4, "texture_size": 512, "textures": [{}, {}], "seconds": SECONDS}


def noted(folder, **changes):
    (folder / "report.json").write_text(json.dumps({**REPORT, **changes}))
    pace.note(folder, "a on cpu", folder / "report.json", "auto", own_steps=True)
    return pace.read(folder, "a on cpu")


def test_what_comes_after_painting_grows_with_the_texture(tmp_path):
    found = noted(tmp_path)
    assert found.after * 512**2 * 2 == pytest.approx(4.0)
    assert found.seconds(4, 10) == pytest.approx(30.0)


def test_what_an_older_version_noted_or_told_is_read(tmp_path):
    (tmp_path / pace.FILE).write_text(json.dumps({"a on cpu": {"step": 1.0, "rest": 2.0}}))
    assert pace.read(tmp_path, "a on cpu").after == 0.0
    assert noted(tmp_path, textures=[]).after == 0.0
