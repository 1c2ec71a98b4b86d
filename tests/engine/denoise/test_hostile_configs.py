"""Configs, schedulers, tokenizers and weights that make no sense: soon one line that says what is wrong, or a
model that works."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from engine.denoise import build as building
from engine.denoise import ddim
from engine.denoise.faults import raised_by_networks
from engine.errors import Cancelled, UserError
from tests.engine.denoise.loaded import estimate, load
from tests.engine.models import odd_json
from tests.engine.schedules import SD15, STARTER

SLOW_S = 10.0
NETWORKS = {
    "unet": "diffusers.models.unets.unet_2d_condition:UNet2DConditionModel",
    "vae": "diffusers.models.autoencoders.autoencoder_kl:AutoencoderKL",
    "controlnet": "diffusers.models.controlnets.controlnet:ControlNetModel",
    "text_encoder": "transformers.models.clip.modeling_clip:CLIPTextModel",
}
SCHEDULES = (SD15, STARTER)


def some(count: int) -> settings:
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=count, deadline=None, suppress_health_check=checks, derandomize=True)


def config_of(model: Path, part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((model / part / "config.json").read_text())
    return found


def changed(data: st.DataObject, config: dict[str, Any]) -> dict[str, Any]:
    """``config`` with another value in one or two places."""
    for _ in range(data.draw(st.integers(1, 2))):
        key = data.draw(st.sampled_from(sorted(config)))
        old = config[key]
        if isinstance(old, list) and data.draw(st.booleans()):
            new: Any = data.draw(
                st.sampled_from([[], old * 2000, old[:1], [old], [data.draw(odd_json.scalars)] * len(old)])
            )
        else:
            new = data.draw(odd_json.values)
        config = {**config, key: new}
    return config


def require_said(error: UserError, part: str) -> None:
    assert part in said(error)


def said(error: UserError) -> str:
    text = f"{error} {error.fix}"
    assert "\n" not in text
    assert len(text) < 900
    assert error.fix
    assert "bug" not in text
    return text


@some(300)
@given(data=st.data(), part=st.sampled_from(sorted(NETWORKS)))
def test_a_network_is_built_of_any_config_or_its_file_is_named(
    data: st.DataObject, part: str, eps_model: Path
) -> None:
    config = changed(data, config_of(eps_model, part))
    path = eps_model / part / "config.json"
    start = time.monotonic()
    try:
        network = building.build(NETWORKS[part], config, path)
    except UserError as error:
        require_said(error, str(path))
    else:
        assert all(parameter.is_meta for parameter in network.parameters())
    assert time.monotonic() - start < SLOW_S


@pytest.mark.parametrize("part", ["unet", "vae", "controlnet"])
def test_twenty_thousand_layers_are_too_many(part: str, eps_model: Path) -> None:
    config = config_of(eps_model, part) | {"layers_per_block": 20_000}
    start = time.monotonic()
    with pytest.raises(UserError, match="weights or more"):
        building.build(NETWORKS[part], config, Path("config.json"))
    assert time.monotonic() - start < SLOW_S


def test_a_network_larger_than_the_computer(eps_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(eps_model, "unet")
    building.build(NETWORKS["unet"], config, Path("config.json"))
    monkeypatch.setattr(building, "physical_bytes", lambda: 100_000)
    with pytest.raises(UserError, match="weights or more"):
        building.build(NETWORKS["unet"], config, Path("config.json"))


def test_the_key_is_named(eps_model: Path) -> None:
    wrong = {
        "block_out_channels": [32, "x"],
        "attention_head_dim": float("nan"),
        "norm_num_groups": 10**9,
        "act_fn": 7,
        "layers_per_block": {},
        "norm_eps": True,
    }
    for key, value in wrong.items():
        with pytest.raises(UserError, match=f"unet/config.json: {key} is"):
            building.build(
                NETWORKS["unet"], config_of(eps_model, "unet") | {key: value}, Path("unet/config.json")
            )


def test_a_config_runs_nothing_of_its_own(eps_model: Path) -> None:
    """What transformers would load by name, attention kernels from a hub among it, never reaches it."""
    odd = {"_attn_implementation": "kernels-community/x", "attn_implementation": "a/b"}
    config = config_of(eps_model, "text_encoder") | odd
    network = building.build(NETWORKS["text_encoder"], config, Path("config.json"))
    assert network.config._attn_implementation in ("sdpa", "eager")


@some(80)
@given(data=st.data(), base=st.sampled_from(SCHEDULES), steps=st.sampled_from([1, 3, 1000, 1001]))
def test_a_schedule_has_noise_and_pictures_or_is_refused(
    data: st.DataObject, base: dict[str, Any], steps: int
) -> None:
    config = changed(data, base)
    try:
        found = ddim.schedule(config, steps)
    except UserError as error:
        said(error)
        return
    assert len(found.levels) == len(found.ends) == steps
    for before, after in zip(found.levels, found.ends, strict=True):
        assert 0 <= before.alpha <= 1
        assert 0 < before.sigma <= 1
        assert 0 < after.alpha <= 1
        assert 0 <= after.sigma <= 1
        assert before.alpha > 0 or ddim.prediction(config) != "epsilon"


def test_no_memory_is_taken_for_timesteps_that_no_model_has(monkeypatch: pytest.MonkeyPatch) -> None:
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    monkeypatch.setattr(DDIMScheduler, "from_config", lambda config: pytest.fail("it was asked for"))
    with pytest.raises(UserError, match="num_train_timesteps"):
        ddim.schedule({**SD15, "num_train_timesteps": 10**9}, 10)


@pytest.fixture(scope="module")
def spare(eps_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(eps_model, tmp_path_factory.mktemp("spare") / "model")


@pytest.fixture
def own(eps_model: Path, spare: Path) -> Iterator[Path]:
    """A model whose small files may be changed."""
    yield spare
    shutil.copytree(eps_model, spare, dirs_exist_ok=True)


SMALL_FILES = (
    *("tokenizer/vocab.json", "tokenizer/tokenizer_config.json", "scheduler/scheduler_config.json"),
    *("unet/config.json", "vae/config.json", "text_encoder/config.json", "controlnet/config.json"),
    *("model_index.json", "tokenizer/merges.txt"),
)


@some(40)
@given(data=st.data(), name=st.sampled_from(SMALL_FILES))
def test_a_whole_model_works_or_says_what_is_wrong(
    data: st.DataObject, name: str, eps_model: Path, spare: Path
) -> None:
    whole = (eps_model / name).read_bytes()
    if name.endswith(".txt") or data.draw(st.integers(0, 5)) == 0:
        cut = data.draw(st.integers(0, len(whole)))
        written = whole[:cut] + data.draw(st.sampled_from([b"", b"\xff", b"{", b"\0"])) + whole[cut + 1 :]
    else:
        written = odd_json.dumped(changed(data, json.loads(whole)))
    (spare / name).write_bytes(written)
    try:
        assert torch.isfinite(estimate(load(spare))).all()
    except UserError as error:
        said(error)
    finally:
        (spare / name).write_bytes(whole)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("unet", {"sample_size": [8, 8]}),
        ("unet", {"sample_size": 10**6}),
        ("unet", {"sample_size": None}),
        ("unet", {"class_embed_type": "timestep"}),  # its forward asks for what isn't given
        ("unet", {"norm_eps": float("inf")}),
        ("vae", {"scaling_factor": 0}),
        ("vae", {"scaling_factor": "x"}),
        ("vae", {"block_out_channels": 32}),
        ("vae", {"block_out_channels": []}),
        ("text_encoder", {"vocab_size": 100}),
        ("text_encoder", {"eos_token_id": "x"}),
        ("controlnet", {"conditioning_embedding_out_channels": None}),
    ],
)
def test_odd_values_that_were_bugs(name: str, changes: dict[str, Any], own: Path) -> None:
    path = own / name / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(UserError) as caught:
        estimate(load(own))
    said(caught.value)


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "controlnet"])
def test_weights_that_are_no_numbers_are_told_at_the_first_step(part: str, copy: Path) -> None:
    (path,) = (copy / part).glob("*.safetensors")
    save_file({key: torch.full_like(tensor, float("nan")) for key, tensor in load_file(path).items()}, path)
    with pytest.raises(UserError, match="aren't finite") as caught:
        estimate(load(copy))
    assert "models verify" in said(caught.value)


def a_pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("make", [a_pipe, a_device])
@pytest.mark.parametrize(
    "name",
    [
        *(name for name in SMALL_FILES if name != "model_index.json"),
        *("sync_texture.json", "unet/diffusion_pytorch_model.safetensors", "tokenizer/tokenizer.json"),
    ],
)
def test_what_is_no_file_is_refused(make: Callable[[Path], None], name: str, copy: Path) -> None:
    make(copy / name)
    with pytest.raises(UserError, match=r"is a (pipe|device)"):
        load(copy)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("make", [a_pipe, a_device])
def test_words_that_are_no_file_count_as_none(make: Callable[[Path], None], copy: Path) -> None:
    make(copy / "vocabulary.json")
    assert load(copy).vocabulary is None


def test_only_the_libraries_errors_are_the_models() -> None:
    from diffusers.models.activations import get_activation

    with pytest.raises(UserError, match="networks can't be run"), raised_by_networks():
        get_activation("no such function")
    with pytest.raises(ZeroDivisionError), raised_by_networks():
        1 / 0  # noqa: B018
    with pytest.raises(Cancelled), raised_by_networks():
        raise Cancelled


def test_reasons_can_be_read(copy: Path) -> None:
    merges = copy / "tokenizer" / "merges.txt"
    merges.write_bytes(merges.read_bytes() + b"d\0\x1b[31m " + b"\0" * 300 + b"\n")
    with pytest.raises(UserError, match="no usable CLIPTokenizer") as caught:
        load(copy)
    assert str(caught.value).isprintable()
