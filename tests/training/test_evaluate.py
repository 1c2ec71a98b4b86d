"""What models are judged with, judged itself by toys: the classifier, and what its answers say of a model."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from training import evaluate
from training.catalogue import MATERIALS
from training.judge import examples, pairs
from training.judge.classifier import Classifier, Examples, fit, judge, shrunk
from training.judge.patches import Told
from training.judge.report import ScoreRow, share, table
from training.judge.score import Seen, group_rows, single_rows, textured_rows


def stripes(period: int, colour: tuple[float, float, float], seed: int) -> Tensor:
    """(3, 96, 96) of bars across, of ``colour`` and black, at a random place."""
    generator = torch.Generator().manual_seed(seed)
    phase = torch.rand(1, generator=generator)
    bars = (torch.sin(2 * math.pi * (torch.arange(96) / period + phase)) > 0).float()
    return torch.tensor(colour)[:, None, None] * (0.2 + 0.8 * bars[None, :, None]).expand(1, 96, 96)


def toys(count: int, first: int) -> tuple[Tensor, list[str], list[str | None]]:
    """Wide and narrow stripes in red and blue; every third has no colour to name."""
    pictures, materials, colours = [], [], []
    for i in range(first, first + count):
        wide, red = i % 2 == 0, i // 2 % 2 == 0
        pictures.append(stripes(32 if wide else 8, (0.9, 0.1, 0.1) if red else (0.1, 0.1, 0.9), i))
        materials.append("wide" if wide else "narrow")
        colours.append(None if i % 3 == 0 else "red" if red else "blue")
    return torch.stack(pictures), materials, colours


@pytest.fixture(scope="module")
def taught() -> Classifier:
    torch.manual_seed(0)
    names, tints = ("narrow", "wide"), ("blue", "red")
    classifier = Classifier(names, tints)
    pictures, materials, colours = toys(48, 0)
    data = Examples(
        (shrunk(pictures) * 255).to(torch.uint8),
        torch.full((48, 1, 48, 48), 255, dtype=torch.uint8),
        torch.tensor([names.index(name) for name in materials]),
        torch.tensor([tints.index(name) if name else -1 for name in colours]),
    )
    fit(classifier, data, 50, 0, lambda _: None, crop=32)
    return classifier


def reference(count: int, first: int) -> examples.Reference:
    pictures, materials, colours = toys(count, first)
    return examples.Reference(pictures, torch.ones(count, 1, 96, 96), materials, colours)


def test_the_classifier_tells_toys_apart_that_it_has_not_seen(taught: Classifier) -> None:
    wanted = reference(24, 1000)
    seen = Seen.of(taught, wanted.pictures, wanted)
    assert all(seen.materials)
    assert [right is None for right in seen.colours] == [colour is None for colour in wanted.colours]
    assert all(right is not False for right in seen.colours)
    assert seen.verdict.features.shape == (24, 128)


def test_a_kept_classifier_says_the_same_until_the_catalogue_changes(
    taught: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, wanted = tmp_path / "classifier.safetensors", reference(6, 1000)
    assert examples.kept(path) is None
    examples.keep(taught, path)
    again = examples.kept(path)
    assert again is not None
    before, after = (judge(one, wanted.pictures, wanted.mask) for one in (taught, again))
    torch.testing.assert_close(before.features, after.features)
    assert (before.materials, before.colours) == (after.materials, after.colours)
    fewer = {name: material for name, material in MATERIALS.items() if name != "bricks"}
    monkeypatch.setattr(
        examples, "MATERIALS", fewer
    )  # an entry put back would be the last: another catalogue
    assert examples.kept(path) is None


def test_results_as_json_and_as_a_sheet(taught: Classifier, tmp_path: Path) -> None:
    wanted = reference(4, 1000)
    seen = Seen.of(taught, wanted.pictures, wanted)
    each = [i for i in (0, 2) for _ in evaluate.TURNS]
    several = examples.Reference(
        wanted.pictures[each],
        wanted.mask[each],
        [wanted.materials[i] for i in each],
        [wanted.colours[i] for i in each],
    )
    textured = Seen.of(taught, several.pictures, several)
    rows = [ScoreRow("views", 1.0, "", 4)]
    told = Told(wanted.materials, [{"rusty"}, set(), set(), set()])
    results = evaluate.Results(pairs.load()[:4], rows, seen, seen, [0, 2], textured, second=told)
    settings = evaluate.EvaluationSettings("m", tmp_path, tmp_path, 2, None, None, "cpu", False)
    found = json.loads(json.dumps(evaluate.as_json(settings, results)))
    assert found["table"][0]["name"] == "views"
    assert ["mesh" in pair for pair in found["pairs"]] == [True, False, True, False]
    assert found["pairs"][2]["mesh"]["material"] == [wanted.materials[2]] * len(evaluate.TURNS)
    assert found["pairs"][0]["view"]["second judge"] == wanted.materials[0]
    assert [pair["view"]["extras"] for pair in found["pairs"]] == [["rusty"], [], [], []]
    cells = evaluate.entries(results)
    assert [len(cell.pictures) for cell in cells] == [3, 2, 3, 2]
    assert all(good is not False for cell in cells for _, good in cell.lines)
    assert evaluate._spread(78, 20)[0] == 0
    assert evaluate._spread(78, 20)[-1] == 77
    assert len(evaluate._spread(78, 20)) == 20
    assert evaluate._spread(5, 20) == [0, 1, 2, 3, 4]
    assert evaluate._spread(5, 0) == []


def test_what_is_far_from_the_object_does_not_count(taught: Classifier) -> None:
    wanted = reference(4, 1000)
    pictures, mask = wanted.pictures.repeat(1, 1, 1, 2), torch.zeros(4, 1, 96, 192)
    mask[..., 112:] = 1
    other = pictures.clone()
    other[..., :48] = 0.5
    a, b = judge(taught, pictures, mask), judge(taught, other, mask)
    torch.testing.assert_close(a.features, b.features, atol=1e-5, rtol=1e-4)
    other[..., 112:] = 0.5
    assert not torch.allclose(a.features, judge(taught, other, mask).features, atol=0.1)


def test_the_table_says_what_was_missed() -> None:
    missed = share("views: material", [True, True, False, None], [True, True, True, None], 85)
    reached = ScoreRow("views: IoU", 0.951, "", 3, 0.99, 0.95)
    lines = table([missed, reached, ScoreRow("KID", 3.2, "", 3)]).splitlines()
    assert missed.count == 3
    assert "66.7 %" in lines[1]
    assert "missed" in lines[1]
    assert "reached" in lines[2]
    assert "missed" not in lines[3]
    assert "reached" not in lines[3]


def test_perfect_pictures_reach_every_aim_and_wrong_ones_none(taught: Classifier) -> None:
    wanted, others, whole = reference(24, 1000), reference(60, 2000), range(24)
    far = judge(taught, others.pictures, others.mask).features
    real = Seen.of(taught, wanted.pictures, wanted)
    rows = single_rows(real, real, far, whole)
    assert [row.verdict for row in rows[:2]] == ["reached", "reached"]
    assert [row.value for row in rows[-2:]] == [1.0, 1.0]
    swapped = Seen.of(taught, wanted.pictures.flip(0) * 0.5, wanted)
    wrong = single_rows(swapped, real, far, whole)
    assert wrong[0].verdict == "missed"
    assert wrong[3].value > rows[3].value  # KID
    assert wrong[-1].value < 0.5
    held_to = textured_rows(swapped, real, far, rows)
    assert held_to[0].aim == pytest.approx(97)
    assert held_to[0].verdict == "missed"


def test_groups_of_views_are_judged_by_themselves(taught: Classifier) -> None:
    wanted = reference(24, 1000)
    real = Seen.of(taught, wanted.pictures, wanted)
    half = torch.cat([wanted.pictures[:12], wanted.pictures[12:].flip(0) * 0.5])
    found = Seen.of(taught, half, wanted)
    close, steep = range(12), range(12, 24)
    rows = {row.name: row for row in group_rows(found, real, close, steep)}
    assert rows["close-ups: material"].verdict == "reached"
    assert rows["close-ups: fine detail, share of real"].value == 1
    assert rows["from above and below: material"].verdict == "missed"
    assert {row.count for row in rows.values() if "material" in row.name} == {12}
    assert group_rows(found, real, [], []) == []
    assert len(group_rows(found, real, close, [])) == 3
