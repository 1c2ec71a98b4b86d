"""A small autoencoder for what is decoded at every step: found, never fetched, the full one at the end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.denoise.autoencoder import Squares
from engine.denoise.simplify import is_affine
from engine.errors import UserError
from engine.models import sources
from engine.models.catalogue import STARTER_FOLDER, TINY_AUTOENCODERS
from tests.engine.denoise.loaded import load, network
from tests.engine.denoise.small_autoencoders import idle_encoder, random_dc
from tests.engine.flow_pipelines import make_flux, make_qwen_image


def make_tiny(folder: Path, channels: int = 4, blocks: int = 4) -> Path:
    """An AutoencoderTiny with random weights and 2^(blocks - 1) pixels per latent, written to ``folder``."""
    from diffusers import AutoencoderTiny

    torch.manual_seed(0)
    counts = (1,) * blocks
    AutoencoderTiny(
        latent_channels=channels,
        encoder_block_out_channels=(8,) * blocks,
        decoder_block_out_channels=(8,) * blocks,
        num_encoder_blocks=counts,
        num_decoder_blocks=counts,
    ).save_pretrained(folder)
    return folder


def make_dc(folder: Path, channels: int = 4, levels: int = 4) -> Path:
    """An AutoencoderDC with random weights and 2^(levels - 1) pixels per latent, written to ``folder``."""
    random_dc((8,) * levels, channels, scale=0.4).save_pretrained(folder)
    return folder


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.rand(7, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_without_one_quick_is_the_full_one(eps_model: Path, pictures: torch.Tensor) -> None:
    model = load(eps_model)
    assert not model.tiny
    assert torch.equal(model.encode(pictures, quick=True), model.encode(pictures))
    latents = model.encode(pictures)
    assert torch.equal(model.decode(latents, quick=True), model.decode(latents))


def test_quick_is_diffusers_own_and_the_rest_as_before(copy: Path, pictures: torch.Tensor) -> None:
    from diffusers import AutoencoderTiny

    before = load(copy)
    latents = before.encode(pictures)
    judge = AutoencoderTiny.from_pretrained(make_tiny(copy / "tiny_autoencoder")).eval()
    model = load(copy)
    model.household.vae_batch = 3  # pieces must not matter
    assert model.tiny
    torch.testing.assert_close(model.encode(pictures), latents)
    torch.testing.assert_close(model.decode(latents), before.decode(latents))
    with torch.no_grad():
        encoded = judge.encode(pictures * 2 - 1).latents
        decoded = judge.decode(latents).sample / 2 + 0.5
    torch.testing.assert_close(model.encode(pictures, quick=True), encoded)
    torch.testing.assert_close(model.decode(latents, quick=True), decoded)


def test_those_of_sixteen_channels_serve_transformers(tmp_path: Path, pictures: torch.Tensor) -> None:
    """taef1's latents need neither the scale nor the shift of FLUX.1's autoencoder. Qwen-Image's, of videos,
    has none of this kind."""
    from diffusers import AutoencoderTiny

    flux = make_flux(tmp_path / "flux")
    judge = AutoencoderTiny.from_pretrained(make_tiny(flux / "tiny_autoencoder", channels=16)).eval()
    model, latents = load(flux), torch.randn(2, 16, 8, 8)
    with torch.no_grad():
        encoded, decoded = judge.encode(pictures * 2 - 1).latents, judge.decode(latents).sample / 2 + 0.5
    torch.testing.assert_close(model.encode(pictures, quick=True), encoded)
    torch.testing.assert_close(model.decode(latents, quick=True), decoded)
    qwen = make_qwen_image(tmp_path / "qwen")
    shutil.copytree(flux / "tiny_autoencoder", qwen / "tiny_autoencoder")
    with pytest.raises(UserError, match="is for another kind of model"):
        load(qwen)
    families = ("flux-dev", "flux-schnell", "z-image", "z-image-turbo", "sd15", "sd21", "sdxl")
    assert set(TINY_AUTOENCODERS) == set(families)


def test_an_autoencoder_dc_may_make_the_last_pictures_too(copy: Path, pictures: torch.Tensor) -> None:
    from diffusers import AutoencoderDC

    judge = AutoencoderDC.from_pretrained(make_dc(copy / "tiny_autoencoder")).eval()
    with torch.no_grad():
        latents = judge.encode(pictures * 2 - 1).latent * 0.4
        decoded = judge.decode(latents / 0.4).sample / 2 + 0.5
    full = load(copy)
    torch.testing.assert_close(full.encode(pictures, quick=True), latents)
    assert not torch.allclose(full.decode(latents), decoded)
    (copy / "sync_texture.json").write_text(json.dumps({"autoencoder": "tiny"}))
    model = load(copy)
    for quick in (False, True):
        torch.testing.assert_close(model.encode(pictures, quick), latents)
        torch.testing.assert_close(model.decode(latents, quick), decoded)


@pytest.mark.parametrize("idle", [False, True])
def test_differences_are_encoded_alike(copy: Path, pictures: torch.Tensor, idle: bool) -> None:
    """In one go or, as here with an encoder that isn't affine, in two."""
    from diffusers import AutoencoderDC

    folder = make_dc(copy / "tiny_autoencoder")
    if idle:
        small = AutoencoderDC.from_pretrained(folder)
        idle_encoder(small)
        small.save_pretrained(folder)
    model = load(copy)
    assert is_affine(network(model, "tiny")) is idle
    others = pictures.flip(0)
    for quick in (False, True):
        expected = model.encode(pictures, quick) - model.encode(others, quick)
        found = model.encode_difference(pictures, others, quick)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_pictures_with_given_latents_are_found_where_each_has_a_square_of_its_own() -> None:
    """The least such picture, as numpy has it; a wider encoder, or one that isn't affine, has none."""
    weights = np.random.default_rng(0).standard_normal((5, 3 * 16)).astype(np.float32)
    encoder = torch.nn.Conv2d(3, 5, 4, stride=4)
    with torch.no_grad():
        encoder.weight.copy_(torch.from_numpy(weights).unflatten(1, (3, 4, 4)))
        squares = Squares.of(encoder, 4)
        assert squares is not None
        latents = torch.randn(2, 5, 6, 7)
        found = squares.decode(latents)
        torch.testing.assert_close(encoder(found), latents, rtol=1e-4, atol=1e-4)
        one, other = torch.rand(2, 2, 3, 24, 28)
        torch.testing.assert_close(squares.difference(one, other), encoder(one) - encoder(other))
        own = (latents[1, :, 2, 3] - encoder.bias).numpy()
        least = np.linalg.lstsq(weights, own, rcond=None)[0].reshape(3, 4, 4)
        np.testing.assert_allclose(found[1, :, 8:12, 12:16], least, atol=1e-4)
        assert Squares.of(torch.nn.Conv2d(3, 5, 6, stride=4, padding=1), 4) is None


