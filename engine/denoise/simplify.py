"""An AutoencoderDC made simpler: it gives the same for less.

Residual blocks whose last weights are all 0 hand their input on, and blocks that shrink the picture then only
rearrange it: so a network can be one convolution in disguise, as the encoder of the starter's small
autoencoder is, and still take the time of all those that do nothing. And blocks that enlarge the picture add
their input the long way round, by a copy of it in another order of memory.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def simplify(autoencoder: Any) -> None:
    """Replace blocks of ``autoencoder``, an AutoencoderDC with its weights, by equal ones that do less."""
    for blocks in (*autoencoder.encoder.down_blocks, *autoencoder.decoder.up_blocks):
        for name, block in list(blocks.named_children()):
            blocks.register_module(name, _simpler(block))


def is_affine(autoencoder: Any) -> bool:
    """Whether ``autoencoder`` is an AutoencoderDC whose encoder, simplified, is made of nothing but
    convolutions and pixels in another order."""
    from diffusers import AutoencoderDC

    if not isinstance(autoencoder, AutoencoderDC):
        return False
    layers = [module for module in autoencoder.encoder.modules() if not list(module.children())]
    return all(isinstance(layer, nn.Conv2d | nn.Identity | nn.Sequential | _Smaller) for layer in layers)


def _simpler(block: nn.Module) -> nn.Module:
    """``block``, or one that gives the same."""
    from diffusers.models.autoencoders.autoencoder_dc import DCDownBlock2d, DCUpBlock2d, ResBlock

    if isinstance(block, ResBlock) and _is_zero(block.norm):
        return nn.Identity()
    if isinstance(block, DCDownBlock2d) and block.shortcut and _is_zero(block.conv):
        return _Smaller(block.factor, block.group_size)
    if isinstance(block, DCUpBlock2d) and block.shortcut and not block.interpolate:
        return _Larger(block.conv, block.factor, block.repeats)
    return block


def _is_zero(layer: nn.Module) -> bool:
    """Whether ``layer`` has weights and all of them are 0."""
    weights = list(layer.parameters())
    return bool(weights) and not any(weight.any() for weight in weights)


class _Smaller(nn.Module):
    """What a convolution of zeros leaves of a DCDownBlock2d: ``factor``^2 pixels become channels, of which
    every ``group`` become their mean."""

    def __init__(self, factor: int, group: int) -> None:
        super().__init__()
        self._factor, self._group = factor, group

    def forward(self, x: Tensor) -> Tensor:
        channels = functional.pixel_unshuffle(x, self._factor)
        return channels if self._group == 1 else torch.unflatten(channels, 1, (-1, self._group)).mean(dim=2)


class _Larger(nn.Module):
    """A DCUpBlock2d: every channel of the input is added to ``repeats`` of the convolution's, of which then
    ``factor``^2 become pixels."""

    def __init__(self, conv: nn.Module, factor: int, repeats: int) -> None:
        super().__init__()
        self.conv, self._factor, self._repeats = conv, factor, repeats

    def forward(self, x: Tensor) -> Tensor:
        channels = self.conv(x)
        channels.unflatten(1, (-1, self._repeats)).add_(x.unsqueeze(2))
        return functional.pixel_shuffle(channels, self._factor)
