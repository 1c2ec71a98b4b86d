"""Layouts and compiled blocks: where they are used, and that they change no picture."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.denoise import compiled, weights
from tests.engine.denoise.loaded import load, network

CPU, CARD = torch.device("cpu"), torch.device("cuda")


def test_convolutions_are_channels_last_where_that_is_faster() -> None:
    picture, matrix = torch.zeros(2, 2, 3, 3), torch.zeros(2, 2)
    layouts = {kind: weights._layout(picture, torch.device(kind)) for kind in ("cpu", "cuda", "mps")}
    assert [kind for kind, layout in layouts.items() if layout == torch.channels_last] == ["cpu", "cuda"]
    assert weights._layout(matrix, CARD) == torch.preserve_format


def test_who_asks_for_it_has_blocks_compiled_on_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    for said, on_card in (("", False), ("0", False), ("1", True)):
        monkeypatch.setenv(compiled.VARIABLE, said)
        assert (compiled.wanted(CARD), compiled.wanted(CPU)) == (on_card, False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not compiled.wanted(CARD), "without Triton"


def test_compiled_blocks_paint_the_same(eps_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced as for a card, and then run as they are."""
    monkeypatch.setattr(compiled, "wanted", lambda device: True)
    monkeypatch.setattr(compiled, "BACKEND", "eager")
    model = load(eps_model)
    found = {}
    for part in ("unet", "controlnet", "vae", "text_encoder"):
        modules = list(network(model, part).modules())
        found[part] = [module for module in modules if module._compiled_call_impl is not None]
        assert found[part] == [module for module in modules if type(module).__name__ in compiled.BLOCKS]
    assert [part for part, blocks in found.items() if blocks] == ["unet", "controlnet"]
    block = found["unet"][0]
    x, text = torch.randn(2, 6, block.dim), torch.randn(2, 4, block.attn2.to_k.in_features)
    torch.testing.assert_close(
        block(x, encoder_hidden_states=text), block.forward(x, encoder_hidden_states=text)
    )


def test_the_blocks_are_those_that_the_networks_list() -> None:
    from diffusers import (
        FluxTransformer2DModel,
        QwenImageTransformer2DModel,
        UNet2DConditionModel,
        ZImageTransformer2DModel,
    )

    kinds = (
        UNet2DConditionModel,
        FluxTransformer2DModel,
        QwenImageTransformer2DModel,
        ZImageTransformer2DModel,
    )
    assert {name for kind in kinds for name in kind._repeated_blocks} == set(compiled.BLOCKS)
