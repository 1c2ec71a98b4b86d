"""More channels than colour: they are baked, filled, written, shown in previews and told of like the first,
which is as it was without. Their values come from toys, or from an estimator of random weights."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
import torch
import trimesh
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.denoise.denoiser import Denoiser
from engine.denoise.families.stable_diffusion import StableDiffusion
from engine.host import Host
from engine.options.channels import CHANNELS, RELIEF, columns, main_channel
from engine.pictures import png
from engine.protocol import Preview, Request, Result
from engine.worker import Worker
from tests.engine.estimators import made

Make = Callable[..., Request]
ROUGHNESS = CHANNELS["roughness"]


@pytest.fixture
def rough(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """When called, adds the row, and the toy to all models."""

    def with_roughness(pictures: Tensor) -> Tensor:
        return torch.cat([pictures, 1 - pictures[:, :1].clamp(0, 1)], dim=1)

    decode, linear = Denoiser.decode, Denoiser.decode_linear

    def add() -> None:
        monkeypatch.setattr(StableDiffusion, "channels", (main_channel(), ROUGHNESS))
        monkeypatch.setattr(Denoiser, "decode", lambda *given: with_roughness(decode(*given)))
        monkeypatch.setattr(Denoiser, "decode_linear", lambda *given: with_roughness(linear(*given)))

    return add


def run(request: Request, told: list[Preview] | None = None) -> Result:
    outcome = Worker().run(request, Host(preview=lambda one: (told if told is not None else []).append(one)))
    assert isinstance(outcome, Result), outcome
    return outcome


def pixels(path: str) -> NDArray[np.int64]:
    return np.asarray(Image.open(path), np.int64)


def glb(path: str) -> dict[str, Any]:
    """Its JSON."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    header: dict[str, Any] = json.loads(data[20 : 20 + length])
    return header


@pytest.mark.parametrize("fill", ["surface", "uv"])
def test_a_second_channel_goes_all_the_way(
    request_for: Make, tmp_path: Path, rough: Callable[[], None], fill: str
) -> None:
    plain = run(request_for(out=str(tmp_path / "plain"), sync_space="latent", views="2", fill=fill))
    rough()
    found = run(request_for(sync_space="latent", views="2", fill=fill))
    assert Path(found.texture).read_bytes() == Path(plain.texture).read_bytes()
    (texture,) = found.textures
    assert (texture.path, list(texture.others)) == (found.texture, ["roughness"])
    assert Path(texture.others["roughness"]) == Path(found.texture).with_name("roughness.png")
    roughness = pixels(texture.others["roughness"])
    assert (roughness == roughness[..., :1]).all()
    assert (
        np.abs(255 - pixels(found.texture)[..., :1] - roughness).max() <= 2
    )  # the same weights, and filling
    report = json.loads(Path(found.report).read_text(encoding="utf-8"))
    assert report["textures"][0]["others"] == {"roughness": "roughness.png"}
    assert "others" not in json.loads(Path(plain.report).read_text(encoding="utf-8"))["textures"][0]


def test_the_glb_names_it_where_the_row_says(request_for: Make, rough: Callable[[], None]) -> None:
    rough()
    header = glb(run(request_for(sync_space="latent")).mesh)
    (material,) = header["materials"]
    look = material["pbrMetallicRoughness"]
    assert look["baseColorTexture"] == {"index": 0}
    assert look["metallicRoughnessTexture"] == {"index": 1}
    assert (look["roughnessFactor"], look["metallicFactor"]) == (1.0, 0.0)
    assert len(header["images"]) == len(header["textures"]) == 2


@pytest.mark.parametrize("depth", ["16", "half"])
def test_data_is_written_as_it_is_in_every_depth(
    request_for: Make, rough: Callable[[], None], depth: str
) -> None:
    rough()
    found = run(request_for(sync_space="latent", texture_depth=depth))
    path = Path(found.textures[0].others["roughness"])
    assert path.suffix == Path(found.texture).suffix
    if depth == "half":
        with OpenEXR.File(str(path)) as file:
            assert file.header()["colorInteropID"] == "data"
            deep = file.channels()["RGB"].pixels.astype(np.float64)
        eight = pixels(str(path.with_suffix(".png")))
        assert np.abs(deep * 255 - eight).max() <= 0.7  # no transfer curve
    assert path.with_suffix(".png").is_file()


