"""Places as waves: the control embedding that is set by hand, and its codes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from torch import Tensor, nn

from engine.controls.noise import CELLS, FIELDS
from training.surface import SIDE

LIFT = 12.0  # of the coordinates on their way through the control embedding: there SiLU is the identity
SLOPE = 128.0  # of the hinges: SiLU(SLOPE * x) is a ramp that begins within 1 / SLOPE of 0
KNOTS = 64  # along each axis of the unit cube that positions are written in
PERIODS = (0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1.0)  # of the waves, in the mesh's own units
ALONG = (0.25, 0.375, 0.5)  # those of the waves along a wall, whichever way it faces
PLACE, TILT, PRESENCE = 3 * (2 * len(PERIODS) + 1), 12, 1  # channels of each kind
CODES = PLACE + TILT + PRESENCE + 2 * len(ALONG)
HINGES = 3 * KNOTS + 2 * TILT + 2 * PRESENCE + 2 * KNOTS
CONTROL = 3 + FIELDS  # channels of a control picture: a position, and the noise there
TAPS = 16 * FIELDS  # the noise at 4x4 places of every latent
OPEN = [axis + wave for axis in range(0, PLACE, PLACE // 3) for wave in (0, 1, 10, 11, 12, 13)]
"""Channels that noise is added to: those of the shortest waves, which latents hardly show, and of the
longest, which follow from the coordinates. In all of them it drowned the others, and bricks lost their
joints, dots their places."""
READ_RATE = 4.0  # so many times as fast as all else it is learned what to make of the noise
MEANS = (0.51, 0.2, 0.5) * len(CELLS) + (0.5,) * (FIELDS - 3 * len(CELLS))  # of the noise's channels
BLOCKS = (4 + FIELDS, 4 + FIELDS, 8 + 4 * FIELDS, HINGES + TAPS)  # channels of the control embedding's layers
_TILT = 60.0  # of a coordinate's differences across 8 pixels
_STEEPEST = 3.0  # at which they are cut: a silhouette is no slope
_FACING = 60000.0  # of a coordinate's differences across 2 pixels
_SURE = 100.0  # how much the one must exceed the other for a facing to be certain


class Embedding(ControlNetConditioningEmbedding):
    """One in training: it takes what ``coded`` told already, and learns in ``reads`` what to make of the
    noise. All else in it is set by hand."""

    reads: nn.Conv2d

    def forward(self, conditioning: Tensor) -> Tensor:
        codes, taps = conditioning.split([CODES, TAPS], 1)
        read: Tensor = READ_RATE * self.reads(taps.to(self.reads.weight.dtype))
        return codes.index_add(1, torch.tensor(OPEN), read.to(codes.dtype))


def learning(embedding: ControlNetConditioningEmbedding) -> None:
    """Make ``embedding`` one in training, as ``finished`` undoes."""
    embedding.requires_grad_(False)
    embedding.__class__ = Embedding
    output, reads = (
        embedding.conv_out,
        nn.Conv2d(TAPS, len(OPEN), 1, bias=False).to(embedding.conv_out.weight),
    )
    with torch.no_grad():
        reads.weight.copy_(output.weight[OPEN, HINGES:, 1:2, 1:2] / READ_RATE)
        output.bias += _offset(output.weight[:, HINGES:, 1:2, 1:2])
        output.weight[:, HINGES:] = 0
    embedding.reads = reads


@torch.no_grad()
def finished(embedding: ControlNetConditioningEmbedding) -> None:
    """Put what ``embedding`` learned to read into its last layer: it is diffusers' own again."""
    output, weight = embedding.conv_out.float(), READ_RATE * embedding.reads.weight
    weight = weight.half().float()  # as it is exported
    output.weight[OPEN, HINGES:, 1:2, 1:2] = weight
    output.bias[OPEN] -= _offset(weight)
    del embedding.reads
    embedding.__class__ = ControlNetConditioningEmbedding


@torch.no_grad()
def coded(embedding: nn.Module, control: Tensor) -> Tensor:
    """The codes and the noise's taps (N, CODES + TAPS, h, w) float32 of ``control`` (N, CONTROL, H, W) in [0,
    1], by an embedding in training."""
    output: nn.Conv2d = embedding.conv_out  # type: ignore[assignment]
    x = control.to(output.weight)
    for layer in (embedding.conv_in, *embedding.blocks):  # type: ignore[misc]
        x = F.silu(layer(x))
    return torch.cat([output(x), x[:, HINGES:] - LIFT - _means(x)], 1).float()


