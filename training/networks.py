"""The starter's networks: Stable Diffusion's own classes, scaled down to fit in 40 MB.

Text reaches every residual block (addition_embed_type "text" with scale_shift) besides cross-attention at
the two coarse levels; latents are 32x32 for 256x256 pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers import ControlNetModel, DDIMScheduler, UNet2DConditionModel
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from training.autoencoder import LATENTS

FASTER = torch.channels_last  # convolutions on a CPU: 1.14 times as many samples a second


@dataclass(frozen=True)
class Architecture:
    """``heads`` is the number of attention heads per level; ``attention`` says which levels have it.
    The first width is at least CODES, since the control embedding has as many channels."""

    widths: tuple[int, ...] = (64, 96, 128, 192)
    heads: tuple[int, ...] = (2, 3, 4, 6)
    attention: tuple[bool, ...] = (False, False, True, True)
    layers: int = 1
    text_width: int = 128
    text_layers: int = 3


@dataclass(frozen=True)
class Networks:
    """What diffusion training updates."""

    text: CLIPTextModel
    unet: UNet2DConditionModel
    controlnet: ControlNetModel

    @property
    def all(self) -> list[nn.Module]:
        return [self.text, self.unet, self.controlnet]

    def to(self, device: str) -> Networks:
        """The same networks, moved to ``device``."""
        for network in self.all:
            network.to(device)
        return self


def build(tokenizer: CLIPTokenizer, arch: Architecture, seed: int) -> Networks:
    """Networks with random weights, the same for the same seed."""
    torch.manual_seed(seed)
    unet, controlnet = (network.to(memory_format=FASTER) for network in (_unet(arch), _controlnet(arch)))
    return Networks(_text_encoder(tokenizer, arch), unet, controlnet)


def _text_encoder(tokenizer: CLIPTokenizer, arch: Architecture) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=arch.text_width,
        intermediate_size=4 * arch.text_width,
        num_hidden_layers=arch.text_layers,
        num_attention_heads=4,
        max_position_embeddings=tokenizer.model_max_length,
        projection_dim=arch.text_width,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def _shared(arch: Architecture) -> dict[str, object]:
    return {
        "in_channels": LATENTS,
        "block_out_channels": arch.widths,
        "layers_per_block": arch.layers,
        "cross_attention_dim": arch.text_width,
        "attention_head_dim": arch.heads,
        "norm_num_groups": 8,
        "addition_embed_type": "text",
        "addition_embed_type_num_heads": 4,
        "resnet_time_scale_shift": "scale_shift",
    }


def _unet(arch: Architecture) -> UNet2DConditionModel:
    down = tuple("CrossAttnDownBlock2D" if attends else "DownBlock2D" for attends in arch.attention)
    up = tuple(name.replace("Down", "Up") for name in reversed(down))
    return UNet2DConditionModel(
        sample_size=32, out_channels=LATENTS, down_block_types=down, up_block_types=up, **_shared(arch)
    )


def _controlnet(arch: Architecture) -> ControlNetModel:
    """Convolutions only: control is local. Its output starts small rather than at zero, since the UNet is not
    a trained one that must be spared."""
    network = ControlNetModel(
        down_block_types=("DownBlock2D",) * len(arch.widths),
        mid_block_type="UNetMidBlock2D",
        conditioning_embedding_out_channels=(4, 4, 4, HINGES),
        **_shared(arch),
    )
    for layer in [*network.controlnet_down_blocks, network.controlnet_mid_block]:
        nn.init.normal_(layer.weight, std=0.3 / layer.weight.shape[0] ** 0.5)
    embedding = network.controlnet_cond_embedding
    _write_code(embedding)
    nn.init.zeros_(network.conv_in.weight)  # the noisy state is the UNet's business: places stay clear of it
    nn.init.zeros_(network.conv_in.bias)
    for layers in (network.conv_in, embedding):
        layers.requires_grad_(False)  # nothing to learn there, and a sixth of the time
    embedding.conv_out.bias.requires_grad_()  # torch 2.13's GroupNorm crashes if its input needs no gradient
    embedding.exact = True  # read by Optimizer; what follows in the network has the network's precision
    embedding.register_forward_hook(lambda _module, _inputs, output: output.to(network.dtype))
    return network


LIFT = 12.0  # of the coordinates on their way through the control embedding: there SiLU is the identity
SLOPE = 160.0  # of the hinges: SiLU(SLOPE * x) is a ramp that begins within 1 / SLOPE of 0
KNOTS = 64  # along each axis of the unit cube that positions are written in
PERIODS = (0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1.0)  # of the waves, in the mesh's own units
CODES = 3 * (2 * len(PERIODS) + 1) + 12 + 1
_TILT = 60.0  # of a coordinate's differences across 8 pixels
_STEEPEST = 3.0  # at which they are cut: a silhouette is no slope
HINGES = 3 * KNOTS + 2 * 12 + 2


@torch.no_grad()
def _write_code(embedding: ControlNetConditioningEmbedding) -> None:
    """Set a control embedding that writes every latent's place as waves.

    Its output (CODES of 64 channels) is, for each axis, the triangle-like wave sin and cos (2 pi x / period)
    of every period in PERIODS and the coordinate itself; how each coordinate changes across the picture, both
    ways, with either sign, from which a facing follows; and whether there is an object. The regular patterns
    of training.materials repeat in these periods: a check is a product of two waves. From bare coordinates
    networks learn such steep functions late or never (Rahaman and others, On the Spectral Bias of Neural
    Networks, 2019; Tancik and others, Fourier Features, 2020).

    The coordinates pass all blocks but the last unchanged, averaged over ever larger pixels. The last has
    hinges SiLU(SLOPE * (p - knot)), and its output sums them up to any function linear between knots.
    """
    *layers, last = embedding.conv_in, *embedding.blocks
    for layer in (*layers, last, embedding.conv_out):
        layer.weight.zero_()
        layer.bias.zero_()
    for layer in layers:
        for axis in range(3):
            layer.weight[axis, axis] = _averaging(layer)
    embedding.conv_in.bias[:3] = LIFT
    for axis in range(3):
        _write_waves(embedding, last, axis)
        _write_tilts(embedding, last, axis)
    _write_presence(embedding, last)


def _write_waves(embedding: ControlNetConditioningEmbedding, last: nn.Conv2d, axis: int) -> None:
    hinges = slice(axis * KNOTS, (axis + 1) * KNOTS)
    knots = torch.arange(KNOTS) / KNOTS
    last.weight[hinges, axis] = SLOPE * _averaging(last)
    last.bias[hinges] = -SLOPE * (LIFT + knots)
    values = torch.arange(KNOTS + 1) / KNOTS
    turns = [2 * (values - 0.5) / period for period in PERIODS]
    waves = [f(2 * torch.pi * turn) for turn in turns for f in (torch.sin, torch.cos)]
    first = axis * (len(waves) + 1)
    for channel, wave in enumerate([*waves, 2 * values - 1], first):
        slopes = wave.diff() * KNOTS
        bends = torch.cat([slopes[:1], slopes.diff()])
        embedding.conv_out.weight[channel, hinges, 1, 1] = bends / SLOPE
        embedding.conv_out.bias[channel] = wave[0]


def _write_tilts(embedding: ControlNetConditioningEmbedding, last: nn.Conv2d, axis: int) -> None:
    """Ramps between 0 and _STEEPEST of the differences to the right and below, with either sign."""
    across = torch.zeros(3, 3)
    across[1:, 1], across[1:, 2] = -1.0, 1.0
    for number, (taps, sign) in enumerate((t, s) for t in (across, across.T) for s in (1, -1)):
        pair = 3 * KNOTS + 2 * (4 * axis + number)
        last.weight[pair : pair + 2, axis] = sign * _TILT * taps
        last.bias[pair + 1] = -_STEEPEST
        channel = CODES - 13 + 4 * axis + number
        embedding.conv_out.weight[channel, pair : pair + 2, 1, 1] = torch.tensor([1.0, -1.0]) / _STEEPEST


def _write_presence(embedding: ControlNetConditioningEmbedding, last: nn.Conv2d) -> None:
    """0 over the background, where all coordinates are 0; 1 where their sum is 0.5, which all points of the
    unit sphere exceed."""
    last.weight[-2:, :3] = 6 * _averaging(last)
    last.bias[-2:] = -6 * 3 * LIFT - torch.tensor([0.6, 3.0])
    embedding.conv_out.weight[CODES - 1, -2:, 1, 1] = torch.tensor([1.0, -1.0]) / 2.4


def _averaging(layer: nn.Conv2d) -> Tensor:
    """(3, 3) kernel: the pixel itself, or the mean of the 2x2 pixels that a strided layer makes one."""
    kernel = torch.zeros(3, 3)
    taps = slice(1, 2) if layer.stride == (1, 1) else slice(1, 3)
    kernel[taps, taps] = 1
    return kernel / kernel.sum()


def scheduler() -> DDIMScheduler:
    """v-prediction with zero terminal signal: sampling starts from pure noise, as training did."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=0,
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    )


def tokens(tokenizer: CLIPTokenizer, captions: list[str]) -> Tensor:
    """Token ids (N, MAX_TOKENS) int64, padded and cut."""
    found = tokenizer(captions, padding="max_length", truncation=True, return_tensors="pt")
    return found.input_ids  # type: ignore[no-any-return]