def test_a_model_decodes_roughly_where_it_can(copy: Path, pictures: torch.Tensor) -> None:
    model = load(copy)
    latents = model.encode(pictures)
    torch.testing.assert_close(model.decode_roughly(latents), model.decode(latents))
    starter = load(STARTER_FOLDER)
    latents = starter.encode(torch.rand(1, 3, 64, 64))
    torch.testing.assert_close(starter.encode(starter.decode_roughly(latents)), latents, rtol=1e-3, atol=1e-3)


def test_without_a_tiny_one_the_full_one_makes_all(copy: Path, pictures: torch.Tensor) -> None:
    before = load(copy)
    (copy / "sync_texture.json").write_text(json.dumps({"autoencoder": "tiny"}))
    torch.testing.assert_close(load(copy).encode(pictures), before.encode(pictures))


def test_a_sidecar_may_name_it(copy: Path) -> None:
    make_tiny(copy / "elsewhere")
    (copy / "sync_texture.json").write_text(json.dumps({"tiny_autoencoder": "elsewhere", "steps": 7}))
    model = load(copy)
    assert model.tiny
    assert model.preset.steps == 7


@pytest.mark.parametrize("way", ["../elsewhere", "%2e%2e/elsewhere", "{absolute}", "~/elsewhere", "link", ""])
def test_a_sidecar_names_nothing_outside_of_its_folder(way: str, copy: Path) -> None:
    make_tiny(copy.parent / "elsewhere")
    if way == "link":
        (copy / "link").symlink_to(copy.parent / "elsewhere")
    named = way.format(absolute=copy.parent / "elsewhere")
    (copy / "sync_texture.json").write_text(json.dumps({"tiny_autoencoder": named}))
    with pytest.raises(UserError, match="names the file"):
        load(copy)


@pytest.mark.parametrize("value", [3, None, ["taesd"], True])
def test_a_sidecar_that_names_no_folder(copy: Path, value: object) -> None:
    (copy / "sync_texture.json").write_text(json.dumps({"tiny_autoencoder": value}))
    with pytest.raises(UserError, match="tiny_autoencoder is"):
        load(copy)


def test_one_that_isn_t_there_or_has_no_safetensors(copy: Path) -> None:
    (copy / "sync_texture.json").write_text(json.dumps({"tiny_autoencoder": "nowhere"}))
    with pytest.raises(UserError, match=r"nowhere.config\.json is missing"):
        load(copy)
    pickled = make_tiny(copy / "nowhere") / "diffusion_pytorch_model.safetensors"
    pickled.rename(pickled.with_suffix(".bin"))
    with pytest.raises(UserError, match=r"has no \.safetensors weights"):
        load(copy)


@pytest.mark.parametrize("make", [make_tiny, make_dc])
@pytest.mark.parametrize(("channels", "blocks"), [(3, 4), (4, 3)])
def test_one_for_other_latents(
    copy: Path, make: Callable[[Path, int, int], Path], channels: int, blocks: int
) -> None:
    make(copy / "tiny_autoencoder", channels, blocks)
    with pytest.raises(UserError, match=rf"{channels} channels of {2 ** (blocks - 1)} pixels.* 4 of 8"):
        load(copy)


def test_another_kind_of_autoencoder(copy: Path) -> None:
    shutil.copytree(copy / "vae", copy / "tiny_autoencoder")
    with pytest.raises(UserError, match="no AutoencoderTiny or AutoencoderDC: AutoencoderKL"):
        load(copy)


def test_the_family_s_own_is_taken_from_the_cache_and_only_from_there(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sources.hub, "download", lambda *_: pytest.fail("was downloaded unasked"))
    assert sources._tiny(copy, "sd15") is None
    repo = tmp_path / "cache" / "models--madebyollin--taesd"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text("0" * 40)
    folder = repo / "snapshots" / ("0" * 40)
    folder.mkdir(parents=True)
    assert sources._tiny(copy, "sd15") is None, "the weights aren't there yet"
    make_tiny(folder)
    assert sources._tiny(copy, "sd15") == folder
    assert sources._tiny(copy, "starter") is None
