"""The autoencoder: an AutoencoderKL whose encoder *is* a principal component analysis of 8x8 patches.

Set by hand and frozen, the encoder gives fixed latents from the first second; the decoder is then plain
regression. Measured at equal CPU time this beats training both from random weights by 4 dB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from diffusers import AutoencoderDC, AutoencoderKL
from torch import Tensor, nn

from training.data import TrainingBatch
from training.regression import Log, Regression

PATCH = 8  # pixels per latent
LATENTS = 24
GROUPS = 8
WIDTHS = (16, 48, 64, 96)  # at least 12 and 48 where 2x2 pixels are moved into channels
WHITENING = 0.5  # latents are divided by this power of their deviation: 0 keeps PCA's scale, 1 whitens
NOISE = 0.04  # added to latents while the decoder learns, so that it forgives the denoiser's last errors
CROP = 96


@dataclass(frozen=True)
class Projection:
    """A latent is ``(patch - mean) @ basis``; ``basis`` (3 * PATCH^2, LATENTS), patches ordered channel, row,
    column, in [-1, 1]; ``deviation`` (LATENTS,) of the latents."""

    mean: Tensor
    basis: Tensor
    deviation: Tensor

    @classmethod
    def fit(cls, pictures: Tensor, mask: Tensor) -> Projection:
        """The analysis of all patches mostly on the object; arguments as in TrainingBatch."""
        patches = F.unfold(pictures * 2 - 1, PATCH, stride=PATCH).transpose(1, 2).reshape(-1, 3 * PATCH**2)
        patches = patches[F.avg_pool2d(mask, PATCH).reshape(-1) > 0.5]
        mean = patches.mean(0)
        values, vectors = torch.linalg.eigh((patches - mean).T @ (patches - mean) / len(patches))
        deviation = values.flip(0)[:LATENTS].clamp(min=1e-12).sqrt()
        basis = vectors.flip(1)[:, :LATENTS] / deviation**WHITENING
        return cls(mean, basis, deviation ** (1 - WHITENING))


def untrained() -> AutoencoderKL:
    """The architecture with random weights; residual branches of the decoder start at zero."""
    levels = len(WIDTHS)
    network = AutoencoderKL(
        block_out_channels=WIDTHS,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        layers_per_block=1,
        latent_channels=LATENTS,
        norm_num_groups=GROUPS,
        sample_size=256,
        mid_block_add_attention=False,
    )
    for name, parameter in network.decoder.named_parameters():
        if ".conv2." in name:
            nn.init.zeros_(parameter)
    return network


@torch.no_grad()
def write_projection(network: AutoencoderKL, projection: Projection) -> None:
    """Set the encoder's weights so that its mean is the projection (to about 3 percent).

    Colours pass unchanged through all residual blocks (their branches are zero). The first two strided
    convolutions move 2x2 pixels into channels, the last one applies the basis. The final GroupNorm and SiLU
    are made linear: each latent x travels as the pair (x, -x) next to a large constant pair (K, -K) that
    fixes the group's mean at 0 and its deviation, and silu(a) - silu(-a) = a.
    """
    encoder = network.encoder
    for parameter in encoder.parameters():
        parameter.zero_()
    for module in encoder.modules():
        if isinstance(module, nn.GroupNorm):
            module.weight.fill_(1)
    for channel in range(3):
        encoder.conv_in.weight[channel, channel, 1, 1] = 1
    first, second, third, last = encoder.down_blocks
    _space_to_channels(first.downsamplers[0].conv.weight, 3)
    _pass_on(second.resnets[0].conv_shortcut.weight, 12)
    _space_to_channels(second.downsamplers[0].conv.weight, 12)
    _pass_on(third.resnets[0].conv_shortcut.weight, 48)
    _project(third.downsamplers[0].conv.weight, projection.basis)
    bias = -(projection.mean @ projection.basis)
    _linear_output(last.resnets[0].conv_shortcut, encoder.conv_out, bias, float(projection.deviation.max()))
    network.quant_conv.weight.zero_()
    network.quant_conv.bias.zero_()
    _pass_on(network.quant_conv.weight, 2 * LATENTS)


def _pass_on(weight: Tensor, channels: int) -> None:
    for channel in range(channels):
        weight[channel, channel, 0, 0] = 1


def _space_to_channels(weight: Tensor, channels: int) -> None:
    """2x2 positions of ``channels`` channels become 4 * ``channels`` channels, the position first."""
    for dy in (0, 1):
        for dx in (0, 1):
            for channel in range(channels):
                weight[(dy * 2 + dx) * channels + channel, channel, dy, dx] = 1


def _pixels() -> Iterator[tuple[int, int, int, int]]:
    """(channel, colour, y, x): channel ((y1 x1) (y0 x0) colour) before the last strided convolution holds the
    patch's pixels (y, x) = (y0 + 2 y1, x0 + 2 x1) and, at its other taps, those 4 pixels further."""
    for channel in range(48):
        outer, inner = divmod(channel, 12)
        place, colour = divmod(inner, 3)
        yield channel, colour, 2 * (outer // 2) + place // 2, 2 * (outer % 2) + place % 2


def _project(weight: Tensor, basis: Tensor) -> None:
    pixels = basis.view(3, PATCH, PATCH, LATENTS)
    for channel, colour, y, x in _pixels():
        weight[:LATENTS, channel, :2, :2] = pixels[colour, y::4, x::4].permute(2, 0, 1)


def _pair(latent: int) -> int:
    """The first of the two channels that carry a latent through the last level."""
    return latent % GROUPS * (WIDTHS[-1] // GROUPS) + 2 * (latent // GROUPS)


def _linear_output(shortcut: nn.Conv2d, output: nn.Conv2d, bias: Tensor, deviation: float) -> None:
    assert shortcut.bias is not None
    assert output.bias is not None
    per_group = WIDTHS[-1] // GROUPS
    constant = 4 * deviation
    scale = (2 * constant**2 / per_group) ** 0.5  # the deviation that GroupNorm divides by
    for latent in range(LATENTS):
        pair = _pair(latent)
        for channel, sign in ((pair, 1), (pair + 1, -1)):
            shortcut.weight[channel, latent, 0, 0] = sign
            shortcut.bias[channel] = sign * bias[latent]
            output.weight[latent, channel, 1, 1] = sign * scale
    for group in range(GROUPS):
        shortcut.bias[(group + 1) * per_group - 2] = constant
        shortcut.bias[(group + 1) * per_group - 1] = -constant
    output.bias[LATENTS:] = -8.0  # log variance: the posterior is its mean


def train(data: TrainingBatch, steps: int, seed: int, threads: int, log: Log) -> AutoencoderKL:
    """Fit the projection to ``data``, then the decoder in ``steps`` steps of 8 crops (or 2 whole pictures)
    in each of ``threads`` threads."""
    torch.manual_seed(seed)
    network = untrained()
    write_projection(network, Projection.fit(data.pictures, data.mask))
    network.to(data.pictures.device).encoder.requires_grad_(False)
    network.quant_conv.requires_grad_(False)
    plan = Regression(steps, seed, threads, rate=1e-3, warm_up=50)
    plan.fit(network, partial(_loss, network, data), "autoencoder", log)
    network.register_to_config(scaling_factor=1 / float(encode(network, data.pictures[:64]).std()))
    return network


def mixed(data: TrainingBatch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures (N, 3, H, W) in [-1, 1] and masks (N, 1, H, W) in float32: three times of four crops, else
    whole ones."""
    pick = whole if torch.rand(1, generator=generator) < 0.25 else crops
    pictures, mask = pick(data, generator)
    return pictures.float(), mask.float()


def whole(data: TrainingBatch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """2 pictures (2, 3, H, W) in [-1, 1] and their masks."""
    index = torch.randint(len(data.pictures), (2,), generator=generator)
    return data.pictures[index] * 2 - 1, data.mask[index]


def crops(data: TrainingBatch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """8 crops centred on random object pixels, aligned to patches."""
    pictures, masks = [], []
    for index in torch.randint(len(data.pictures), (8,), generator=generator).tolist():
        row, column = corner(data.mask[index, 0], generator)
        pictures.append(cut(data.pictures[index], row, column, CROP))
        masks.append(cut(data.mask[index], row, column, CROP))
    return torch.stack(pictures) * 2 - 1, torch.stack(masks)


def corner(mask: Tensor, generator: torch.Generator) -> tuple[int, int]:
    """Row and column of the first pixel of a crop about a random true pixel of ``mask`` (H, W), aligned to
    patches."""
    inside = mask.nonzero()
    centre = inside[int(torch.randint(len(inside), (1,), generator=generator))] - CROP // 2
    row, column = (centre.clamp(0, mask.shape[-1] - CROP) // PATCH * PATCH).tolist()
    return row, column


def cut(values: Tensor, row: int, column: int, side: int) -> Tensor:
    """The window (..., side, side) that begins there."""
    return values[..., row : row + side, column : column + side]


def _loss(network: AutoencoderKL, data: TrainingBatch, generator: torch.Generator) -> Tensor:
    pictures, mask = mixed(data, generator)
    with torch.no_grad():
        latents = network.encode(pictures.to(network.dtype)).latent_dist.mean.float()
        latents += NOISE * torch.randn(latents.shape, generator=generator).to(latents.device)
    return difference(network.decode(latents.to(network.dtype)).sample.float() - pictures, weights(mask))


def weights(mask: Tensor, background: float = 0.25) -> Tensor:
    """What an error counts: 1.5 on the objects' ``mask``, ``background`` off it."""
    return background + (1.5 - background) * mask


def difference(error: Tensor, weight: Tensor) -> Tensor:
    """L1, squared error, gradients and 8x8 means of ``error`` (N, 3, H, W), each pixel weighted by ``weight``
    (N, 1, H, W)."""
    across = ((error[..., 1:] - error[..., :-1]).abs() * weight[..., 1:]).mean()
    down = ((error[..., 1:, :] - error[..., :-1, :]).abs() * weight[..., 1:, :]).mean()
    coarse = (F.avg_pool2d(error, 8).abs() * F.avg_pool2d(weight, 8)).mean()
    loss: Tensor = (error.abs() * weight).mean() + (error**2 * weight).mean() + 0.5 * (across + down + coarse)
    return loss


@torch.no_grad()
def encode(network: AutoencoderKL | AutoencoderDC, pictures: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) in [0, 1] to unscaled latents (N, LATENTS, H / PATCH, W / PATCH), by 32."""
    encoded = [network.encode(part * 2 - 1) for part in pictures.split(32)]
    return torch.cat([part.latent_dist.mean if hasattr(part, "latent_dist") else part[0] for part in encoded])


@torch.no_grad()
def as_convolution(network: AutoencoderKL) -> tuple[Tensor, Tensor]:
    """The projection read back from the encoder's weights: weight (LATENTS, 3, PATCH, PATCH) and bias
    (LATENTS,) of a convolution from pictures in [-1, 1] to unscaled latents, a hundred times faster."""
    _, _, third, last = network.encoder.down_blocks
    taps = third.downsamplers[0].conv.weight
    weight = torch.empty(LATENTS, 3, PATCH, PATCH, device=taps.device)
    for channel, colour, y, x in _pixels():
        weight[:, colour, y::4, x::4] = taps[:LATENTS, channel, :2, :2]
    bias = last.resnets[0].conv_shortcut.bias
    return weight, torch.stack([bias[_pair(latent)] for latent in range(LATENTS)])


@torch.no_grad()
def psnr(network: AutoencoderKL | AutoencoderDC, data: TrainingBatch) -> float:
    """dB between pictures and their reconstructions over the objects' pixels."""
    decoded = torch.cat([network.decode(part).sample for part in encode(network, data.pictures).split(32)])  # type: ignore[no-untyped-call]
    inside = (data.mask > 0.5).float()
    error = (((decoded / 2 + 0.5).clamp(0, 1) - data.pictures) ** 2 * inside).sum() / inside.sum() / 3
    return float(-10 * torch.log10(error))
