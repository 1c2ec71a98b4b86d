"""Tiny estimators of Marigold's own classes, random but fixed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from tests.engine.pipelines import (
    write_autoencoder,
    write_scheduler,
    write_text_encoder,
    write_tokenizer,
    write_unet,
)
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
    write_text_encoder(folder, words, width)
    write_unet(folder, 4 * (1 + count), 4 * count, width)
    write_autoencoder(folder, 4)
    write_scheduler(folder, SCHEDULER)
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