def _means(like: Tensor) -> Tensor:
    """(1, TAPS, 1, 1): with taps around 0 a network learns from what differs."""
    return torch.tensor(MEANS).to(like).repeat_interleave(16)[None, :, None, None]


def _offset(weight: Tensor) -> Tensor:
    """(K,): what ``weight`` (K, TAPS, 1, 1), learned on taps around 0, makes of taps of 0 as they
    come, lifted."""
    return (weight * (LIFT + _means(weight))).sum((1, 2, 3))


@torch.no_grad()
def write_code(embedding: ControlNetConditioningEmbedding) -> None:
    """Set a control embedding that writes every latent's place as waves.

    Its output is, for each axis, the waves sin and cos (2 pi x / period) of every period in PERIODS and the
    coordinate itself; how each coordinate changes across the picture, both ways, with either sign, from which
    a facing follows; whether there is an object; and the waves of ALONG, in x where a wall faces z and in z
    where it faces x. The regular patterns of training.materials repeat in these periods: a check is a product
    of two waves. From bare coordinates networks learn such steep functions late or never (Rahaman and others,
    On the Spectral Bias of Neural Networks, 2019; Tancik and others, Fourier Features, 2020).

    The coordinates pass all blocks but the last unchanged, averaged over ever larger pixels. The last has
    hinges SiLU(SLOPE * (p - knot)), and its output sums them up to any function linear between knots.

    The noise passes beside them: each layer that halves the picture lays its 2x2 pixels side by side, but for
    the first, where all four are alike. What the output makes of it isn't set here.

    All weights are float16's numbers, as which they are exported: a network learns with the code that it will
    have.
    """
    *layers, last = embedding.conv_in, *embedding.blocks
    for layer in (*layers, last, embedding.conv_out):
        layer.weight.zero_()
        layer.bias.zero_()
    for layer in layers:
        for axis in range(3):
            layer.weight[axis, axis] = _averaging(layer)
    embedding.conv_in.bias[:3] = LIFT
    _write_noise(embedding)
    _write_facing(*layers[-2:])
    for axis in range(3):
        _write_hinges(last, axis, axis * KNOTS)
        _write_tilts(embedding, last, axis)
        channel = axis * PLACE // 3
        _write_waves(embedding.conv_out, PERIODS, channel, axis * KNOTS)
        _write_sum(embedding.conv_out, channel + 2 * len(PERIODS), _places(), axis * KNOTS)
    _write_presence(embedding, last)
    _write_along(embedding, last)
    for weight in embedding.parameters():
        weight.copy_(weight.half())


def _write_noise(embedding: ControlNetConditioningEmbedding) -> None:
    first, *blocks = embedding.conv_in, *embedding.blocks
    for i in range(FIELDS):
        first.weight[4 + i, 3 + i, 1, 1] = 1
        first.bias[4 + i] = LIFT
    came = 4
    for layer, leaves in zip(blocks, (4, 4, 4, 8, 8, HINGES), strict=True):
        count = layer.weight.shape[1] - came
        for i in range(count):
            if layer.stride == (1, 1) or leaves == 4:
                layer.weight[leaves + i, came + i] = _averaging(layer)
            else:
                for tap, (y, x) in enumerate(((1, 1), (1, 2), (2, 1), (2, 2))):
                    layer.weight[leaves + 4 * i + tap, came + i, y, x] = 1
        came = leaves


def _write_hinges(last: nn.Conv2d, axis: int, first: int) -> None:
    hinges = slice(first, first + KNOTS)
    last.weight[hinges, axis] = SLOPE * _averaging(last)
    last.bias[hinges] = -SLOPE * (LIFT + torch.arange(KNOTS) / KNOTS)


def _write_waves(output: nn.Conv2d, periods: tuple[float, ...], channel: int, *hinges: int) -> None:
    """sin and cos of each period, from ``channel`` on, of the coordinates whose hinges begin at
    ``hinges``."""
    turns = [_places() / period for period in periods]
    for wave in (f(2 * torch.pi * turn) for turn in turns for f in (torch.sin, torch.cos)):
        _write_sum(output, channel, wave, *hinges)
        channel += 1


