"""Tiles and wide pictures as whole materials: by an estimator of random weights, and relief by calculus."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.bake.flat_relief import flat_normal_map
from engine.host import Host
from engine.options.channels import CHANNELS, RELIEF
from engine.pictures import png
from engine.protocol import ImageRequest, Preview, Result
from engine.worker import Worker
from tests.engine.estimators import made

Floats = NDArray[np.float64]
WHOLE = ["image", *(name for name in CHANNELS if name != "base_color")]


@pytest.fixture(scope="module")
def telling(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with an estimator of random weights."""
    return made(shutil.copytree(tiny_model, tmp_path_factory.mktemp("telling") / "model"))


def painted(model: Path, out: Path, told: list[Preview] | None = None, **fields: Any) -> Result:
    usual = {"kind": "tile", "width": 96, "height": 72, "steps": 2, "device": "cpu", "preview": True}
    request = ImageRequest(prompt="moss", out=str(out), model=str(model), **{**usual, **fields})
    outcome = Worker().run(request, Host(preview=(told if told is not None else []).append))
    assert isinstance(outcome, Result), outcome
    return outcome


def test_a_tile_is_a_whole_material_that_wraps(telling: Path, tmp_path: Path) -> None:
    told: list[Preview] = []
    found = painted(telling, tmp_path / "full", told)
    plain = painted(telling, tmp_path / "color", channels=("color",))
    assert Path(found.texture).read_bytes() == Path(plain.texture).read_bytes()
    assert (plain.textures[0].others, told[0].textures[0].others) == ({}, {})
    # a window is 64 pixels and 1.4 radii wide, the tile 96 pixels
    assert (found.relief, plain.relief) == (pytest.approx(2 * RELIEF / 1.4 * 64 / 96), 0)
    assert [Path(path).stem for path in found.textures[0].files.values()] == WHOLE
    report = json.loads(Path(found.report).read_text("utf-8"))
    names = [f"{name}.png" for name in WHOLE]
    assert sorted(report["files"]) == sorted([*names, "report.json"])
    for name in [*CHANNELS][1:]:
        path = Path(found.textures[0].others[name])
        picture = png.read(path) if CHANNELS[name].deep else np.asarray(Image.open(path))
        assert picture.dtype == (np.uint16 if CHANNELS[name].deep else np.uint8)
        assert picture.shape[:2] == (72, 96)
        for axis in (0, 1):
            steps = np.abs(np.roll(picture, -1, axis).astype(float) - picture)
            steps = steps.mean(axis=(1 - axis, 2))
            assert steps[-1] <= steps[:-1].max(), (name, axis)
    bare = json.loads(Path(plain.report).read_text("utf-8"))
    assert bare["files"] == ["image.png", "report.json"]


def test_a_wide_picture_has_some_and_a_model_may_know_none(
    telling: Path, tiny_model: Path, tmp_path: Path
) -> None:
    size = {"kind": "wide", "width": 128, "height": 64}
    some = painted(telling, tmp_path / "some", channels=("normal", "metallic"), **size)
    assert list(some.textures[0].others) == ["metallic", "normal"]
    none = painted(tiny_model, tmp_path / "none", channels=("height",))
    assert none.textures[0].others == {}
    assert "the model can't tell height of its pictures: only the rest is made" in none.warnings


def waves(height: int, width: int) -> tuple[Floats, Floats, Floats]:
    """A relief that wraps (H, W, 1), and its slopes along x and along y, upwards, when a row and a column are
    0.005 and 0.01 apart."""
    y, x = np.meshgrid(*(2 * np.pi * np.arange(n) / n for n in (height, width)), indexing="ij")
    relief = 0.5 + 0.2 * np.sin(x) + 0.1 * np.cos(2 * x + 3 * y)
    right = (0.2 * np.cos(x) - 0.2 * np.sin(2 * x + 3 * y)) * 2 * np.pi / width
    down = -0.3 * np.sin(2 * x + 3 * y) * 2 * np.pi / height
    return relief[..., None], right * 2 * RELIEF / 0.01, -down * 2 * RELIEF / 0.005


def test_a_flat_normal_map_is_the_relief_s_and_wraps() -> None:
    relief, right, up = waves(180, 240)
    found = flat_normal_map(relief.astype(np.float32), (0.005, 0.01), wraps=True) * 2.0 - 1
    truth = np.stack([-right, -up, np.ones_like(up)], axis=-1)
    truth /= np.linalg.norm(truth, axis=-1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip((found * truth).sum(axis=-1), -1, 1)))
    steepest = np.degrees(np.arctan(np.hypot(right, up).max()))
    assert steepest > 5
    assert angle.max() < 0.02 * steepest
    moved = np.roll(relief, (50, 70), axis=(0, 1)).astype(np.float32)
    again = flat_normal_map(moved, (0.005, 0.01), wraps=True) * 2.0 - 1
    assert (again == np.roll(found, (50, 70), axis=(0, 1))).all()


def test_at_an_edge_that_is_one_a_slope_goes_on() -> None:
    ramp = np.broadcast_to(np.linspace(0.2, 0.8, 40, dtype=np.float32), (30, 40))[..., None]
    found = flat_normal_map(ramp, (0.1, 0.1), wraps=False)
    assert np.ptp(found, axis=(0, 1)).max() < 1e-5
    assert found[0, 0, 0] < 0.5  # it rises to the right, so it leans to the left
