"""Folders, single files, combinations, and what is answered when something is wrong with them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.denoise.model import Denoiser, load_denoiser
from engine.errors import Cancelled, UserError

Keys = dict[str, Tensor]


def go_on() -> None:
    """A check that never cancels."""


def load(name: object) -> Denoiser:
    return load_denoiser(str(name), "cpu", go_on)


def estimate(model: Denoiser) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 4, 8, 8, generator=generator)
    depth = torch.rand(1, 1, 64, 64, generator=generator)
    text = model.embed(["red bricks"])
    return model.decode(model.predict_x0(x, 499, text, text, depth, 1.0))


@pytest.fixture
def copy(eps_model: Path, tmp_path: Path) -> Path:
    """A copy of a pipeline to be damaged."""
    return shutil.copytree(eps_model, tmp_path / "copy")


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


# The original single-file layout, spelled out for the tiny models (two UNet levels, four of the autoencoder,
# one layer each).

RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1"} | {
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
UNET = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "down_blocks.0.resnets.0": "input_blocks.1.0",
    "down_blocks.0.attentions.0": "input_blocks.1.1",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op",
    "down_blocks.1.resnets.0": "input_blocks.3.0",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
    "up_blocks.0.resnets.0": "output_blocks.0.0",
    "up_blocks.0.resnets.1": "output_blocks.1.0",
    "up_blocks.0.upsamplers.0.conv": "output_blocks.1.1.conv",
    "up_blocks.1.resnets.0": "output_blocks.2.0",
    "up_blocks.1.attentions.0": "output_blocks.2.1",
    "up_blocks.1.resnets.1": "output_blocks.3.0",
    "up_blocks.1.attentions.1": "output_blocks.3.1",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
VAE = {"conv_norm_out": "norm_out", "conv_shortcut": "nin_shortcut"} | {
    "mid_block.resnets.0": "mid.block_1",
    "mid_block.resnets.1": "mid.block_2",
    "mid_block.attentions.0.group_norm": "mid.attn_1.norm",
    "mid_block.attentions.0.to_q": "mid.attn_1.q",
    "mid_block.attentions.0.to_k": "mid.attn_1.k",
    "mid_block.attentions.0.to_v": "mid.attn_1.v",
    "mid_block.attentions.0.to_out.0": "mid.attn_1.proj_out",
}
for _i in range(4):
    for _j in range(2):
        VAE[f"down_blocks.{_i}.resnets.{_j}"] = f"down.{_i}.block.{_j}"
        VAE[f"up_blocks.{_i}.resnets.{_j}"] = f"up.{3 - _i}.block.{_j}"
    VAE[f"down_blocks.{_i}.downsamplers.0.conv"] = f"down.{_i}.downsample.conv"
    VAE[f"up_blocks.{_i}.upsamplers.0.conv"] = f"up.{3 - _i}.upsample.conv"


def renamed(key: str, table: dict[str, str]) -> str:
    for old, new in table.items():
        key = key.replace(old + ".", new + ".")
    return key


def original_unet(key: str) -> str:
    for old, new in UNET.items():
        if key.startswith(old + "."):
            rest = key.removeprefix(old)
            return "model.diffusion_model." + new + (renamed(rest, RESNET) if "resnets" in old else rest)
    raise KeyError(key)


def original_checkpoint(folder: Path) -> Keys:
    """The pipeline's weights under the keys of an original Stable Diffusion checkpoint."""
    unet = load_file(folder / "unet" / "diffusion_pytorch_model.safetensors")
    vae = load_file(folder / "vae" / "diffusion_pytorch_model.safetensors")
    text = load_file(folder / "text_encoder" / "model.safetensors")
    state = {original_unet(key): tensor for key, tensor in unet.items()}
    for key, tensor in vae.items():
        new = "first_stage_model." + renamed(key, VAE)
        state[new] = tensor[:, :, None, None] if "attn_1" in new and tensor.ndim == 2 else tensor
    prefix = "cond_stage_model.transformer.text_model."
    state |= {prefix + key.removeprefix("text_model."): tensor for key, tensor in text.items()}
    state[prefix + "embeddings.position_ids"] = torch.arange(16)[None]
    state["alphas_cumprod"] = torch.ones(1000)
    return {key: tensor.contiguous() for key, tensor in state.items()}


def test_single_file_equals_the_folder(eps_model: Path, tmp_path: Path) -> None:
    for part in ("tokenizer", "scheduler", "controlnet"):
        shutil.copytree(eps_model / part, tmp_path / part)
    for part in ("unet", "vae", "text_encoder"):
        (tmp_path / part).mkdir()
        shutil.copy(eps_model / part / "config.json", tmp_path / part)
    save_file(original_checkpoint(eps_model), tmp_path / "mine.safetensors")
    mine = load(f"{tmp_path / 'mine.safetensors'}+{eps_model}")
    torch.testing.assert_close(estimate(mine), estimate(load(eps_model)))


def open_clip(text: Keys, layers: int = 2) -> Keys:
    """A text encoder's weights under OpenCLIP's keys, as Stable Diffusion 2.x files have them."""
    text = {key.removeprefix("text_model."): tensor for key, tensor in text.items()}
    names = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
    state = {
        "positional_embedding": text["embeddings.position_embedding.weight"],
        "token_embedding.weight": text["embeddings.token_embedding.weight"],
        "text_projection": torch.eye(32),
    }
    for kind in ("weight", "bias"):
        state[f"ln_final.{kind}"] = text[f"final_layer_norm.{kind}"]
        for i in range(layers):
            old, new = f"encoder.layers.{i}.", f"transformer.resblocks.{i}."
            heads = [text[f"{old}self_attn.{x}_proj.{kind}"] for x in "qkv"]
            state[f"{new}attn.in_proj_{kind}"] = torch.cat(heads)
            state[f"{new}attn.out_proj.{kind}"] = text[f"{old}self_attn.out_proj.{kind}"]
            for a, b in names.items():
                state[f"{new}{b}.{kind}"] = text[f"{old}{a}.{kind}"]
    return {"cond_stage_model.model." + key: tensor for key, tensor in state.items()}


def test_convolutions_on_the_cpu_are_in_its_faster_layout(eps_model: Path) -> None:
    parts = load(eps_model)._parts
    kernels = [
        w for net in (parts.unet, parts.controlnet, parts.vae) for w in net.parameters() if w.ndim == 4
    ]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in kernels)


def test_single_file_of_the_second_generation(eps_model: Path, copy: Path) -> None:
    state = {k: v for k, v in original_checkpoint(eps_model).items() if "cond_stage_model" not in k}
    state |= open_clip(load_file(eps_model / "text_encoder" / "model.safetensors"))
    save_file(state, copy / "mine.safetensors")
    mine = load(f"{copy / 'mine.safetensors'}+{eps_model}")
    torch.testing.assert_close(estimate(mine), estimate(load(eps_model)))


def test_single_file_without_a_part(eps_model: Path, copy: Path) -> None:
    state = {k: v for k, v in original_checkpoint(eps_model).items() if not k.startswith("first_stage")}
    save_file(state, copy / "mine.safetensors")
    with pytest.raises(UserError, match="vae"):
        load(f"{copy / 'mine.safetensors'}+{eps_model}")


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


def test_stable_diffusion_xl(copy: Path) -> None:
    edit(copy / "model_index.json", _class_name="StableDiffusionXLPipeline")
    with pytest.raises(UserError, match="not supported yet"):
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
