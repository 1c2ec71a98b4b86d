"""Generated files of every kind: the engine reads what they were made to show, and so does Blender.

A share of the corpus; `build.py bench formats` reads all of it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.mesh.corpus import compare

FEW = {"obj": 50, "ply": 40, "stl": 12, "gltf": 24}
WITH_BLENDER = {"obj": 12, "ply": 10, "stl": 6, "gltf": 10}


@pytest.mark.parametrize("kind", FEW)
def test_files_hold_what_they_were_made_to_show(kind: str, tmp_path: Path) -> None:
    for seed in range(FEW[kind]):
        case = compare.made(kind, seed)
        assert compare.ours(case, compare.written(case, tmp_path / str(seed))) == [], f"{kind} {seed}"


def test_blender_sees_the_same(bpy_pythons: list[Path], tmp_path: Path) -> None:
    names = [(kind, seed) for kind, count in WITH_BLENDER.items() for seed in range(count)]
    cases = {f"{kind}-{seed}": compare.made(kind, seed) for kind, seed in names}
    found = compare.blenders(cases, bpy_pythons[-1], tmp_path)
    assert len(found) > 25
    assert {name: apart for name, apart in found.items() if apart} == {}


@pytest.mark.parametrize("kind", FEW)
def test_a_file_is_the_same_every_time(kind: str) -> None:
    assert compare.made(kind, 3).files == compare.made(kind, 3).files
