"""Which way is up in files that don't say so, and where the cameras stand then."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from engine import settings
from engine.mesh.mesh import Mesh, load
from engine.protocol import Request


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A box that is highest along z, as every kind of file."""
    box = trimesh.creation.box(extents=(1, 2, 6))
    box.apply_translation((0, 3, 5))
    found = {}
    for ending in ("obj", "ply", "stl", "glb"):
        found[ending] = tmp_path / f"box.{ending}"
        box.export(found[ending])
    return found


def extent(mesh: Mesh) -> list[float]:
    return [round(float(v), 4) for v in np.ptp(mesh.vertices, axis=0)]


AS_IT_IS, UPRIGHT = [1, 2, 6], [1, 6, 2]


@pytest.mark.parametrize(
    ("ending", "up", "wanted"),
    [
        ("obj", "y", AS_IT_IS),
        ("obj", "z", UPRIGHT),
        ("obj", "auto", AS_IT_IS),
        ("ply", "y", AS_IT_IS),
        ("ply", "z", UPRIGHT),
        ("ply", "auto", UPRIGHT),
        ("stl", "z", UPRIGHT),
        ("stl", "auto", UPRIGHT),
        ("glb", "z", AS_IT_IS),
        ("glb", "auto", AS_IT_IS),
    ],
)
def test_files_are_stood_upright(files: dict[str, Path], ending: str, up: str, wanted: list[float]) -> None:
    mesh = load(files[ending], up=up)
    assert extent(mesh) == wanted
    whole = trimesh.Trimesh(mesh.vertices, mesh.faces)
    assert whole.volume == pytest.approx(12, rel=1e-4)  # not mirrored
    y, z = (5, -3) if wanted == UPRIGHT else (3, 5)
    np.testing.assert_allclose(whole.bounds.mean(axis=0), (0, y, z), atol=1e-5)


def test_cameras_are_those_of_the_file(files: dict[str, Path], tmp_path: Path) -> None:
    """One looks at the box's front, -y in the file, with +z up; once said, once left to the file's axes."""
    cameras = tmp_path / "cameras.json"
    own = {"position": [0, -20, 5], "forward": [0, 1, 0]}
    cameras.write_text(json.dumps({"cameras": [own, {**own, "up": [0, 0, 1]}, {**own, "up": [1, 0, 0]}]}))
    request = Request(str(files["stl"]), "moss", "out", cameras=str(cameras), up="auto")
    given = settings.own_cameras(request)
    placed = settings.placed(request, given, load(files["stl"], up="auto"))
    assert placed is not None
    for camera, roll in zip(placed, (0, 0, 90), strict=True):
        assert (camera.azimuth, camera.elevation) == pytest.approx((0, 0))
        assert abs(camera.roll) == pytest.approx(roll, abs=1e-4)
        pixel, depth = camera.project(np.zeros((1, 3), np.float32), 100)
        np.testing.assert_allclose(pixel, 50, atol=1e-3)
        assert depth > 0