def _places() -> Tensor:
    """The coordinates of the knots, and 1."""
    return torch.linspace(-1, 1, KNOTS + 1)


def _write_sum(output: nn.Conv2d, channel: int, values: Tensor, *hinges: int) -> None:
    """The function linear between the knots that has ``values`` at them and at 1."""
    slopes = values.diff() * KNOTS
    bends = torch.cat([slopes[:1], slopes.diff()]) / SLOPE
    for first in hinges:
        output.weight[channel, first : first + KNOTS, 1, 1] = bends
    output.bias[channel] = values[0]


def _differences() -> Tensor:
    """(3, 3) kernel, of a strided layer: right minus left of the 2x2 pixels that it makes one."""
    kernel = torch.zeros(3, 3)
    kernel[1:, 1], kernel[1:, 2] = -0.5, 0.5
    return kernel


def _write_tilts(embedding: ControlNetConditioningEmbedding, last: nn.Conv2d, axis: int) -> None:
    """Ramps between 0 and _STEEPEST of the differences to the right and below, with either sign."""
    across = 2 * _differences()
    for number, (taps, sign) in enumerate((t, s) for t in (across, across.T) for s in (1, -1)):
        pair = 3 * KNOTS + 2 * (4 * axis + number)
        last.weight[pair : pair + 2, axis] = sign * _TILT * taps
        last.bias[pair + 1] = -_STEEPEST
        channel = PLACE + 4 * axis + number
        embedding.conv_out.weight[channel, pair : pair + 2, 1, 1] = torch.tensor([1.0, -1.0]) / _STEEPEST


def _write_presence(embedding: ControlNetConditioningEmbedding, last: nn.Conv2d) -> None:
    """0 over the background, where all coordinates are 0; 1 where their sum is 0.5, which all points of the
    unit sphere exceed."""
    pair = slice(3 * KNOTS + 2 * TILT, 3 * KNOTS + 2 * TILT + 2)
    last.weight[pair, :3] = 6 * _averaging(last)
    last.bias[pair] = -6 * 3 * LIFT - torch.tensor([0.6, 3.0])
    embedding.conv_out.weight[PLACE + TILT, pair, 1, 1] = torch.tensor([1.0, -1.0]) / 2.4


def _write_facing(differing: nn.Conv2d, comparing: nn.Conv2d) -> None:
    """Channels 3 and 4 of ``comparing`` become hinges, _SURE apart, of how much more z than x changes from
    left to right: so a wall that faces x is told from one that faces z, whichever way the camera looks."""
    for number, (axis, sign) in enumerate((axis, sign) for axis in (0, 2) for sign in (1, -1)):
        differing.weight[3 + number, axis] = sign * _FACING * _differences()
    comparing.weight[3:5, 3:5, 1, 1] = -SIDE
    comparing.weight[3:5, 5:7, 1, 1] = 1.0
    comparing.bias[4] = -_SURE


def _write_along(embedding: ControlNetConditioningEmbedding, last: nn.Conv2d) -> None:
    """Hinges of x and of z, those of the axis that a wall faces pushed down to 0."""
    for number, (axis, sign) in enumerate(((0, 1), (2, -1))):
        first = HINGES - 2 * KNOTS + number * KNOTS
        _write_hinges(last, axis, first)
        push = sign * 1.2 * SLOPE / _SURE * _averaging(last)
        last.weight[first : first + KNOTS, 3] = -push
        last.weight[first : first + KNOTS, 4] = push
        last.bias[first : first + KNOTS] -= 1.2 * SLOPE if sign < 0 else 0.0
    _write_waves(embedding.conv_out, ALONG, PLACE + TILT + PRESENCE, HINGES - 2 * KNOTS, HINGES - KNOTS)


def _averaging(layer: nn.Conv2d) -> Tensor:
    """(3, 3) kernel: the pixel itself, or the mean of the 2x2 pixels that a strided layer makes one."""
    kernel = torch.zeros(3, 3)
    taps = slice(1, 2) if layer.stride == (1, 1) else slice(1, 3)
    kernel[taps, taps] = 1
    return kernel / kernel.sum()
