"""The denoiser against diffusers' own ControlNet pipeline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.denoise import steps as step
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.denoise.loading import load
from engine.models import sources
from tests.engine.denoise.loaded import level, network

PROMPTS = ["red bricks, front view", "old wood", "gold"]
NEGATIVE = "old view"


@pytest.fixture(scope="module")
def latents() -> Tensor:
    return torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(7))


@pytest.fixture(scope="module")
def depth() -> Tensor:
    return torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(8))


@pytest.fixture
def eps_denoiser(eps_model: Path) -> Denoiser:
    return load_denoiser(str(eps_model), "cpu", lambda: None)


@pytest.fixture
def v_denoiser(v_model: Path) -> Denoiser:
    return load_denoiser(str(v_model), "cpu", lambda: None)


def sample(model: Denoiser, x: Tensor, depth: Tensor, steps: int, guidance: float) -> Tensor:
    positive, negative = model.embed(PROMPTS), model.embed([NEGATIVE])
    schedule = model.schedule(steps)
    for now, end in zip(schedule.levels, schedule.ends, strict=True):
        x0 = model.predict_x0(x, now, positive, negative, depth, guidance)
        x = step.ddim(x, x0, *now.alpha_sigma, *end.alpha_sigma)
    return x


def stock(folder: Path, x: Tensor, depth: Tensor, steps: int, **options: Any) -> Tensor:
    from diffusers import DDIMScheduler, StableDiffusionControlNetPipeline

    pipe = StableDiffusionControlNetPipeline.from_pretrained(folder, low_cpu_mem_usage=False)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    result: Tensor = pipe(
        PROMPTS,
        image=depth.expand(-1, 3, -1, -1),
        latents=x.clone(),
        num_inference_steps=steps,
        negative_prompt=[NEGATIVE] * len(PROMPTS),
        output_type="latent",
        **options,
    ).images
    return result


@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize("model", ["v_model", "sample_model"])
def test_zero_snr_equals_the_stock_pipeline(
    model: str, request: pytest.FixtureRequest, latents: Tensor, depth: Tensor, guidance: float
) -> None:
    folder = request.getfixturevalue(model)
    mine = sample(load_denoiser(str(folder), "cpu", lambda: None), latents, depth, 10, guidance)
    reference = stock(folder, latents, depth, 10, guidance_scale=guidance)
    torch.testing.assert_close(mine, reference, rtol=1e-3, atol=1e-3 * float(reference.std()))


def test_epsilon_with_published_control_equals_the_stock_pipeline(
    eps_denoiser: Denoiser, eps_model: Path, latents: Tensor, depth: Tensor
) -> None:
    eps_denoiser.preset = replace(eps_denoiser.preset, conditioning_scale=0.7, control_end=0.99)
    mine = sample(eps_denoiser, latents, depth, 30, 4.0)
    options = {"controlnet_conditioning_scale": 0.7, "control_guidance_end": 0.99, "guidance_scale": 4.0}
    reference = stock(eps_model, latents, depth, 30, **options)
    torch.testing.assert_close(mine, reference, rtol=1e-3, atol=1e-3 * float(reference.std()))


@pytest.mark.parametrize(("end", "t", "on"), [(0.99, 34, True), (0.99, 1, False), (1.0, 0, True)])
def test_control_is_off_at_the_end(
    eps_denoiser: Denoiser, latents: Tensor, depth: Tensor, end: float, t: int, on: bool
) -> None:
    eps_denoiser.preset = replace(eps_denoiser.preset, control_end=end)
    text = eps_denoiser.embed(["gold"])
    near = eps_denoiser.predict(latents, level(eps_denoiser, t), text, text, depth, 1.0)
    far = eps_denoiser.predict(latents, level(eps_denoiser, t), text, text, 1 - depth, 1.0)
    assert torch.equal(near, far) is not on


@pytest.mark.parametrize(("end", "t", "guided"), [(0.5, 999, True), (0.5, 499, False), (1.0, 0, True)])
def test_guidance_ends_where_the_preset_says(
    monkeypatch: pytest.MonkeyPatch,
    eps_denoiser: Denoiser,
    latents: Tensor,
    depth: Tensor,
    end: float,
    t: int,
    guided: bool,
) -> None:
    """Afterwards each picture takes one pass, and comes out as without guidance."""
    eps_denoiser.preset = replace(eps_denoiser.preset, guidance_end=end)
    now, prompts, nothing = (
        level(eps_denoiser, t),
        eps_denoiser.embed(PROMPTS),
        eps_denoiser.embed([NEGATIVE]),
    )
    plain = eps_denoiser.predict(latents, now, prompts, nothing, depth, 1.0)
    predict, rows = eps_denoiser._family.predict, []

    def counted(x: Tensor, *others: Any) -> Tensor:
        rows.append(len(x))
        return predict(x, *others)

    monkeypatch.setattr(eps_denoiser._family, "predict", counted)
    found = eps_denoiser.predict(latents, now, prompts, nothing, depth, 4.0)
    assert sum(rows) == len(latents) * (2 if guided else 1)
    assert torch.equal(found, plain) is not guided


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_chunks_change_nothing(v_denoiser: Denoiser, latents: Tensor, depth: Tensor, batch: int) -> None:
    positive, negative = v_denoiser.embed(PROMPTS), v_denoiser.embed([NEGATIVE])
    whole = v_denoiser.predict(latents, level(v_denoiser, 499), positive, negative, depth, 3.0)
    pictures = v_denoiser.decode(latents)
    back = v_denoiser.encode(pictures)
    v_denoiser.household.batch = v_denoiser.household.vae_batch = batch
    chunked = v_denoiser.predict(latents, level(v_denoiser, 499), positive, negative, depth, 3.0)
    torch.testing.assert_close(chunked, whole, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(v_denoiser.decode(latents), pictures, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(v_denoiser.encode(pictures), back, rtol=1e-4, atol=1e-5)


def test_guidance_extrapolates_from_negative_to_positive(
    eps_denoiser: Denoiser, latents: Tensor, depth: Tensor
) -> None:
    positive, negative = eps_denoiser.embed(PROMPTS), eps_denoiser.embed([NEGATIVE])

    def predict(guidance: float) -> Tensor:
        return eps_denoiser.predict(latents, level(eps_denoiser, 500), positive, negative, depth, guidance)

    without = eps_denoiser.predict(latents, level(eps_denoiser, 500), negative, positive, depth, 1.0)
    expected = without + 5.0 * (predict(1.0) - without)
    torch.testing.assert_close(predict(5.0), expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(predict(5.0), predict(1.0), atol=1e-4)


@pytest.mark.parametrize("t", [1, 499, 949])
def test_eps_and_x0_are_of_one_x(v_denoiser: Denoiser, latents: Tensor, depth: Tensor, t: int) -> None:
    text = v_denoiser.embed(["gold"])
    now = level(v_denoiser, t)
    eps = v_denoiser.predict(latents, now, text, text, depth, 1.0)
    x0 = v_denoiser.predict_x0(latents, now, text, text, depth, 1.0)
    torch.testing.assert_close(now.alpha * x0 + now.sigma * eps, latents, rtol=1e-4, atol=1e-4)


def test_pure_noise_step_is_finite(v_denoiser: Denoiser, latents: Tensor, depth: Tensor) -> None:
    text, start = v_denoiser.embed(["gold"]), level(v_denoiser, 999)
    assert start.alpha_sigma == (0.0, 1.0)
    assert torch.isfinite(v_denoiser.predict_x0(latents, start, text, text, depth, 2.0)).all()
    torch.testing.assert_close(v_denoiser.predict(latents, start, text, text, depth, 2.0), latents)


def test_same_input_same_bytes(v_model: Path, latents: Tensor, depth: Tensor) -> None:
    runs = [
        sample(load_denoiser(str(v_model), "cpu", lambda: None), latents, depth, 3, 3.0) for _ in range(2)
    ]
    assert torch.equal(*runs)


def test_autoencoder_uses_mean_and_scale(eps_denoiser: Denoiser, eps_model: Path) -> None:
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(eps_model / "vae", low_cpu_mem_usage=False)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        expected = vae.encode(images * 2 - 1).latent_dist.mean * vae.config.scaling_factor
        decoded = vae.decode(expected / vae.config.scaling_factor).sample / 2 + 0.5
    torch.testing.assert_close(eps_denoiser.encode(images), expected)
    torch.testing.assert_close(eps_denoiser.decode(expected), decoded)


@pytest.mark.parametrize(("dtype", "close"), [(torch.float16, 0.02), (torch.bfloat16, 0.1)])
def test_half_precision_stays_inside(
    eps_denoiser: Denoiser, eps_model: Path, depth: Tensor, dtype: torch.dtype, close: float
) -> None:
    cpu = torch.device("cpu")
    half = Denoiser(load(sources.find(str(eps_model), lambda: None), cpu, dtype, lambda: None))
    assert half.dtype == dtype
    assert network(half, "vae").dtype == torch.float32, "its config says that half precision overflows"
    x = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(7))
    mine, reference = (
        model.predict(x, level(model, 500), model.embed(PROMPTS), model.embed([NEGATIVE]), depth, 3.0)
        for model in (half, eps_denoiser)
    )
    assert mine.dtype == torch.float32
    assert not torch.equal(mine, reference)
    torch.testing.assert_close(mine, reference, rtol=close, atol=close)
    assert torch.equal(half.decode(x), eps_denoiser.decode(x))


def test_words_beyond_the_limit_are_told(eps_denoiser: Denoiser) -> None:
    text = eps_denoiser.embed(["red bricks", "red " * 14 + "gold view", ""])
    assert text.truncated == ["", "gold view", ""]
    assert text.rows(3).tensor.shape == (3, 16, 32)


def test_prompts_are_embedded_once(eps_denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch) -> None:
    first = eps_denoiser.embed(["gold", "old wood"])
    monkeypatch.setattr(eps_denoiser._family, "condition", None)
    again = eps_denoiser.embed(["old wood", "gold"])
    torch.testing.assert_close(again.rows(2).tensor, first.rows(2).tensor.flip(0))


def test_facts_about_the_model(v_denoiser: Denoiser, eps_denoiser: Denoiser) -> None:
    assert (v_denoiser.latent_channels, v_denoiser.downscale) == (4, 8)
    assert v_denoiser._family.prediction == "v_prediction"
    assert eps_denoiser._family.prediction == "epsilon"
    assert v_denoiser.preset.family == "starter"
    assert (v_denoiser.preset.view_size, v_denoiser.preset.latent_view_size) == (64, 8)
    assert v_denoiser.dtype == torch.float32
