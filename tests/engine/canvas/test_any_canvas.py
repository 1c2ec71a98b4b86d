"""Generating and whole jobs with a canvas that is no mesh, whose views are not square."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from engine import settings as options
from engine.canvas.canvas import Prompt
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.generate import generate
from engine.host import Clock, Host
from engine.options.choices import METHODS
from engine.painter import Painter
from engine.pipeline import texture
from engine.protocol import Request
from engine.sync.sampler import Step
from tests.engine.canvas import strip
from tests.engine.canvas.strip import COUNT, HEIGHT, LENGTH, STEP, WIDTH, StripCanvas

Make = Callable[..., Request]
Floats = NDArray[np.float32]

RED, WOOD = Prompt("red bricks", "old"), Prompt("old wood", "gold")


@pytest.fixture(scope="module")
def denoiser(tiny_model: Path) -> Denoiser:
    return load_denoiser(str(tiny_model), "cpu", lambda: None)


def painter(denoiser: Denoiser, request: Request) -> Painter:
    return Painter(denoiser, options.resolve(request, denoiser.preset), Clock(), Host())


def disagreement(latents: torch.Tensor) -> float:
    """The largest difference between views (N, C, h, w) of one strip where they overlap."""
    step = STEP * latents.shape[3] // WIDTH
    pairs = itertools.pairwise(latents)
    return max(float((one[:, :, step:] - other[:, :, :-step]).abs().max()) for one, other in pairs)


@pytest.mark.parametrize("method", METHODS)
def test_views_of_any_shape_are_denoised_together(denoiser: Denoiser, request_for: Make, method: str) -> None:
    request = request_for(method=method, sync_space="latent", steps=3)
    steps: list[Step] = []
    left = np.zeros((HEIGHT, WIDTH), np.float32)
    left[:, : WIDTH // 2] = 1
    halves = replace(RED, mask=left), replace(WOOD, mask=1 - left, number=1)
    canvas = StripCanvas(request, [(RED,), (replace(WOOD, number=1),), halves])
    pictures = generate(canvas, painter(denoiser, request), steps.append)
    assert pictures.shape == (COUNT, HEIGHT, WIDTH, 3)
    assert pictures.dtype == np.float32
    assert 0 <= pictures.min() < pictures.max() <= 1
    assert [step.i for step in steps] == [0, 1, 2]
    assert {step.x.shape for step in steps} == {(COUNT, 4, HEIGHT // 8, WIDTH // 8)}


def test_they_agree_when_they_are_synchronised_to_the_end(denoiser: Denoiser, request_for: Make) -> None:
    last = []
    for method in ("synctweedies", "independent"):
        request = request_for(method=method, sync_space="latent", sync_share="all", steps=3)
        canvas = StripCanvas(request, [(RED,), (WOOD,), (RED,)])
        steps: list[Step] = []
        generate(canvas, painter(denoiser, request), steps.append)
        last.append(disagreement(steps[-1].x))
    assert last[0] < 1e-5
    assert last[1] > 1e-2


@pytest.mark.parametrize(
    "fields",
    [
        {"sync_space": "rgb"},
        {"sync_space": "rgb", "method": "case5"},
        {"sync_space": "rgb", "method": "syncmvd"},
        {"attention": "views"},
        {"guidance": 1.0, "sync_share": "ramp"},
    ],
    ids=str,
)
def test_in_colours_with_attention_and_without_guidance(
    denoiser: Denoiser, request_for: Make, fields: dict[str, object]
) -> None:
    request = request_for(**fields)
    canvas = StripCanvas(request, [(RED,), (WOOD,), (RED,)])
    pictures = generate(canvas, painter(denoiser, request))
    assert pictures.shape == (COUNT, HEIGHT, WIDTH, 3)
    assert pictures.std() > 0.01


@pytest.mark.parametrize("attention", ["off", "views"])
def test_views_may_have_several_prompts(denoiser: Denoiser, request_for: Make, attention: str) -> None:
    """The same one twice is as one; two halves are none of the two."""
    request = request_for(method="independent", attention=attention)
    left, right = np.zeros((2, HEIGHT, WIDTH), np.float32)
    left[:, : WIDTH // 2], right[:, WIDTH // 2 :] = 1, 1
    one = Prompt("red bricks", "old", left)

    def painted(*first: Prompt) -> Floats:
        canvas = StripCanvas(request, [first, (WOOD,), (RED,)])
        return generate(canvas, painter(denoiser, request))

    plain = painted(RED)
    np.testing.assert_allclose(painted(one, Prompt("red bricks", "old", right)), plain, atol=1e-4)
    np.testing.assert_allclose(painted(RED, RED, RED), plain, atol=1e-4)
    both = painted(one, Prompt("old wood", "gold", right))
    assert np.abs(both[0] - plain[0]).max() > 1e-3
    if attention == "off":
        np.testing.assert_allclose(both[1:], plain[1:], atol=1e-4)


def test_a_strip_to_start_from(denoiser: Denoiser, request_for: Make) -> None:
    """It shows in the result, but for where all begins with noise alone."""
    wave = 0.5 + 0.4 * np.sin(np.linspace(0, 3, LENGTH))[None, :, None] * np.ones((HEIGHT, 1, 3))

    def painted(strength: float, before: NDArray[np.float64]) -> Floats:
        request = request_for(init_texture="x.png", strength=strength, steps=4)
        canvas = StripCanvas(request, [(RED,)] * COUNT, before=before.astype(np.float32))
        return generate(canvas, painter(denoiser, request))

    assert np.abs(painted(0.25, wave) - painted(0.25, 0 * wave)).max() > 0.01
    np.testing.assert_array_equal(painted(1.0, wave), painted(1.0, 0 * wave))


def test_a_whole_job(denoiser: Denoiser, request_for: Make) -> None:
    """Through the pipeline as it is: files, report, warnings, previews."""
    request = request_for(preview=True, steps=3)
    prepared = strip.PreparedStrip(request)
    told: list[object] = []
    host = Host(preview=told.append)
    result = texture(request, lambda *_: denoiser, host, lambda *_: prepared)
    report = json.loads(Path(result.report).read_text("utf-8"))
    (canvas,) = prepared.made
    assert Image.open(result.texture).size == (LENGTH, HEIGHT)
    assert result.warnings == ["the strip is a toy", "the strip is odd"]
    assert report["strip"] == {"length": LENGTH, "warnings": result.warnings}
    assert 0 < report["brightness"] < 1
    assert report["seconds"]["sync"] > 0
    assert "mesh" not in report
    assert canvas.shown.removed
    assert len(canvas.shown.shown) == len(told) >= 1
    assert canvas.shown.shown[0].shape[0] == COUNT
    assert canvas.shown.shown[0].shape[2] == 2 * canvas.shown.shown[0].shape[1]
