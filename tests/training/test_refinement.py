"""The small decoder's lesson on the denoiser's own latents."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderDC, AutoencoderKL

from engine.denoise.denoiser import load_denoiser
from training import fields, pool, refinement, small_autoencoder
from training.data import TrainingBatch, make_batch
from training.regression import Regression

STARTER = Path(__file__).resolve().parents[2] / "engine" / "models" / "starter"


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> refinement.Made:
    """Two pictures from each of the first and the last start."""
    folder = tmp_path_factory.mktemp("refinement")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refinement, "TOGETHER", 2)
        patch.setattr(refinement, "STARTS", (refinement.STARTS[0], refinement.STARTS[-1]))
        shapes = pool.build(folder / "pool", 2, 2, seed=1, workers=1)
        patch.setattr(fields, "NOISE_GRID", 16)
        patch.setattr(fields, "CELL_GRID", 24)
        patch.setattr(fields, "TOLD_GRID", 16)
        data = partial(make_batch, shapes, fields.Fields.cached(folder / "fields.npz"), 3)
        denoiser = load_denoiser(str(STARTER), "cpu", lambda: None)
        return refinement.made(denoiser, data, 4, 1, lambda _: None)


def small() -> AutoencoderDC:
    return AutoencoderDC.from_pretrained(STARTER / "tiny_autoencoder", dtype=torch.float32)


def test_the_later_the_start_the_nearer_what_comes_out(samples: refinement.Made) -> None:
    with torch.no_grad():
        real = small().encode(samples.pictures.float() * 2 - 1).latent
    apart = (samples.latents.float() - real).flatten(1).norm(dim=1) / real.flatten(1).norm(dim=1)
    assert apart[2:].max() < 0.6 * apart[:2].min()
    assert samples.kept.tolist() == [False, False, True, True]


def test_refining_brings_grounds_nearer_to_grey(samples: refinement.Made) -> None:
    data = TrainingBatch(samples.pictures, samples.pictures, samples.mask, [])
    network = small_autoencoder.by_hand(AutoencoderKL.from_pretrained(STARTER / "vae"), data)

    @torch.no_grad()
    def behind() -> float:
        error = (network.decode(samples.latents.float()).sample * (samples.mask == 0)).abs()
        return float(error.mean())

    before = behind()
    refinement.refine(network, data, samples, Regression(16, 1, 1, 5e-4, 1), lambda _: None)
    assert behind() < 0.9 * before
    assert not any(weight.requires_grad for weight in network.parameters())


def test_detail_is_what_a_blur_takes_away() -> None:
    y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    checks = (0.9 * (1 - 2 * ((y + x) % 2))).expand(1, 3, 32, 32)
    inside = torch.ones(1, 1, 32, 32)
    inside[..., :, 16:] = 0
    found = refinement.detail(checks, inside)
    assert found.shape == (1, 1, 2, 2)
    assert float(found[0, 0, 1, 0]) == pytest.approx(0.9 * 8 / 9, rel=0.05)  # not so at the edge
    assert float(found[0, 0, 0, 1]) < 0.01
    assert float(refinement.detail(checks * 0 + 0.3, torch.ones(1, 1, 32, 32)).max()) < 0.01


def test_the_float32_decoder_is_what_learns() -> None:
    network = small_autoencoder.exact(small())
    assert all(weight.requires_grad for weight in network.decoder.parameters())
    assert not any(weight.requires_grad for weight in network.encoder.parameters())
