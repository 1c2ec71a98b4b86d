"""Tiny models of Stable Diffusion XL's own classes, random but fixed: 64 pixels a view.

Every weight is noise: those that are zero before a training would hide what they do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from tests.engine.pipelines import TOKENS, write_scheduler, write_tokenizer
from tests.engine.schedules import XL

WIDTH = 32  # of each text encoder
POOLED = 24
UNET: dict[str, Any] = {
    "sample_size": 8,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "transformer_layers_per_block": (1, 2),
    "attention_head_dim": (2, 4),
    "cross_attention_dim": 2 * WIDTH,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 6 * 8 + POOLED,
    "norm_num_groups": 8,
}
HINT = (4, 8, 8, 16)  # a ControlNet's conditioning_embedding_out_channels


def noisy(network: Any, seed: int) -> Any:
    """``network`` with noise for weights; those that scale a norm lie around 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            middle = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            weight.copy_(middle + 0.1 * torch.randn(weight.shape, generator=generator))
    return network.eval()


def make_xl_pipeline(folder: Path, scheduler: dict[str, object] = XL) -> Path:
    """A whole pipeline in diffusers layout, written to ``folder``, with a ControlNet; a ControlNet union lies
    in its folder "union"."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    encoders = {"": CLIPTextModel, "_2": CLIPTextModelWithProjection}
    for seed, (name, kind) in enumerate(encoders.items(), 1):
        words = write_tokenizer(folder / f"tokenizer{name}", pad="!" if name else "<|endoftext|>")
        noisy(kind(_text(words)), seed).save_pretrained(folder / f"text_encoder{name}")
    unet = noisy(UNet2DConditionModel(**UNET), 3)
    unet.save_pretrained(folder / "unet")
    noisy(controlnet(), 4).save_pretrained(folder / "controlnet")
    noisy(union(), 5).save_pretrained(folder / "union")
    vae = AutoencoderKL(
        latent_channels=4,
        block_out_channels=(16, 16, 16, 16),
        layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        sample_size=64,
        norm_num_groups=8,
        scaling_factor=0.13025,
        force_upcast=True,
    )
    noisy(vae, 6).save_pretrained(folder / "vae")
    write_scheduler(folder, scheduler)
    index = {
        "_class_name": "StableDiffusionXLPipeline",
        "force_zeros_for_empty_prompt": True,
        "scheduler": ["diffusers", scheduler["_class_name"]],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "tokenizer_2": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


def _text(words: int) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=words,
        hidden_size=WIDTH,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=TOKENS,
        projection_dim=POOLED,
        bos_token_id=words - 2,
        eos_token_id=words - 1,
        pad_token_id=words - 1,
    )


def controlnet(**changes: Any) -> Any:
    """Of the tiny UNet; changes: to its config."""
    from diffusers import ControlNetModel

    return ControlNetModel(**{**_shared(), "conditioning_embedding_out_channels": HINT, **changes})


def union(heads: int = 2) -> Any:
    """The same for eight kinds of pictures."""
    from diffusers import ControlNetUnionModel

    return ControlNetUnionModel(
        **_shared(),
        conditioning_embedding_out_channels=HINT,
        num_control_type=8,
        num_trans_channel=16,
        num_trans_head=heads,
        num_proj_channel=16,
    )


def _shared() -> dict[str, Any]:
    return {k: v for k, v in UNET.items() if k not in ("sample_size", "out_channels", "up_block_types")}
