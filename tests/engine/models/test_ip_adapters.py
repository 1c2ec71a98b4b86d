"""IP-Adapters and their image encoders: known by their headers, found, linked, described."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.errors import UserError
from engine.models import (
    catalogue,
    command,
    families,
    image_encoder,
    ip_adapter_file,
    ip_adapters,
    links,
    manage,
    sources,
    trees,
)
from engine.models.ip_adapter_file import AdapterFile
from engine.models.sources import Fetch
from tests.engine.ip_adapter_files import write_encoder

State = dict[str, Any]
HERE = Fetch(lambda *_: None, lambda: None)


@pytest.fixture(autouse=True)
def own_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(links.VARIABLE, str(tmp_path / "models.json"))


def zeros(**shapes: tuple[int, ...]) -> State:
    return {key: np.zeros(shape, np.float16) for key, shape in shapes.items()}


def plain(sees: int = 24, width: int = 16, layers: int = 2) -> State:
    projection = {"proj.weight": (4 * width, sees), "proj.bias": (4 * width,), "norm.weight": (width,)}
    keys = {f"ip_adapter.{2 * i + 1}.to_{one}_ip.weight": (8, width) for i in range(layers) for one in "kv"}
    return zeros(**{f"image_proj.{key}": shape for key, shape in projection.items()}, **keys)


def written(path: Path, state: State) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, path)
    return path


def without(part: str) -> State:
    return {key: one for key, one in plain().items() if part not in key}


FACE = {"image_proj.proj.0.weight": (8, 8), "ip_adapter.1.to_q_lora.down.weight": (2, 8)}
BAD: dict[str, tuple[State, str]] = {
    "face": (zeros(**FACE), "for faces.*non-commercial"),
    "face plus": (zeros(**{"image_proj.perceiver_resampler.proj_in.weight": (8, 8)}), "for faces"),
    "flux": (zeros(**{"ip_adapter_proj_model.proj.weight": (8, 8)}), r"for FLUX\.1"),
    "lora": (zeros(**{"lora_unet_conv_in.lora_down.weight": (8, 8)}), "isn't an IP-Adapter"),
    "no layers": (without("ip_adapter."), "isn't a whole IP-Adapter"),
    "half a layer": (without("3.to_v_ip"), "isn't a whole IP-Adapter"),
    "no first layer": (without("ip_adapter.1."), "isn't a whole IP-Adapter"),
    "no projection": (without("image_proj."), "proj.weight' isn't there"),
    "odd norm": (plain() | zeros(**{"image_proj.norm.weight": (7,)}), "norm.weight' has the shape"),
    "odd keys": (plain() | zeros(**{"ip_adapter.1.to_v_ip.weight": (8, 9)}), "has the shape"),
    "odd latents": (plain() | zeros(**{"image_proj.latents": (8,)}), "proj_in.weight' isn't there"),
    "huge": (plain() | zeros(**{"image_proj.proj.weight": (1 << 15, 1)}), "has the shape"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_adapter_for_these_models_is_refused_by_name(name: str, tmp_path: Path) -> None:
    state, what = BAD[name]
    path = written(tmp_path / "odd.safetensors", state)
    with pytest.raises(UserError, match=what) as error:
        ip_adapters.find(str(path), "sd15", HERE)
    assert len(str(error.value)) <= 320


def test_pickles_folders_and_nothing_are_refused(tmp_path: Path) -> None:
    pickled = tmp_path / "ip-adapter_sd15.bin"
    pickled.write_bytes(b"\x80")
    for name, what in ((pickled, "is a pickle"), (tmp_path, "is a folder"), ("no such", "no IP-Adapter 'no")):
        with pytest.raises(UserError, match=what):
            ip_adapters.find(str(name), "sd15", HERE)
    with pytest.raises(UserError, match="is an IP-Adapter, no model"):
        sources.find("ip-adapter-sd15", lambda: None)
    path = written(tmp_path / "plain.safetensors", plain())
    with pytest.raises(UserError, match="is an IP-Adapter"):
        families.of_checkpoint(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match="damaged"):
        ip_adapters.find(str(path), "sd15", HERE)


@pytest.mark.parametrize(
    ("plus", "sees", "folder"),
    [(False, 1024, 0), (True, 1280, 0), (False, 1280, 1), (True, 1664, 1)],
)
def test_published_adapters_get_the_encoder_of_their_size(
    plus: bool, sees: int, folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1280 numbers are those inside the one, and those that the other sums a picture up in."""
    fetched: list[tuple[str, tuple[str, ...]]] = []

    def fetch(repo: str, parts: tuple[str, ...]) -> Path:
        fetched.append((repo, parts))
        return tmp_path

    monkeypatch.setattr(ip_adapters, "_cached", lambda folder: None)
    file = AdapterFile(tmp_path / "a.safetensors", plus, sees, 768, 4, {1: 320})
    assert ip_adapters.encoder(file, fetch) == tmp_path / image_encoder.FOLDERS[folder]  # type: ignore[arg-type]
    assert fetched == [("h94/IP-Adapter", (image_encoder.FOLDERS[folder],))]


