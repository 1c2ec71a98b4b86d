"""The benchmark of quality: its grid, and what it keeps; a stopped run goes on where it was."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import UserError
from engine.models.presets import STARTER
from engine.options import choices
from tests.bench import quality
from tests.bench.cases import quality as texture
from tests.bench.cases import quality_grid as grid
from tests.bench.cases.quality_grid import ALONE, DEFAULT, PROMPTS, PUBLISHED, Cell, GridSettings, Store
from tests.engine.pipelines import make_pipeline
from tests.engine.schedules import STARTER as SCHEDULE
from tests.training.volumes import few_voxels
from training.judge import examples, pairs, textures
from training.judge.classifier import Classifier

# the grid


def test_every_method_is_in_the_grid() -> None:
    covered = {arm.method for arm in grid.arms()}
    assert covered | {"case2"} == set(choices.METHODS)  # case 2 is synctweedies
    assert {DEFAULT, PUBLISHED, ALONE} <= set(grid.arms())


def test_methods_by_name() -> None:
    names = [arm.name for arm in grid.chosen(["case5", "syncmvd:latent"])]
    assert names == ["synctweedies:rgb", "case5:rgb", "case5:latent", "syncmvd:latent", "independent"]
    assert PUBLISHED in grid.chosen(["case2"])
    with pytest.raises(UserError, match="case6"):
        grid.chosen(["case6"])


def test_a_run_that_ends_early_has_seen_every_mesh_and_prompt(tmp_path: Path) -> None:
    meshes = [tmp_path / name for name in "abcdef"]
    cells = list(grid.cells(meshes, list(PROMPTS), 3, grid.arms()))
    assert len(cells) == len(set(cells)) == 6 * 6 * 3 * len(grid.arms())
    first = cells[: 6 * len(grid.arms())]
    assert {cell.mesh for cell in first} == set(meshes)
    assert {cell.prompt for cell in first} == set(PROMPTS)


def test_prompts_are_what_the_judge_can_name() -> None:
    for prompt in PROMPTS:
        look = texture._look(prompt, 0)
        assert look.material == prompt.material
        assert prompt.colour in (None, look.colour)


def test_meshes_of_the_folder_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "given"
    given.mkdir()
    for name in ("b.obj", "a.glb", "readme.md"):
        (given / name).write_text("")
    monkeypatch.setenv("SYNC_TEXTURE_MESHES", str(given))
    found = grid.meshes(tmp_path / "made")
    assert [path.name for path in found[:3]] == ["a.glb", "b.obj", "box.npz"]
    assert len(found) == 6
    monkeypatch.setenv("SYNC_TEXTURE_MESHES", "")
    before = [path.read_bytes() for path in grid.meshes(tmp_path / "made")]
    assert before == [path.read_bytes() for path in grid.meshes(tmp_path / "made")]
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
    settings = GridSettings(str(tiny), "cpu", 4, 3.0, 512, "paper", tmp_path)
    found = grid.fingerprint(settings, STARTER)
    moved = Path(shutil.copytree(tiny, tmp_path / "elsewhere"))
    (moved / "README.md").write_text("words")
    assert grid.weights(str(moved)) == grid.weights(str(tiny))
    same = dataclasses.replace(settings, model=str(moved), judge=tmp_path / "judge")
    assert grid.fingerprint(same, STARTER) == found
    assert grid.fingerprint(dataclasses.replace(settings, steps=5), STARTER) != found
    weights = next(moved.rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes() + b" ")
    assert grid.weights(str(moved)) != grid.weights(str(tiny))


# the whole command


@pytest.fixture(scope="module")
def box_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return textures.write_mesh(pairs.shape("box"), tmp_path_factory.mktemp("meshes") / "box.npz")


@pytest.fixture(scope="module")
def judge_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judge that wasn't taught anything, and its noise."""
    folder = tmp_path_factory.mktemp("judge")
    volumes = np.random.default_rng(0).random((2, 3, 16, 16, 16)).astype(np.float16)
    told = few_voxels().told[0].numpy().astype(np.float16)
    np.savez(folder / "fields.npz", noise=volumes[0], cells=np.sort(volumes[1], 0), told=told)
    names = {prompt.material for prompt in PROMPTS}, {prompt.colour or "red" for prompt in PROMPTS}
    examples.keep(Classifier(*(tuple(sorted(these)) for these in names)), folder / "classifier.safetensors")
    return folder


@pytest.fixture
def threads_of_one_of_two() -> Iterator[None]:
    """As many as each of two workers has: their number changes the last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
    yield
    torch.set_num_threads(before)


def _near(values: Any) -> Any:
    """``values``, from JSON, to be compared with others: where arrays lie decides the last bits of sums."""
    if isinstance(values, dict):
        return {key: _near(one) for key, one in values.items()}
    return pytest.approx(values, rel=1e-4) if isinstance(values, float) else values


@pytest.mark.usefixtures("threads_of_one_of_two")
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
    assert {**again, "cpu_s": 0, "engine": ""} == {**_near(first), "cpu_s": 0, "engine": ""}
    assert all(path.read_text() == text for path, text in kept.items())
