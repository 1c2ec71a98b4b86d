"""Tiny IP-Adapters in their authors' own layout, random but fixed, and the image encoder for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

HIDDEN, VECTOR, TOKENS = 32, 24, 3  # of the encoder; tokens of a Plus
INNER, HEADS = 16, 2


def picture(seed: int, height: int = 40, width: int = 56) -> NDArray[np.uint8]:
    """Noise in squares, (height, width, 3)."""
    small = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return small.repeat(8, 0).repeat(8, 1)


def write_encoder(folder: Path, seed: int = 7, hidden: int = HIDDEN, vector: int = VECTOR) -> Path:
    """A CLIP vision model for pictures of 32 x 32 pixels."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=hidden,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=16,
        image_size=32,
        patch_size=8,
        projection_dim=vector,
        hidden_act="gelu",
    )
    torch.manual_seed(seed)
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    return folder


def write_adapter(path: Path, unet: Any, plus: bool = False, seed: int = 11) -> Path:
    """For diffusers' ``unet``, beside a folder image_encoder if there is none yet."""
    width, draw = unet.config.cross_attention_dim, _Noise(seed)
    state = _resampler(draw, width) if plus else _vector(draw, width)
    shapes = dict(unet.named_modules())
    names = [name for name in unet.attn_processors if "attn2" in name]
    for i, name in enumerate(names):
        outputs = shapes[name.removesuffix(".processor")].to_k.weight.shape[0]
        for one in "kv":
            state[f"ip_adapter.{2 * i + 1}.to_{one}_ip.weight"] = draw(outputs, width)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, path)
    if not (path.parent / "image_encoder").is_dir():
        write_encoder(path.parent / "image_encoder")
    return path


class _Noise:
    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int) -> Tensor:
        return 0.3 * torch.randn(shape, generator=self._generator)

    def norm(self, size: int, name: str) -> dict[str, Tensor]:
        return {f"{name}.weight": 1 + self(size), f"{name}.bias": self(size)}


def _vector(draw: _Noise, width: int) -> dict[str, Tensor]:
    return {
        "image_proj.proj.weight": draw(4 * width, VECTOR),
        "image_proj.proj.bias": draw(4 * width),
        **draw.norm(width, "image_proj.norm"),
    }


def _resampler(draw: _Noise, width: int) -> dict[str, Tensor]:
    state = {
        "latents": draw(1, TOKENS, INNER),
        "proj_in.weight": draw(INNER, HIDDEN),
        "proj_in.bias": draw(INNER),
        "proj_out.weight": draw(width, INNER),
        "proj_out.bias": draw(width),
        **draw.norm(width, "norm_out"),
    }
    for i in range(4):
        start = f"layers.{i}"
        state |= draw.norm(INNER, f"{start}.0.norm1") | draw.norm(INNER, f"{start}.0.norm2")
        state |= draw.norm(INNER, f"{start}.1.0")
        state |= {
            f"{start}.0.to_q.weight": draw(64 * HEADS, INNER),
            f"{start}.0.to_kv.weight": draw(2 * 64 * HEADS, INNER),
            f"{start}.0.to_out.weight": draw(INNER, 64 * HEADS),
            f"{start}.1.1.weight": draw(4 * INNER, INNER),
            f"{start}.1.3.weight": draw(INNER, 4 * INNER),
        }
    return {f"image_proj.{key}": tensor for key, tensor in state.items()}
