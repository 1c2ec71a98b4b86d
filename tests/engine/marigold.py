"""Tiny estimators of Marigold's own classes, random but fixed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from tests.engine.pipelines import TOKENS, write_tokenizer
from tests.engine.schedules import ZERO_SNR

APPEARANCE: dict[str, Any] = {  # as the published model for appearance has it
    "target_names": ["albedo", "material"],
    "albedo": {"prediction_space": "srgb", "up_to_scale": False},
    "material": {
        "prediction_space": "stack",
        "sub_target_names": ["roughness", "metallicity", None],
        "up_to_scale": False,
    },
    "roughness": {"prediction_space": "linear", "up_to_scale": False},
    "metallicity": {"prediction_space": "linear", "up_to_scale": False},
}
LIGHTING: dict[str, Any] = {  # and the one for lighting
    "target_names": ["albedo", "shading", "residual"],
    "albedo": {"prediction_space": "linear", "up_to_scale": False},
    "shading": {"prediction_space": "linear", "up_to_scale": True},
    "residual": {"prediction_space": "linear", "up_to_scale": False},
}
SCHEDULER = {**ZERO_SNR, "set_alpha_to_one": False, "steps_offset": 1}


def make_normals(folder: Path, **index: object) -> Path:
    """A pipeline for normals; index: as below."""
    kind = {"_class_name": "MarigoldNormalsPipeline", "prediction_type": "normals", "use_full_z_range": True}
    return make_marigold(folder, {"target_names": ["normals"]}, **{**kind, **index})


def make_marigold(folder: Path, targets: dict[str, Any] | None = None, **index: object) -> Path:
    """A pipeline for intrinsic images; index: what its model_index.json says otherwise."""
    targets = APPEARANCE if targets is None else targets
    count = len(targets["target_names"])
    torch.manual_seed(7)
    words, width = write_tokenizer(folder / "tokenizer"), 32
    CLIPTextModel(
        CLIPTextConfig(
            vocab_size=words,
            hidden_size=width,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=TOKENS,
            bos_token_id=words - 2,
            eos_token_id=words - 1,
            pad_token_id=words - 1,
        )
    ).save_pretrained(folder / "text_encoder")
    UNet2DConditionModel(
        sample_size=8,
        in_channels=4 * (1 + count),
        out_channels=4 * count,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=width,
        attention_head_dim=4,
    ).save_pretrained(folder / "unet")
    AutoencoderKL(
        latent_channels=4,
        block_out_channels=(32, 32, 32, 32),
        layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        sample_size=64,
    ).save_pretrained(folder / "vae")
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(SCHEDULER), encoding="utf-8")
    said = {
        "_class_name": "MarigoldIntrinsicsPipeline",
        "default_denoising_steps": 3,
        "default_processing_resolution": 768,
        "prediction_type": "intrinsics",
        "scheduler": ["diffusers", "DDIMScheduler"],
        "target_properties": targets,
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        **index,
    }
    (folder / "model_index.json").write_text(json.dumps(said), encoding="utf-8")
    return folder
