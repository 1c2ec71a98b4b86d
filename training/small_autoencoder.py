"""The small autoencoder of the same latents: a fifth of the large one's work, and pictures 4 dB closer.

An AutoencoderDC, whose PixelShuffle can do what nearest-neighbour enlargements can't: undo a projection of
8x8 patches (of equal patches AutoencoderKL makes a picture without any pattern). Encoder and decoder are set
by hand to the projection and its best linear inverse; the decoder then learns what is better than linear.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderDC, AutoencoderKL
from torch import Tensor, nn

from training import autoencoder
from training.autoencoder import LATENTS, PATCH
from training.data import TrainingBatch
from training.regression import Log, Regression

ENCODER = (12, 12, 48, 192)  # channels at 1 (not used), 1/2, 1/4 and 1/8 of the size
DECODER = (32, 32, 64, 64)
PAIRS = 12  # values of 2x2 pixels, each as (x, -x) through the last normalisation and its ReLU
CONSTANT = 32.0  # carried beside them, so large that the normalisation divides all pixels by nearly the same
NOISE = 0.12  # added to latents while the decoder learns, so that it forgives the denoiser's last errors
BACKGROUND = 0.75  # weight of errors there: rims and grounds come out clean, and objects no worse
PICTURES = 300  # enough for the least squares
CONSTANTS = slice(2 * PAIRS, 2 * PAIRS + 2)


def train(
    large: AutoencoderKL, data: TrainingBatch, steps: int, seed: int, threads: int, log: Log
) -> AutoencoderDC:
    """Fit the inverse of ``large``'s projection to ``data``, then the whole decoder in ``steps`` steps of 8
    crops (or 2 whole pictures) in each of ``threads`` threads. Latents are those that the denoiser takes."""
    torch.manual_seed(seed)
    network = exact(by_hand(large, data))
    plan = Regression(steps, seed, threads, rate=5e-4, warm_up=100)
    plan.fit(network, partial(projected, network, data), "small autoencoder", log)
    return network


def exact(network: AutoencoderDC) -> AutoencoderDC:
    """The network, its decoder to be trained in float32: a linear map loses more in bfloat16 than the
    training gains."""
    network.requires_grad_(True).encoder.requires_grad_(False)
    for module in network.modules():
        module.exact = True
    return network.train()


def projected(network: AutoencoderDC, data: TrainingBatch, generator: torch.Generator) -> Tensor:
    """The loss of pictures decoded from their own latents with some noise."""
    pictures, mask = autoencoder.mixed(data, generator)
    with torch.no_grad():
        latents = network.encode(pictures).latent  # type: ignore[no-untyped-call]
        latents += NOISE * torch.randn(latents.shape, generator=generator).to(latents.device)
    error = network.decode(latents).sample - pictures  # type: ignore[no-untyped-call]
    return autoencoder.difference(error, autoencoder.weights(mask, BACKGROUND))


@torch.no_grad()
def by_hand(large: AutoencoderKL, data: TrainingBatch) -> AutoencoderDC:
    """The projection of ``large``, scaled as the denoiser takes it, and its linear inverse over ``data``."""
    scale = float(large.config["scaling_factor"])
    weight, bias = (scale * part for part in autoencoder.as_convolution(large))
    network = untrained().to(weight.device)
    write_encoder(network, weight, bias)
    write_decoder(network, *_inverse(weight, bias, data))
    return network


def _inverse(weight: Tensor, bias: Tensor, data: TrainingBatch) -> tuple[Tensor, Tensor]:
    """Least squares over at most PICTURES pictures' patches: latents @ (LATENTS, 192) + (192,)."""
    pictures = data.pictures[:PICTURES].float() * 2 - 1
    latents = F.conv2d(pictures, weight, bias, stride=PATCH).permute(0, 2, 3, 1).reshape(-1, LATENTS)
    patches = F.unfold(pictures, PATCH, stride=PATCH).transpose(1, 2).reshape(-1, 3, PATCH, PATCH)
    inputs = torch.cat([latents, latents.new_ones(len(latents), 1)], 1)
    found = torch.linalg.lstsq(inputs.double(), _nested(patches).double()).solution.float()
    return found[:-1], found[-1]


