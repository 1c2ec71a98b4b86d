"""Begin with what an earlier model learned, although its latents and its vocabulary differ.

Both autoencoders are projections of the same patches onto their strongest components, so one model's latents
are nearly a rotation of the other's: the rotation is put into the convolutions that read and write latents.
Token embeddings are carried over by the tokens' text.
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionControlNetPipeline
from torch import Tensor, nn
from transformers import CLIPTokenizer

from training import autoencoder
from training.networks import Networks


@torch.no_grad()
def warm_start(
    networks: Networks, tokenizer: CLIPTokenizer, vae: AutoencoderKL, old: Path, pictures: Tensor
) -> None:
    """Copy the weights of the pipeline in ``old``, of the same architecture, into ``networks``.

    pictures (N, 3, H, W) in [0, 1], from which the rotation between the latents is fitted.
    """
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(
        old, dtype=torch.float32, safety_checker=None
    )
    rotation = _rotation(_latents(vae, pictures), _latents(pipeline.vae, pictures))
    networks.unet.load_state_dict(pipeline.unet.state_dict())
    networks.controlnet.load_state_dict(pipeline.controlnet.state_dict())
    for layer in (networks.unet.conv_in, networks.controlnet.conv_in):
        layer.weight.copy_(torch.einsum("ocyx,nc->onyx", layer.weight, rotation))
    output: nn.Conv2d = networks.unet.conv_out
    output.weight.copy_(torch.einsum("nc,ciyx->niyx", rotation, output.weight))
    output.bias.copy_(rotation @ output.bias)  # type: ignore[operator, union-attr]
    _copy_text(networks, tokenizer, pipeline)


def _latents(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    latents = autoencoder.encode(vae, pictures) * vae.config.scaling_factor
    rows: Tensor = latents.permute(0, 2, 3, 1).reshape(-1, latents.shape[1])
    return rows


def _rotation(new: Tensor, old: Tensor) -> Tensor:
    """The orthogonal matrix R (new, old) that brings ``new`` @ R closest to ``old``."""
    left, _, right = torch.linalg.svd(torch.linalg.lstsq(new, old).solution)
    rotation: Tensor = left @ right
    return rotation


def _copy_text(
    networks: Networks, tokenizer: CLIPTokenizer, pipeline: StableDiffusionControlNetPipeline
) -> None:
    state = pipeline.text_encoder.state_dict()
    own = networks.text.state_dict()
    known = pipeline.tokenizer.get_vocab()
    pairs = [(index, known[token]) for token, index in tokenizer.get_vocab().items() if token in known]
    to, source = (torch.tensor(column) for column in zip(*pairs, strict=True))
    for name, value in state.items():
        if name.endswith("token_embedding.weight"):
            own[name][to] = value[source]
        elif name.endswith("position_embedding.weight"):
            own[name][: len(value)] = value
        elif not name.endswith("position_ids"):
            own[name].copy_(value)
