"""Guidance in the weights: the student learns what the engine would have made of the teacher."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import CLIPTokenizer

from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.models import sidecar
from training import distill, fields, networks, places
from training.buffer import Draw
from training.networks import scheduler, tokens

STARTER = Path(__file__).resolve().parents[2] / "engine" / "models" / "starter"
PROMPT = "red bricks"


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return load_denoiser(str(STARTER), "cpu", lambda: None)


@pytest.fixture(scope="module")
def lesson() -> distill.Lesson:
    return distill.Lesson.of(STARTER, 2.0)


def _draw(count: int) -> tuple[Draw, torch.Tensor]:
    """Noise over a slope, and its control picture."""
    line = torch.linspace(0.3, 0.7, 128)
    x, y = torch.meshgrid(line, line, indexing="xy")
    noise = torch.full((places.FIELDS, 128, 128), 0.5)
    control = torch.cat([torch.stack([x, y, 0.5 * (x + y)]), noise]).expand(count, -1, -1, -1)
    tokenizer = CLIPTokenizer.from_pretrained(STARTER / "tokenizer")
    embedding = networks.load(STARTER).controlnet.controlnet_cond_embedding
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(count, 24, 16, 16, generator=generator)
    ids = tokens(tokenizer, [PROMPT] * count)
    return Draw(latents, places.coded(embedding, control), torch.ones(count, 1, 16, 16), ids), control


def test_the_estimates_are_the_engines(lesson: distill.Lesson, denoiser: Denoiser) -> None:
    draw, control = _draw(2)
    text, empty = denoiser.embed([PROMPT]), denoiser.embed([""])
    for level in denoiser.schedule(8).levels[::3]:
        times = torch.full((2,), int(level.time))
        precision = lesson.teacher.unet.dtype
        x, code, keep = (t.to(precision) for t in (draw.latents, draw.control, torch.ones(2, 1, 1, 1)))
        without, known = lesson.estimates(x, times, draw.tokens, code, keep)
        guidance = 2.0 if level.is_within(denoiser.preset.guidance_end) else 1.0
        guided = without + guidance * (known - without)
        expected = denoiser.predict_x0(draw.latents, level, text, empty, control, 2.0)
        assert float((guided - expected).norm() / expected.norm()) < 0.05  # bfloat16's


def test_only_levels_that_samplers_visit_are_drawn() -> None:
    model, visited = scheduler(), set()
    for steps in distill.STEPS:
        model.set_timesteps(steps)
        visited |= set(model.timesteps.tolist())
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([distill.visited(64, generator) for _ in range(20)])
    assert set(drawn.tolist()) <= visited
    assert len(set(drawn.tolist())) > 0.9 * len(visited)
    assert (drawn == 999).float().mean() > 0.05, "they all begin with pure noise"


def test_a_run_goes_on_and_leaves_a_model_for_one_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NOISE_GRID", "CELL_GRID", "TOLD_GRID"):
        monkeypatch.setattr(fields, name, 24)
    for name in ("WINDOWS", "VIEWS"):
        monkeypatch.setattr(distill, name, 8)
    settings = distill.DistillationSettings(
        STARTER, tmp_path, hours=1e-5, fresh=2, start=0, capacity=8, shapes=2, views=2
    )
    distill.main(settings)
    first = (tmp_path / "log.txt").read_text()
    assert "done: 1 steps" in first
    distill.main(replace(settings, hours=0.003))
    assert "done: 1 steps" not in (tmp_path / "log.txt").read_text().removeprefix(first)
    made, own = tmp_path / "model", sidecar.read(STARTER)
    assert sidecar.read(made) == {**own, "guidance": 1.0}
    one, other = (load_denoiser(str(path), "cpu", lambda: None) for path in (made, STARTER))
    draw, control = _draw(1)
    level = one.schedule(8).levels[2]
    found, before = (
        model.predict_x0(draw.latents, level, model.embed([PROMPT]), model.embed([""]), control, 1.0)
        for model in (one, other)
    )
    assert 0 < float((found - before).norm() / before.norm()) < 0.2
