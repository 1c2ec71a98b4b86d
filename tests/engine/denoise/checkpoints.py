"""The tiny models' weights as the single files that Stable Diffusion was published in."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

Keys = dict[str, Tensor]

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


# The same of the tiny model of Stable Diffusion XL: only its second level attends.
XL_UNET = {
    **{k: v for k, v in UNET.items() if "down_blocks.0.attentions" not in k and "up_blocks." not in k},
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "down_blocks.1.attentions.0": "input_blocks.3.1",
    "up_blocks.0.resnets.0": "output_blocks.0.0",
    "up_blocks.0.attentions.0": "output_blocks.0.1",
    "up_blocks.0.resnets.1": "output_blocks.1.0",
    "up_blocks.0.attentions.1": "output_blocks.1.1",
    "up_blocks.0.upsamplers.0.conv": "output_blocks.1.2.conv",
    "up_blocks.1.resnets.0": "output_blocks.2.0",
    "up_blocks.1.resnets.1": "output_blocks.3.0",
}
HINT = {  # the first layers of a ControlNet with four widths, and those that were zero at first
    "controlnet_cond_embedding.conv_in": "input_hint_block.0",
    **{f"controlnet_cond_embedding.blocks.{i}": f"input_hint_block.{2 * i + 2}" for i in range(6)},
    "controlnet_cond_embedding.conv_out": "input_hint_block.14",
    **{f"controlnet_down_blocks.{i}": f"zero_convs.{i}.0" for i in range(9)},
    "controlnet_mid_block": "middle_block_out.0",
}


def renamed(key: str, table: dict[str, str]) -> str:
    for old, new in table.items():
        key = key.replace(old + ".", new + ".")
    return key


def original_unet(key: str, table: dict[str, str] = UNET) -> str:
    for old, new in table.items():
        if key.startswith(old + "."):
            rest = key.removeprefix(old)
            return new + (renamed(rest, RESNET) if "resnets" in old else rest)
    raise KeyError(key)


def original_checkpoint(folder: Path) -> Keys:
    """The pipeline's weights under the keys of an original Stable Diffusion checkpoint."""
    unet = load_file(folder / "unet" / "diffusion_pytorch_model.safetensors")
    vae = load_file(folder / "vae" / "diffusion_pytorch_model.safetensors")
    text = load_file(folder / "text_encoder" / "model.safetensors")
    state = {"model.diffusion_model." + original_unet(key): tensor for key, tensor in unet.items()}
    state |= original_vae(vae)
    prefix = "cond_stage_model.transformer.text_model."
    state |= {prefix + key.removeprefix("text_model."): tensor for key, tensor in text.items()}
    state[prefix + "embeddings.position_ids"] = torch.arange(16)[None]
    state["alphas_cumprod"] = torch.ones(1000)
    return {key: tensor.contiguous() for key, tensor in state.items()}


def original_vae(vae: Keys) -> Keys:
    state = {}
    for key, tensor in vae.items():
        new = "first_stage_model." + renamed(key, VAE)
        state[new] = tensor[:, :, None, None] if "attn_1" in new and tensor.ndim == 2 else tensor
    return state


def original_xl_checkpoint(folder: Path) -> Keys:
    """The pipeline's weights under the keys of an original Stable Diffusion XL checkpoint."""
    unet = load_file(folder / "unet" / "diffusion_pytorch_model.safetensors")
    state = {"model.diffusion_model." + original_unet(key, XL_UNET): tensor for key, tensor in unet.items()}
    state |= original_vae(load_file(folder / "vae" / "diffusion_pytorch_model.safetensors"))
    prefix = "conditioner.embedders.0.transformer.text_model."
    text = load_file(folder / "text_encoder" / "model.safetensors")
    state |= {prefix + key.removeprefix("text_model."): tensor for key, tensor in text.items()}
    second = load_file(folder / "text_encoder_2" / "model.safetensors")
    projection = second.pop("text_projection.weight").T
    state |= open_clip(second, "conditioner.embedders.1.model.", projection)
    return {key: tensor.contiguous() for key, tensor in state.items()}


def original_xl_controlnet(state: Keys) -> Keys:
    """A tiny ControlNet's weights under the keys of its original layout."""
    return {original_unet(key, {**HINT, **XL_UNET}): tensor for key, tensor in state.items()}


def open_clip(
    text: Keys, prefix: str = "cond_stage_model.model.", projection: Tensor | None = None, layers: int = 2
) -> Keys:
    """A text encoder's weights under OpenCLIP's keys, as Stable Diffusion 2.x files have them."""
    text = {key.removeprefix("text_model."): tensor for key, tensor in text.items()}
    names = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
    state = {
        "positional_embedding": text["embeddings.position_embedding.weight"],
        "token_embedding.weight": text["embeddings.token_embedding.weight"],
        "text_projection": torch.eye(32) if projection is None else projection,
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
    return {prefix + key: tensor for key, tensor in state.items()}
