"""The benchmark of quality: statistics against scipy, grid, page; a stopped run goes on where it was."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from engine import protocol
from engine.denoise.presets import STARTER
from engine.errors import UserError
from tests.bench import _cell, _chart, _findings, _grid, _report, quality
from tests.bench._findings import MEASURES, NAMED, Data
from tests.bench._grid import ALONE, DEFAULT, PROMPTS, PUBLISHED, Arm, Cell, Settings, Store
from tests.bench._statistics import difference, holm, mean
from tests.engine.denoise.conftest import make_pipeline
from tests.engine.schedules import STARTER as SCHEDULE
from training.judge import examples, pairs, textures
from training.judge.classifier import Classifier

RUN = _report.Run("build.py bench quality", "m", "0" * 64, 4, 3.0, "ten views", 8, "quality.png")


# statistics


def test_intervals_are_those_of_scipy() -> None:
    values = np.random.default_rng(0).normal(2, 3, 40)
    found = mean(values)
    judge = stats.ttest_1samp(values, 0)
    interval = judge.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert (found.mean, found.p, found.n) == pytest.approx((values.mean(), judge.pvalue, 40))


def test_differences_are_paired() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(0, 5, 30)
    values = base + 0.5 + rng.normal(0, 0.2, 30)
    found, judge = difference(list(values), list(base)), stats.ttest_rel(values, base)
    interval = judge.confidence_interval(0.95)
    assert (found.low, found.high, found.p) == pytest.approx((interval.low, interval.high, judge.pvalue))
    apart = stats.ttest_ind(values, base).confidence_interval(0.95)
    assert found.high - found.low < 0.2 * (apart.high - apart.low)


def test_intervals_hold_the_truth_95_times_in_100() -> None:
    rng = np.random.default_rng(2)
    trials = [mean(rng.uniform(0, 2, 12)) for _ in range(600)]
    assert 0.92 <= np.mean([trial.low <= 1 <= trial.high for trial in trials]) <= 0.98


def test_one_value_has_no_interval_and_equal_ones_no_width() -> None:
    assert mean([3.0]).mean == 3
    assert math.isnan(mean([3.0]).low)
    assert math.isnan(mean([3.0]).p)
    assert math.isnan(mean([]).mean)
    assert mean([0.0, 0.0, 0.0]).p == 1
    assert mean([1.0, 1.0]).p == 0
    assert mean([1.0, 1.0]).high == 1


def test_holm() -> None:
    """The example of the paper's procedure: the smallest times all of them, the next times one less, never
    falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    corrected = holm([0.01, float("nan"), 0.9])
    assert corrected[0] == pytest.approx(0.02)
    assert math.isnan(corrected[1])
    assert corrected[2] == 0.9


# the grid


def test_every_method_is_in_the_grid() -> None:
    covered = {arm.method for arm in _grid.arms()}
    assert covered | {"case2"} == set(protocol.METHODS)  # case 2 is synctweedies
    assert {DEFAULT, PUBLISHED, ALONE} <= set(_grid.arms())


def test_methods_by_name() -> None:
    names = [arm.name for arm in _grid.chosen(["case5", "syncmvd:latent"])]
    assert names == ["synctweedies:rgb", "case5:rgb", "case5:latent", "syncmvd:latent", "independent"]
    assert PUBLISHED in _grid.chosen(["case2"])
    with pytest.raises(UserError, match="case6"):
        _grid.chosen(["case6"])


def test_a_run_that_ends_early_has_seen_every_mesh_and_prompt(tmp_path: Path) -> None:
    meshes = [tmp_path / name for name in "abcdef"]
    cells = list(_grid.cells(meshes, list(PROMPTS), 3, _grid.arms()))
    assert len(cells) == len(set(cells)) == 6 * 6 * 3 * len(_grid.arms())
    first = cells[: 6 * len(_grid.arms())]
    assert {cell.mesh for cell in first} == set(meshes)
    assert {cell.prompt for cell in first} == set(PROMPTS)


def test_prompts_are_what_the_judge_can_name() -> None:
    for prompt in PROMPTS:
        look = _cell._look(prompt, 0)
        assert look.material == prompt.material
        assert prompt.colour in (None, look.colour)


