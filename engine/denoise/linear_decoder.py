"""A decoder that is one linear map: nearly the autoencoder's pictures, thousands of times as fast.

Each latent and the eight around it give a square of pixels. The map is fitted by least squares to what the
autoencoder's own decoder makes of a few pictures of coloured noise, so that it fits any autoencoder; the same
pictures every time, and nothing else is random.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

PICTURES = 4
SIDE = 24  # latents across each of them
FINEST = 4  # pixels across the square of a latent: larger ones are blurred anyway
RIDGE = 1e-4  # of the latents' mean square: a channel that says nothing weighs nothing


@dataclass(frozen=True)
class LinearDecoder:
    """weight: (3 k^2, C, 3, 3) and bias: (3 k^2,) float32, on the CPU. k: pixels across a latent's square."""

    weight: Tensor
    bias: Tensor
    k: int

    @torch.no_grad()
    def __call__(self, latents: Tensor) -> Tensor:
        """(N, C, h, w) to (N, 3, k h, k w) float32 in [0, 1], on the CPU."""
        padded = functional.pad(latents.float().cpu(), (1, 1, 1, 1), mode="replicate")
        return functional.pixel_shuffle(functional.conv2d(padded, self.weight, self.bias), self.k).clamp(0, 1)

    @classmethod
    def fit(
        cls, encode: Callable[[Tensor], Tensor], decode: Callable[[Tensor], Tensor], downscale: int
    ) -> LinearDecoder:
        """The map closest to ``decode``; both as of Denoiser, ``downscale``: pixels per latent."""
        k = min(FINEST, downscale)
        latents = encode(noise_pictures(PICTURES, SIDE * downscale)).float().cpu()
        pictures = functional.avg_pool2d(decode(latents).float().cpu(), downscale // k)
        around = functional.unfold(functional.pad(latents, (1, 1, 1, 1), mode="replicate"), 3)
        wanted = functional.pixel_unshuffle(pictures, k).flatten(2)
        rows = (each.transpose(1, 2).flatten(0, 1).double() for each in (around, wanted))
        known, colours = (each.nan_to_num(0.0, 0.0, 0.0) for each in rows)  # half precision may overflow
        centre, middle = known.mean(0), colours.mean(0)
        known, colours = known - centre, colours - middle
        strength = RIDGE * known.square().sum() / known.shape[1]
        ridge = strength.clamp(min=1e-9) * torch.eye(known.shape[1], dtype=known.dtype)
        solved = torch.linalg.solve(known.T @ known + ridge, known.T @ colours)
        weight = solved.T.reshape(-1, latents.shape[1], 3, 3)
        return cls(weight.float(), (middle - centre @ solved).float(), k)


def noise_pictures(count: int, side: int) -> Tensor:
    """(count, 3, side, side) in [0, 1]: coloured noise of all sizes, the larger the stronger."""
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros(count, 3, side, side)
    cells = 2
    while cells <= side:
        drawn = torch.randn(count, 3, cells, cells, generator=generator)
        total += functional.interpolate(drawn, size=(side, side), mode="bilinear") * cells**-0.5
        cells *= 2
    return (0.5 + 0.5 * total / total.std()).clamp(0, 1)
