"""Z-Image with its ControlNets: against diffusers' own pipeline, and what can go wrong without an error."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.denoise import device as devices
from engine.denoise.attention import Links
from engine.denoise.families.z_image import ZImage
from engine.denoise.parts import Part
from engine.errors import Cancelled, UserError
from engine.models import sources
from engine.models.ladder import Room
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
from tests.engine.denoise.loaded import load, network
from tests.engine.flow_pipelines import Z_CONTROLS, make_z_image, noisy, write_tokenizer, z_controlnet

LONG = "old wood " * 300


@pytest.fixture(scope="module")
def z_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_z_image(tmp_path_factory.mktemp("models") / "z")


def by_pipeline(folder: Path, controlnet: Any, guidance: float, count: int = 3) -> list[torch.Tensor]:
    """The states of diffusers' pipeline. guidance: ours, of which 1 is none."""
    return theirs(
        flow_judges.z_image(folder, controlnet),
        latents=inputs()[0],
        num_inference_steps=count,
        guidance_scale=guidance - 1,
        controlnet_conditioning_scale=0.75,
    )


@pytest.mark.parametrize(("version", "guidance"), [("1", 1.0), ("2.0", 1.0), ("2.1", 1.0), ("2.1", 4.0)])
def test_every_step_is_the_pipelines(z_image: Path, tmp_path: Path, version: str, guidance: float) -> None:
    """Of each version of the ControlNet from a folder, and from a single file as it is published."""
    torch.manual_seed(1)
    controlnet = z_controlnet(version)
    controlnet.save_pretrained(tmp_path / "folder")
    file = tmp_path / "published.safetensors"
    state = dict(controlnet.state_dict())
    if version == "2.0":  # whose layers for the noise are there, but nothing goes into them
        unused = z_controlnet("2.1").control_noise_refiner.state_dict(prefix="control_noise_refiner.")
        state |= {key: 0 * tensor if "before_proj" in key else tensor for key, tensor in unused.items()}
    save_file(state, file)
    expected = by_pipeline(z_image, controlnet, guidance)
    for place in (tmp_path / "folder", file):
        assert_same(ours(load(f"{z_image}+{place}"), 3, guidance), expected)


def test_few_layers_are_spread_evenly(z_image: Path, tmp_path: Path) -> None:
    """As "lite" has 3 of the 15 that others have: at 0, 10 and 20 of 30."""
    from engine.models.z_image_files import controlnet_config

    file = tmp_path / "lite.safetensors"
    state = {f"control_layers.{i}.after_proj.bias": torch.zeros(8) for i in range(3)}
    save_file({**state, "control_all_x_embedder.2-1.weight": torch.zeros(8, 4 * 33)}, file)
    shape = {
        "n_layers": 30,
        "dim": 8,
        "n_heads": 2,
        "n_kv_heads": 2,
        "n_refiner_layers": 2,
        "in_channels": 16,
    }
    config = controlnet_config(file, shape)
    assert config["control_layers_places"] == [0, 10, 20]
    assert config["control_in_dim"] == 33


def test_a_row_alone_is_the_row_in_a_batch(z_image: Path) -> None:
    """Prompts of different lengths are padded together."""
    model = load(z_image)
    assert_row_alone_is_row_in_batch(model)
    assert_in_pieces_alike(model)


def test_control_and_its_strength_matter(z_image: Path) -> None:
    assert_control_matters(z_image)


def test_views_agree_better_with_every_method_than_without(z_image: Path) -> None:
    assert_methods_synchronise(load(z_image))


