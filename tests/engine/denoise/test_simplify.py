"""An AutoencoderDC simplified: as the library's own, with and without blocks that do nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from engine.denoise.simplify import is_affine, simplify
from tests.engine.denoise.small_autoencoders import idle_encoder, random_dc

Change = Callable[[Any], None]
WIDTHS = (4, 8, 16, 32)


def nothing(model: Any) -> None:
    """Every block stays."""


def nearly_idle(model: Any) -> None:
    """They would, but for one number each."""
    idle_encoder(model)
    for blocks in model.encoder.down_blocks:
        for block in blocks:
            (block.norm if hasattr(block, "norm") else block.conv).bias[-1] = 0.5


def convolutions(model: Any) -> int:
    return sum(isinstance(layer, nn.Conv2d) for layer in model.encoder.modules())


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("widths", [WIDTHS, (8, 8, 8, 8), (4, 16, 16, 64)])
@pytest.mark.parametrize("change", [nothing, idle_encoder, nearly_idle])
@torch.no_grad()
def test_it_gives_what_it_gave(change: Change, widths: tuple[int, ...], layout: torch.memory_format) -> None:
    model = random_dc(widths)
    change(model)
    model = model.to(memory_format=layout)
    pictures = torch.rand(2, 3, 32, 48)
    before = model.encode(pictures).latent
    decoded = model.decode(before).sample
    simplify(model)
    torch.testing.assert_close(model.encode(pictures).latent, before, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(model.decode(before).sample, decoded, rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_only_what_is_exactly_idle_goes() -> None:
    model, other = random_dc(WIDTHS), random_dc(WIDTHS)
    all_of_them = convolutions(model)
    idle_encoder(model)
    nearly_idle(other)
    simplify(model)
    simplify(other)
    assert convolutions(model) == 2, "the first and the last"
    assert convolutions(other) == all_of_them


@pytest.mark.parametrize(("change", "affine"), [(nothing, False), (idle_encoder, True), (nearly_idle, False)])
@torch.no_grad()
def test_an_encoder_called_affine_is(change: Change, affine: bool) -> None:
    model = random_dc(WIDTHS)
    change(model)
    simplify(model)
    assert is_affine(model) is affine
    a, b, c = torch.rand(3, 1, 3, 32, 32)
    mixed = model.encode(a + b - c).latent
    parts = model.encode(a).latent + model.encode(b).latent - model.encode(c).latent
    assert torch.allclose(mixed, parts, atol=1e-5) or not affine


def test_other_autoencoders_are_not_called_affine() -> None:
    from diffusers import AutoencoderTiny

    assert not is_affine(AutoencoderTiny())
