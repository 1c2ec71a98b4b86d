"""Folders, combinations, and what is answered when something is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.denoise.denoiser import load_denoiser
from engine.errors import Cancelled, UserError
from tests.engine.denoise.checkpoints import renamed
from tests.engine.denoise.loaded import estimate, load, network


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_convolutions_on_the_cpu_are_in_its_faster_layout(eps_model: Path) -> None:
    model = load(eps_model)
    networks = [network(model, name) for name in ("unet", "controlnet", "vae")]
    kernels = [weight for one in networks for weight in one.parameters() if weight.ndim == 4]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in kernels)


def test_another_controlnet(eps_model: Path, v_model: Path) -> None:
    own, other = estimate(load(eps_model)), estimate(load(f"{eps_model}+{v_model}"))
    assert not torch.allclose(own, other)
    torch.testing.assert_close(estimate(load(f"{eps_model}+{v_model / 'controlnet'}")), other)
    weights = v_model / "controlnet" / "diffusion_pytorch_model.safetensors"
    torch.testing.assert_close(estimate(load(f"{eps_model}+{weights}")), other)


def test_half_precision_variant_is_found(eps_model: Path, copy: Path) -> None:
    for part in ("unet", "vae"):
        path = copy / part / "diffusion_pytorch_model.safetensors"
        half = {key: tensor.half() for key, tensor in load_file(path).items()}
        save_file(half, copy / part / "diffusion_pytorch_model.fp16.safetensors")
        path.unlink()
    torch.testing.assert_close(estimate(load(copy)), estimate(load(eps_model)), rtol=0.05, atol=0.05)


def test_sharded_weights(eps_model: Path, copy: Path) -> None:
    path = copy / "unet" / "diffusion_pytorch_model.safetensors"
    items = sorted(load_file(path).items())
    path.unlink()
    for i in range(2):
        save_file(
            dict(items[i::2]), path.with_name(f"diffusion_pytorch_model-0000{i + 1}-of-00002.safetensors")
        )
    torch.testing.assert_close(estimate(load(copy)), estimate(load(eps_model)))


def test_old_names_are_understood(eps_model: Path, copy: Path) -> None:
    vae = copy / "vae" / "diffusion_pytorch_model.safetensors"
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    save_file({renamed(key, old): tensor for key, tensor in load_file(vae).items()}, vae)
    text = copy / "text_encoder" / "model.safetensors"
    state = {"text_model." + k.removeprefix("text_model."): v for k, v in load_file(text).items()}
    save_file(state | {"text_model.embeddings.position_ids": torch.arange(16)[None]}, text)
    torch.testing.assert_close(estimate(load(copy)), estimate(load(eps_model)))


def test_truncated_weights(copy: Path) -> None:
    path = copy / "unet" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UserError, match=r"unet.*damaged") as error:
        load(copy)
    assert "download" in error.value.fix
    assert "\n" not in str(error.value)


def test_weights_that_are_a_git_pointer(copy: Path) -> None:
    path = copy / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 334643276\n")
    with pytest.raises(UserError, match=r"vae.*not a safetensors"):
        load(copy)


def test_missing_weight(copy: Path) -> None:
    path = copy / "unet" / "diffusion_pytorch_model.safetensors"
    state = load_file(path)
    state.pop("conv_in.weight")
    save_file(state, path)
    with pytest.raises(UserError, match=r"unet lacks 1 weights, conv_in\.weight"):
        load(copy)


def test_weight_of_another_shape(copy: Path) -> None:
    path = copy / "unet" / "diffusion_pytorch_model.safetensors"
    save_file(load_file(path) | {"conv_in.weight": torch.zeros(32, 5, 3, 3)}, path)
    with pytest.raises(UserError, match=r"unet weight conv_in\.weight"):
        load(copy)


def test_pickled_weights_are_never_loaded(copy: Path) -> None:
    path = copy / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(path), path.with_suffix(".bin"))
    path.unlink()
    with pytest.raises(UserError, match=r"no \.safetensors weights") as error:
        load(copy)
    assert "pickle" in error.value.fix


def test_config_that_is_no_json(copy: Path) -> None:
    (copy / "unet" / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config\.json"):
        load(copy)


def test_inpainting_model(copy: Path) -> None:
    edit(copy / "unet" / "config.json", in_channels=9)
    with pytest.raises(UserError, match="9 channels"):
        load(copy)


def test_text_encoder_of_another_width(copy: Path) -> None:
    edit(copy / "text_encoder" / "config.json", hidden_size=64)
    with pytest.raises(UserError, match="width"):
        load(copy)


def test_controlnet_that_does_not_fit(eps_model: Path, copy: Path) -> None:
    edit(copy / "controlnet" / "config.json", block_out_channels=[32, 96])
    with pytest.raises(UserError, match=r"ControlNet .* doesn't fit") as error:
        load(f"{eps_model}+{copy}")
    assert "depth ControlNet" in error.value.fix


def test_controlnet_for_other_latents(copy: Path) -> None:
    from diffusers import ControlNetModel, UNet2DConditionModel

    unet = UNet2DConditionModel.from_pretrained(copy / "unet", low_cpu_mem_usage=False)
    small = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 16, 16))
    small.save_pretrained(copy / "controlnet")
    with pytest.raises(UserError, match="4 pixels per latent, the autoencoder 8"):
        load(copy)


@pytest.mark.parametrize("calls", [0, 3, 40, 200])
def test_loading_can_be_cancelled_anywhere(eps_model: Path, calls: int) -> None:
    with pytest.raises(Cancelled):
        load_denoiser(str(eps_model), "cpu", cancel_after(calls))


def cancel_after(calls: int) -> Callable[[], None]:
    left = iter(range(calls))

    def check() -> None:
        if next(left, None) is None:
            raise Cancelled

    return check
