"""Weights distilled for few steps: step by step what diffusers' own schedulers make of a model's output."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    TCDScheduler,
    UNet2DConditionModel,
)
from torch import Tensor

from engine.denoise import ddim, flow
from engine.denoise import steps as step
from engine.errors import UserError
from engine.models.accelerators import TABLE
from tests.engine.denoise.loaded import load
from tests.engine.schedules import SD15, XL, ZERO_SNR, output
from tests.engine.sync.toys import unit_noise

SHAPE = (2, 4, 6, 6)
PREDICTIONS = {"epsilon": XL, "v_prediction": ZERO_SNR}


def ours(
    config: dict[str, Any], name: str, steps: int, x: Tensor, generator: torch.Generator | None = None
) -> list[Tensor]:
    """States after each step, with ``output`` for a network."""
    schedule, states = ddim.distilled(config, steps, TABLE[name]), []
    for level, end in zip(schedule.levels, schedule.ends, strict=True):
        said = output(x, level.time)
        x0 = step.X0_FROM[config["prediction_type"]](x, said, *level.alpha_sigma)
        x0 = step.consistent(x, x0, level.skip, level.out)
        if schedule.renoises:
            last = end.sigma == 0
            noise = torch.zeros(x.shape) if last else torch.randn(x.shape, generator=generator)
            x = step.renoised(x0, *end.alpha_sigma, noise)
        else:
            x = step.ddim(x, x0, *level.alpha_sigma, *end.alpha_sigma)
        states.append(x)
    return states


def same(some: list[Tensor], others: list[Tensor]) -> None:
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("config", PREDICTIONS.values(), ids=PREDICTIONS)
@pytest.mark.parametrize(("name", "steps"), [("lcm", 1), ("lcm", 4), ("lcm", 7), ("lcm", 8), ("dmd2", 4)])
def test_consistency_models_are_stepped_as_by_lcm(config: dict[str, Any], name: str, steps: int) -> None:
    scheduler, x = LCMScheduler.from_config(config), unit_noise(SHAPE, 0)
    given = {"timesteps": [999, 749, 499, 249]} if name == "dmd2" else {"num_inference_steps": steps}
    scheduler.set_timesteps(**given)
    states, state, generator = [], x, torch.Generator().manual_seed(3)
    for t in scheduler.timesteps:
        state = scheduler.step(output(state, int(t)), t, state, generator=generator).prev_sample
        states.append(state)
    same(ours(config, name, steps, x, torch.Generator().manual_seed(3)), states)


@pytest.mark.parametrize(
    ("name", "steps"), [("lightning-4", 4), ("lightning-8", 8), ("turbo", 1), ("turbo", 3), ("turbo", 4)]
)
def test_lightning_and_turbo_are_stepped_as_by_trailing_euler(name: str, steps: int) -> None:
    """Whose states are x / alpha: noise is added there to the picture itself."""
    scheduler, x = EulerDiscreteScheduler.from_config(XL, timestep_spacing="trailing"), unit_noise(SHAPE, 0)
    scheduler.set_timesteps(steps)
    states, state = [], x * (scheduler.sigmas[0] ** 2 + 1) ** 0.5
    for i, t in enumerate(scheduler.timesteps):
        said = output(scheduler.scale_model_input(state, t), int(t))
        state = scheduler.step(said, t, state).prev_sample
        states.append(state / (scheduler.sigmas[i + 1] ** 2 + 1) ** 0.5)
    same(ours(XL, name, steps, x), states)


@pytest.mark.parametrize("config", [XL, SD15, ZERO_SNR], ids=["xl", "sd15", "zero-snr-v"])
@pytest.mark.parametrize(("name", "steps"), [("hyper-sd-4", 4), ("hyper-sd-8", 8), ("hyper-sd-cfg", 12)])
def test_hyper_sd_is_stepped_as_by_trailing_ddim(config: dict[str, Any], name: str, steps: int) -> None:
    scheduler, x = DDIMScheduler.from_config(config, timestep_spacing="trailing"), unit_noise(SHAPE, 0)
    scheduler.set_timesteps(steps)
    states, state = [], x
    for t in scheduler.timesteps:
        state = scheduler.step(output(state, int(t)), t, state).prev_sample
        states.append(state)
    same(ours(config, name, steps, x), states)


@pytest.mark.parametrize("config", PREDICTIONS.values(), ids=PREDICTIONS)
@pytest.mark.parametrize("steps", [1, 4, 8])
def test_tcd_without_chance(config: dict[str, Any], steps: int) -> None:
    scheduler, x = TCDScheduler.from_config(config), unit_noise(SHAPE, 0)
    scheduler.set_timesteps(steps)
    states, state = [], x
    for t in scheduler.timesteps:
        state = scheduler.step(output(state, int(t)), t, state, eta=0.0).prev_sample
        states.append(state)
    same(ours(config, "tcd", steps, x), states)


def test_qwen_lightning_has_the_shift_that_its_makers_give_the_scheduler() -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler

    config = {
        "_class_name": "FlowMatchEulerDiscreteScheduler",
        "use_dynamic_shifting": True,
        "base_shift": 0.5,
        "max_shift": 0.9,
        "shift_terminal": 0.02,
        "time_shift_type": "exponential",
    }
    log3 = 1.0986122886681098
    scheduler = FlowMatchEulerDiscreteScheduler.from_config({**config, "shift_terminal": None})
    scheduler.set_timesteps(sigmas=[1 - i / 8 for i in range(8)], mu=log3)
    schedule = flow.schedule(flow.shifted(config, TABLE["lightning-8"].shift or 0), 8, 4096)
    sigmas = [level.sigma for level in (*schedule.levels, schedule.ends[-1])]
    torch.testing.assert_close(torch.tensor(sigmas), scheduler.sigmas)


@pytest.mark.parametrize("name", ["lightning-4", "hyper-sd-4", "lcm", "tcd", "dmd2"])
def test_a_whole_model_is_stepped_as_by_diffusers_pipeline(xl_model: Path, name: str) -> None:
    """Its network, its control, one pass and no guidance."""
    model, picture = load(xl_model), unit_noise((1, 1, 64, 64), 1).sigmoid()
    model.preset = replace(model.preset, control_end=1.0, conditioning_scale=0.7)
    schedule, x = model.schedule(4, accelerator=name), unit_noise((1, 4, 8, 8), 0)
    generator, states, text = torch.Generator().manual_seed(3), [], model.embed(["old red bricks"])
    start = x
    for level, end in zip(schedule.levels, schedule.ends, strict=True):
        x0 = model.predict_x0(x, level, text, text, picture, 1.0)
        if schedule.renoises:
            x = step.renoised(x0, *end.alpha_sigma, torch.randn(x.shape, generator=generator))
        else:
            x = step.ddim(x, x0, *level.alpha_sigma, *end.alpha_sigma)
        states.append(x)
    same(states, by_pipeline(xl_model, name, start, picture))


def by_pipeline(folder: Path, name: str, x: Tensor, picture: Tensor) -> list[Tensor]:
    """The same of diffusers' pipeline with the scheduler that the weights' makers name."""
    import diffusers

    controlnet = diffusers.ControlNetModel.from_pretrained(folder / "controlnet")
    pipeline = diffusers.StableDiffusionXLControlNetPipeline.from_pretrained(
        folder, controlnet=controlnet, add_watermarker=False
    )
    kinds: dict[str, Any] = {"lightning-4": EulerDiscreteScheduler, "hyper-sd-4": DDIMScheduler}
    kind = kinds.get(name, TCDScheduler if name == "tcd" else LCMScheduler)
    config = {**pipeline.scheduler.config, "timestep_spacing": "trailing"}
    pipeline.scheduler = scheduler = kind.from_config(config)
    pipeline.set_progress_bar_config(disable=True)
    states: list[Tensor] = []

    def keep(_: Any, i: int, __: Any, given: dict[str, Tensor]) -> dict[str, Tensor]:
        scale = (scheduler.sigmas[i + 1] ** 2 + 1) ** 0.5 if name == "lightning-4" else 1.0
        states.append(given["latents"] / scale)
        return given

    if name == "lightning-4":  # its states begin without the little of a picture that ours have
        scheduler.set_timesteps(4)
        x = x * (scheduler.sigmas[0] ** 2 + 1) ** 0.5 / scheduler.init_noise_sigma
    pipeline(
        "old red bricks",
        image=picture.expand(-1, 3, -1, -1),
        **({"timesteps": [999, 749, 499, 249]} if name == "dmd2" else {"num_inference_steps": 4}),
        guidance_scale=1.0,
        latents=x.clone(),
        generator=torch.Generator().manual_seed(3),
        controlnet_conditioning_scale=0.7,
        output_type="latent",
        callback_on_step_end=keep,
        **({"eta": 0.0} if name == "tcd" else {}),
    )
    return states


@pytest.fixture
def told_model(copy: Path) -> Path:
    """A whole latent consistency model, as far as its files say."""
    unet = UNet2DConditionModel.from_pretrained(copy / "unet")
    torch.manual_seed(4)
    UNet2DConditionModel.from_config({**unet.config, "time_cond_proj_dim": 16}).save_pretrained(copy / "unet")
    (copy / "scheduler" / "scheduler_config.json").write_text(
        json.dumps({**SD15, "_class_name": "LCMScheduler", "original_inference_steps": 50})
    )
    return copy


@pytest.mark.parametrize("guidance", [1.0, 8.0])
def test_a_whole_consistency_model_is_told_the_guidance(told_model: Path, guidance: float) -> None:
    """In one pass; not told, it made other pictures and nothing said so."""
    from diffusers import StableDiffusionControlNetPipeline

    model, picture = load(told_model), unit_noise((1, 1, 64, 64), 1).sigmoid()
    assert (model.preset.accelerator, model.preset.guidance, model.preset.steps) == ("lcm-model", 8.0, 4)
    model.preset = replace(model.preset, control_end=1.0, conditioning_scale=0.7)
    schedule, x = model.schedule(4, accelerator="lcm-model"), unit_noise((1, 4, 8, 8), 0)
    text, other = model.embed(["old red bricks"]), model.embed(["gold"])
    level, end = schedule.levels[0], schedule.ends[0]
    x0 = model.predict_x0(x, level, text, other, picture, guidance)
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
    first: list[Tensor] = []
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(told_model)
    pipeline.scheduler = LCMScheduler.from_pretrained(told_model / "scheduler")
    pipeline.set_progress_bar_config(disable=True)
    pipeline(
        "old red bricks",
        image=picture.expand(-1, 3, -1, -1),
        num_inference_steps=4,
        guidance_scale=guidance,
        latents=x.clone(),
        generator=torch.Generator().manual_seed(3),
        controlnet_conditioning_scale=0.7,
        output_type="latent",
        callback_on_step_end=lambda _, i, t, given: first.append(given["latents"]) or given,
    )
    same([step.renoised(x0, *end.alpha_sigma, noise)], first[:1])
    another = model.predict_x0(x, level, text, other, picture, guidance + 2)
    assert not torch.allclose(x0, another, atol=1e-3)


@pytest.mark.parametrize("kind", ddim.DISTILLED)
def test_what_was_distilled_is_not_run_as_if_it_was_not(kind: str) -> None:
    config = {**SD15, "_class_name": kind}
    assert len(ddim.distilled(config, 4, TABLE["lcm"]).levels) == 4
    with pytest.raises(UserError, match=f"{kind}: it was distilled"):
        ddim.schedule(config, 4)


@pytest.mark.parametrize("change", [{"original_inference_steps": 0}, {"timestep_scaling": -1.0}])
def test_numbers_that_make_no_sense(change: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=next(iter(change))):
        ddim.distilled({**SD15, **change}, 4, TABLE["lcm"])
    with pytest.raises(UserError, match="8 steps asked for"):
        ddim.distilled({**SD15, "original_inference_steps": 5}, 8, TABLE["lcm"])