def test_meshes_of_the_folder_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "given"
    given.mkdir()
    for name in ("b.obj", "a.glb", "readme.md"):
        (given / name).write_text("")
    monkeypatch.setenv("SYNC_TEXTURE_MESHES", str(given))
    found = _grid.meshes(tmp_path / "made")
    assert [path.name for path in found[:3]] == ["a.glb", "b.obj", "box.npz"]
    assert len(found) == 6
    monkeypatch.setenv("SYNC_TEXTURE_MESHES", "")
    before = [path.read_bytes() for path in _grid.meshes(tmp_path / "made")]
    assert before == [path.read_bytes() for path in _grid.meshes(tmp_path / "made")]
    assert len(before) == 6


# results


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of random weights."""
    return make_pipeline(tmp_path_factory.mktemp("models") / "tiny", SCHEDULE, seed=1)


def cell(tmp_path: Path, **fields: Any) -> Cell:
    mesh = tmp_path / "mesh.npz"
    mesh.write_bytes(b"a shape")
    return Cell(**{"mesh": mesh, "prompt": PROMPTS[0], "seed": 0, "arm": DEFAULT, **fields})


def test_results_are_kept_by_everything_that_tells_them_apart(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    first = cell(tmp_path)
    assert store.read(first) is None
    store.write(first, {"a": 1}, b"png")
    assert store.read(first) == {"a": 1}
    assert store.path(first).with_suffix(".png").read_bytes() == b"png"
    for other in ({"seed": 1}, {"arm": PUBLISHED}, {"prompt": PROMPTS[1]}):
        assert store.read(cell(tmp_path, **other)) is None
    first.mesh.write_bytes(b"another shape")
    assert store.read(first) is None


def test_a_result_that_was_half_written_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, first = Store(tmp_path / "store"), cell(tmp_path)

    def killed(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        store.write(first, {"a": 1}, b"png")
    assert store.read(first) is None


def test_other_weights_and_settings_are_other_results(tiny: Path, tmp_path: Path) -> None:
    settings = Settings(str(tiny), "cpu", 4, 3.0, 512, "paper", tmp_path)
    found = _grid.fingerprint(settings, STARTER)
    moved = Path(shutil.copytree(tiny, tmp_path / "elsewhere"))
    (moved / "README.md").write_text("words")
    assert _grid.weights(str(moved)) == _grid.weights(str(tiny))
    same = dataclasses.replace(settings, model=str(moved), judge=tmp_path / "judge")
    assert _grid.fingerprint(same, STARTER) == found
    assert _grid.fingerprint(dataclasses.replace(settings, steps=5), STARTER) != found
    weights = next(moved.rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes() + b" ")
    assert _grid.weights(str(moved)) != _grid.weights(str(tiny))


# the page


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

    arms = _grid.arms()
    rows = [((f"m{b % 4}", f"p{b}", b), arm, result(arm, b)) for b in range(blocks) for arm in arms]
    return Data.complete(arms, rows)


def test_only_whole_blocks_count() -> None:
    arms = _grid.arms()
    rows = [(("mesh", "prompt", seed), arm, {}) for seed in (0, 1) for arm in arms]
    assert list(Data.complete(arms, rows[:-1]).blocks) == [("mesh", "prompt", 0)]


def test_the_ranking_is_computed() -> None:
    """The published ranking where results say so, and not where they don't."""

    def as_published(arm: Arm, block: int) -> dict[str, float]:
        if arm.method in ("case1", "case3", "case4"):
            return {"view_psnr": 12.0, "material": 0.1, "texture": 5.0}
        return {"texture": 0.3} if arm.method == "case5" else {}

    ahead, soft, *broken = _findings.ranking(results(as_published))
    assert "Confirmed: " in ahead
    assert "Confirmed: " in soft
    assert "x0.3" in soft
    assert len(broken) == 3
    assert all(
        "Confirmed: its views disagree with the texture, its texture is all but noise" in b for b in broken
    )

    def otherwise(arm: Arm, block: int) -> dict[str, float]:
        return {"view_psnr": 35.0, "texture": 1.0} if arm.method in ("case3", "case5") else {}

    ahead, soft, *broken = _findings.ranking(results(otherwise))
    assert ahead.startswith("**Case 2 ahead.** Not confirmed")
    assert "case5 is better in view_psnr (+5." in ahead
    assert "Not confirmed" in soft
    assert all("Not confirmed" in one for one in broken)


