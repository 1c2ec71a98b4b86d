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
    """``heads`` is the number of attention heads per level; ``attention`` says which levels have it."""

    widths: tuple[int, ...] = (64, 96, 128, 192)
    heads: tuple[int, ...] = (2, 3, 4, 6)
    attention: tuple[bool, ...] = (False, False, True, True)
    layers: int = 1
    text_width: int = 128
    text_layers: int = 3
    control_widths: tuple[int, ...] = (4, 8, 16, 48)


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
        conditioning_embedding_out_channels=arch.control_widths,
        **_shared(arch),
    )
    for layer in [*network.controlnet_down_blocks, network.controlnet_mid_block]:
        nn.init.normal_(layer.weight, std=0.3 / layer.weight.shape[0] ** 0.5)
    network.controlnet_cond_embedding.conv_out.reset_parameters()
    embedding = network.controlnet_cond_embedding
    _write_knots(embedding)
    nn.init.zeros_(network.conv_in.weight)  # the noisy state is the UNet's business: places stay clear of it
    nn.init.zeros_(network.conv_in.bias)
    for layers in (network.conv_in, embedding.conv_in, embedding.blocks):
        layers.requires_grad_(False)  # nothing to learn there, and a sixth of the time
    embedding.exact = True  # read by Optimizer; what follows in the network has the network's precision
    embedding.register_forward_hook(lambda _module, _inputs, output: output.to(network.dtype))
    return network


LIFT, GAIN = 6.0, 4.0  # of the coordinates on their way through the control embedding
SLOPE = 40.0


@torch.no_grad()
def _write_knots(embedding: ControlNetConditioningEmbedding) -> None:
    """Begin with a control embedding that says which interval of x, y and z a latent lies in.

    The coordinates pass the first layers nearly unchanged (far up, SiLU is the identity), averaged over ever
    larger pixels. The last block has a hinge SiLU(SLOPE * (p - knot)) at each of many knots along each axis;
    second differences of neighbouring hinges, in the output, are bumps: each answers in one interval only. A
    network finds the cells of a pattern from these soon, and from bare coordinates late: steep functions are
    learned last (Rahaman and others, On the Spectral Bias of Neural Networks, 2019).
    """
    *layers, last = embedding.conv_in, *embedding.blocks
    for layer in (*layers, last):
        layer.weight.zero_()
        layer.bias.zero_()
    for layer in layers:
        for axis in range(3):
            layer.weight[axis, axis] = _averaging(layer) * (GAIN if layer is embedding.conv_in else 1)
    embedding.conv_in.bias[:3] = LIFT
    knots = last.out_channels // 3
    output = embedding.conv_out.weight
    output /= SLOPE  # hinges are large
    output[: 3 * knots] = 0
    for axis in range(3):
        for knot in range(knots):
            channel, place = axis * knots + knot, (knot - 0.5) / (knots - 2)
            last.weight[channel, axis] = SLOPE / GAIN * _averaging(last)
            last.bias[channel] = -SLOPE * (LIFT / GAIN + place)
            if 0 < knot < knots - 1:
                output[channel, channel - 1 : channel + 2, 1, 1] = torch.tensor([1.0, -2.0, 1.0])


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
