"""What the benchmark of quality finds in made-up results, and its page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.bench.cases import quality_grid as grid
from tests.bench.cases.quality_grid import ALONE, DEFAULT, Arm
from tests.bench.pages import quality as report
from tests.bench.pages import quality_findings as findings
from tests.bench.pages.quality_findings import MEASURES, NAMED, Data
from tests.bench.plots import quality as plot

RUN = report.Run("build.py bench quality", "m", "0" * 64, 4, 3.0, "ten views", 8, "quality.png")


def results(change: Callable[[Arm, int], dict[str, float]], blocks: int = 8) -> Data:
    """Made-up results, all alike but for noise and ``change``."""
    rng = np.random.default_rng(0)

    def result(arm: Arm, block: int) -> dict[str, Any]:
        usual = {
            "seam_error": 1.1,
            "view_psnr": 30.0,
            "views": 1.0,
            "texture": 0.8,
            "material": 0.9,
            "colour": 0.9,
        }
        found = usual | change(arm, block)
        noise = 1 + 0.01 * rng.standard_normal()
        agreed = {"material": found.pop("material"), "colour": found.pop("colour")}
        fine = {name: found.pop(name) * (1 if arm == ALONE else noise) for name in ("views", "texture")}
        measured = {name: value * noise for name, value in found.items()}
        said = {"engine": "e", "cpu_s": 2.0, "coverage": 0.8, "single": agreed, "painted": agreed}
        return {**measured, **agreed, **said, "fine": fine}

    arms = grid.arms()
    rows = [((f"m{b % 4}", f"p{b}", b), arm, result(arm, b)) for b in range(blocks) for arm in arms]
    return Data.complete(arms, rows)


def test_only_whole_blocks_count() -> None:
    arms = grid.arms()
    rows = [(("mesh", "prompt", seed), arm, {}) for seed in (0, 1) for arm in arms]
    assert list(Data.complete(arms, rows[:-1]).blocks) == [("mesh", "prompt", 0)]


def test_the_ranking_is_computed() -> None:
    """The published ranking where results say so, and not where they don't."""

    def as_published(arm: Arm, block: int) -> dict[str, float]:
        if arm.method in ("case1", "case3", "case4"):
            return {"view_psnr": 12.0, "material": 0.1, "texture": 5.0}
        return {"texture": 0.3} if arm.method == "case5" else {}

    ahead, soft, *broken = findings.ranking(results(as_published))
    assert "Confirmed: " in ahead
    assert "Confirmed: " in soft
    assert "x0.3" in soft
    assert len(broken) == 3
    assert all(
        "Confirmed: its views disagree with the texture, its texture is all but noise" in b for b in broken
    )

    def otherwise(arm: Arm, block: int) -> dict[str, float]:
        return {"view_psnr": 35.0, "texture": 1.0} if arm.method in ("case3", "case5") else {}

    ahead, soft, *broken = findings.ranking(results(otherwise))
    assert ahead.startswith("**Case 2 ahead.** Not confirmed")
    assert "case5 is better in view_psnr (+5." in ahead
    assert "Not confirmed" in soft
    assert all("Not confirmed" in one for one in broken)


def test_noise_is_no_sharpness() -> None:
    """1.0 is best: twice the detail of a view is as far off as half of it."""
    data = results(lambda arm, _: {"texture": {"case1": 3.0, "syncsde": 1.0}.get(arm.method, 0.8)})
    compared = {c.arm.method: c.ahead for c in findings.against_default(data)["sharp_texture"]}
    assert (compared["case1"], compared["syncsde"], compared["case3"]) == (-1, 1, 0)


def test_single_views_are_as_sharp_as_themselves() -> None:
    """By definition: neither a finding nor one of those that are corrected for being many."""
    data = results(lambda arm, block: {"views": 1.3} if arm == DEFAULT else {})
    entries = findings.against_default(data)["sharp_views"]
    (alone,) = (entry for entry in entries if entry.arm == ALONE)
    assert alone.ahead == 0
    assert all(entry.ahead == 1 for entry in entries if entry.arm != ALONE)


def test_shares_stay_shares() -> None:
    data = results(lambda arm, block: {"material": float(block > 0)})
    found = data.mean(DEFAULT, NAMED["material"])
    assert found.mean == pytest.approx(7 / 8)
    assert found.high == 1
    assert found.low > 0


def test_page_and_picture_of_made_up_results(tmp_path: Path) -> None:
    data = results(lambda arm, block: {"view_psnr": 20.0 if arm.method == "independent" else 30.0})
    page = report.page(RUN, data)
    rows = [line for line in page.split("\n") if line.startswith("| independent")]
    assert len(rows) == 2  # a mean, a difference
    assert "| 20." in rows[0] or "| 19." in rows[0]
    assert "**-10." in rows[1] or "**-9." in rows[1]
    assert "all of 8 combinations, 88 textures" in page
    assert all(measure.title in page for measure in MEASURES)
    plot.draw(data, lambda block, arm: Image.new("RGB", (64, 32)), tmp_path / "quality.png")
    with Image.open(tmp_path / "quality.png") as image:
        assert image.width == plot.WIDTH


def test_weak_models_are_called_weak() -> None:
    data = results(lambda arm, block: {"material": 0.9})
    assert "weak" not in report.page(RUN, data)
    for row in data.blocks.values():
        row[ALONE.name]["single"] = {"material": 0.1, "colour": None}
    assert "weak" in report.page(RUN, data)
