"""Several controls of transformers for flow matching: as diffusers' pipelines with several ControlNets, and
where these take one alone, as the sum of what its modules give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.denoise.denoiser import Denoiser
from engine.denoise.patches import packed, unpacked
from engine.errors import UserError
from engine.options.controls import read_all
from tests.engine.denoise import flow_judges
from tests.engine.denoise.flow_runs import assert_same, inputs, ours, theirs
from tests.engine.denoise.loaded import load
from tests.engine.flow_pipelines import (
    flux_controlnet,
    make_flux,
    make_qwen_image,
    make_z_image,
    z_controlnet,
)

STEPS = 3
SHOWN = {
    kind: torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(seed))
    for seed, kind in enumerate(("depth", "lines"))
}
PICTURES = list(SHOWN.values())


def steered(folder: Path, *controls: str) -> Denoiser:
    model = load(folder)
    model.steer_with(read_all(controls))
    return model


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_flux(tmp_path_factory.mktemp("models") / "dev", told=True)


@pytest.fixture(scope="module")
def union(flux: Path) -> Path:
    """InstantX's: told which kind of picture it is shown."""
    torch.manual_seed(5)
    place = flux.parent / "union"
    flux_controlnet(num_mode=7, guidance_embeds=True).save_pretrained(place)
    return place


def by_flux(
    folder: Path, *nets: Path, modes: list[int | None], pictures: list[Tensor], **how: Any
) -> list[Tensor]:
    from diffusers import FluxControlNetModel, FluxMultiControlNetModel

    several = FluxMultiControlNetModel([FluxControlNetModel.from_pretrained(net) for net in nets])
    states = theirs(
        flow_judges.flux(folder, several),
        pictures,
        latents=packed(inputs()[0]),
        num_inference_steps=STEPS,
        control_mode=modes,
        guidance_scale=3.5,
        **how,
    )
    return [unpacked(state, 8, 8) for state in states]


def test_two_controlnets_of_flux_are_the_pipelines(flux: Path, union: Path) -> None:
    """One that isn't told of its picture's kind and one that is, each with its strength until its end."""
    expected = by_flux(
        *(flux, flux / "controlnet", union),
        modes=[None, 0],
        pictures=PICTURES,
        controlnet_conditioning_scale=[0.75, 0.5],
        control_guidance_end=[1.0, 0.67],
    )
    model = steered(flux, "depth:0.75:1", f"lines={union}:0.5:0.67")
    assert_same(ours(model, STEPS, 3.5, control=SHOWN), expected)


def test_a_union_of_flux_is_told_each_kind(flux: Path, union: Path) -> None:
    """Canny, its number 0, are our lines; depth is 2."""
    how: dict[str, Any] = {"controlnet_conditioning_scale": [0.75, 0.5], "control_guidance_end": [1.0, 1.0]}
    expected = by_flux(flux, union, modes=[2, 0], pictures=PICTURES, **how)
    model = steered(flux, f"depth={union}:0.75:1", f"lines={union}:0.5:1")
    assert_same(ours(model, STEPS, 3.5, control=SHOWN), expected)
    swapped = by_flux(flux, union, modes=[0, 2], pictures=PICTURES, controlnet_conditioning_scale=[0.75, 0.5])
    assert (swapped[-1] - expected[-1]).abs().max() > 1e-3, "what it is told makes a difference"


def test_a_union_of_flux_refuses_kinds_that_it_does_not_know(flux: Path, union: Path, tmp_path: Path) -> None:
    for kind in ("normal", "position"):
        with pytest.raises(UserError, match=f"is for lines or depth pictures, not {kind}"):
            steered(flux, f"{kind}={union}")
    flux_controlnet(num_mode=2).save_pretrained(tmp_path / "small")
    with pytest.raises(UserError, match="is a ControlNet union, used for depth pictures"):
        steered(flux, f"depth={tmp_path / 'small'}")


def test_two_pictures_of_qwen_images_union_are_the_pipelines(tmp_path: Path) -> None:
    from diffusers import QwenImageControlNetModel, QwenImageMultiControlNetModel

    folder = make_qwen_image(tmp_path / "qwen")
    several = QwenImageMultiControlNetModel([QwenImageControlNetModel.from_pretrained(folder / "controlnet")])
    expected = theirs(
        flow_judges.qwen_image(folder, several),
        PICTURES,
        latents=packed(inputs()[0]),
        num_inference_steps=STEPS,
        true_cfg_scale=4.0,
        controlnet_conditioning_scale=[0.75, 0.5],
        control_guidance_end=[1.0, 0.67],
    )
    model = steered(folder, "depth:0.75:1", "lines:0.5:0.67")
    assert_same(ours(model, STEPS, 4.0, control=SHOWN), [unpacked(state, 8, 8) for state in expected])


def test_two_controlnets_of_z_image_are_the_sum_of_what_each_adds(tmp_path: Path) -> None:
    """Its pipeline takes one; here what two networks of diffusers add is summed inside it, by layers."""
    from diffusers import ZImageControlNetModel

    folder = make_z_image(tmp_path / "z")
    z_controlnet("1").save_pretrained(tmp_path / "other")
    first, second = (
        ZImageControlNetModel.from_pretrained(place) for place in (folder / "controlnet", tmp_path / "other")
    )
    pipeline = flow_judges.z_image(folder, first)
    ZImageControlNetModel.from_transformer(second, pipeline.transformer)
    vae, plain = pipeline.vae, first.forward
    with torch.no_grad():
        latents = vae.encode(SHOWN["lines"].expand(-1, 3, -1, -1) * 2 - 1).latent_dist.mode()
    latents = ((latents - vae.config.shift_factor) * vae.config.scaling_factor).unsqueeze(2)

    def both(
        states: Any, time: Any, texts: Any, pictures: Any, conditioning_scale: float
    ) -> dict[int, Tensor]:
        one = plain(states, time, texts, pictures, conditioning_scale=conditioning_scale)
        lines = latents.expand(len(states), -1, -1, -1, -1)
        other = second(states, time, texts, lines, conditioning_scale=0.5)
        return {layer: one[layer] + other[layer] for layer in one}

    first.forward = both
    expected = theirs(
        pipeline,
        [SHOWN["depth"]],
        latents=inputs()[0],
        num_inference_steps=STEPS,
        guidance_scale=3.0,
        controlnet_conditioning_scale=0.75,
    )
    model = steered(folder, "depth:0.75:1", f"lines={tmp_path / 'other'}:0.5:1")
    assert_same(ours(model, STEPS, 4.0, control=SHOWN), expected)
