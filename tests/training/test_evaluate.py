"""What models are judged with, judged itself: by brute force, by known silhouettes, by toys."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from torch import Tensor

from engine.errors import UserError
from engine.views.cameras import Camera
from training import evaluate, gallery
from training.catalogue import TAUGHT
from training.fields import Fields
from training.judge import examples, measures, pairs, textures
from training.judge.classifier import Classifier, Examples, fit, judge, shrunk
from training.judge.report import Entry, Row, share, sheet, table
from training.judge.score import Seen, single_rows, textured_rows
from training.pool import cast

SIDE = 64


def disc(radius: float, inside: float | Tensor, outside: float = 0.5) -> tuple[Tensor, np.ndarray]:
    """A picture (3, SIDE, SIDE) of a disc, and where it is."""
    steps = torch.arange(SIDE) - SIDE / 2 + 0.5
    mask = steps[:, None] ** 2 + steps[None] ** 2 < radius**2
    return torch.where(mask, torch.as_tensor(inside), torch.tensor(outside)).expand(3, -1, -1), mask.numpy()


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
    monkeypatch.delitem(TAUGHT, "bricks")
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
    rows = [Row("views", 1.0, "", 4)]
    results = evaluate.Results(pairs.load()[:4], rows, seen, seen, [0, 2], textured)
    settings = evaluate.Settings("m", tmp_path, tmp_path, 2, None, None, "cpu", False)
    found = json.loads(json.dumps(evaluate.as_json(settings, results)))
    assert found["table"][0]["name"] == "views"
    assert ["mesh" in pair for pair in found["pairs"]] == [True, False, True, False]
    assert found["pairs"][2]["mesh"]["material"] == [wanted.materials[2]] * len(evaluate.TURNS)
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


def test_mmd_is_the_double_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(7, 5, generator=generator), torch.randn(9, 5, generator=generator) + 0.4

    def k(a: Tensor, b: Tensor) -> float:
        return (float((a * b).sum()) / 5 + 1) ** 3

    own_x = [k(x[i], x[j]) for i in range(7) for j in range(7) if i != j]
    own_y = [k(y[i], y[j]) for i in range(9) for j in range(9) if i != j]
    cross = [k(a, b) for a in x for b in y]
    expected = np.mean(own_x) + np.mean(own_y) - 2 * np.mean(cross)
    assert measures.mmd(x, y) == pytest.approx(expected, rel=1e-5)


def test_kid_is_nothing_between_like_sets_and_something_between_unlike_ones() -> None:
    generator = torch.Generator().manual_seed(1)
    x, y = (torch.randn(400, 16, generator=generator) for _ in range(2))
    alike, shifted = measures.kid(x, y), measures.kid(x + 0.7, y)
    assert abs(alike.mean) < 40 < shifted.mean
    assert abs(alike.mean) < 5 * alike.error + 20
    assert measures.kid(x, y) == alike  # by seed


@pytest.mark.parametrize("inside", [0.1, 0.58, 0.9])
def test_silhouettes_of_discs(inside: float) -> None:
    picture, mask = disc(20.3, inside)
    assert measures.iou(measures.silhouette(picture), mask) > 0.9
    smaller, _ = disc(14.2, inside)
    found = measures.iou(measures.silhouette(smaller), mask)
    assert found == pytest.approx((14.2 / 20.3) ** 2, abs=0.06)
    assert not measures.silhouette(disc(20, 0.5)[0]).any()


def test_specks_of_the_background_are_the_objects_but_holes_are_not() -> None:
    picture, mask = disc(24, 0.9)
    speckled = picture.clone()
    speckled[:, 30:32, 30:32] = 0.5
    assert measures.iou(measures.silhouette(speckled), mask) > 0.92
    ring = torch.where(disc(10, 1.0)[0] == 1, torch.tensor(0.5), picture)
    expected = mask & ~disc(10, 1.0)[1]
    assert measures.iou(measures.silhouette(ring), expected) > 0.85


def test_iou() -> None:
    a, b = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    assert measures.iou(a, b) == 1.0
    a[:2], b[1:3] = True, True
    assert measures.iou(a, b) == pytest.approx(1 / 3)


def test_blur_takes_detail_away_and_noise_adds_it() -> None:
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(3, SIDE, SIDE, generator=generator)
    inside = np.ones((SIDE, SIDE), bool)
    sharp = measures.detail(picture, inside)
    soft = measures.detail(torch.nn.functional.avg_pool2d(picture, 3, 1, 1), inside)
    assert soft.gradient < 0.4 * sharp.gradient
    assert soft.fine < 0.2 * sharp.fine
    outside = picture.clone()
    inside[:, 32:] = False
    outside[..., 34:] = 9.0
    assert measures.detail(outside, inside) == measures.detail(picture, inside)
    assert measures.psnr(picture, picture + 0.1, inside) == pytest.approx(20, abs=0.01)


def test_the_table_says_what_was_missed() -> None:
    missed = share("views: material", [True, True, False, None], [True, True, True, None], 85)
    reached = Row("views: IoU", 0.951, "", 3, 0.99, 0.95)
    lines = table([missed, reached, Row("KID", 3.2, "", 3)]).splitlines()
    assert missed.count == 3
    assert "66.7 %" in lines[1]
    assert "missed" in lines[1]
    assert "reached" in lines[2]
    assert "missed" not in lines[3]
    assert "reached" not in lines[3]


def test_perfect_pictures_reach_every_aim_and_wrong_ones_none(taught: Classifier) -> None:
    wanted, others = reference(24, 1000), reference(60, 2000)
    far = judge(taught, others.pictures, others.mask).features
    real = Seen.of(taught, wanted.pictures, wanted)
    rows = single_rows(real, real, far)
    assert [row.verdict for row in rows[:2]] == ["reached", "reached"]
    assert [row.value for row in rows[-2:]] == [1.0, 1.0]
    swapped = Seen.of(taught, wanted.pictures.flip(0) * 0.5, wanted)
    wrong = single_rows(swapped, real, far)
    assert wrong[0].verdict == "missed"
    assert wrong[3].value > rows[3].value  # KID
    assert wrong[-1].value < 0.5
    held_to = textured_rows(swapped, real, far, rows)
    assert held_to[0].aim == pytest.approx(95)
    assert held_to[0].verdict == "missed"


def test_the_committed_pairs_are_what_the_generator_draws() -> None:
    found = pairs.load()
    assert len(found) >= 60
    assert {pair.material for pair in found} == set(TAUGHT)
    assert {pair.shape for pair in found} >= set(pairs.PRIMITIVES)
    assert len({pair.seed for pair in found}) == len(found)
    assert sum(pair.colour is not None for pair in found) >= 20
    for pair in found:
        assert (pair.look.material, pair.look.colour) == (pair.material, pair.colour)


@pytest.mark.parametrize("index", range(3, 60, 9))
def test_pairs_show_enough_of_their_shapes(index: int) -> None:
    pair = pairs.load()[index]
    assert np.isfinite(cast(pair.mesh, pair.camera, 64)[0]).mean() >= pairs.LEAST_SHARE


def test_a_pair_that_the_generator_does_not_know_is_named(tmp_path: Path) -> None:
    entries = json.loads(pairs.LIST.read_text())
    entries[3]["prompt"] = "something else"
    (tmp_path / "pairs.json").write_text(json.dumps(entries))
    with pytest.raises(UserError, match="something else"):
        pairs.load(tmp_path / "pairs.json")


@pytest.fixture(scope="module")
def noise() -> Fields:
    generator = torch.Generator().manual_seed(0)
    volume = torch.randn(1, 3, 16, 16, 16, generator=generator)
    return Fields(volume, torch.rand(1, 3, 16, 16, 16, generator=generator).sort(1).values)


def test_real_pictures_of_a_pair_lie_on_grey(noise: Fields) -> None:
    pair = pairs.load()[0]
    for picture, mask in examples.turned(pair, evaluate.TURNS[:2], noise):
        assert (picture[:, mask[0] == 0] - 0.5).abs().max() < 1e-6
    coloured = torch.rand(3, 1, 1).expand(3, 8, 8)
    mask = torch.zeros(1, 8, 8)
    mask[:, 2:6, 2:6] = 0.5
    assert (examples.on_grey(coloured, mask)[0][:, 0, 0] - 0.5).abs().max() < 1e-6


def test_a_textured_mesh_shows_its_texture(tmp_path: Path) -> None:
    """A red and blue texture on a sheet that faces the camera, as the engine's files hold it."""
    sheet_mesh = trimesh.Trimesh(
        [[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], [[0, 1, 2], [0, 2, 3]], process=False
    )
    halves = np.zeros((64, 64, 3), np.uint8)
    halves[:32, :, 0], halves[32:, :, 2] = 255, 255  # red above blue
    Image.fromarray(halves).save(tmp_path / "texture.png")
    sheet_mesh.visual = trimesh.visual.TextureVisuals(
        np.array([[0, 0], [1, 0], [1, 1], [0, 1]]), image=Image.fromarray(halves)
    )
    (tmp_path / "mesh.glb").write_bytes(sheet_mesh.export(file_type="glb"))
    textured = textures.read(tmp_path / "mesh.glb", tmp_path / "texture.png")
    picture = textured.picture(Camera(0.0, 0.0), 64)
    np.testing.assert_allclose(picture[24, 32], [1, 0, 0], atol=0.02)
    np.testing.assert_allclose(picture[40, 32], [0, 0, 1], atol=0.02)
    np.testing.assert_allclose(picture[1, 1], [0.5, 0.5, 0.5], atol=0.02)
    np.testing.assert_allclose(textured.picture(Camera(60.0, 0.0), 64, lit=True)[24, 32, 0], 0.8, atol=0.03)


def test_sheets_hold_every_cell() -> None:
    cell = np.full((8, 8, 3), 0.5, np.float32)
    page = sheet([Entry([cell, cell], [("prompt", None), ("taken for it", True)])] * 5)
    assert page.size[0] > page.size[1]
    assert len(page.getcolors(100_000) or []) > 2


def test_the_gallery_is_made_smaller_until_it_fits() -> None:
    rng = np.random.default_rng(0)
    cells = [Image.fromarray(rng.integers(0, 255, (40, 80, 3), dtype=np.uint8)) for _ in range(8)]
    whole = gallery.smallest(cells, ["red bricks"] * 8)
    smaller = gallery.smallest(cells, ["red bricks"] * 8, largest=len(whole) - 1)
    assert len(smaller) < len(whole)
    with Image.open(io.BytesIO(smaller)) as a, Image.open(io.BytesIO(whole)) as b:
        assert a.size[0] < b.size[0]
    with pytest.raises(UserError, match="8 textures"):
        gallery.smallest(cells, ["red bricks"] * 8, largest=1000)


def test_the_gallery_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Textures are replaced by plain pictures here: what is tested is that each is made once."""
    model, mesh = tmp_path / "model", tmp_path / "ball.ply"
    model.mkdir()
    (model / "vocabulary.json").write_text(json.dumps({"examples": ["red bricks", "gold"]}))
    trimesh.creation.icosphere(subdivisions=1).export(mesh)
    made: list[str] = []

    def make(denoiser: Any, mesh: Path, prompt: str, *_: Any, **__: Any) -> Any:
        if prompt == "gold" and len(made) == 1:
            made.append("interrupted")
            raise KeyboardInterrupt
        made.append(prompt)
        return SimpleNamespace(picture=lambda *_, **__: np.zeros((gallery.CELL, gallery.CELL, 3), np.float32))

    monkeypatch.setattr(gallery.textures, "load_model", lambda *_: None)
    monkeypatch.setattr(gallery.textures, "make", make)
    settings = gallery.Settings(
        str(model), [mesh], tmp_path / "docs", tmp_path / "cache", None, 0, "cpu", None
    )
    with pytest.raises(KeyboardInterrupt):
        gallery.main(settings)
    gallery.main(settings)
    gallery.main(settings)
    assert made == ["red bricks", "interrupted", "gold"]
    with Image.open(tmp_path / "docs" / "gallery-ball.png") as page:
        assert page.size == (4 * gallery.CELL, gallery.CELL + gallery.LABEL)
    (model / "vocabulary.json").unlink()
    with pytest.raises(UserError, match="vocabulary"):
        gallery.main(settings)
