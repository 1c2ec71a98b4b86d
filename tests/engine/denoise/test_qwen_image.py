"""Qwen-Image with its ControlNet: against diffusers' own pipeline, and what can go wrong without an error."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.denoise.patches import packed, unpacked
from engine.errors import UserError
from tests.engine.denoise import flow_judges
from tests.engine.denoise.flow_runs import (
    PROMPT,
    assert_control_matters,
    assert_in_pieces_alike,
    assert_methods_synchronise,
    assert_row_alone_is_row_in_batch,
    assert_same,
    inputs,
    ours,
    theirs,
)
from tests.engine.denoise.loaded import load, network
from tests.engine.flow_pipelines import make_qwen_image, make_z_image, qwen_controlnet


@pytest.fixture(scope="module")
def qwen_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_qwen_image(tmp_path_factory.mktemp("models") / "qwen")


def by_pipeline(folder: Path, guidance: float, count: int = 3) -> list[Tensor]:
    from diffusers import QwenImageControlNetModel

    states = theirs(
        flow_judges.qwen_image(folder, QwenImageControlNetModel.from_pretrained(folder / "controlnet")),
        latents=packed(inputs()[0]),
        num_inference_steps=count,
        true_cfg_scale=guidance,
        controlnet_conditioning_scale=0.75,
    )
    return [unpacked(state, 8, 8) for state in states]


@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_every_step_is_the_pipelines(qwen_image: Path, guidance: float) -> None:
    """With guidance the ControlNet reads the positive prompt in both passes, and tokens keep their length."""
    assert_same(ours(load(qwen_image), 3, guidance), by_pipeline(qwen_image, guidance))


def test_packing_is_undone() -> None:
    x = torch.rand(2, 3, 4, 6)
    assert packed(x).shape == (2, 6, 12)
    assert torch.equal(unpacked(packed(x), 4, 6), x)


def test_a_row_alone_is_the_row_in_a_batch(qwen_image: Path) -> None:
    model = load(qwen_image)
    for guidance in (1.0, 4.0):
        model.household.batch = 8
        assert_in_pieces_alike(model, guidance)
    assert_row_alone_is_row_in_batch(model)


def test_control_and_its_strength_matter(qwen_image: Path) -> None:
    assert_control_matters(qwen_image)


def test_views_agree_with_every_method(qwen_image: Path) -> None:
    assert_methods_synchronise(load(qwen_image))


def test_pictures_through_its_autoencoder_are_the_pipelines(qwen_image: Path) -> None:
    """A video of one frame, with a mean and a deviation of each channel."""
    from diffusers import AutoencoderKLQwenImage

    model, vae = load(qwen_image), AutoencoderKLQwenImage.from_pretrained(qwen_image / "vae")
    mean, deviation = (
        torch.tensor(vae.config[key]).view(1, 16, 1, 1, 1) for key in ("latents_mean", "latents_std")
    )
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        latents = (vae.encode(pictures.unsqueeze(2) * 2 - 1).latent_dist.mode() - mean) / deviation
        decoded = vae.decode(latents * deviation + mean).sample[:, :, 0] / 2 + 0.5
    torch.testing.assert_close(model.encode(pictures), latents[:, :, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(model.decode(latents[:, :, 0]), decoded, atol=1e-5, rtol=0)
    assert (model.latent_channels, model.downscale, model.preset.view_size) == (16, 8, 64)


def test_levels_depend_on_how_large_a_view_is(qwen_image: Path) -> None:
    model = load(qwen_image)
    assert model.schedule(8, 64).levels[4].sigma < model.schedule(8, 128**2).levels[4].sigma
    assert model.schedule(8) == model.schedule(8, 64), "as many as it was trained on"


def test_what_is_cut_off_is_said(qwen_image: Path) -> None:
    model = load(qwen_image)
    long = "old wood " * 600
    text = model.embed([PROMPT, long])
    assert text.truncated[0] == ""
    assert long.strip().endswith(text.truncated[1])
    assert len(text.rows(2).each[1][0]) == 1024


def test_older_files_of_its_language_model_will_do(qwen_image: Path, tmp_path: Path) -> None:
    """Of before transformers put what reads beside what sees."""
    folder = tmp_path / "older"
    shutil.copytree(qwen_image, folder)
    file = folder / "text_encoder" / "model.safetensors"
    state = {key.replace("model.language_model.", "model."): t for key, t in load_file(file).items()}
    assert "model.norm.weight" in state
    save_file(state, file)
    rows = [load(place).embed([PROMPT]).rows(1).each[0][0] for place in (qwen_image, folder)]
    assert torch.equal(*rows)


def test_a_controlnet_may_be_a_single_file(qwen_image: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    controlnet = qwen_controlnet()
    controlnet.save_pretrained(tmp_path / "folder")
    shutil.copy(tmp_path / "folder" / "diffusion_pytorch_model.safetensors", tmp_path / "file.safetensors")
    one, other = (
        ours(load(f"{qwen_image}+{tmp_path / name}"), 1, 1.0)[0] for name in ("folder", "file.safetensors")
    )
    assert torch.equal(one, other)
    assert (
        len(network(load(f"{qwen_image}+{tmp_path / 'file.safetensors'}"), "controlnet").transformer_blocks)
        == 2
    )


def test_what_does_not_fit_is_refused(qwen_image: Path, eps_model: Path, tmp_path: Path) -> None:
    other = make_z_image(tmp_path / "z")
    for place, said in (
        (eps_model / "controlnet", "ControlNetModel"),
        (other / "controlnet", "ZImageControlNetModel"),
        (other / "vae" / "diffusion_pytorch_model.safetensors", "isn't a ControlNet"),
    ):
        with pytest.raises(UserError, match=said):
            load(f"{qwen_image}+{place}")
    mixed = tmp_path / "mixed"
    shutil.copytree(qwen_image, mixed)
    shutil.rmtree(mixed / "vae")
    shutil.copytree(other / "vae", mixed / "vae")
    with pytest.raises(UserError, match="its vae is a AutoencoderKL"):
        load(mixed)