def test_a_family_has_a_default_or_is_told_which_models_have_one() -> None:
    assert ip_adapters.default("sd15") == "ip-adapter-plus-sd15"
    assert ip_adapters.default("sdxl") == "ip-adapter-plus-sdxl"
    for family in set(families.PARTS) - {"sd15", "sdxl"}:
        with pytest.raises(UserError, match="no IP-Adapter is known") as error:
            ip_adapters.default(family)
        assert "sd15, sdxl, sdxl-union, sdxl-turbo" in error.value.fix


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """As ComfyUI has them."""
    models = tmp_path / "ComfyUI" / "models"
    written(models / "ipadapter" / "plain.safetensors", plain())
    written(models / "ipadapter" / "face.safetensors", BAD["face"][0])
    write_encoder(tmp_path / "vit")
    (models / "clip_vision").mkdir()
    (tmp_path / "vit" / "model.safetensors").rename(models / "clip_vision" / "vit.safetensors")
    written(models / "clip_vision" / "other.safetensors", zeros(**{"visual_projection.weight": (24, 8)}))
    return models


def test_those_of_a_linked_tree_are_listed_used_and_described(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run("link", str(tree)) == 0
    found = {one.entry.name: (one.kind, one.installed) for one in manage.list_models() if one.link}
    assert found == {
        "ComfyUI/ipadapter/face": (trees.ADAPTER, False),
        "ComfyUI/ipadapter/plain": (trees.ADAPTER, True),
        "ComfyUI/clip_vision/other": (trees.ENCODER, False),
        "ComfyUI/clip_vision/vit": (trees.ENCODER, True),
    }
    adapter = ip_adapters.find("ComfyUI/ipadapter/plain", "starter", HERE)
    assert adapter.encoder == tree / "clip_vision" / "vit.safetensors"
    assert (adapter.file.sees, adapter.file.width, adapter.file.layers) == (24, 16, {1: 8, 3: 8})
    command.run("link", "mine", path=str(tree / "ipadapter" / "plain.safetensors"))
    assert ip_adapters.find("mine", "sd15", HERE).file == adapter.file
    capsys.readouterr()
    command.run("show", "mine", as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["kind"], said["installed"]) == (trees.ADAPTER, True)
    assert "width 16" in said["limits"][0]


def test_adapters_of_the_catalogue_are_listed_with_licence_and_size(
    capsys: pytest.CaptureFixture[str],
) -> None:
    command.run("list", None)
    lines = capsys.readouterr().out.splitlines()
    for name, entry in catalogue.ADAPTERS.items():
        (line,) = (line for line in lines if line.split()[0] == name)
        assert all(word in line for word in ("Apache-2.0", entry.size, "--reference"))
        command.run("show", name)
        shown = capsys.readouterr().out
        assert entry.size in shown
        assert "any prompt may do" not in shown


def test_headers_of_resamplers(tmp_path: Path) -> None:
    """Of the true sizes: 12 heads in the published one for Stable Diffusion 1.5."""
    inner, width, heads = 768, 768, 12
    shapes: dict[str, tuple[int, ...]] = {
        "latents": (1, 16, inner),
        "proj_in.weight": (inner, 1280),
        "proj_out.weight": (width, inner),
        **{f"layers.{i}.0.to_q.weight": (heads * 64, inner) for i in range(4)},
        **{f"layers.{i}.0.to_kv.weight": (heads * 128, inner) for i in range(4)},
    }
    state = zeros(**{f"image_proj.{key}": shape for key, shape in shapes.items()})
    keys = {key: one for key, one in plain(width=width).items() if key.startswith("ip_adapter.")}
    found = ip_adapter_file.read(written(tmp_path / "plus.safetensors", state | keys))
    assert (found.plus, found.sees, found.width, found.tokens) == (True, 1280, 768, 16)
    assert (found.inner, found.heads) == (inner, heads)


def test_damaged_encoders_are_named(tmp_path: Path) -> None:
    make: Callable[[State], Path] = lambda state: written(tmp_path / "vit.safetensors", state)  # noqa: E731
    for state in ({}, zeros(**{"vision_model.embeddings.patch_embedding.weight": (8, 3)})):
        with pytest.raises(UserError, match="isn't an image encoder"):
            image_encoder.config(make({**state, **zeros(x=(1,))}))
