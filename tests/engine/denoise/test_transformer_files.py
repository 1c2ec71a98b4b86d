"""Transformers alone in single files, as ComfyUI's users have them: against the same weights in folders."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.denoise import transformer_file, weights
from engine.errors import UserError
from engine.models import describe, hub, sources
from tests.engine.denoise import original_transformers
from tests.engine.denoise.flow_runs import ours
from tests.engine.denoise.loaded import load
from tests.engine.flow_pipelines import make_flux, make_qwen_image, make_z_image

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"
Change = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    made = {
        "flux-dev": make_flux(folder / "flux-dev", told=True),
        "flux-schnell": make_flux(folder / "flux-schnell"),
        "qwen-image": make_qwen_image(folder / "qwen-image"),
        "z-image-turbo": make_z_image(folder / "z-image-turbo"),
    }
    for place in made.values():
        rest = shutil.copytree(place, place.parent / "rest" / place.name)
        (rest / WEIGHTS).unlink()
    return made


def lone(models: Mapping[str, Path], name: str, state: Mapping[str, Tensor], file: str = "mine") -> Path:
    """``state`` as a file beside all else of a model."""
    path = models[name].parent / "rest" / name / f"{file}.safetensors"
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)
    return path


def plain(state: Mapping[str, Tensor], start: str = "") -> dict[str, Tensor]:
    return {start + key: tensor for key, tensor in state.items()}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("flux-dev", original_transformers.flux),
        ("flux-schnell", lambda state: plain(original_transformers.flux(state), "model.diffusion_model.")),
        ("flux-schnell", plain),
        ("z-image-turbo", original_transformers.z_image),
        ("z-image-turbo", plain),
        ("qwen-image", lambda state: plain(state, "model.diffusion_model.")),
    ],
)
def test_a_file_equals_its_folder(models: Mapping[str, Path], name: str, change: Change) -> None:
    state = load_file(models[name] / WEIGHTS)
    path = lone(models, name, {**change(state), "vae.decoder.conv_in.weight": torch.zeros(1)})
    assert sources.find(str(path), lambda: None).family == name
    found, expected = (ours(load(place), 1, 2.0)[0] for place in (path, models[name]))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert describe.describe(str(path)).preset == load(path).preset


def test_diffusers_reads_the_same_from_original_files(models: Mapping[str, Path], tmp_path: Path) -> None:
    """Its converter takes FLUX.1 in its true width alone: here with one input for each output."""
    from diffusers import FluxTransformer2DModel
    from diffusers.loaders import single_file_utils as convert

    with torch.device("meta"):
        network = FluxTransformer2DModel(
            num_layers=1,
            num_single_layers=1,
            joint_attention_dim=8,
            pooled_projection_dim=8,
            guidance_embeds=True,
        )
    narrow = {key: torch.randn(len(tensor), 1) for key, tensor in network.state_dict().items()}
    original = original_transformers.flux(narrow)
    save_file({key: tensor.contiguous() for key, tensor in original.items()}, tmp_path / "flux.safetensors")
    expected = convert.convert_flux_transformer_checkpoint_to_diffusers(dict(original))
    assert same(dict(transformer_file.tensors(tmp_path / "flux.safetensors", network)), expected)
    state = load_file(models["z-image-turbo"] / WEIGHTS)
    original = original_transformers.z_image(state)
    assert same(convert.convert_z_image_transformer_checkpoint_to_diffusers(dict(original)), state)


def same(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[key], expected[key]) for key in found)


def eighths(state: Mapping[str, Tensor], scale: Callable[[Tensor], Tensor], ending: str) -> dict[str, Tensor]:
    """Matrices in float8, with the ``scale`` of each beside it."""
    found = {}
    for key, tensor in state.items():
        if tensor.ndim == 2 and key.endswith(".weight"):
            much = scale(tensor)
            wide = much.reshape(len(tensor), -1, 1) if much.ndim > 1 else much
            small = tensor.reshape(len(tensor), much[0].numel() if much.ndim > 1 else 1, -1) / wide
            found[key] = small.reshape(tensor.shape).to(torch.float8_e4m3fn)
            found[key.removesuffix("weight") + ending] = much
        else:
            found[key] = tensor
    return found


SCALES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "whole": lambda weight: weight.abs().max() / 448,
    "rows": lambda weight: weight.abs().amax(1, keepdim=True) / 448,
    "pieces": lambda weight: weight.reshape(len(weight), 2, -1).abs().amax(2, keepdim=True) / 448,
}


@pytest.mark.parametrize("way", SCALES)
def test_weights_in_eight_bits_have_their_scale(tmp_path: Path, way: str) -> None:
    exact = {"a.weight": torch.randn(6, 8), "a.bias": torch.randn(6)}
    for ending in ("scale_weight", "weight_scale"):
        state = eighths(exact, SCALES[way], ending)
        more = {"scaled_fp8": torch.zeros(2, dtype=torch.float8_e4m3fn), "a.scale_input": torch.ones(())}
        save_file({**state, **more}, tmp_path / "x.safetensors")
        found = dict(weights.of_file(tmp_path / "x.safetensors"))
        torch.testing.assert_close(found["a.weight"], exact["a.weight"], atol=0.02, rtol=0.07)
        assert torch.equal(found["a.bias"], exact["a.bias"])
        assert f"a.{ending}" not in found


@pytest.mark.parametrize("scaled", [True, False])
def test_a_model_in_eight_bits_is_one_with_these_weights(models: Mapping[str, Path], scaled: bool) -> None:
    """In one layer with queries, keys and values, as ComfyUI's files have them."""
    original = original_transformers.z_image(load_file(models["z-image-turbo"] / WEIGHTS))
    if scaled:
        small = eighths(original, SCALES["whole"], "weight_scale")
        small["x_embedder.comfy_quant"] = torch.tensor(
            list(b'{"format": "float8_e4m3fn"}'), dtype=torch.uint8
        )
    else:
        small = {k: t.to(torch.float8_e4m3fn) if t.ndim == 2 else t for k, t in original.items()}
    large = {
        key: tensor.float() * small.get(key.removesuffix("weight") + "weight_scale", torch.tensor(1.0))
        for key, tensor in small.items()
        if not key.endswith(("_scale", "comfy_quant"))
    }
    found, expected = (
        ours(load(lone(models, "z-image-turbo", state, file)), 1, 1.0)[0]
        for file, state in (("small", small), ("large", large))
    )
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_what_else_quantises_is_refused(tmp_path: Path, models: Mapping[str, Path]) -> None:
    state = load_file(models["z-image-turbo"] / WEIGHTS)
    packed = {**state, "layers.0.feed_forward.w1.weight": torch.zeros(4, 4, dtype=torch.uint8)}
    odd = eighths(state, SCALES["whole"], "weight_scale")
    odd["layers.0.feed_forward.w1.weight_scale"] = torch.zeros(3, 5)
    exponents = eighths(state, lambda weight: torch.ones(len(weight), 1), "weight_scale")
    exponents = {k: t.byte() if k.endswith("_scale") else t for k, t in exponents.items()}
    for name, found, said in (
        ("packed", packed, "quantised in a way that isn't supported: .*U8"),
        ("exponents", exponents, "quantised in a way that isn't supported"),
        ("odd", odd, "scaled by"),
    ):
        path = lone(models, "z-image-turbo", found, name)
        with pytest.raises(UserError, match=said) as error:
            ours(load(path), 1, 1.0)
        assert "bf16" in error.value.fix
    (tmp_path / "some.gguf").write_bytes(b"GGUF")
    for name in (tmp_path / "some.gguf", "someone/something:some.gguf", "gone.gguf"):
        with pytest.raises(UserError, match="is a GGUF file: not supported"):
            load(name)