def untrained() -> AutoencoderDC:
    """The architecture with random weights, where no residual block adds anything yet."""
    network = AutoencoderDC(
        latent_channels=LATENTS,
        encoder_block_out_channels=ENCODER,
        decoder_block_out_channels=DECODER,
        encoder_layers_per_block=(0, 1, 1, 0),
        decoder_layers_per_block=(0, 1, 1, 0),
        encoder_qkv_multiscales=((),) * 4,
        decoder_qkv_multiscales=((),) * 4,
        encoder_out_shortcut=False,
        decoder_in_shortcut=False,
    )
    for name, parameter in network.named_parameters():
        if ".norm." in name:  # the last thing of a residual branch
            nn.init.zeros_(parameter)
    return network


@torch.no_grad()
def write_encoder(network: AutoencoderDC, weight: Tensor, bias: Tensor) -> None:
    """Set the encoder to a convolution from pictures in [-1, 1]: ``weight`` (LATENTS, 3, PATCH, PATCH),
    ``bias`` (LATENTS,). Pixels are moved into channels, which the last convolution projects."""
    encoder: Any = network.encoder
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d):
            _clear(module)
    for colour in range(3):
        encoder.conv_in.conv.weight[colour, colour, 1, 1] = 1
    encoder.conv_out.weight[..., 1, 1] = _nested(weight)
    encoder.conv_out.bias.copy_(bias)


def _clear(convolution: nn.Conv2d) -> None:
    convolution.weight.zero_()
    if convolution.bias is not None:
        convolution.bias.zero_()


def _nested(weight: Tensor) -> Tensor:
    """(n, 3, PATCH, PATCH) to (n, 192) in the order in which PixelUnshuffle(2), three times, puts a patch's
    pixels: by colour, then by the place (y, x) in 2x2, in 4x4 and in 8x8 pixels."""
    digits = weight.reshape(-1, 3, 2, 2, 2, 2, 2, 2)  # y in binary, then x
    return digits.permute(0, 1, 4, 7, 3, 6, 2, 5).reshape(len(weight), -1)


@torch.no_grad()
def write_decoder(network: AutoencoderDC, inverse: Tensor, mean: Tensor) -> None:
    """Set the decoder to ``latents @ inverse + mean``, nested as in :func:`_nested`: ``inverse``
    (LATENTS, 192), ``mean`` (192,). Channels that carry nothing of it keep their random weights."""
    decoder: Any = network.decoder
    coarse, fine = decoder.up_blocks[2], decoder.up_blocks[1]
    _clear_rows(decoder.conv_in, slice(0, LATENTS))
    for latent in range(LATENTS):
        decoder.conv_in.weight[latent, latent, 1, 1] = 1
    rows = slice(0, len(mean))
    _clear_rows(coarse[0].conv, rows)
    coarse[0].conv.weight[rows, :LATENTS, 1, 1] = inverse.T
    coarse[0].conv.bias[rows] = mean
    _without_shortcut(coarse[0], len(mean))
    _pairs(fine[0])
    fine[1].conv1.weight[:, CONSTANTS] = 0
    _unpair(decoder.conv_out.conv)


def _clear_rows(convolution: nn.Conv2d, rows: slice) -> None:
    convolution.weight[rows] = 0
    assert convolution.bias is not None
    convolution.bias[rows] = 0


def _without_shortcut(block: Any, rows: int) -> None:
    """Take from the first ``rows`` outputs of an enlargement what its shortcut adds to them."""
    for row in range(rows):
        block.conv.weight[row, row // block.repeats, 1, 1] -= 1


def _pairs(block: Any) -> None:
    """(x, -x) of each value, and the constants; a value's 4 places are 4 channels before the enlargement."""
    end = 4 * CONSTANTS.stop
    _clear_rows(block.conv, slice(0, end))
    for value in range(PAIRS):
        for place in range(4):
            for side, sign in enumerate((1, -1)):
                block.conv.weight[(2 * value + side) * 4 + place, value * 4 + place, 1, 1] = sign
    block.conv.bias[4 * CONSTANTS.start : end] = CONSTANT
    _without_shortcut(block, end)


def _unpair(convolution: nn.Conv2d) -> None:
    """relu(x) - relu(-x) = x, times what the normalisation has divided by."""
    _clear(convolution)
    deviation = CONSTANT * (2 / DECODER[1]) ** 0.5
    for value in range(PAIRS):
        convolution.weight[value, 2 * value, 1, 1] = deviation
        convolution.weight[value, 2 * value + 1, 1, 1] = -deviation
