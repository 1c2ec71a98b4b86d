"""A tiny estimator of random weights, for tests."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

TEXT = 32


def made(folder: Path, **changes: object) -> Path:
    """A pipeline folder with an estimator of random weights, zero convolutions among them."""
    torch.manual_seed(3)
    config = {
        "in_channels": 7 * 16,
        "out_channels": 4 * 16,
        "block_out_channels": (16, 16),
        "down_block_types": ("DownBlock2D",) * 2,
        "up_block_types": ("UpBlock2D",) * 2,
        "layers_per_block": 1,
        "attention_head_dim": 2,
        "cross_attention_dim": TEXT,
        "norm_num_groups": 4,
    }
    network = UNet2DConditionModel(**{**config, **changes})
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.03 * torch.randn(weight.shape))
    network.save_pretrained(folder / "estimator")
    return folder
