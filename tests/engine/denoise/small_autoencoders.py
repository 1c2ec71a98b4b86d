"""Small autoencoders with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


def random_dc(widths: Sequence[int], channels: int = 4, scale: float = 1.0) -> Any:
    """An AutoencoderDC of ``widths`` in both halves, 2^(len(widths) - 1) pixels per latent: the same each
    time."""
    from diffusers import AutoencoderDC

    torch.manual_seed(0)
    layers, none = (0, *(1,) * (len(widths) - 1)), ((),) * len(widths)
    model = AutoencoderDC(
        latent_channels=channels,
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        encoder_layers_per_block=layers,
        decoder_layers_per_block=layers,
        encoder_qkv_multiscales=none,
        decoder_qkv_multiscales=none,
        scaling_factor=scale,
    )
    return model.eval().requires_grad_(False)


def idle_encoder(model: Any) -> None:
    """The encoder's blocks do nothing."""
    for blocks in model.encoder.down_blocks:
        for block in blocks:
            last = block.norm if hasattr(block, "norm") else block.conv
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
