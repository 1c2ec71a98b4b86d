"""The linear map from latents to colours, against autoencoders whose map is known and against a real one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from engine.denoise.denoiser import load_denoiser
from engine.denoise.linear_decoder import FINEST, LinearDecoder, noise_pictures

STARTER = "starter"


@pytest.mark.parametrize(("downscale", "k"), [(2, 2), (8, 4)])
def test_a_linear_decoder_is_found_exactly(downscale: int, k: int) -> None:
    mix = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    back = torch.linalg.pinv(mix)  # (3, 5)

    def encode(pictures: Tensor) -> Tensor:
        return torch.einsum("cs,nshw->nchw", mix, functional.avg_pool2d(pictures, downscale))

    def decode(latents: Tensor) -> Tensor:
        colours = torch.einsum("sc,nchw->nshw", back, latents)
        return functional.interpolate(colours, scale_factor=downscale, mode="nearest")

    decoder = LinearDecoder.fit(encode, decode, downscale)
    assert decoder.k == k
    latents = encode(noise_pictures(2, 16 * downscale).flip(-1))
    wanted = functional.avg_pool2d(decode(latents), downscale // k)
    assert torch.allclose(decoder(latents), wanted, atol=0.02)


def test_the_starters_pictures_are_recognised() -> None:
    denoiser = load_denoiser(STARTER, "cpu", lambda: None)
    side = 16 * denoiser.downscale
    y, x = torch.meshgrid(torch.linspace(0, 1, side), torch.linspace(0, 1, side), indexing="ij")
    stripes = ((x * 6).floor() % 2 * 0.6 + 0.2).expand(side, side)
    picture = torch.stack([x, stripes, 1 - y])[None]
    latents = denoiser.encode(picture)
    seen, whole = denoiser.decode_linear(latents), denoiser.decode(latents).clamp(0, 1)
    whole = functional.avg_pool2d(whole, side // seen.shape[-1])
    assert seen.shape == whole.shape == (1, 3, 16 * FINEST, 16 * FINEST)
    assert -10 * (seen - whole).square().mean().log10() > 20  # dB
    assert torch.equal(seen, denoiser.decode_linear(latents))


@pytest.mark.parametrize("broken", [0.0, float("nan"), float("inf")])
def test_whatever_an_autoencoder_gives_there_is_a_map(broken: float) -> None:
    decoder = LinearDecoder.fit(
        lambda x: x[:, :, ::2, ::2] * 0, lambda _: torch.full((4, 3, 48, 48), broken), 2
    )
    assert torch.isfinite(decoder(torch.zeros(1, 3, 8, 8))).all()


def test_the_noise_has_all_colours_and_is_the_same_every_time() -> None:
    pictures = noise_pictures(2, 64)
    assert torch.equal(pictures, noise_pictures(2, 64))
    assert pictures.min() == 0
    assert pictures.max() == 1
