"""Small autoencoders with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


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
