"""A ControlNet's hints: what the library makes of the pictures itself, but once."""

from __future__ import annotations

import gc
import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.denoise.hints import Hints
from tests.engine.denoise.loaded import level, load


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=["rgb", "bgr"])
def model(request: pytest.FixtureRequest, eps_model: Path, tmp_path: Path) -> Path:
    folder = shutil.copytree(eps_model, tmp_path / "model")
    config = folder / "controlnet" / "config.json"
    order = {"controlnet_conditioning_channel_order": request.param}
    config.write_text(json.dumps(json.loads(config.read_text()) | order))
    return folder


@torch.no_grad()
def test_the_controlnet_says_what_the_librarys_says(model: Path) -> None:
    from diffusers import ControlNetModel

    judge = ControlNetModel.from_pretrained(model / "controlnet").eval()
    denoiser = load(model)
    x, text, pictures = draw(3, 4, 8, 8), denoiser.embed(["red"]).rows(3), draw(3, 3, 64, 64, seed=1)
    hints = denoiser._hints.of(pictures, 2)
    time = torch.tensor(500)
    ours = denoiser._control(x, time, level(denoiser, 500), text, hints)
    down, mid = judge(x, time, text, pictures, return_dict=False)
    scale = denoiser.preset.conditioning_scale
    torch.testing.assert_close(ours["mid_block_additional_residual"], mid * scale, rtol=1e-4, atol=1e-5)
    for mine, theirs in zip(ours["down_block_additional_residuals"], down, strict=True):
        torch.testing.assert_close(mine, theirs * scale, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_each_tensor_is_looked_at_once_and_forgotten_with_it(eps_model: Path) -> None:
    hints = load(eps_model)._hints
    calls: list[int] = []
    hints._embedding.register_forward_hook(lambda _, inputs, __: calls.append(len(inputs[0])))
    first, second = draw(3, 3, 64, 64), draw(3, 1, 64, 64, seed=1)
    whole = hints.of(first, 8)
    assert hints.of(first, 8) is whole
    assert calls == [3]
    assert not torch.equal(hints.of(second, 2), whole), "other pictures, other hints; one channel will do"
    assert calls == [3, 2, 1]
    assert len(hints._known) == 2
    del first, second
    gc.collect()
    assert len(hints._known) == 0


def test_a_run_looks_at_its_pictures_once(eps_model: Path) -> None:
    denoiser = load(eps_model)
    calls: list[int] = []
    denoiser._hints._embedding.register_forward_hook(lambda _, inputs, __: calls.append(len(inputs[0])))
    x, text, control = draw(3, 4, 8, 8), denoiser.embed(["red"]), draw(3, 1, 64, 64)
    again = [denoiser.predict(x, level(denoiser, t), text, text, control, 3.0) for t in (900, 500, 900)]
    assert calls == [3]
    assert torch.equal(again[0], again[2])
    assert isinstance(denoiser._hints, Hints)
