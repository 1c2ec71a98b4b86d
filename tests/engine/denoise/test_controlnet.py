"""A ControlNet whose pictures are embedded once: it says what the library's says."""

from __future__ import annotations

import gc
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.denoise.families.family import Control
from engine.errors import UserError
from tests.engine.denoise.loaded import level, load, network


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
    family = denoiser._family
    x, pictures = draw(3, 4, 8, 8), draw(3, 3, 64, 64, seed=1)
    text, time, scale = denoiser.embed(["red"]).rows(3).tensor, torch.tensor(500), 0.7
    ours = family._residuals(x, time, text, [Control(family.steer(pictures, 2), scale)])
    down, mid = judge(x, time, text, pictures, return_dict=False)
    torch.testing.assert_close(ours["mid_block_additional_residual"], mid * scale, rtol=1e-4, atol=1e-5)
    for mine, theirs in zip(ours["down_block_additional_residuals"], down, strict=True):
        torch.testing.assert_close(mine, theirs * scale, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_each_tensor_is_looked_at_once_and_forgotten_with_it(eps_model: Path) -> None:
    controlnet = load(eps_model)._family.controlnet
    calls: list[int] = []
    controlnet.embedding.register_forward_hook(lambda _, inputs, __: calls.append(len(inputs[0])))
    first, second = draw(3, 3, 64, 64), draw(3, 1, 64, 64, seed=1)
    whole = controlnet.embed(first, 8)
    assert controlnet.embed(first, 8) is whole
    assert calls == [3]
    assert not torch.equal(controlnet.embed(second, 2), whole), (
        "other pictures, another embedding; one channel will do"
    )
    assert calls == [3, 2, 1]
    assert len(controlnet._embedded) == 2
    del first, second
    gc.collect()
    assert len(controlnet._embedded) == 0


def test_a_run_looks_at_its_pictures_once(eps_model: Path) -> None:
    denoiser = load(eps_model)
    calls: list[int] = []
    denoiser._family.controlnet.embedding.register_forward_hook(
        lambda _, inputs, __: calls.append(len(inputs[0]))
    )
    x, text, control = draw(3, 4, 8, 8), denoiser.embed(["red"]), draw(3, 1, 64, 64)
    again = [denoiser.predict(x, level(denoiser, t), text, text, control, 3.0) for t in (900, 500, 900)]
    assert calls == [3]
    assert torch.equal(again[0], again[2])


@torch.no_grad()
def test_a_controlnet_that_was_released_comes_back(eps_model: Path) -> None:
    denoiser = load(eps_model)
    x, text, control = draw(3, 4, 8, 8), denoiser.embed(["red"]), draw(3, 1, 64, 64)
    before = denoiser.predict(x, level(denoiser, 900), text, text, control, 1.0)
    denoiser._family.parts["controlnet"].release()
    again = denoiser.predict(x, level(denoiser, 900), text, text, draw(3, 1, 64, 64), 1.0)
    assert torch.equal(again, before)


@torch.no_grad()
def test_controls_add_up(eps_model: Path) -> None:
    """Two pictures at half strength are as good as one; an integer is as good a strength as a number."""
    family = load(eps_model)._family
    x, text, time = draw(3, 4, 8, 8), family.condition("red", lambda: None)[0].rows(3).tensor, torch.tensor(9)
    picture = family.steer(draw(3, 1, 64, 64), 3)
    one = family._residuals(x, time, text, [Control(picture, 1)])
    two = family._residuals(x, time, text, [Control(picture, 0.5)] * 2)
    torch.testing.assert_close(two, one)


def test_the_strength_reaches_the_network_as_a_number(
    eps_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model's own file may say 1; a ControlNet union takes only floats."""
    denoiser = load(eps_model)
    given: list[object] = []
    controlnet = network(denoiser, "controlnet")
    forward = controlnet.forward

    def spy(*args: object, **options: object) -> object:
        given.append(options["conditioning_scale"])
        return forward(*args, **options)

    monkeypatch.setattr(controlnet, "forward", spy)
    denoiser.preset = replace(denoiser.preset, conditioning_scale=1)
    text = denoiser.embed(["red"])
    denoiser.predict(draw(1, 4, 8, 8), level(denoiser, 900), text, text, draw(1, 1, 64, 64), 1.0)
    assert [type(scale) for scale in given] == [float]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("task_embedding", "union, which is for Stable Diffusion XL"),
        ("lora_controlnet", "Control-LoRA"),
        ("lllite_unet_input_blocks_4_1.down.0.weight", "LLLite"),
        ("control_all_x_embedder.2-1.weight", "Z-Image"),
    ],
)
def test_other_kinds_of_single_files_are_refused_by_name(
    eps_model: Path, tmp_path: Path, key: str, said: str
) -> None:
    save_file({key: torch.zeros(2, 2)}, tmp_path / "control.safetensors")
    with pytest.raises(UserError, match=said):
        load(f"{eps_model}+{tmp_path / 'control.safetensors'}")


def test_another_class_is_refused_by_name(eps_model: Path, copy: Path) -> None:
    config = copy / "controlnet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"_class_name": "ControlNetUnionModel"}))
    with pytest.raises(UserError, match="ControlNetUnionModel"):
        load(f"{eps_model}+{copy}")


@torch.no_grad()
def test_one_of_places_reads_all_channels_and_other_numbers_are_refused(
    eps_model: Path, tmp_path: Path
) -> None:
    from diffusers import ControlNetModel

    folder = shutil.copytree(eps_model, tmp_path / "model")
    wide = {**ControlNetModel.load_config(folder / "controlnet"), "conditioning_channels": 14}
    judge = ControlNetModel.from_config(wide).eval()
    torch.nn.init.normal_(judge.controlnet_cond_embedding.conv_out.weight)
    judge.save_pretrained(folder / "controlnet")
    controlnet = load(folder)._family.controlnet
    told, colours = draw(2, 14, 64, 64), draw(2, 3, 64, 64, seed=1)
    nothing = torch.zeros(2, 11, 64, 64)
    for given, read in ((told, told), (colours, torch.cat([colours, nothing], 1))):
        expected = judge.controlnet_cond_embedding(read)
        torch.testing.assert_close(controlnet.embed(given, 2), expected, rtol=1e-4, atol=1e-5)
    config = folder / "controlnet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"conditioning_channels": 5}))
    with pytest.raises(UserError, match="its pictures have 5 channels, not 3 or 14"):
        load(folder)
