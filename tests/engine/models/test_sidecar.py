"""A model's own file: what it may say, who listens, and what is answered when it is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from engine.errors import UserError
from engine.models import manage, presets, sidecar
from tests.engine.denoise.loaded import level, load

EVERYTHING = {
    "control": "position",
    "conditioning_scale": 0.8,
    "control_end": 0.9,
    "precision": "full",
    "autoencoder": "tiny",
    "accelerator": "none",
    "steps": 12,
    "guidance": 4,
    "guidance_end": 0.6,
    "sync_space": "latent",
    "sync_share": {"latent": 0.5, "rgb": "ramp"},
    "aggregate": "best",
    "texture_size": {"latent": 64, "rgb": 128},
    "attention": "views",
    "order": 1,
    "prefix": "a surface of ",
    "negative": "gold",
}


def write(folder: Path, **content: object) -> None:
    (folder / sidecar.FILE).write_text(json.dumps(content), encoding="utf-8")


def refused(folder: Path, text: str) -> UserError:
    """The error for a file with ``text``: one line that names it."""
    (folder / sidecar.FILE).write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        sidecar.of_model(folder, folder / "controlnet")
    error = caught.value
    assert str(folder / sidecar.FILE) in str(error)
    assert error.fix
    assert "\n" not in str(error) + error.fix
    return error


def test_without_a_file_everything_is_the_familys(eps_model: Path) -> None:
    model = load(eps_model)
    assert model.preset == presets.of_family("starter", 8, 8)
    assert model.preset.control == "depth"


def test_a_file_replaces_what_it_names_and_nothing_else(copy: Path) -> None:
    write(copy, control="position", guidance=5.5, sync_share={"rgb": 0.7})
    family = presets.of_family("starter", 8, 8)
    preset = load(copy).preset
    assert (preset.control, preset.guidance) == ("position", 5.5)
    assert preset.sync_share == {"latent": family.sync_share["latent"], "rgb": 0.7}
    assert (preset.steps, preset.view_size, preset.prefix) == (family.steps, 64, family.prefix)
    assert family.sync_share["rgb"] == 1.0, "the family's own numbers stay"


def test_all_that_can_be_said(copy: Path) -> None:
    write(copy, **EVERYTHING)
    preset = load(copy).preset
    assert {key: getattr(preset, key) for key in EVERYTHING} == EVERYTHING
    assert {*EVERYTHING, sidecar.TINY_AUTOENCODER} == set(sidecar.KEYS)  # the latter: test_tiny.py


def test_scale_and_end_reach_the_network(eps_model: Path, copy: Path) -> None:
    """Without its ControlNet a model answers alike for every control picture."""
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    write(copy, conditioning_scale=0)
    for name, matters in ((eps_model, True), (copy, False)):
        model = load(name)
        text = model.embed(["gold"])
        one, other = (
            model.predict(x, level(model, 500), text, text, torch.full((1, 3, 64, 64), v), 1.0)
            for v in (0, 1)
        )
        assert torch.equal(one, other) is not matters


def test_the_stock_pipeline_minds_no_extra_file(copy: Path) -> None:
    from diffusers import StableDiffusionControlNetPipeline

    write(copy, **EVERYTHING)
    pipe = StableDiffusionControlNetPipeline.from_pretrained(copy, low_cpu_mem_usage=False)
    pipe.set_progress_bar_config(disable=True)
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert pipe("gold", picture, num_inference_steps=2).images[0].size == (64, 64)


def test_a_bom_does_no_harm(copy: Path) -> None:
    (copy / sidecar.FILE).write_text('\ufeff{"control": "position"}', encoding="utf-8")
    assert load(copy).preset.control == "position"


# Whose word counts: MODEL+CONTROLNET.


def test_the_control_goes_with_the_controlnet(eps_model: Path, copy: Path) -> None:
    write(copy, control="position", conditioning_scale=0.4, steps=7)
    steps = presets.STARTER.steps
    for name in (copy, copy / "controlnet", copy / "controlnet" / "diffusion_pytorch_model.safetensors"):
        preset = load(f"{eps_model}+{name}").preset
        assert (preset.control, preset.conditioning_scale, preset.steps) == ("position", 0.4, steps), name
    preset = load(f"{copy}+{eps_model}").preset
    assert (preset.control, preset.conditioning_scale, preset.steps) == ("depth", 0.4, 7)


def test_a_controlnets_own_file_wins(eps_model: Path, copy: Path, tmp_path: Path) -> None:
    write(copy, control="depth", control_end=0.5)
    write(copy / "controlnet", control="position")
    preset = load(copy).preset
    assert (preset.control, preset.control_end) == ("position", 0.5)
    alone = shutil.move(copy / "controlnet", tmp_path / "alone")
    preset = load(f"{eps_model}+{alone}").preset
    assert (preset.control, preset.control_end) == ("position", 1.0)


def test_a_single_controlnet_file_among_others_takes_depth(eps_model: Path, tmp_path: Path) -> None:
    write(tmp_path, control="position")
    path = shutil.copy(
        eps_model / "controlnet" / "diffusion_pytorch_model.safetensors", tmp_path / "a.safetensors"
    )
    assert load(f"{eps_model}+{path}").preset.control == "depth"


# Wrong files.


@pytest.mark.parametrize("text", ["{", "{'control': 'depth'}", "[" * 100_000, "\ufffd"])
def test_what_is_no_json(copy: Path, text: str) -> None:
    assert "JSON" in str(refused(copy, text))


def test_an_empty_file(copy: Path) -> None:
    assert "is empty" in str(refused(copy, ""))


@pytest.mark.parametrize("text", ["[]", "null", '"position"', "3"])
def test_what_is_no_object(copy: Path, text: str) -> None:
    assert "control" in refused(copy, text).fix


@pytest.mark.parametrize("key", ["controls", "view_size", "Steps", "", "two\nlines", "x" * 500])
def test_unknown_keys(copy: Path, key: str) -> None:
    error = refused(copy, json.dumps({key: 1}))
    assert key in ("two\nlines", "x" * 500) or repr(key) in str(error)
    assert "control, conditioning_scale" in error.fix
    assert len(str(error)) < 300


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("control", "colour"),
        ("control", None),
        ("control", ["depth"]),
        ("conditioning_scale", -0.1),
        ("conditioning_scale", "strong"),
        ("control_end", 1.5),
        ("steps", 0),
        ("steps", 20.5),
        ("steps", True),
        ("steps", 10**30),
        ("guidance", float("nan")),
        ("guidance", float("inf")),
        ("guidance_end", 1.5),
        ("sync_space", "hsv"),
        ("sync_share", 0.8),
        ("sync_share", {"rgb": 2}),
        ("sync_share", {"rgb": "some"}),
        ("aggregate", "worst"),
        ("sync_share", {"xyz": 0.5}),
        ("texture_size", {"rgb": 10**9}),
        ("texture_size", {"latent": 0}),
        ("prefix", 3),
        ("negative", None),
    ],
)
def test_wrong_values(copy: Path, key: str, value: object) -> None:
    error = refused(copy, json.dumps({key: value}))
    assert f"{key} is " in str(error)
    assert key in error.fix


def test_a_controlnets_folder_speaks_of_the_controlnet_alone(copy: Path) -> None:
    write(copy / "controlnet", control="position", steps=3)
    with pytest.raises(UserError, match=r"controlnet.*unknown key 'steps'") as error:
        sidecar.of_model(copy, copy / "controlnet")
    assert "conditioning_scale" in error.value.fix
    assert "steps" not in error.value.fix


def test_a_file_that_cannot_be_read(copy: Path) -> None:
    (copy / sidecar.FILE).mkdir()
    with pytest.raises(UserError, match="is a folder"):
        sidecar.of_model(copy, copy / "controlnet")


def test_loading_and_verifying_find_a_wrong_file(copy: Path) -> None:
    assert manage.verify(str(copy)) == []
    write(copy, steps="many")
    with pytest.raises(UserError, match="steps is 'many'"):
        load(copy)
    assert ["steps is 'many'" in line for line in manage.verify(str(copy))] == [True]
    (copy / sidecar.FILE).unlink()
    write(copy / "controlnet", control=1)
    for folder in (copy, copy / "controlnet"):
        assert ["control is 1" in line for line in manage.verify(str(folder))] == [True]
