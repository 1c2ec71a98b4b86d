"""Single files of Stable Diffusion XL and of its ControlNets, against the same weights in folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.denoise import parts
from engine.errors import UserError
from engine.models import describe, families, hub
from tests.engine.denoise.checkpoints import original_xl_checkpoint, original_xl_controlnet
from tests.engine.denoise.loaded import estimate, load
from tests.engine.xl_pipelines import controlnet, noisy, union

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def configs(xl_model: Path, tmp_path: Path) -> Path:
    """The pipeline without weights."""
    return shutil.copytree(xl_model, tmp_path / "configs", ignore=shutil.ignore_patterns("*.safetensors"))


@pytest.mark.parametrize("markers", [[], ["v_pred"], ["v_pred", "ztsnr"]])
def test_a_single_file_equals_the_folder(
    xl_model: Path, configs: Path, tmp_path: Path, markers: list[str]
) -> None:
    """Those that predict v say so by tensors without a use."""
    state = original_xl_checkpoint(xl_model)
    save_file(state | {name: torch.tensor([]) for name in markers}, configs / "mine.safetensors")
    folder = shutil.copytree(xl_model, tmp_path / "folder")
    path = folder / "scheduler" / "scheduler_config.json"
    said = {"v_pred": {"prediction_type": "v_prediction"}, "ztsnr": {"rescale_betas_zero_snr": True}}
    for name in markers:
        path.write_text(json.dumps(json.loads(path.read_text()) | said[name]))
    mine, expected = load(f"{configs / 'mine.safetensors'}+{xl_model}"), load(folder)
    torch.testing.assert_close(estimate(mine), estimate(expected))
    assert mine.schedule(8) == expected.schedule(8)
    assert (
        mine.schedule(8).levels[0].alpha == 0 if "ztsnr" in markers else mine.schedule(8).levels[0].alpha > 0
    )


def test_a_single_file_beside_configs_of_another_family(xl_model: Path, copy: Path) -> None:
    save_file(original_xl_checkpoint(xl_model), copy / "mine.safetensors")
    with pytest.raises(UserError, match="family sdxl, the configs beside it are of starter"):
        load(f"{copy / 'mine.safetensors'}+{xl_model}")


@pytest.mark.parametrize(
    ("changes", "net"),
    [
        ({}, "diffusers"),
        ({}, "original"),
        ({}, "control_model"),
        ({"transformer_layers_per_block": (0, 1)}, "diffusers"),
        (
            {
                "transformer_layers_per_block": (0, 0),
                "down_block_types": ("DownBlock2D", "DownBlock2D"),
                "mid_block_type": "UNetMidBlock2D",
            },
            "diffusers",
        ),
    ],
    ids=["diffusers", "original", "original-prefixed", "mid", "small"],
)
def test_a_controlnets_file_equals_its_folder(
    xl_model: Path, tmp_path: Path, changes: dict[str, Any], net: str
) -> None:
    """In either layout; small ones attend less often than the UNet, which a folder says in its config."""
    noisy(controlnet(**changes), 9).save_pretrained(tmp_path / "net")
    state = load_file(tmp_path / "net" / WEIGHTS)
    if net != "diffusers":
        start = "control_model." if net == "control_model" else ""
        state = {start + key: tensor for key, tensor in original_xl_controlnet(state).items()}
    file = tmp_path / "mine.safetensors"
    save_file(state, file)
    whole = estimate(load(f"{xl_model}+{tmp_path / 'net'}"))
    torch.testing.assert_close(estimate(load(f"{xl_model}+{file}")), whole)
    assert not torch.allclose(whole, estimate(load(xl_model)))


def test_a_unions_file_equals_its_folder(xl_model: Path, tmp_path: Path) -> None:
    """The number of its heads, which no shape tells, is that of all that were published."""
    noisy(union(heads=8), 9).save_pretrained(tmp_path / "net")
    whole = estimate(load(f"{xl_model}+{tmp_path / 'net'}"))
    torch.testing.assert_close(estimate(load(f"{xl_model}+{tmp_path / 'net' / WEIGHTS}")), whole)


def test_a_unions_folder_may_call_it_a_controlnet(xl_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(xl_model / "union", tmp_path / "net")
    whole = estimate(load(f"{xl_model}+{folder}"))
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"_class_name": "ControlNetModel"}))
    torch.testing.assert_close(estimate(load(f"{xl_model}+{folder}")), whole)


def test_a_union_is_told_of_the_pictures_kind(xl_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(xl_model / "union", tmp_path / "net")
    (folder / "sync_texture.json").write_text('{"control": "position"}')
    with pytest.raises(UserError, match="position pictures"):
        load(f"{xl_model}+{folder}")


@pytest.fixture
def _nothing_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "fill", lambda *_: pytest.fail("weights were loaded"))


@pytest.mark.usefixtures("_nothing_is_filled")
@pytest.mark.parametrize("lone", [True, False], ids=["file", "folder"])
def test_another_familys_controlnet_is_refused_before_weights_are_loaded(
    xl_model: Path, eps_model: Path, lone: bool
) -> None:
    for model, other in ((xl_model, eps_model), (eps_model, xl_model)):
        net = other / "controlnet" / WEIGHTS if lone else other / "controlnet"
        with pytest.raises(UserError, match="doesn't fit the model"):
            load(f"{model}+{net}")
    with pytest.raises(UserError, match="union"):
        load(f"{eps_model}+{xl_model / 'union' / WEIGHTS if lone else xl_model / 'union'}")


@pytest.mark.usefixtures("_nothing_is_filled")
def test_a_small_controlnet_of_another_family_is_refused(eps_model: Path, tmp_path: Path) -> None:
    """It says nothing about the text, but reads sizes."""
    nothing = {"transformer_layers_per_block": (0, 0), "down_block_types": ("DownBlock2D", "DownBlock2D")}
    noisy(controlnet(**nothing, mid_block_type="UNetMidBlock2D"), 9).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="doesn't fit the model"):
        load(f"{eps_model}+{tmp_path / WEIGHTS}")


@pytest.mark.parametrize(
    ("key", "shape", "said"),
    [
        ("edm_mean", (4,), "Playground v2.5"),
        ("conditioner.embedders.0.model.text_projection", (4, 4), "refiner"),
        ("model.diffusion_model.input_blocks.0.0.weight", (4, 9, 3, 3), "inpainting"),
        ("lora_unet_mid_block.alpha", (), "LoRA"),
    ],
)
def test_what_is_no_base_model_is_refused_by_name(
    xl_model: Path, configs: Path, key: str, shape: tuple[int, ...], said: str
) -> None:
    state = original_xl_checkpoint(xl_model)
    other: Tensor = torch.zeros(shape)
    save_file(state | {key: other}, configs / "mine.safetensors")
    with pytest.raises(UserError, match=said):
        load(configs / "mine.safetensors")


def test_the_refiners_folder_is_refused_by_name(xl_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(xl_model, tmp_path / "model")
    index = folder / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"requires_aesthetics_score": True}))
    with pytest.raises(UserError, match="refiner"):
        families.of_folder(folder)
    config = xl_model / "unet" / "config.json"
    with pytest.raises(UserError, match="refiner"):
        families.of_unet("it", json.loads(config.read_text()) | {"cross_attention_dim": 1280})


def test_a_network_alone_goes_into_the_pipeline_that_it_lies_in(xl_model: Path, tmp_path: Path) -> None:
    """As accelerators are published: a UNet in diffusers layout, whose name says which."""
    folder, other = (shutil.copytree(xl_model, tmp_path / name) for name in ("folder", "other"))
    state = {key: tensor + 0.01 for key, tensor in load_file(xl_model / "unet" / WEIGHTS).items()}
    save_file(state, folder / "unet" / WEIGHTS)
    lone = other / "sdxl_lightning_4step_unet.safetensors"
    save_file(state, lone)
    mine = load(f"{lone}+{xl_model}")
    torch.testing.assert_close(estimate(mine), estimate(load(folder)))
    assert not torch.allclose(estimate(mine), estimate(load(xl_model)))
    assert mine.preset.accelerator == "lightning-4"
    assert describe.describe(f"{lone}+{xl_model}").preset == mine.preset


@pytest.mark.usefixtures("_nothing_is_filled")
def test_a_network_alone_in_the_wrong_place(xl_model: Path, copy: Path, tmp_path: Path) -> None:
    state = load_file(xl_model / "unet" / WEIGHTS)
    save_file(state, copy / "mine.safetensors")
    with pytest.raises(UserError, match="family sdxl, the configs beside it are of starter"):
        load(f"{copy / 'mine.safetensors'}+{xl_model}")
    save_file(load_file(copy / "unet" / WEIGHTS), tmp_path / "small.safetensors")
    with pytest.raises(UserError, match=r"small\.safetensors is a network alone") as error:
        load(f"{tmp_path / 'small.safetensors'}+{xl_model}")
    assert "unet" in error.value.fix
    with pytest.raises(UserError, match=r"is a ControlNet .give it as MODEL"):
        load(xl_model / "controlnet" / WEIGHTS)
    save_file(state | {"conv_in.weight": torch.zeros(16, 9, 3, 3)}, tmp_path / "inpaint.safetensors")
    with pytest.raises(UserError, match="inpainting"):
        load(tmp_path / "inpaint.safetensors")


@pytest.mark.usefixtures("_nothing_is_filled")
def test_a_network_alone_needs_its_family_s_model(
    xl_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it but the network; without a network connection one line says so."""
    monkeypatch.setattr(hub, "cached", lambda repo: None)
    save_file(load_file(xl_model / "unet" / WEIGHTS), tmp_path / "mine.safetensors")

    def no_download(repo: str, *_: object) -> None:
        raise UserError(f"{repo} isn't here", "download it")

    monkeypatch.setattr(hub, "download", no_download)
    words = "mine.safetensors is a network alone and needs the rest of stabilityai"
    with pytest.raises(UserError, match=words):
        load(f"{tmp_path / 'mine.safetensors'}+{xl_model}")
