"""build.py bench few_steps: ways, table, verdict; one small measurement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from engine import settings
from engine.denoise.denoiser import load_denoiser
from engine.models.presets import SDXL
from tests.bench import few_steps
from tests.bench.cases.scenes import USUAL
from tests.bench.few_steps import ALONE, ARMS, CHOSEN, Arm
from tests.bench.pages import few_steps as pages
from tests.bench.pages.sharpness import SharpnessRow
from tests.engine.pipelines import make_pipeline
from tests.engine.schedules import STARTER as SCHEDULE


def rows(best: Arm, sharpness: float = 0.9) -> list[SharpnessRow]:
    """All ways in two blocks, views agreeing most in the ``best``, which is so sharp."""
    picture = np.zeros((1, 8, 8, 3), np.float32)
    return [
        SharpnessRow(
            (mesh, "bricks", 0),
            pages.label(4, arm.name),
            sharpness if arm == best else 0.9,
            30.0 + 3 * (arm == best) + number,
            1.2,
            (1.0, 1.0, 1.0, 1.0),
            picture,
        )
        for number, mesh in enumerate(("cube", "torus"))
        for arm in ARMS
    ]


def test_accelerators_have_the_way_that_is_chosen() -> None:
    found = settings.resolve(replace(USUAL, accelerator="lightning-4"), SDXL)
    assert (found.share, found.aggregate, found.fading) == (CHOSEN.share, CHOSEN.aggregate, False)
    assert len({arm.name for arm in ARMS}) == len(ARMS)


def test_another_way_wins_only_where_it_is_as_sharp() -> None:
    other = Arm(aggregate="mean")
    assert few_steps.wins(rows(CHOSEN), [4])
    assert not few_steps.wins(rows(other), [4])
    assert few_steps.wins(rows(other, sharpness=0.4), [4])


def test_the_table() -> None:
    table = pages.table_of(rows(CHOSEN), [4], [arm.name for arm in ARMS], CHOSEN.name)
    assert f"| **{CHOSEN.name}** (accelerators) | 0.90 | 33.5 dB | 1.20 |" in table
    assert f"| {ALONE.name} | 0.90 | 30.5 dB | 1.20 |" in table


def test_one_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(few_steps, "USUAL", replace(USUAL, texture_size=64))
    monkeypatch.setattr(few_steps, "PROMPTS", ("bricks",))
    tiny, mesh = make_pipeline(tmp_path / "tiny", SCHEDULE, seed=1), tmp_path / "ball.stl"
    trimesh.creation.icosphere(2).export(mesh)
    arms = (ALONE, Arm(aggregate="mean", accelerator="lcm"))
    found = list(few_steps.measured(load_denoiser(str(tiny), "cpu", lambda: None), [mesh], [2], 1, arms))
    assert [row.arm for row in found] == [pages.label(2, arm.name) for arm in arms]
    assert found[1].view_psnr > found[0].view_psnr
