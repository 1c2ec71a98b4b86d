"""FLUX.1 with its ControlNets: against diffusers' own pipeline, and what can go wrong without an error."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.denoise.patches import packed, unpacked
from engine.errors import UserError
from tests.engine.denoise import flow_judges
from tests.engine.denoise.flow_runs import (
    PROMPT,
    assert_control_matters,
    assert_in_pieces_alike,
    assert_methods_synchronise,
    assert_row_alone_is_row_in_batch,
    assert_same,
    inputs,
    ours,
    theirs,
)
from tests.engine.denoise.loaded import load
from tests.engine.flow_pipelines import flux_controlnet, make_flux, make_qwen_image


@pytest.fixture(scope="module")
def schnell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_flux(tmp_path_factory.mktemp("models") / "schnell")


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_flux(tmp_path_factory.mktemp("models") / "dev", told=True)


def by_pipeline(folder: Path, controlnet: Path, guidance: float, mode: int | None = None) -> list[Tensor]:
    from diffusers import FluxControlNetModel

    told = folder.name == "dev"
    states = theirs(
        flow_judges.flux(folder, FluxControlNetModel.from_pretrained(controlnet)),
        latents=packed(inputs()[0]),
        num_inference_steps=3,
        control_mode=mode,
        controlnet_conditioning_scale=0.75,
        max_sequence_length=512 if told else 256,
        **({"guidance_scale": guidance} if told else {"true_cfg_scale": guidance}),
    )
    return [unpacked(state, 8, 8) for state in states]


@pytest.mark.parametrize("guidance", [1.0, 3.5])
@pytest.mark.parametrize("name", ["schnell", "dev"])
def test_every_step_is_the_pipelines(request: pytest.FixtureRequest, name: str, guidance: float) -> None:
    """Dev's network is told the guidance, schnell takes two passes for one."""
    folder: Path = request.getfixturevalue(name)
    assert_same(ours(load(folder), 3, guidance), by_pipeline(folder, folder / "controlnet", guidance))


@pytest.mark.parametrize(
    "changes",
    [
        {"num_mode": 7, "guidance_embeds": True},  # InstantX's union
        {"num_layers": 2, "num_single_layers": 0},  # Shakker's, of half of the layers alone
    ],
)
def test_unions_are_told_that_a_picture_is_depth(
    dev: Path, tmp_path: Path, changes: dict[str, int | bool]
) -> None:
    torch.manual_seed(1)
    flux_controlnet(**changes).save_pretrained(tmp_path / "folder")
    shutil.copy(tmp_path / "folder" / "diffusion_pytorch_model.safetensors", tmp_path / "one.safetensors")
    expected = by_pipeline(dev, tmp_path / "folder", 3.5, mode=2 if "num_mode" in changes else None)
    for place in ("folder", "one.safetensors"):
        assert_same(ours(load(f"{dev}+{tmp_path / place}"), 3, 3.5), expected)


def test_guidance_takes_one_pass_of_a_network_that_is_told(
    dev: Path, schnell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    for folder in (dev, schnell):
        model = load(folder)
        plain = model._family.predict
        monkeypatch.setattr(
            model._family, "predict", lambda x, *a, plain=plain: rows.append(len(x)) or plain(x, *a)
        )
        for guidance in (1.0, 4.0):
            ours(model, 1, guidance)
    assert rows == [1, 1, 1, 2]
    assert (load(dev).preset.guidance, load(schnell).preset.guidance) == (3.5, 1.0)


def test_a_row_alone_is_the_row_in_a_batch(schnell: Path) -> None:
    model = load(schnell)
    assert_row_alone_is_row_in_batch(model)
    assert_in_pieces_alike(model)


def test_control_and_its_strength_matter(dev: Path) -> None:
    assert_control_matters(dev, 3.5)


def test_views_agree_with_every_method(schnell: Path) -> None:
    assert_methods_synchronise(load(schnell))


def test_what_is_cut_off_is_said(schnell: Path) -> None:
    text = load(schnell).embed([PROMPT, "old wood " * 200])
    assert text.truncated == ["", ("old wood " * 200).split(" ", 255)[-1].strip()]


def test_what_does_not_fit_is_refused(schnell: Path, tmp_path: Path) -> None:
    flux_controlnet(conditioning_embedding_channels=16).save_pretrained(tmp_path / "pixels")
    flux_controlnet(joint_attention_dim=32).save_pretrained(tmp_path / "wide")
    flux_controlnet(num_mode=7).save_pretrained(tmp_path / "union")
    (tmp_path / "union" / "sync_texture.json").write_text('{"control": "position"}')
    other = make_qwen_image(tmp_path / "qwen")
    for place, said in (
        (tmp_path / "pixels", "reads pixels"),
        (tmp_path / "wide", "joint_attention_dim is 32, the transformer's 24"),
        (tmp_path / "union", "used for position pictures"),
        (other / "controlnet", "QwenImageControlNetModel"),
    ):
        with pytest.raises(UserError, match=said):
            load(f"{schnell}+{place}")
