"""What the evaluation says of extras, words of scale and seeds, judged by toys."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from training.catalogue import EXTRAS, MATERIALS
from training.fields import Fields
from training.judge import examples, measures, pairs, patches, scale, second, seeds, told
from training.judge.classifier import Verdict
from training.judge.examples import Reference
from training.judge.patches import Lessons, PatchClassifier, Told
from training.judge.score import Seen
from training.pool import build, render

SIDE = 96


def waves(period: float, phase: float = 0.0, noise: float = 0.0) -> Tensor:
    """(3, SIDE, SIDE) of upright bars, perhaps noisy."""
    bars = 0.5 + 0.3 * torch.sin(2 * math.pi * (torch.arange(SIDE) / period + phase))
    grit = noise * torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return bars.expand(3, SIDE, SIDE) + grit


def lessons(count: int, first: int) -> Lessons:
    """Fine and coarse bars; every other pair has a red spot, which the fine ones alone may have."""
    pictures, material, spots = [], [], []
    generator = torch.Generator().manual_seed(first)
    for i in range(count):
        coarse, spotted = i % 2 == 1, i % 4 == 0
        picture = waves(24 if coarse else 6, float(torch.rand(1, generator=generator)))
        if spotted:
            picture = picture.clone()
            picture[:, 40:64, 40:64] = torch.tensor([0.9, 0.1, 0.1])[:, None, None]
        pictures.append(picture)
        material.append(int(coarse))
        spots.append(float(spotted))
    mask = torch.full((count, 1, SIDE, SIDE), 255, dtype=torch.uint8)
    labels = torch.tensor(material)
    shown = (torch.stack(pictures).clamp(0, 1) * 255).to(torch.uint8)
    return Lessons(shown, mask, labels, torch.tensor(spots)[:, None], 1.0 - labels.float()[:, None])


@pytest.fixture(scope="module")
def taught() -> PatchClassifier:
    torch.manual_seed(0)
    classifier = PatchClassifier(("fine", "coarse"), ("rusty",))
    patches.fit(classifier, lessons(32, 0), 30, 0, lambda _: None, crop=64)
    return classifier


def test_the_second_judge_tells_toys_and_extras_that_it_has_not_seen(taught: PatchClassifier) -> None:
    new = lessons(16, 1000)
    pictures, mask = new.pictures.float() / 255, new.mask.float() / 255
    possible = [["rusty"] if may else [] for may in new.possible[:, 0]]
    found = patches.tell(taught, pictures, mask, possible)
    assert found.materials == [taught.materials[i] for i in new.material]
    assert found.extras == [{"rusty"} if has else set() for has in new.extras[:, 0]]
    none = patches.tell(taught, pictures, mask, [[]] * 16)
    assert none.extras == [set()] * 16


def test_what_is_far_from_the_object_does_not_count(taught: PatchClassifier) -> None:
    picture, mask = waves(6).repeat(1, 1, 2)[None], torch.zeros(1, 1, SIDE, 2 * SIDE)
    mask[..., SIDE + 40 :] = 1
    other = picture.clone()
    other[..., :SIDE] = 0.9
    with torch.no_grad():
        before, after = taught(picture, mask), taught(other, mask)
    for a, b in zip(before, after, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3)


def test_a_kept_second_judge_says_the_same_until_the_catalogue_changes(
    taught: PatchClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, new = tmp_path / "second.safetensors", lessons(4, 1000)
    assert second.kept(path) is None
    second.keep(taught, path)
    again = second.kept(path)
    assert again is not None
    pictures, mask = new.pictures.float() / 255, new.mask.float() / 255
    possible = [["rusty"]] * 4
    assert patches.tell(again, pictures, mask, possible) == patches.tell(taught, pictures, mask, possible)
    monkeypatch.setattr(second.examples, "catalogue", lambda: "another")
    assert second.kept(path) is None


def test_lessons_show_every_extra_on_materials_that_take_it(fields: Fields, tmp_path: Path) -> None:
    shapes = build(tmp_path / "shapes", 1, 1, seed=5, workers=1, close_ups=0.5)
    data, materials, extras = second.teach(shapes, fields, 28, lambda _: None)
    assert materials == tuple(sorted(MATERIALS))
    assert set(extras) == set(EXTRAS) - {"large", "small"}
    assert data.pictures.shape == (28, 3, second.STORED, second.STORED)
    assert data.extras.sum(1).tolist() == [0.0, 1.0] * 14
    assert data.extras.any(0).all()
    assert (data.extras <= data.possible).all()


def seen(materials: list[str], wanted: list[str]) -> Seen:
    count = len(materials)
    empty = Reference(torch.zeros(count, 3, 8, 8), torch.ones(count, 1, 8, 8), wanted, [None] * count)
    return Seen(empty.pictures, empty, Verdict(materials, [""] * count, torch.zeros(count, 2)), [])


def test_rows_of_the_second_judge() -> None:
    listed = pairs.load()
    rusty = next(pair for pair in listed if pair.extras == ["rusty"])
    plain = [pair for pair in listed if not pair.extras][:3]
    chosen = [rusty, *plain]
    wanted = [pair.material for pair in chosen]
    real, found = (
        Told(wanted, [{"rusty"}, set(), set(), set()]),
        Told([*wanted[:3], "other"], [set(), {"dirty"}, set(), set()]),
    )
    both = seen(["other", *wanted[1:]], wanted), seen(wanted, wanted)
    rows = {row.name: row for row in told.single_rows(found, real, both, chosen)}
    second_judge = rows[told.SINGLE]
    assert (second_judge.value, second_judge.real, second_judge.aim) == (75, 100, 90)
    agreed = rows["single views: both judges agree"]
    assert (agreed.value, agreed.real) == (50, 100)
    assert (rows["extras told"].value, rows["extras told"].real) == (0, 100)
    none = rows["no extra where none is named"]
    assert none.value == pytest.approx(200 / 3)
    assert (none.real, none.count) == (100, 3)
    assert told.textured_rows(found, real, both, second_judge)[0].aim == 87


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_grain_grows_with_the_pattern(noise: float) -> None:
    inside = np.zeros((SIDE, SIDE), bool)
    inside[8:88, 8:88] = True
    fine, middle, coarse = (measures.grain(waves(p, 0.2, noise), inside) for p in (8, 16, 32))
    assert middle == pytest.approx(2 * fine, rel=0.2)
    assert coarse == pytest.approx(2 * middle, rel=0.2)
    pictures = torch.stack([waves(p, 0.2, noise) for p in (8, 16, 32, 16, 32, 8)])
    assert scale.in_order(pictures, inside) == [True, True, True, False]
    beside = waves(8, 0.2, noise)
    beside[:, :4] = 5.0
    assert measures.grain(beside, inside) == pytest.approx(fine)


def test_words_of_scale_are_asked_of_materials_that_know_them() -> None:
    assert len(scale.takers()) >= scale.COUNT
    assert "bricks" in scale.takers()
    prompts = [scale.prompt(look) for look in scale.looks("bricks")]
    assert prompts[0] == f"small {prompts[1]}"
    assert prompts[2] == f"large {prompts[1]}"


def test_likeness_is_that_of_patterns() -> None:
    inside = np.ones((SIDE, SIDE), bool)
    assert measures.likeness(waves(8), waves(8) * 0.5 + 0.2, inside) == pytest.approx(1, abs=1e-3)
    assert measures.likeness(waves(8), waves(8, 0.5), inside) == pytest.approx(-1, abs=1e-3)
    assert measures.likeness(waves(8), waves(8, 0.25), inside) == pytest.approx(0, abs=1e-3)
    assert measures.likeness(waves(8), torch.full((3, SIDE, SIDE), 0.4), inside) == 0


def drawn(other_phase: float, drift: bool) -> SimpleNamespace:
    """In place of ``views``: bars, elsewhere with another seed, never the same twice with ``drift``."""
    calls = []

    def generate(_: object, part: list[pairs.Pair], *rest: object) -> Tensor:
        calls.append(1)
        phase = other_phase * (rest[-1] != 0) + 0.01 * drift * len(calls)
        return torch.stack([waves(8, phase) for _ in part])

    return SimpleNamespace(
        generate=generate, sized=lambda x: x, layout=seeds.views.layout, surface_of=seeds.views.surface_of
    )


@pytest.mark.parametrize(("phase", "drift", "difference"), [(0.0, False, 0.0), (0.5, True, 2.0)])
def test_seeds_that_change_nothing_and_seeds_that_change_all(
    monkeypatch: pytest.MonkeyPatch, phase: float, drift: bool, difference: float
) -> None:
    listed = [pair for pair in pairs.load() if not pair.is_close_up][:2]
    shown = seen([""] * 2, [""] * 2)
    wanted = replace(shown.wanted, mask=torch.ones(2, 1, SIDE, SIDE))
    shown = replace(shown, pictures=torch.stack([waves(8)] * 2), wanted=wanted)
    monkeypatch.setattr(seeds, "views", drawn(phase, drift))
    monkeypatch.setattr(seeds, "_real", lambda pair, noise: waves(8, 0.25))
    differs, same = seeds.seed_rows(None, listed, shown, shown, None, None, None, print)  # type: ignore[arg-type]
    assert differs.value == pytest.approx(difference, abs=0.02)
    assert differs.real == pytest.approx(1, abs=1e-4)
    assert same.verdict == ("missed" if drift else "reached")


def test_the_generator_moves_an_object_as_the_engine_does() -> None:
    pair = next(pair for pair in pairs.load() if pair.shape == "box")
    before = render(pair.mesh, replace(pair, distance=2.0, target=(0.0, 0.0, 0.0)).camera)
    after = seeds.moved(before, pair)
    np.testing.assert_allclose(np.linalg.norm(after.normals, axis=1), 1, atol=1e-4)
    spread = np.ptp(after.points, axis=0) / np.ptp(before.points, axis=0)
    assert 0.84 < spread[1] <= 1
    placed = seeds.placed(seeds.in_object(seeds.views.surface_of(pair)), pair.seed + seeds.OTHER)
    np.testing.assert_allclose(after.points, placed.of(before.points))


def test_the_judges_in_the_repository_were_taught_todays_catalogue() -> None:
    """Where this fails: python -m training.evaluate teaches both anew (training/README.md, Evaluation)."""
    assert examples.kept(examples.KEPT / "classifier.safetensors") is not None
    assert second.kept(examples.KEPT / "second.safetensors") is not None
