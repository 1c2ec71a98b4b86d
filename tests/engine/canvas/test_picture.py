"""Pictures of one's own, painted anew where a mask says: what stays, what changes, how they meet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.bake.membrane import in_grid, membrane
from engine.canvas.picture import Crop
from engine.host import Host
from engine.measure.borders import border_error
from engine.options import choices
from engine.pictures.original import Original
from engine.protocol import ImageRequest, Result
from engine.worker import Failure, Worker
from tests.engine.flow_pipelines import make_z_image

Make = Callable[..., ImageRequest]
Pixels = NDArray[Any]
SIZE = 100, 140  # no multiple of a latent, and a little more than a view of the tiny model


@pytest.fixture
def repair(tiny_model: Path, tmp_path: Path) -> Make:
    """A request for ``old.png``, noise, and ``mask.png``, a square; any field can be given otherwise."""
    values = np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8)
    Image.fromarray(values).save(tmp_path / "old.png")
    save_mask(tmp_path / "mask.png")

    def make(**fields: Any) -> ImageRequest:
        given = {"kind": "picture", "prompt": "red bricks", "out": str(tmp_path / "out"), "steps": 2}
        given |= {"init_image": str(tmp_path / "old.png"), "mask": str(tmp_path / "mask.png")}
        return ImageRequest(**{**given, "model": str(tiny_model), "device": "cpu", **fields})

    return make


def save_mask(path: Path, size: tuple[int, int] = SIZE) -> NDArray[np.bool_]:
    mask = np.zeros(size, bool)
    mask[30:60, 40:80] = True
    Image.fromarray(mask).save(path)
    return mask


def painted(worker: Worker, request: ImageRequest) -> Result:
    outcome = worker.run(request, Host())
    assert isinstance(outcome, Result), outcome
    return outcome


def pixels(path: str | Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image)


def report(result: Result) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(Path(result.report).read_text("utf-8"))
    return values


@pytest.mark.parametrize("method", choices.METHODS)
def test_by_every_method_all_but_the_mask_stays_to_the_bit(
    worker: Worker, repair: Make, tmp_path: Path, method: str
) -> None:
    result = painted(worker, repair(method=method, sync_space="latent", strength=1.0))
    old, new, mask = pixels(tmp_path / "old.png"), pixels(result.texture), pixels(tmp_path / "mask.png")
    np.testing.assert_array_equal(new[~mask], old[~mask])
    assert (new != old).any(axis=2)[mask].mean() > 0.9
    found = report(result)
    assert (found["strength"], found["image"]["width"], found["image"]["height"]) == (1.0, SIZE[1], SIZE[0])


@pytest.mark.parametrize("depth", ["half", "float"])
def test_floats_stay_floats(worker: Worker, repair: Make, tmp_path: Path, depth: str) -> None:
    """Brighter than white, too, and with alpha."""
    dtype = np.float16 if depth == "half" else np.float32
    old = np.random.default_rng(0).uniform(0, 4, (*SIZE, 4)).astype(dtype)
    Original(old).write(path := tmp_path / "old.exr")
    result = painted(worker, repair(init_image=str(path)))
    new = OpenEXR.File(result.texture).channels()["RGBA"].pixels
    mask = pixels(tmp_path / "mask.png")
    assert (Path(result.texture).name, new.dtype) == ("image.exr", dtype)
    np.testing.assert_array_equal(new[~mask], old[~mask])
    assert (new[mask] != old[mask]).any()
    assert report(result)["files"] == ["image.exr", "image.png", "report.json"]
    assert pixels(tmp_path / "out" / "image.png").shape == (*SIZE, 4)


def test_a_model_for_flow_matching_repairs_as_well(worker: Worker, repair: Make, tmp_path: Path) -> None:
    model = make_z_image(tmp_path / "z-image")
    new = pixels(painted(worker, repair(model=str(model))).texture)
    old, mask = pixels(tmp_path / "old.png"), pixels(tmp_path / "mask.png")
    np.testing.assert_array_equal(new[~mask], old[~mask])
    assert (new != old).any(axis=2)[mask].mean() > 0.9


def test_a_mask_over_all_is_as_none(worker: Worker, repair: Make, tmp_path: Path) -> None:
    Image.new("L", (8, 8), 255).save(tmp_path / "all.png")
    whole = painted(worker, repair(mask=None, strength=0.5)).texture
    first = pixels(whole)
    result = painted(worker, repair(mask=str(tmp_path / "all.png")))
    np.testing.assert_array_equal(pixels(result.texture), first)
    assert report(result)["border_error"] is None
    assert result.warnings == ["the mask of 8 x 8 pixels is stretched over the picture's 140 x 100"]


def test_a_small_picture_is_magnified(worker: Worker, repair: Make, tmp_path: Path) -> None:
    with Image.open(tmp_path / "old.png") as image:
        image.resize((20, 12)).convert("RGBA").save(tmp_path / "small.png")
    request = repair(init_image=str(tmp_path / "small.png"), sync_space="rgb")
    new, old = pixels(painted(worker, request).texture), pixels(tmp_path / "small.png")
    assert new.shape == (12, 20, 4)
    same = (new == old).all(axis=2)
    assert same[:3].all()
    assert not same[4:7, 6:11].any()


def test_a_half_in_another_colour_meets_the_other_half(worker: Worker, repair: Make, tmp_path: Path) -> None:
    """With the starter, which paints what it is asked for: what was red becomes as blue as the rest."""
    two = np.full((256, 256, 3), (40, 60, 200), np.uint8)
    two[:, 128:] = (200, 40, 30)
    two += np.random.default_rng(0).integers(0, 12, two.shape).astype(np.uint8)
    mask = np.zeros((256, 256), bool)
    mask[:, 128:] = True
    Image.fromarray(two).save(tmp_path / "two.png")
    Image.fromarray(mask).save(tmp_path / "half.png")
    fields = {"init_image": str(tmp_path / "two.png"), "mask": str(tmp_path / "half.png")}
    result = painted(worker, repair(model="starter", prompt="blue paint", strength=1.0, steps=5, **fields))
    new, error = pixels(result.texture).astype(float), report(result)["border_error"]
    np.testing.assert_array_equal(new[~mask], two[~mask])
    assert new[:, 140:, 2].mean() > new[:, 140:, 0].mean() + 50
    before = border_error(two.reshape(-1, 3).astype(np.float32), in_grid(256, 256), mask.reshape(-1))
    assert before is not None
    assert before > 10
    assert error < 1.5


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"init_image": None}, "there is no picture"),
        ({"kind": "tile", "width": 64, "mask": None}, "--init-image is given"),
        ({"kind": "wide", "init_image": None}, "--mask is given"),
        ({"kind": "tile", "init_image": None, "mask": None, "strength": 0.5}, "--strength is given"),
        ({"width": 64}, "keeps its size"),
        ({"mask": "none.png"}, "none.png"),
        ({"mask": "black.png"}, "black or transparent"),
        ({"mask": "text.png"}, "no picture"),
        ({"strength": 0.0}, "--strength"),
    ],
    ids=str,
)
def test_bad_input_is_answered_by_one_line(
    repair: Make, tmp_path: Path, fields: dict[str, Any], said: str
) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "black.png")
    (tmp_path / "text.png").write_text("no picture")
    if str(fields.get("mask")).endswith("png"):
        fields = {**fields, "mask": str(tmp_path / fields["mask"])}
    outcome = Worker().run(repair(**fields), Host())
    assert isinstance(outcome, Failure)
    assert said in outcome.error
    assert "\n" not in outcome.error + outcome.fix
    assert not any((tmp_path / "out").glob("*"))


def test_a_picture_is_never_its_own_result(worker: Worker, repair: Make, tmp_path: Path) -> None:
    (tmp_path / "old.png").rename(tmp_path / "image.png")
    outcome = worker.run(repair(init_image=str(tmp_path / "image.png"), out=str(tmp_path)), Host())
    assert isinstance(outcome, Failure)
    assert "read by this job" in outcome.error


def test_the_crop_holds_the_mask_and_what_lies_around_it() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        height, width = rng.integers(20, 300, 2)
        area = np.zeros((height, width), np.float32)
        top, left = rng.integers(0, height), rng.integers(0, width)
        area[top : top + rng.integers(1, 99), left : left + rng.integers(1, 99)] = 1
        crop = Crop.around(area, 64, 8)
        assert crop.of(area).sum() == area.sum()
        for length, whole in ((crop.height, height), (crop.width, width)):
            assert length == whole or (length >= 64 and length % 8 == 0)
        assert crop.of(area).shape == (crop.height, crop.width)


@pytest.mark.parametrize("step", [0.0, 1e-3, 5.0])
def test_a_membrane_is_what_its_equation_says(step: float) -> None:
    """Against numpy's dense solver. A step of what was painted goes with it where it is small."""
    height, width, reach = 9, 14, 2.0
    inside = np.zeros((height, width), bool)
    inside[2:7, 3:] = True
    rng, flat = np.random.default_rng(0), inside.reshape(-1)
    present = rng.normal(size=(height * width, 2)).astype(np.float32)
    painted = np.where(flat[:, None], step, 0).repeat(2, axis=1).astype(np.float32)
    laplace = np.zeros((height * width, height * width))
    for row, column in np.ndindex(height, width):
        for other in ((row + 1, column), (row, column + 1)):
            if other[0] < height and other[1] < width:
                a, b = row * width + column, other[0] * width + other[1]
                laplace[[a, b], [a, b]] += 1
                laplace[[a, b], [b, a]] -= 1
    system = laplace[flat][:, flat] + np.eye(flat.sum()) / reach**2
    wanted = present[~flat] - (step if step < 1 else 0)
    solved = np.linalg.solve(system, -laplace[flat][:, ~flat] @ wanted)
    found = membrane(in_grid(height, width), flat, present, painted, reach)
    np.testing.assert_allclose(found, solved, atol=5e-3)


def test_a_border_is_compared_with_its_sides() -> None:
    picture, inside = np.zeros((10, 10, 1), np.float32), np.zeros((10, 10), bool)
    picture[:, :, 0], inside[:, 5:] = np.arange(10), True
    pairs = in_grid(10, 10)
    slope = border_error(picture.reshape(-1, 1), pairs, inside.reshape(-1))
    picture[:, 5:] += 5
    step = border_error(picture.reshape(-1, 1), pairs, inside.reshape(-1))
    assert slope is not None
    assert step == pytest.approx(6 * slope)
    assert border_error(picture.reshape(-1, 1), pairs, np.ones(100, bool)) is None
