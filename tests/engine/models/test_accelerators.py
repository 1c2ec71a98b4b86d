"""Which accelerator a model is, by what its files say; what a job with one leaves of what was asked for."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engine import settings
from engine.errors import UserError
from engine.models import accelerators, describe, families, presets
from engine.models.accelerators import NONE, TABLE, recognised
from engine.options import choices
from engine.protocol import Request
from tests.engine.denoise.loaded import load

REQUEST = Request(mesh="m.obj", prompt="red bricks", out="o")


def test_every_choice_is_one_way_and_says_what_may_be_done_with_it() -> None:
    assert tuple(choices.ACCELERATORS) == (NONE, *TABLE)
    for one in TABLE.values():
        assert one.licence
        assert one.weights
        assert set(one.families) <= families.PARTS.keys()
        assert one.guidance[0] <= one.guidance[1]


@pytest.mark.parametrize(
    ("family", "name", "expected"),
    [
        ("sdxl", "sdxl_lightning_4step.safetensors", "lightning-4"),
        ("sdxl", "sdxl_lightning_8step_lora.safetensors", "lightning-8"),
        ("qwen-image", "Qwen-Image-Lightning-8steps-V1.0", "lightning-8"),
        ("sdxl", "sdxl_lightning_2step.safetensors", None),
        ("sdxl", "Hyper-SDXL-8steps-lora.safetensors", "hyper-sd-8"),
        ("sdxl", "Hyper-SDXL-8steps-CFG-lora.safetensors", "hyper-sd-cfg"),
        ("sd15", "Hyper-SD15-4steps-lora.safetensors", "hyper-sd-4"),
        ("sdxl", "sd_xl_turbo_1.0_fp16.safetensors", "turbo"),
        ("sdxl", "models--stabilityai--sdxl-turbo/snapshots/71153311", "turbo"),
        ("sd21", "sd-turbo", "turbo"),
        ("sd15", "sd-turbo", None),
        ("sd15", "dreamshaper_8LCM.safetensors", "lcm"),
        ("sdxl", "dmd2_sdxl_4step_unet_fp16.safetensors", "dmd2"),
        ("sdxl", "lightningstorm.safetensors", None),
        ("sdxl", "sd_xl_base_1.0.safetensors", None),
    ],
)
def test_published_files_are_known_by_their_names(family: str, name: str, expected: str | None) -> None:
    place = Path("/models") / name
    assert recognised(family, Path("/configs"), place if name.endswith(".safetensors") else None) == (
        expected if name.endswith(".safetensors") else None
    )
    if not name.endswith(".safetensors"):
        assert recognised(family, place) == expected


@pytest.mark.parametrize(("kind", "name"), [("LCMScheduler", "lcm"), ("TCDScheduler", "tcd")])
def test_a_scheduler_of_such_models_alone_says_it(
    xl_model: Path, tmp_path: Path, kind: str, name: str
) -> None:
    folder = shutil.copytree(xl_model, tmp_path / "model")
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "_class_name": kind}))
    model = load(folder)
    assert (model.preset.accelerator, model.preset.steps, model.preset.guidance) == (name, 4, 1.0)
    assert describe.describe(str(folder)).preset == model.preset
    assert len(model.schedule(4, accelerator=name).levels) == 4
    (folder / "sync_texture.json").write_text(json.dumps({"accelerator": "none", "steps": 7}))
    assert (load(folder).preset.accelerator, load(folder).preset.steps) == ("none", 7)


def test_a_model_s_own_file_decides_and_its_numbers_stand(xl_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(xl_model, tmp_path / "sdxl-turbo")
    assert load(folder).preset.accelerator == "turbo"
    (folder / "sync_texture.json").write_text(json.dumps({"accelerator": "lcm", "steps": 6}))
    preset = load(folder).preset
    assert (preset.accelerator, preset.steps, preset.guidance) == ("lcm", 6, 1.0)
    assert settings.resolve(REQUEST, preset).steps == 6
    back = settings.resolve(replace(REQUEST, accelerator="none"), preset)
    assert (back.steps, back.guidance, back.aggregate) == (30, 7.0, "mean")
    (folder / "sync_texture.json").write_text(json.dumps({"accelerator": "distilled"}))
    with pytest.raises(UserError, match=r"sync_texture.json: the accelerator distilled isn't for .* sdxl"):
        load(folder)


@pytest.mark.parametrize(
    ("name", "family", "steps", "guidance"),
    [
        ("lightning-4", "sdxl", 4, 1.0),
        ("lightning-8", "qwen-image", 8, 1.0),
        ("hyper-sd-8", "sd15", 8, 1.0),
        ("hyper-sd-cfg", "sdxl", 8, 5.0),
        ("lcm", "sd15", 4, 1.0),
        ("dmd2", "sdxl", 4, 1.0),
        ("turbo", "sd21", 4, 1.0),
    ],
)
def test_it_decides_steps_guidance_and_how_views_agree(
    name: str, family: str, steps: int, guidance: float
) -> None:
    found = settings.resolve(replace(REQUEST, accelerator=name), presets.PUBLISHED[family])
    assert (found.accelerator, found.steps, found.guidance) == (name, steps, guidance)
    assert (found.share, found.aggregate, found.fading) == (1.0, "best", False)
    assert settings.notes(REQUEST, found) == (["dmd2's licence is " + TABLE[name].licence] * (name == "dmd2"))


def test_what_it_is_no_good_for_is_not_done_and_said() -> None:
    request = replace(REQUEST, accelerator="lightning-4", steps=30, guidance=7.5, negative="blurry")
    found = settings.resolve(request, presets.SDXL)
    assert (found.steps, found.guidance) == (4, 1.0)
    assert settings.notes(request, found) == [
        "lightning-4 was made for 4 steps: 4 were run, not 30",
        "pictures by lightning-4 burn with so much guidance: it was 1, not 7.5",
        "lightning-4 works without guidance, so the negative prompt wasn't read",
    ]
    near = replace(REQUEST, accelerator="hyper-sd-cfg", steps=11, guidance=6.5, negative="blurry")
    found = settings.resolve(near, presets.SDXL)
    assert (found.steps, found.guidance) == (12, 6.5)
    assert settings.notes(near, found) == ["hyper-sd-cfg was made for 8 or 12 steps: 12 were run, not 11"]


def test_models_that_were_made_for_few_steps_are_not_burnt_either() -> None:
    request = replace(REQUEST, steps=12, guidance=5.0)
    for preset in (presets.Z_IMAGE_TURBO, presets.FLUX_SCHNELL):
        found = settings.resolve(request, preset)
        assert (found.accelerator, found.steps, found.guidance) == ("distilled", 12, 1.0)
        assert len(settings.notes(request, found)) == 1
        asked = settings.resolve(replace(request, accelerator="none"), preset)
        assert asked.guidance == 5.0
        assert settings.resolve(replace(REQUEST, accelerator="none"), preset).steps == preset.steps


def test_what_only_a_whole_model_can_be_is_not_asked_for_of_another() -> None:
    with pytest.raises(UserError, match="whole consistency model") as error:
        settings.resolve(replace(REQUEST, accelerator="lcm-model"), presets.SDXL)
    assert "--accelerator lcm" in error.value.fix


@pytest.mark.parametrize(
    ("name", "preset", "fix"),
    [
        ("dmd2", presets.SD15, "use hyper-sd-4, hyper-sd-8, hyper-sd-cfg, lcm or tcd, or leave"),
        ("lcm", presets.STARTER, "leave"),
        ("distilled", presets.SDXL, "use lightning-4"),
    ],
)
def test_one_of_other_models_is_refused(name: str, preset: presets.Preset, fix: str) -> None:
    with pytest.raises(
        UserError, match=f"--accelerator {name} was made for .* family {preset.family}"
    ) as error:
        settings.resolve(replace(REQUEST, accelerator=name), preset)
    assert error.value.fix.startswith(fix)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sdxl_lightning_4step_lora.safetensors", "lightning-4"),
        ("/loras/Hyper-SDXL-8steps-lora.safetensors:0.9", "hyper-sd-8"),
        (r"C:\loras\lcm-lora-sdxl.safetensors:1", "lcm"),
        ("latent-consistency/lcm-lora-sdxl:pytorch_lora_weights.safetensors:0.5", "lcm"),
        ("ByteDance/SDXL-Lightning:sdxl_lightning_8step_lora.safetensors", "lightning-8"),
        ("/loras/lcm/ink.safetensors", None),
        ("Hyper-SD15-4steps-lora.safetensors", "hyper-sd-4"),
        ("", None),
    ],
)
def test_a_lora_is_known_by_its_name(text: str, expected: str | None) -> None:
    found = settings.resolve(replace(REQUEST, lora=("style.safetensors:0.4", text)), presets.SDXL)
    assert found.accelerator == (expected or "none")
    said = settings.notes(replace(REQUEST, lora=(text,)), found)
    assert said == (
        [f"a LoRA is for few steps by its name, so they are those of {expected}"] * bool(expected)
    )
    asked = settings.resolve(replace(REQUEST, lora=(text,), accelerator="none"), presets.SDXL)
    assert (asked.accelerator, asked.steps) == ("none", 30)
    assert accelerators.of_loras("starter", [text]) is None


def test_what_was_asked_for_stands_over_a_lora_s_name() -> None:
    request = replace(REQUEST, lora=("lcm-lora-sdxl.safetensors",), accelerator="tcd")
    found = settings.resolve(request, presets.SDXL)
    assert found.accelerator == "tcd"
    assert settings.notes(request, found) == []