def test_what_does_not_fit_is_refused_in_a_line(models: Mapping[str, Path], tmp_path: Path) -> None:
    flux = original_transformers.flux(load_file(models["flux-dev"] / WEIGHTS))
    path = lone(models, "flux-dev", flux, "whole")
    cut = path.with_name("cut.safetensors")
    cut.write_bytes(path.read_bytes()[:-9])
    fill = {**flux, "img_in.weight": torch.zeros(32, 384)}
    short = {**flux, "double_blocks.0.img_attn.qkv.weight": torch.zeros(95, 32)}
    less = {key: tensor for key, tensor in flux.items() if "single_blocks.2" not in key}
    for place, said in (
        (cut, "is damaged or not a safetensors file"),
        (
            lone(models, "z-image-turbo", flux, "other"),
            "family flux-dev, the configs beside it are of z-image",
        ),
        (
            lone(models, "flux-schnell", flux, "other"),
            "family flux-dev, the configs beside it are of flux-schn",
        ),
        (lone(models, "flux-dev", flux, "flux1-kontext-dev"), "a FLUX.1 model that edits pictures"),
        (lone(models, "flux-dev", fill, "fill"), "reads 384 numbers a token"),
        (lone(models, "flux-dev", short, "short"), r"qkv.weight is .95, 32., its config says 96 rows"),
        (lone(models, "flux-dev", less, "less"), "the transformer lacks"),
        (
            lone(models, "flux-dev", {**flux, "img_in.bias": torch.tensor(1.0)}, "none"),
            "img_in.bias is .., its",
        ),
    ):
        with pytest.raises(UserError, match=said) as error:
            ours(load(place), 1, 1.0)
        assert len(str(error.value)) <= 320


def test_all_but_the_transformer_comes_from_the_family_s_model(
    models: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the weights that the file stands for is downloaded; the name tells which Z-Image."""
    fetched: list[tuple[str, tuple[str, ...], bool]] = []

    def download(repo: str, parts: tuple[str, ...], *_: Any) -> Path:
        fetched.append((repo, parts, _[-1]))
        return models["z-image-turbo"]

    monkeypatch.setattr(hub, "cached", lambda repo: None)
    monkeypatch.setattr(hub, "download", download)
    state = load_file(models["z-image-turbo"] / WEIGHTS)
    for name, repo in (
        ("z_image_turbo_bf16", "Tongyi-MAI/Z-Image-Turbo"),
        ("z_image_bf16", "Tongyi-MAI/Z-Image"),
    ):
        save_file(original_transformers.z_image(state), tmp_path / f"{name}.safetensors")
        found = sources.find(f"{tmp_path / name}.safetensors+{models['z-image-turbo']}", lambda: None)
        assert (found.pipeline, found.network) == (models["z-image-turbo"], tmp_path / f"{name}.safetensors")
        rest = ("tokenizer", "scheduler", "text_encoder", "vae")
        assert fetched[-2:] == [(repo, rest, True), (repo, ("transformer",), False)]
    monkeypatch.setattr(hub, "cached", lambda repo: models["z-image-turbo"].parent / "rest" / "z-image-turbo")
    count = len(fetched)
    sources.find(f"{tmp_path / 'z_image_bf16.safetensors'}+{models['z-image-turbo']}", lambda: None)
    assert len(fetched) == count, "what is here isn't fetched again"


def test_the_controlnet_beside_a_file_is_used(models: Mapping[str, Path]) -> None:
    path = lone(models, "qwen-image", load_file(models["qwen-image"] / WEIGHTS))
    assert sources.find(str(path), lambda: None).controlnet == path.parent / "controlnet"
    index = json.loads((path.parent / "model_index.json").read_text())
    assert index["_class_name"] == "QwenImagePipeline"
