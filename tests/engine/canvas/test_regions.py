"""Regions with prompts of their own: masks against brute force, predictions against single network calls."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from engine import settings as options
from engine.bake.texels import SurfaceTexels
from engine.canvas.canvas import CanvasView, Prompt
from engine.canvas.mesh_prompts import SOFT, layered, softened
from engine.canvas.rows import PromptRows
from engine.denoise.attention import Links
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.generate import generate
from engine.host import Clock, Host
from engine.painter import Painter
from engine.protocol import Request, Result
from engine.worker import Failure, Worker
from tests.engine import shapes
from tests.engine.canvas.strip import HEIGHT, WIDTH, StripCanvas

Make = Callable[..., Request]
Floats = NDArray[np.float32]
DRAWN = np.random.default_rng(0)


@pytest.fixture(scope="module")
def denoiser(tiny_model: Path) -> Denoiser:
    return load_denoiser(str(tiny_model), "cpu", lambda: None)


@pytest.fixture(scope="module")
def ball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sphere of two materials, each half its own, with the UVs of a cube's sides."""
    return shapes.write_halves(tmp_path_factory.mktemp("ball") / "ball.npz")


def test_later_regions_lie_over_earlier_ones() -> None:
    parts = list(DRAWN.random((3, 5, 7)).astype(np.float32))
    weights = layered(parts)
    np.testing.assert_allclose(sum(weights), 1, atol=1e-6)
    for y, x in itertools.product(range(5), range(7)):
        a, b, c = (float(part[y, x]) for part in parts)
        wanted = [(1 - a) * (1 - b) * (1 - c), a * (1 - b) * (1 - c), b * (1 - c), c]
        np.testing.assert_allclose([one[y, x] for one in weights], wanted, atol=1e-6)


def test_soft_masks_go_on_behind_the_mesh() -> None:
    """They sum to 1; deep inside each is alone; behind counts what is nearest."""
    mask = np.zeros((48, 48), bool)
    mask[16:32, 8:40] = True
    left = np.zeros((48, 48), np.float32)
    left[16:32, 8:24] = 1
    soft = softened([left, mask - left], mask, pixels=4)
    np.testing.assert_allclose(sum(soft), 1, atol=1e-5)
    np.testing.assert_allclose(soft[0][:, :8], 1, atol=1e-3)
    np.testing.assert_allclose(soft[1][:, 40:], 1, atol=1e-3)
    profile = np.array([[1.0] * 24 + [0.0] * 24])
    far = np.arange(48)[:, None] - np.arange(48)
    kernel = np.exp(-0.5 * (far / (SOFT * 4)) ** 2) * (np.abs(far) <= 4 * SOFT * 4)
    inner = (profile @ (kernel / kernel.sum(axis=1, keepdims=True)).T)[0, 14:34]
    np.testing.assert_allclose(soft[0][24, 14:34], inner, atol=1e-3)


