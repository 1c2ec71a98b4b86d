"""Pictures to latents and back: the autoencoder of a model, or a small one for the same latents."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import UserError
from ..models import sidecar
from ..models.checks import check_tiny
from ..models.files import AGAIN, read_json
from ..options.values import short
from . import weights
from .build import build
from .device import finer
from .parts import Part
from .simplify import is_affine, simplify

TINY = {  # classes that a small autoencoder may have
    "AutoencoderTiny": "diffusers.models.autoencoders.autoencoder_tiny:AutoencoderTiny",
    "AutoencoderDC": "diffusers.models.autoencoders.autoencoder_dc:AutoencoderDC",
}
_LOCAL = 1e-3  # of the strongest: less isn't told of other latents


class Autoencoder:
    """A network of diffusers that gives its scale in its config. Latents are (N, C, h, w) float32, normalised
    as the denoising network has them; pictures (N, 3, H, W), nominally in [0, 1]."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._scale, self._shift = self._statistics(part.config)

    def _statistics(self, config: Any) -> tuple[Tensor, Tensor]:
        """Scale and shift of latents, of each channel or of all. Raises UserError for what makes no sense."""
        shift = config.get("shift_factor")
        return _number(config.scaling_factor, "scaling_factor", True), _number(shift or 0.0, "shift_factor")

    @torch.no_grad()
    def encode(self, pictures: Sequence[Tensor]) -> Tensor:
        """Latents of ``pictures``, batch by batch: the mean of the posterior, so that a picture always has
        the same."""
        vae = self._part.network()
        taken = (batch.to(self._part.device, self._part.kind_of("encoder")) * 2 - 1 for batch in pictures)
        means = torch.cat([self._encoded(vae, batch).float() for batch in taken])
        return (means - self._shift.to(means)) * self._scale.to(means)

    def _encoded(self, vae: Any, pictures: Tensor) -> Tensor:
        return _mean(vae.encode(pictures))

    @torch.no_grad()
    def decode(self, latents: Sequence[Tensor]) -> Tensor:
        """Pictures of ``latents``, batch by batch: float32, not clamped."""
        vae = self._part.network()
        own = [batch / self._scale.to(batch) + self._shift.to(batch) for batch in latents]
        taken = (batch.to(self._part.device, self._part.dtype) for batch in own)
        return torch.cat([self._decoded(vae, batch).float() for batch in taken]) / 2 + 0.5

    def _decoded(self, vae: Any, latents: Tensor) -> Tensor:
        return vae.decode(latents).sample  # type: ignore[no-any-return]

    @cached_property
    def is_affine(self) -> bool:
        """Whether the encoder is an affine map, so that E(a) - E(b) = E(a - b) - E(0)."""
        return is_affine(self._part.network())

    @cached_property
    def squares(self) -> Squares | None:
        """The encoder, where it is an affine map of each latent's own square of pixels; None for others."""
        if not self.is_affine:
            return None
        side = 2 ** (len(self._part.config.encoder_block_out_channels) - 1)
        return Squares.of(lambda pictures: self.encode([pictures]), side)


@dataclass(frozen=True)
class Squares:
    """An encoder E that makes a latent of each square of ``side`` pixels. constant: (C, 1, 1), E(0). told:
    (C, 3, side, side), what a channel takes of a square. inverse: its pseudo-inverse, of the same shape."""

    constant: Tensor
    told: Tensor
    inverse: Tensor

    @classmethod
    def of(cls, encode: Callable[[Tensor], Tensor], side: int) -> Squares | None:
        """None where a pixel tells of other latents than that of its square."""
        pixels = torch.eye(3 * side**2).reshape(-1, 3, side, side)
        told = encode(functional.pad(torch.cat([torch.zeros_like(pixels[:1]), pixels]), (side,) * 4))
        constant, columns = told[0, :, 1:2, 1:2], told[1:] - told[:1]
        own = columns[:, :, 1, 1].clone()
        columns[:, :, 1, 1] = 0
        if max(columns.abs().max(), (told[0] - constant).abs().max()) > _LOCAL * own.abs().max():
            return None
        inverse = torch.linalg.pinv(own.cpu().double()).to(own)  # not every device has doubles
        return cls(constant, own.T.reshape(-1, 3, side, side), inverse.reshape(-1, 3, side, side))

    def difference(self, pictures: Tensor, others: Tensor) -> Tensor:
        """E(``pictures``) - E(``others``), (N, C, h, w) float32; both (N, 3, side * h, side * w)."""
        return functional.conv2d((pictures - others).to(self.told), self.told, stride=self.told.shape[-1])

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures (N, 3, side * h, side * w) in float32, nominally in [0, 1], that have the ``latents`` (N,
        C, h, w), E(D(z)) = z, and nothing besides."""
        return functional.conv_transpose2d(
            latents - self.constant, self.inverse, stride=self.inverse.shape[-1]
        )


class VideoAutoencoder(Autoencoder):
    """One for videos, of which a picture is the first frame. It knows mean and deviation of each channel."""

    def _statistics(self, config: Any) -> tuple[Tensor, Tensor]:
        return 1 / _numbers(config, "latents_std", True), _numbers(config, "latents_mean")

    def _encoded(self, vae: Any, pictures: Tensor) -> Tensor:
        return super()._encoded(vae, pictures.unsqueeze(2))[:, :, 0]

    def _decoded(self, vae: Any, latents: Tensor) -> Tensor:
        return super()._decoded(vae, latents.unsqueeze(2))[:, :, 0]


def _numbers(config: Any, key: str, divides: bool = False) -> Tensor:
    """For each channel of a video's latents, (C, 1, 1)."""
    values = config[key]
    if not isinstance(values, list | tuple) or len(values) != config.z_dim:
        raise UserError(f"the {key} of the model's autoencoder is {short(values)}", AGAIN)
    return torch.stack([_number(value, key, divides) for value in values])[:, None, None]


def _number(value: Any, key: str, divides: bool = False) -> Tensor:
    """divides: it may not be 0."""
    plain = type(value) in (int, float) and math.isfinite(value)
    if not plain or abs(value) > 1e6 or (divides and abs(value) < 1e-6):
        raise UserError(f"the {key} of the model's autoencoder is {short(value)}", AGAIN)
    return torch.tensor(float(value))


def _mean(encoded: Any) -> Tensor:
    """What an autoencoder encoded: a posterior's mean; the tiny ones give the latents themselves."""
    if hasattr(encoded, "latent_dist"):
        return torch.as_tensor(encoded.latent_dist.mode())
    return torch.as_tensor(encoded[0])


def without_overflow(vae: Part, computed: torch.dtype) -> Part:
    """``vae``, of a model that is ``computed`` in that precision, in one that holds its numbers; of two such,
    the finer."""
    if vae.config.force_upcast:
        vae.dtype = torch.float32
    elif computed == torch.bfloat16:
        vae.dtype = finer(computed, vae.device)
    return vae


def tiny_part(path: Path, vae: Any, device: torch.device, dtype: torch.dtype) -> Part:
    """The small autoencoder in the folder ``path``, for the latents of the model's own with the config
    ``vae``."""
    file = path / "config.json"
    config = read_json(file)
    check_tiny(path, config, vae)
    network = TINY[config["_class_name"]]
    simple = network == TINY["AutoencoderDC"]
    return Part(
        sidecar.TINY_AUTOENCODER,
        partial(build, network, config, file),
        lambda _, check: weights.of_folder(path),
        device,
        dtype,
        simplify if simple else lambda network: None,
        ("encoder",) if simple else (),  # of which an affine map is told by differences
    )
