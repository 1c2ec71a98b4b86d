"""What the benchmark of mesh files says of readings, with and without a difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import formats
from tests.engine.mesh.corpus import compare


def test_readings_that_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert formats.measured(8, tmp_path, None) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["obj", "3", "0"],
        ["ply", "2", "0"],
        ["stl", "1", "0"],
        ["gltf", "2", "0"],
    ]


def test_readings_that_differ_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def differ(case: object, path: Path) -> list[str]:
        if path.parent.name == "ply-1":
            raise ValueError("no")
        return ["2 and 3 triangles"] if path.parent.name == "obj-0" else []

    monkeypatch.setattr(compare, "ours", differ)
    assert formats.measured(8, tmp_path, None) == 1
    out = capsys.readouterr().out
    assert "ours, obj-0: 2 and 3 triangles" in out
    assert "ours, ply-1: ValueError: no" in out