def test_a_view_is_what_its_prompts_predict_by_their_masks(
    denoiser: Denoiser, request_for: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each prompt by a call of its own, with its own guidance; put together latent by latent."""
    shares = DRAWN.random((2, HEIGHT, WIDTH)).astype(np.float32)
    asked = [
        (Prompt("red bricks", "old", shares[0], 0, 1.0), Prompt("old wood", "gold", shares[1], 1, 5.0)),
        (Prompt("old wood", "gold", None, 1, 2.5),),
        (Prompt("red bricks", "old"),),
    ]
    request = request_for(method="independent", attention="off", steps=1)
    painter = Painter(denoiser, options.resolve(request, denoiser.preset), Clock(), Host())
    calls: list[tuple[Any, ...]] = []
    predict, steps = denoiser.predict_x0, []
    monkeypatch.setattr(denoiser, "predict_x0", lambda *said: (calls.append(said), predict(*said))[1])
    generate(StripCanvas(request, asked), painter, steps.append)
    ((states, level, _, _, shown, _),) = calls
    assert len(states) == 4, "a row for each prompt of each view"
    x, depth = states[[0, 2, 3]], shown["depth"][[0, 2, 3]]
    for view, prompts in enumerate(asked):
        total, weight = torch.zeros_like(x[view]), torch.zeros(1, HEIGHT // 8, WIDTH // 8)
        for one in prompts:
            guidance = painter.settings.guidance if one.guidance is None else one.guidance
            texts = denoiser.embed([one.positive]), denoiser.embed([one.negative])
            found = predict(x[[view]], level, *texts, {"depth": depth[[view]]}, guidance)[0]
            own = np.ones((HEIGHT, WIDTH), np.float32) if one.mask is None else one.mask
            share = torch.from_numpy(own.reshape(HEIGHT // 8, 8, WIDTH // 8, 8).mean(axis=(1, 3)))[None]
            total, weight = total + share * found, weight + share
        torch.testing.assert_close(steps[-1].x0[view], total / weight, atol=2e-5, rtol=1e-4)


def test_rows_look_at_those_that_are_asked_for_the_same() -> None:
    """Where a view isn't asked for it, at its first row."""
    rest, gold, tin = (Prompt(name, "", None, i) for i, name in enumerate(("rest", "gold", "tin")))
    views = [view(rest, gold), view(tin), view(gold, tin)]
    beside = np.array([[0, 1, 2], [1, 0, -1], [2, 1, 0]])
    found = PromptRows.build(views, 8).links(Links(beside, 2)).beside
    rows = [(0, "rest"), (0, "gold"), (1, "tin"), (2, "gold"), (2, "tin")]
    named = [[rows[i] if i >= 0 else None for i in row] for row in found]
    assert named == [
        [(0, "rest"), (1, "tin"), (2, "gold")],
        [(0, "gold"), (1, "tin"), (2, "gold")],
        [(1, "tin"), (0, "rest"), None],
        [(2, "gold"), (1, "tin"), (0, "gold")],
        [(2, "tin"), (1, "tin"), (0, "rest")],
    ]


def view(*prompts: Prompt) -> CanvasView:
    return CanvasView(8, 8, prompts, {}, np.ones((8, 8), bool))


def run(worker: Worker, request: Request) -> tuple[Result, Floats]:
    outcome = worker.run(request, Host())
    assert isinstance(outcome, Result), outcome
    return outcome, np.asarray(Image.open(outcome.texture), np.float32) / 255


def test_a_region_that_covers_all_is_its_prompt_alone(
    worker: Worker, request_for: Make, ball: Path, tmp_path: Path
) -> None:
    quick = {"mesh": str(ball), "steps": 1, "views": "2"}
    region = ("object:ball=red bricks",)
    whole, painted = run(worker, request_for(**quick, prompt="moss", region=region))
    assert whole.warnings == ["regions cover all that is seen: the prompt isn't used"]
    _, alone = run(worker, request_for(**quick, prompt="red bricks", out=str(tmp_path / "alone")))
    np.testing.assert_array_equal(painted, alone)


def test_each_half_of_a_ball_has_its_colour(
    worker: Worker, request_for: Make, ball: Path, tmp_path: Path
) -> None:
    """Of the starter, which knows what red and blue are. Views see both halves."""
    Image.fromarray(np.full((4, 4), 255, np.uint8)).save(tmp_path / "all.png")
    regions = (f"mask:{tmp_path / 'all.png'}=red bricks", "material:right=blue ceramic tiles")
    said = request_for(mesh=str(ball), model="starter", prompt="moss", region=regions, steps=5, views="2")
    result, painted = run(worker, said)
    assert json.loads(Path(result.report).read_text("utf-8"))["region"][1] == regions[1]
    shape = shapes.sphere()
    texels = SurfaceTexels.build(shape.surface, painted.shape[0])
    colours = painted.reshape(-1, 3)[texels.index]
    warm, side = colours[:, 0] - colours[:, 2], texels.point[:, 0]
    assert warm[side < -0.3].mean() > 0.15
    assert warm[side > 0.3].mean() < -0.15


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("Trim=gold", "names no area; begin it with material:, object:, mask:, group: or faces:"),
        ("material:=gold", "has no name after the colon"),
        ("material:left", "'material:left' has no prompt; write it as KIND:NAME=PROMPT"),
        ("material:left= ", "has no prompt"),
        ("material:left=gold|much", "its guidance is 'much'; give a number from 0 to 100"),
        ("material:left=gold|-1", "its guidance is '-1'"),
        ("material:Left=gold", "no material is called 'Left'; name one of 'left', 'right'"),
        ("object:bell=gold", "no object is called 'bell'; name one of 'ball'"),
        ("group:Rust=gold", "can be found in Blender's own objects only"),
        ("mask:none.png=gold", "there is no file 'none.png'"),
    ],
)
def test_what_is_wrong_is_one_line(request_for: Make, ball: Path, region: str, said: str) -> None:
    worker = Worker()
    outcome = worker.run(request_for(mesh=str(ball), region=(region,)), Host())
    assert isinstance(outcome, Failure)
    line = f"{outcome.error}; {outcome.fix}"
    assert said in line, line
    assert "\n" not in line
    assert len(line) <= 320
    assert worker._model is None


def test_an_area_is_given_once(request_for: Make, ball: Path) -> None:
    outcome = Worker().run(request_for(mesh=str(ball), region=("object:a=x", "object:a=y")), Host())
    assert isinstance(outcome, Failure)
    assert "'object:a' is given twice" in outcome.error