def test_without_guidance_there_is_one_pass(z_image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, rows = load(z_image), []
    plain = model._family.predict
    monkeypatch.setattr(model._family, "predict", lambda x, *a: rows.append(len(x)) or plain(x, *a))
    ours(model, 1, 1.0)
    ours(model, 1, 3.0)
    assert rows == [1, 2]
    assert model.preset.guidance == 1.0


def test_what_is_cut_off_is_said_and_the_rest_read_as_the_pipeline_does(z_image: Path) -> None:
    model = load(z_image)
    text = model.embed([PROMPT, LONG])
    assert text.truncated[0] == ""
    assert LONG.strip().endswith(text.truncated[1])
    assert 0 < len(text.truncated[1]) < len(LONG)
    assert [len(row) for row in text.rows(2).each][1] == 512


def test_half_precision_has_the_range_of_the_full_one(z_image: Path) -> None:
    """float16 overflows in these networks."""
    found = sources.find(str(z_image), lambda: None)
    half = ZImage(found, torch.device("cpu"), torch.float16)
    assert {part.dtype for part in half.parts.values()} == {torch.bfloat16}
    condition, _ = half.condition(PROMPT, lambda: None)
    x, control = inputs()
    steering = half.steer(control, 1)
    from engine.denoise.families.family import Control

    level = half.levels(4, latents=64).levels[0]
    rough = half.predict(x, level, condition, [Control(steering, 0.75)])
    assert rough.dtype == torch.float32
    exact = load(z_image)
    fine = x - exact.predict_x0(x, level, exact.embed([PROMPT]), exact.embed([""]), control, 1.0)
    torch.testing.assert_close(rough, fine, atol=0.1, rtol=0.1)


def test_a_language_model_with_its_last_layer_will_do(z_image: Path, tmp_path: Path) -> None:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    folder = tmp_path / "whole"
    shutil.copytree(z_image, folder)
    whole = Qwen3ForCausalLM(Qwen3Config.from_pretrained(z_image / "text_encoder"))
    whole.model.load_state_dict(load_file(z_image / "text_encoder" / "model.safetensors"))
    shutil.rmtree(folder / "text_encoder")
    whole.save_pretrained(folder / "text_encoder")
    rows = [load(place).embed([PROMPT]).rows(1).each[0] for place in (z_image, folder)]
    assert torch.equal(*rows)


def test_views_attend_to_none_but_themselves(z_image: Path) -> None:
    model = load(z_image)
    assert model.preset.attention == "off"
    links = Links(torch.arange(1)[:, None].numpy(), reference=0)
    with (
        pytest.raises(UserError, match="ZImageTransformer2DModel has no self-attention"),
        model.attending(links),
    ):
        pass


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """No weight may be read."""

    def read(*_: Any) -> None:
        raise AssertionError("weights were read")

    monkeypatch.setattr(Part, "network", read)


def test_other_controlnets_are_refused_before_weights_are_read(
    z_image: Path, eps_model: Path, tmp_path: Path, unread: None
) -> None:
    torch.manual_seed(2)
    wide = noisy_wide(tmp_path / "wide")
    save_file({"controlnet_x_embedder.weight": torch.zeros(2, 2)}, tmp_path / "flux.safetensors")
    for place, said in (
        (eps_model / "controlnet", "ControlNetModel"),
        (wide, "its dim is 64, the transformer's 32"),
        (tmp_path / "flux.safetensors", "isn't a ControlNet for Z-Image"),
    ):
        with pytest.raises(UserError, match=said):
            load(f"{z_image}+{place}")


def noisy_wide(folder: Path) -> Path:
    from diffusers import ZImageControlNetModel

    config = {"dim": 64, "n_heads": 2, "n_kv_heads": 2, **Z_CONTROLS["1"]}
    noisy(ZImageControlNetModel(control_layers_places=[0, 2], **config)).save_pretrained(folder)
    return folder


def test_a_tokenizer_without_a_template_is_refused(z_image: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mute"
    shutil.copytree(z_image, folder)
    shutil.rmtree(folder / "tokenizer")
    write_tokenizer(folder / "tokenizer", chat=None)
    with pytest.raises(UserError, match="chat template"):
        load(folder)


def test_what_reads_prompts_and_what_denoises_take_turns(
    z_image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together they would fill a card twice over; where there is room both stay."""
    model = load(z_image)

    def here() -> set[str]:
        return {name for name, part in model._family.parts.items() if part.is_loaded}

    assert here() == set()
    model.embed([PROMPT])
    assert here() == {"text_encoder"}
    model.ready()
    assert here() == {"transformer", "controlnet"}
    model.embed([PROMPT])
    model.ready()
    assert here() == {"transformer", "controlnet"}, "what was read is known"
    model.embed(["gold"])
    assert here() == {"text_encoder"}
    monkeypatch.setattr(devices, "room", lambda device: Room(1e12, 1e12))
    model = load(z_image)
    model.embed(["gold"])
    model.ready()
    assert here() == {"text_encoder", "transformer", "controlnet"}


def test_loading_can_be_cancelled(z_image: Path) -> None:
    model = load(z_image)
    model.embed([PROMPT])

    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        model.ready(cancel)
    model.ready()


def test_released_and_loaded_again_it_says_the_same(z_image: Path) -> None:
    """The ControlNet shares networks with the transformer: with the one that is there now."""
    model = load(z_image)
    before = ours(model, 1, 1.0)[0]
    model.release("network")
    assert not model._family.parts["transformer"].is_loaded
    assert torch.equal(ours(model, 1, 1.0)[0], before)
    assert network(model, "controlnet").t_embedder is network(model, "transformer").t_embedder
