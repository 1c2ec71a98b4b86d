"""build.py bench sharpness: arms, tables, picture; one small measurement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from engine import settings
from engine.denoise.denoiser import load_denoiser
from engine.models.presets import SD15, STARTER
from tests.bench import sharpness
from tests.bench.cases.scenes import USUAL
from tests.bench.pages import sharpness as pages
from tests.bench.pages.sharpness import SharpnessRow
from tests.bench.plots import sharpness as plot
from tests.engine.pipelines import make_pipeline
from tests.engine.schedules import STARTER as SCHEDULE

BLOCKS = [(mesh, prompt, 0) for mesh in ("cube", "torus") for prompt in ("bricks", "denim")]


def rows(sharp: dict[str, float], seams: float = 1.0) -> list[SharpnessRow]:
    """All arms in every block; ``sharp``: of those that aren't 0.5."""
    picture = np.zeros((2, 8, 8, 3), np.float32)
    return [
        SharpnessRow(
            block,
            arm,
            sharp.get(arm, 0.5),
            30.0,
            seams if arm in sharp else 1.0,
            (1.0, 1.0, 0.5, 0.25),
            picture,
        )
        for block in BLOCKS
        for arm in sharpness.ARMS
    ]


def test_every_arm_is_a_job_and_the_default_is_among_them() -> None:
    for preset in (STARTER, SD15):
        arms, default = sharpness.with_default(preset)
        assert settings.resolve(replace(USUAL, **arms[default]), preset) == settings.resolve(USUAL, preset)
        assert (
            len({repr(settings.resolve(replace(USUAL, **fields), preset)) for fields in arms.values()}) >= 8
        )
    assert default in sharpness.ARMS
    odd = replace(STARTER, sync_share={"latent": 0.8, "rgb": 0.9})
    assert sharpness.with_default(odd)[1] == "default"


def test_the_default_has_to_be_sharper_without_showing_seams() -> None:
    default = sharpness.with_default(STARTER)[1]
    assert sharpness.wins(rows({default: 0.9}), default)
    assert not sharpness.wins(rows({default: 0.4}), default)
    assert not sharpness.wins(rows({default: 0.9}, seams=1.2), default)


def test_tables_and_picture() -> None:
    default = sharpness.with_default(STARTER)[1]
    found = rows({default: 0.9})
    parts = pages.parts(found, "make it", "`m`, 2 steps, seed 0", default, sharpness.MEAN)
    assert "leaves 50%, the default 90%" in parts["summary"]
    assert f"**{default}** (default) | 0.90 (0.90 to 0.90)" in parts["summary"]
    assert all(f"| {arm} | 1.00 | 1.00 | 0.50 | 0.25 |" in parts["octaves"] for arm in sharpness.ARMS)
    picture = plot.sheet(found, (sharpness.ALONE, sharpness.MEAN, default))
    assert picture.width == 3 * (2 * plot.CELL + plot.GAP) - plot.GAP
    assert picture.height == plot.HEAD + 2 * plot.CELL


def test_one_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharpness, "USUAL", replace(USUAL, texture_size=64))
    tiny, mesh = make_pipeline(tmp_path / "tiny", SCHEDULE, seed=1), tmp_path / "ball.stl"
    trimesh.creation.icosphere(2).export(mesh)
    arms = {name: sharpness.ARMS[name] for name in (sharpness.ALONE, sharpness.MEAN)}
    found = list(sharpness.measured(load_denoiser(str(tiny), "cpu", lambda: None), [mesh], 1, 1, arms))
    assert [row.arm for row in found] == 2 * list(arms)
    assert all(
        np.isfinite([row.sharpness, row.view_psnr, row.seam_error, *row.octaves]).all() for row in found
    )
    alone, mean = found[:2]
    assert mean.view_psnr > alone.view_psnr
