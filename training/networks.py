"""The starter's networks: Stable Diffusion's own classes, scaled down to fit in 40 MB.

Text reaches every residual block (addition_embed_type "text" with scale_shift) besides cross-attention at
the two coarse levels; latents are 32x32 for 256x256 pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import ControlNetModel, DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from training import places
from training.autoencoder import LATENTS
from training.places import BLOCKS, CONTROL, learning, write_code

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
        conditioning_channels=CONTROL,
        conditioning_embedding_out_channels=BLOCKS,
        **_shared(arch),
    )
    for layer in [*network.controlnet_down_blocks, network.controlnet_mid_block]:
        nn.init.normal_(layer.weight, std=0.3 / layer.weight.shape[0] ** 0.5)
    write_code(network.controlnet_cond_embedding)
    nn.init.zeros_(network.conv_in.weight)  # the noisy state is the UNet's business: places stay clear of it
    nn.init.zeros_(network.conv_in.bias)
    return _reading_codes(network)


def _reading_codes(network: ControlNetModel) -> ControlNetModel:
    """``network``, which in training is given codes: there is nothing to learn in what makes them, and that
    would take a sixth of the time."""
    embedding = network.controlnet_cond_embedding
    network.conv_in.requires_grad_(False)
    learning(embedding)
    network.conv_in.bias.requires_grad_()  # torch 2.13's GroupNorm crashes if its input needs no gradient
    embedding.exact = True  # read by Optimizer; what follows in the network has the network's precision
    return network


def load(folder: Path) -> Networks:
    """Those of a pipeline that ``build`` and training made, in float32."""
    whole = {"torch_dtype": torch.float32, "low_cpu_mem_usage": False}
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", **whole)
    controlnet = told_noise(ControlNetModel.from_pretrained(folder / "controlnet", **whole))
    text = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
    unet, controlnet = (network.to(memory_format=FASTER) for network in (unet, controlnet))
    return Networks(text, unet, _reading_codes(controlnet))


def finished(networks: Networks) -> Networks:
    """The same ``networks``, as diffusers and the engine read them: not to be trained any more."""
    places.finished(networks.controlnet.controlnet_cond_embedding)
    return networks


def told_noise(network: ControlNetModel) -> ControlNetModel:
    """``network``, or where it reads positions alone one that reads the noise beside them, too, and makes
    nothing of it yet."""
    if network.config.conditioning_channels == CONTROL:
        return network
    config = {
        **network.config,
        "conditioning_channels": CONTROL,
        "conditioning_embedding_out_channels": BLOCKS,
    }
    found = ControlNetModel.from_config(config)
    write_code(found.controlnet_cond_embedding)
    kept = found.state_dict()
    with torch.no_grad():
        # Its own code, which it learned with, comes first among the channels.
        for name, value in network.state_dict().items():
            kept[name][tuple(slice(n) for n in value.shape)] = value
    return found


def scheduler() -> DDIMScheduler:
    """Prediction of the picture itself, with zero terminal signal: sampling starts from pure noise, as
    training did."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="sample",
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
