"""Stable Diffusion XL: step by step what diffusers' own pipelines give."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.denoise import steps
from engine.denoise.denoiser import Denoiser
from engine.denoise.families import stable_diffusion_xl
from engine.denoise.loading import prepare
from engine.errors import UserError
from engine.models import catalogue, hub, sources
from tests.engine.denoise.loaded import load, watched
from tests.engine.schedules import ZERO_SNR

WEIGHTS = "diffusion_pytorch_model.safetensors"
STEPS, GUIDANCE, SCALE = 3, 5.0, 0.7
PROMPT, NEGATIVE = "old red bricks", "gold"


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


X, PICTURE = draw(1, 4, 8, 8), draw(1, 1, 64, 64, seed=1).sigmoid()


def ours(model: Denoiser, negative: str, control: Tensor = PICTURE, x: Tensor = X) -> list[Tensor]:
    """The latents after every step."""
    schedule, states = model.schedule(STEPS), []
    positive, other = model.embed([PROMPT]), model.embed([negative])
    for level, end in zip(schedule.levels, schedule.ends, strict=True):
        eps = model.predict(x, level, positive, other, control, GUIDANCE)
        x0 = model.predict_x0(x, level, positive, other, control, GUIDANCE)
        torch.testing.assert_close(level.alpha * x0 + level.sigma * eps, x, rtol=1e-4, atol=1e-4)
        x = steps.ddim(x, x0, *level.alpha_sigma, *end.alpha_sigma)
        states.append(x)
    return states


def theirs(folder: Path, negative: str | None, x: Tensor = X, union: int | None = None) -> list[Tensor]:
    """The same of diffusers."""
    import diffusers

    kind, net = ("", "controlnet") if union is None else ("Union", "union")
    controlnet = getattr(diffusers, f"ControlNet{kind}Model").from_pretrained(folder / net)
    pipeline = getattr(diffusers, f"StableDiffusionXLControlNet{kind}Pipeline").from_pretrained(
        folder, controlnet=controlnet, add_watermarker=False
    )
    picture = PICTURE.expand(-1, 3, -1, -1)
    return watched(
        pipeline,
        PROMPT,
        **({"control_image": picture, "control_mode": [union]} if kind else {"image": picture}),
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        negative_prompt=negative,
        latents=x.clone(),
        controlnet_conditioning_scale=SCALE,
    )


def loaded(name: object, scale: float = SCALE) -> Denoiser:
    model = load(name)
    model.preset = replace(model.preset, control_end=1.0, conditioning_scale=scale)
    return model


def same(some: list[Tensor], others: list[Tensor]) -> None:
    assert len(some) == len(others) == STEPS
    for one, other in zip(some, others, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("negative", [NEGATIVE, ""])
def test_every_step_is_that_of_diffusers(xl_model: Path, negative: str) -> None:
    """No negative prompt is zeros, not an empty text that was read."""
    same(ours(loaded(xl_model), negative), theirs(xl_model, negative or None))


def test_an_empty_negative_prompt_is_read_where_the_model_says_so(xl_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(xl_model, tmp_path / "model")
    edit(folder / "model_index.json", force_zeros_for_empty_prompt=False)
    same(ours(loaded(folder), ""), theirs(folder, None))


@pytest.mark.parametrize(("control", "mode"), [("depth", 1), ("lines", 3), ("normal", 4)])
def test_every_step_of_a_union_is_that_of_diffusers(
    xl_model: Path, tmp_path: Path, control: str, mode: int
) -> None:
    """Told what its picture is of: the mode, in diffusers' words."""
    folder = shutil.copytree(xl_model / "union", tmp_path / "union")
    (folder / "sync_texture.json").write_text(json.dumps({"control": control}))
    same(ours(loaded(f"{xl_model}+{folder}"), NEGATIVE), theirs(xl_model, NEGATIVE, union=mode))


def test_every_step_of_a_model_that_predicts_v(xl_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(xl_model, tmp_path / "model")
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(ZERO_SNR))
    same(ours(loaded(folder), NEGATIVE), theirs(folder, NEGATIVE))


def test_the_size_of_small_views_is_that_of_the_training(xl_model: Path) -> None:
    """Larger ones, and those that aren't square, count as they are."""
    family = load(xl_model)._family
    text, _ = family.condition("red", lambda: None)

    def told(height: int, width: int) -> list[float]:
        ids: Tensor = family._added(text, height, width)["added_cond_kwargs"]["time_ids"]
        return ids[0].tolist()

    assert told(4, 4) == told(8, 8) == [64, 64, 0, 0, 64, 64]
    assert told(16, 12) == [128, 96, 0, 0, 128, 96]
    assert told(4, 2) == [64, 32, 0, 0, 64, 32]