def test_an_old_texture_stays_where_no_view_paints(
    request_for: Make, tmp_path: Path, rough: Callable[[], None]
) -> None:
    """It is of the channel that people look at; nothing is known of the other one there."""
    old = run(request_for(out=str(tmp_path / "old"), unwrap="always"))
    rough()
    start = {"init_texture": old.texture, "strength": 0.5, "unwrap": "never", "mesh": old.mesh}
    found = run(request_for(sync_space="latent", views="1", **start))
    roughness = pixels(found.textures[0].others["roughness"])
    assert (roughness == round(255 * ROUGHNESS.neutral)).mean() > 0.3
    assert (roughness < round(255 * ROUGHNESS.neutral)).any()


def test_previews_have_it(request_for: Make, rough: Callable[[], None]) -> None:
    rough()
    told: list[Preview] = []
    found = run(request_for(sync_space="latent", preview=True), told)
    assert Path(told[0].textures[0].others["roughness"]).name == "preview.roughness.png"
    assert not list(Path(found.texture).parent.glob("preview.*"))


@pytest.fixture(scope="module")
def telling(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tiny model with an estimator of random weights."""
    folder = shutil.copytree(tiny_model, tmp_path_factory.mktemp("telling") / "model")
    return str(made(folder))


def test_an_estimator_makes_a_whole_material(request_for: Make, tmp_path: Path, telling: str) -> None:
    plain = run(request_for(out=str(tmp_path / "plain"), model=telling, channels=("color",)))
    found = run(request_for(model=telling))
    assert Path(found.texture).read_bytes() == Path(plain.texture).read_bytes()
    assert plain.textures[0].others == {}
    assert not [said for said in (*plain.warnings, *found.warnings) if "can't tell" in said]
    points = np.asarray(trimesh.load(request_for().mesh).vertices)
    radius = np.linalg.norm(points - (points.max(axis=0) + points.min(axis=0)) / 2, axis=1).max()
    assert (found.relief, plain.relief) == (pytest.approx(2 * RELIEF * radius, rel=1e-5), 0)
    names = {name: Path(path).name for name, path in found.textures[0].others.items()}
    assert names == {name: f"{name}.png" for name in [*CHANNELS][1:]}
    deep = png.read(Path(found.textures[0].others["height"]))
    assert deep.dtype == png.read(Path(found.textures[0].others["normal"])).dtype == np.uint16
    material = glb(found.mesh)["materials"][0]
    look = material["pbrMetallicRoughness"]
    assert look["metallicRoughnessTexture"] == {"index": 1}
    assert (look["roughnessFactor"], look["metallicFactor"]) == (1.0, 1.0)
    assert (material["normalTexture"], material["emissiveTexture"]) == ({"index": 2}, {"index": 3})
    assert material["emissiveFactor"] == [1.0, 1.0, 1.0]
    scene = trimesh.load(found.mesh)
    packed = np.asarray(next(iter(scene.geometry.values())).visual.material.metallicRoughnessTexture)
    for part, name in ((1, "roughness"), (2, "metallic")):
        assert (packed[..., part] == pixels(found.textures[0].others[name])[..., 0]).all()


def test_gold_that_is_metal_all_over_is_no_failure(request_for: Make, tmp_path: Path, telling: str) -> None:
    folder = shutil.copytree(telling, tmp_path / "model")
    weights = folder / "estimator" / "diffusion_pytorch_model.safetensors"
    save_file({name: 0 * own for name, own in load_file(weights).items()}, weights)
    found = run(request_for(model=str(folder), channels=("metallic", "emission")))
    assert len(np.unique(pixels(found.textures[0].others["metallic"]))) == 1
    assert not [said for said in found.warnings if "same all over" in said]


def test_some_channels_alone_and_what_a_model_cannot_tell(
    request_for: Make, tmp_path: Path, telling: str
) -> None:
    some = run(request_for(model=telling, channels=("normal", "roughness")))
    assert list(some.textures[0].others) == ["roughness", "normal"]
    none = run(request_for(out=str(tmp_path / "none"), channels=("metallic", "height")))
    assert none.textures[0].others == {}
    said = "the model can't tell height or metallic of its pictures: only the rest is made"
    assert said in none.warnings


def test_columns_lie_side_by_side() -> None:
    assert columns((main_channel(), ROUGHNESS)) == {main_channel(): slice(0, 3), ROUGHNESS: slice(3, 4)}


def test_every_row_has_a_name_and_a_file_of_its_own() -> None:
    assert len({row.stem for row in CHANNELS.values()}) == len(CHANNELS)
    assert all(name == row.name and row.width in (1, 3) for name, row in CHANNELS.items())