def test_noise_is_no_sharpness() -> None:
    """1.0 is best: twice the detail of a view is as far off as half of it."""
    data = results(lambda arm, _: {"texture": {"case1": 3.0, "syncsde": 1.0}.get(arm.method, 0.8)})
    compared = {c.arm.method: c.ahead for c in _findings.against_default(data)["sharp_texture"]}
    assert (compared["case1"], compared["syncsde"], compared["case3"]) == (-1, 1, 0)


def test_shares_stay_shares() -> None:
    data = results(lambda arm, block: {"material": float(block > 0)})
    found = data.mean(DEFAULT, NAMED["material"])
    assert found.mean == pytest.approx(7 / 8)
    assert found.high == 1
    assert found.low > 0


def test_page_and_picture_of_made_up_results(tmp_path: Path) -> None:
    data = results(lambda arm, block: {"view_psnr": 20.0 if arm.method == "independent" else 30.0})
    page = _report.page(RUN, data)
    rows = [line for line in page.split("\n") if line.startswith("| independent")]
    assert len(rows) == 2  # a mean, a difference
    assert "| 20." in rows[0] or "| 19." in rows[0]
    assert "**-10." in rows[1] or "**-9." in rows[1]
    assert "all of 8 combinations, 88 textures" in page
    assert all(measure.title in page for measure in MEASURES)
    _chart.draw(data, lambda block, arm: Image.new("RGB", (64, 32)), tmp_path / "quality.png")
    with Image.open(tmp_path / "quality.png") as image:
        assert image.width == _chart.WIDTH


def test_weak_models_are_called_weak() -> None:
    data = results(lambda arm, block: {"material": 0.9})
    assert "weak" not in _report.page(RUN, data)
    for row in data.blocks.values():
        row[ALONE.name]["single"] = {"material": 0.1, "colour": None}
    assert "weak" in _report.page(RUN, data)


# the whole command


@pytest.fixture(scope="module")
def box_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return textures.write_mesh(pairs.shape("box"), tmp_path_factory.mktemp("meshes") / "box.npz")


@pytest.fixture(scope="module")
def judge_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judge that wasn't taught anything, and its noise."""
    folder = tmp_path_factory.mktemp("judge")
    volumes = np.random.default_rng(0).random((2, 3, 16, 16, 16)).astype(np.float16)
    np.savez(folder / "fields.npz", noise=volumes[0], cells=np.sort(volumes[1], 0))
    names = {prompt.material for prompt in PROMPTS}, {prompt.colour or "red" for prompt in PROMPTS}
    examples.keep(Classifier(*(tuple(sorted(these)) for these in names)), folder / "classifier.safetensors")
    return folder


def test_a_stopped_run_goes_on(
    tiny: Path, tmp_path: Path, judge_folder: Path, box_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page comes when everything is there; nothing is made twice; a lost result is made again."""
    results = tmp_path / "results"
    given = ["--model", str(tiny), "--methods", "case3", "--quick", "--prompts", "1", "--steps", "1"]
    given += ["--meshes", str(box_file), "--texture-size", "64", "--views", "2", "--jobs", "1"]
    given += ["--device", "cpu", "--results", str(results), "--judge", str(judge_folder)]
    assert quality.main(given) == 0
    page = next(results.glob("*/quality.md"))
    assert page.with_suffix(".png").is_file()
    assert str(tmp_path / "results") not in page.read_text()  # where it lay is nobody's business
    kept = {path: path.read_text() for path in page.parent.glob("*-*.json")}
    assert len(kept) == 3  # methods
    lost = sorted(kept)[0]
    lost.unlink()
    capsys.readouterr()
    assert quality.main([*given, "--minutes", "0"]) == 1  # no time for what is missing
    said = capsys.readouterr()
    assert "2 of 3 textures are there" in said.out
    assert "run the command again" in said.err
    assert quality.main([*given, "--jobs", "2"]) == 0  # in a process of its own: to the same result
    assert "[1/1]" in capsys.readouterr().out
    again, first = json.loads(lost.read_text()), json.loads(kept.pop(lost))
    assert {**again, "cpu_s": 0, "engine": ""} == {**first, "cpu_s": 0, "engine": ""}
    assert all(path.read_text() == text for path, text in kept.items())