@pytest.mark.parametrize("net", ["controlnet", "union"])
def test_a_row_alone_is_the_row_in_a_batch(xl_model: Path, net: str) -> None:
    model = loaded(f"{xl_model}+{xl_model / net}")
    x, control, level = draw(3, 4, 8, 8), torch.rand(3, 1, 64, 64), model.schedule(4).levels[1]
    texts, empty = model.embed(["red", "old wood", "gold view"]), model.embed([""])
    whole = model.predict(x, level, texts, empty, control, GUIDANCE)
    model.household.batch = 2
    passes = model.predict(x, level, texts, empty, control, GUIDANCE)
    torch.testing.assert_close(passes, whole, rtol=1e-4, atol=1e-4)
    one = model.predict(x[1:2], level, model.embed(["old wood"]), empty, control[1:2], GUIDANCE)
    torch.testing.assert_close(one, whole[1:2], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("net", ["controlnet", "union"])
def test_the_control_is_heard(xl_model: Path, net: str) -> None:
    """Elsewhere it is known to be ignored in silence: other strengths and pictures must give others."""
    name = f"{xl_model}+{xl_model / net}"
    off, on = (ours(loaded(name, scale), NEGATIVE)[-1] for scale in (0.0, 1.0))
    other = ours(loaded(name, 1.0), NEGATIVE, 1 - PICTURE)[-1]
    assert (on - off).abs().max() > 0.01
    assert (on - other).abs().max() > 0.001


def test_each_text_encoder_has_a_tokenizer_of_its_own(xl_model: Path, tmp_path: Path) -> None:
    """The second one pads with another token, which its encoder was trained on."""
    folder = shutil.copytree(xl_model, tmp_path / "model")
    shutil.rmtree(folder / "tokenizer_2")
    shutil.copytree(folder / "tokenizer", folder / "tokenizer_2")
    right, wrong = (load(name)._family.condition("red", lambda: None)[0] for name in (xl_model, folder))
    assert not torch.equal(right.tensor, wrong.tensor)


def test_what_is_cut_off_a_prompt_is_told(xl_model: Path) -> None:
    assert "gold" in load(xl_model).embed(["red bricks " * 10 + "gold"]).truncated[0]


@pytest.mark.parametrize(
    ("bfloat16", "installed", "dtype"),
    [
        (False, False, torch.float32),
        (True, False, torch.bfloat16),
        (True, True, torch.float16),
    ],
)
def test_the_autoencoder_runs_where_its_numbers_fit(
    xl_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bfloat16: bool,
    installed: bool,
    dtype: Any,
) -> None:
    """In half precision its published weights overflow; those that were made for it don't."""
    fixed = tmp_path / "fixed"
    kind = {True: {catalogue.HALF_AUTOENCODERS["sdxl"]: fixed}, False: {}}[installed]
    shutil.copytree(xl_model / "vae", fixed)
    save_file(
        {k: 2 * v for k, v in load_file(fixed / WEIGHTS).items()},
        fixed / WEIGHTS,
    )
    monkeypatch.setattr(hub, "cached", kind.get)
    monkeypatch.setattr(stable_diffusion_xl, "has_bfloat16", lambda device: bfloat16)
    found = sources.find(str(xl_model), lambda: None)
    half = prepare(found, torch.device("cpu"), torch.float16, lambda: None).family.parts["vae"]
    full = prepare(found, torch.device("cpu"), torch.float32, lambda: None).family.parts["vae"]
    assert (half.dtype, full.dtype) == (dtype, torch.float32)
    brain = prepare(found, torch.device("cpu"), torch.bfloat16, lambda: None).family.parts["vae"]
    assert brain.dtype == torch.bfloat16
    key = "decoder.conv_in.weight"
    published = load_file(xl_model / "vae" / WEIGHTS)[key]
    factor = 2 if installed else 1
    torch.testing.assert_close(full.network().state_dict()[key], published)
    torch.testing.assert_close(half.network().state_dict()[key], (factor * published).to(dtype))


def test_an_autoencoder_for_other_latents_is_refused(
    xl_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = shutil.copytree(xl_model / "vae", tmp_path / "fixed")
    edit(fixed / "config.json", scaling_factor=0.18215)
    monkeypatch.setattr(hub, "cached", {catalogue.HALF_AUTOENCODERS["sdxl"]: fixed}.get)
    found = sources.find(str(xl_model), lambda: None)
    with pytest.raises(UserError, match=r"scaling_factor 0\.18215"):
        prepare(found, torch.device("cpu"), torch.float16, lambda: None)


@pytest.mark.parametrize(
    ("part", "changes", "said"),
    [
        ("text_encoder_2", {"hidden_size": 64}, "text of width 64, the text encoders make 96"),
        ("text_encoder_2", {"projection_dim": 20}, "expects 72 numbers .* there are 68"),
        ("text_encoder", {"max_position_embeddings": 12}, "different lengths"),
        ("vae", {"latents_mean": [0.0] * 4}, "Playground"),
        ("scheduler", {"_class_name": "EDMDPMSolverMultistepScheduler"}, "EDMDPMSolverMultistepScheduler"),
        ("unet", {"in_channels": 9}, "inpainting"),
    ],
)
def test_parts_that_do_not_fit_are_refused(
    xl_model: Path, tmp_path: Path, part: str, changes: dict[str, Any], said: str
) -> None:
    folder = shutil.copytree(xl_model, tmp_path / "model")
    edit(folder / part / ("scheduler_config.json" if part == "scheduler" else "config.json"), **changes)
    with pytest.raises(UserError, match=said):
        load(folder)
