"""From names to files, without a network."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import UserError
from engine.models import hub, sources


@pytest.fixture(autouse=True)
def _no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty cache, and a hub where nobody answers."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


def find(name: object) -> sources.Sources:
    return sources.find(str(name), lambda: None)


def checkpoint(path: Path, key: str, width: int) -> Path:
    save_file({key: torch.zeros(4, width)}, path)
    return path


def test_folder(eps_model: Path) -> None:
    found = find(eps_model)
    assert found.pipeline == eps_model
    assert found.checkpoint is None
    assert found.controlnet == eps_model / "controlnet"


def test_folder_with_a_plus_in_its_name(eps_model: Path, tmp_path: Path) -> None:
    link = tmp_path / "a+b"
    link.symlink_to(eps_model)
    assert find(link).pipeline == link


@pytest.mark.parametrize("name", ["sd16", "", "Starter!", "a/b/c"])
def test_unknown_names_are_told_the_known(name: str) -> None:
    with pytest.raises(UserError, match="unknown model") as error:
        find(name)
    assert "starter, sd15, sd21, sdxl, sdxl-union" in error.value.fix


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "x.safetensors", "~/no-such-model"])
def test_paths_that_do_not_exist(name: str) -> None:
    with pytest.raises(UserError, match="no such model"):
        find(name)


@pytest.mark.parametrize(
    ("name", "repo"),
    [
        ("sd15", "stable-diffusion-v1-5/stable-diffusion-v1-5"),
        ("someone/something", "someone/something"),
    ],
)
def test_missing_weights_without_network(name: str, repo: str) -> None:
    begin = time.monotonic()
    with pytest.raises(UserError, match="can't be reached") as error:
        find(name)
    assert repo in str(error.value)
    assert f"models download {name}" in error.value.fix
    assert time.monotonic() - begin < 6


def test_hub_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "reachable", lambda *_: pytest.fail("the network was tried"))
    with pytest.raises(UserError, match="switched off"):
        find("sd15")


def test_a_silent_network_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    over, ended = threading.Event(), threading.Event()

    def silent(*_: object, **__: object) -> None:
        over.wait(30)
        ended.set()
        raise TimeoutError

    monkeypatch.setattr("socket.create_connection", silent)
    begin = time.monotonic()
    assert not hub.reachable(lambda: None, seconds=0.3)
    assert time.monotonic() - begin < 2
    over.set()  # the thread that knocks ends with the test
    assert ended.wait(30)


def test_pipeline_without_controlnet(eps_model: Path, tmp_path: Path) -> None:
    for part in ("model_index.json", "unet", "vae", "text_encoder", "tokenizer", "scheduler"):
        (tmp_path / part).symlink_to(eps_model / part)
    with pytest.raises(UserError, match="no controlnet") as error:
        find(tmp_path)
    assert "MODEL+CONTROLNET" in error.value.fix


def test_folder_that_is_no_pipeline(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text("{}")
    with pytest.raises(UserError, match=r"vae.*missing"):
        find(tmp_path)


def test_other_pipelines(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "FluxPipeline"}))
    with pytest.raises(UserError, match="FluxPipeline"):
        find(tmp_path)


def test_pickles_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.ckpt"
    path.write_bytes(b"\x80\x04.")
    with pytest.raises(UserError, match="pickle") as error:
        find(path)
    assert "safetensors" in error.value.fix


def test_single_file_without_configs_and_network(tmp_path: Path) -> None:
    key = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
    with pytest.raises(UserError, match="tokenizer and configs") as error:
        find(checkpoint(tmp_path / "x.safetensors", key, 768))
    assert "beside it" in error.value.fix
    assert "models download sd15" in error.value.fix


def test_file_that_is_something_else(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="isn't a Stable Diffusion checkpoint"):
        find(checkpoint(tmp_path / "x.safetensors", "weight", 8))
