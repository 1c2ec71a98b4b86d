"""A ring of encoded training samples: painting is dear, so each is used several times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor, nn
from transformers import CLIPTokenizer

from training import autoencoder
from training.captions import Look, random_look
from training.data import make_batch
from training.fields import Fields
from training.networks import tokens
from training.places import CODES, TAPS, coded
from training.pool import SIZE, Pool
from training.tokenizer import MAX_TOKENS

BESIDE = 0.15  # share of the windows that lie around any place, the others around one on the object


@dataclass(frozen=True)
class Draw:
    """``latents`` (N, C, h, w) float32, scaled; ``control`` (N, CODES + TAPS, h, w) float32, what the
    control pictures say (places.coded); ``weight`` (N, 1, h, w), the object's share of each latent;
    ``tokens`` (N, T)."""

    latents: Tensor
    control: Tensor
    weight: Tensor
    tokens: Tensor


class Buffer:
    """The last ``capacity`` samples of the series ``seed``, encoded, beginning with sample ``first``;
    painted, encoded and kept where ``fields``, ``vae`` and the control ``embedding`` are."""

    def __init__(
        self,
        pool: Pool,
        fields: Fields,
        vae: AutoencoderKL,
        embedding: nn.Module,
        tokenizer: CLIPTokenizer,
        capacity: int,
        seed: int,
        first: int,
        choose: Callable[[np.random.Generator], Look] = random_look,
    ) -> None:
        self.pool, self.fields, self.vae, self.tokenizer = pool, fields, vae, tokenizer
        self.seed, self.first, self.next, self.choose = seed, first, first, choose
        self.embedding = embedding
        self.projection = autoencoder.as_convolution(vae)
        side = SIZE // autoencoder.PATCH
        make = partial(torch.zeros, device=fields.noise.device)
        self.latents = make(capacity, autoencoder.LATENTS, side, side, dtype=torch.half)
        self.control = make(capacity, CODES + TAPS, side, side, dtype=torch.half)
        self.weight = make(capacity, 1, side, side, dtype=torch.half)
        self.tokens = make(capacity, MAX_TOKENS, dtype=torch.long)

    def extend(self, count: int) -> None:
        """Paint and encode ``count`` new samples over the oldest."""
        batch = make_batch(self.pool, self.fields, self.seed, self.next, count, self.choose)
        where = torch.arange(self.next - self.first, self.next - self.first + count) % len(self.latents)
        latents = F.conv2d(batch.pictures * 2 - 1, *self.projection, stride=autoencoder.PATCH)
        latents *= self.vae.config.scaling_factor
        self.latents[where] = latents.half()
        self.control[where] = coded(self.embedding, batch.control).half().to(latents.device)
        self.weight[where] = F.avg_pool2d(batch.mask, autoencoder.PATCH).half()
        self.tokens[where] = tokens(self.tokenizer, batch.captions).to(latents.device)
        self.next += count

    def draw(self, count: int, generator: torch.Generator, crop: int | None = None) -> Draw:
        """``count`` random samples; with ``crop``, windows of so many latents around places on objects."""
        index = torch.randint(min(self.next - self.first, len(self.latents)), (count,), generator=generator)
        index = index.to(self.latents.device)
        found = Draw(self.latents[index], self.control[index], self.weight[index], self.tokens[index])
        if crop is not None:
            found = _cropped(found, crop, generator)
        return Draw(found.latents.float(), found.control.float(), found.weight.float(), found.tokens)


def _cropped(draw: Draw, side: int, generator: torch.Generator) -> Draw:
    """Windows ``side`` latents wide, most of them around a place on the object."""
    weight = draw.weight.flatten(1).float().cpu()
    chance = (1 - BESIDE) * weight / weight.sum(1, keepdim=True).clamp(min=1e-6) + BESIDE / weight.shape[1]
    places = torch.multinomial(chance, 1, generator=generator)[:, 0]
    width = draw.weight.shape[-1]
    corners = torch.stack([places // width, places % width], 1)
    corners = (corners - side // 2).clamp(0, width - side).tolist()

    def cut(pictures: Tensor) -> Tensor:
        return torch.stack(
            [
                picture[:, y : y + side, x : x + side]
                for picture, (y, x) in zip(pictures, corners, strict=True)
            ]
        )

    return Draw(cut(draw.latents), cut(draw.control), cut(draw.weight), draw.tokens)
