"""Begin with what an earlier model learned, although latents, vocabulary and widths differ.

Both autoencoders are projections of picture patches onto their strongest components, so one model's latents
are nearly a rotation of (a part of) the other's: the rotation is put into the convolutions that read and
write latents. A wider level starts with some or all channels doubled, which computes about what it did before
(Net2Net, Chen and others 2016). Token embeddings are carried over by the tokens' text.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, ControlNetModel, StableDiffusionControlNetPipeline
from torch import Tensor, nn
from transformers import CLIPTokenizer

from training import autoencoder
from training.networks import Networks

GROUPS = 8  # of the networks' normalisation
JITTER = 0.05  # of a weight's deviation: doubled channels must be able to part


@torch.no_grad()
def warm_start(
    networks: Networks, tokenizer: CLIPTokenizer, vae: AutoencoderKL, old: Path, pictures: Tensor
) -> None:
    """Copy the weights of the pipeline in ``old`` into ``networks``, of the same depth and at most twice the
    widths. A ControlNet that reads its picture another way, and what else has no counterpart, stays random.

    pictures (N, 3, H, W) in [0, 1], from which the rotation between the latents is fitted.
    """
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(
        old, dtype=torch.float32, safety_checker=None
    ).to(pictures.device)
    rotation = _rotation(_latents(vae, pictures), _old_latents(pipeline.vae, pictures, vae))
    predicts_v = pipeline.scheduler.config.prediction_type == "v_prediction"
    sign = -1.0 if predicts_v else 1.0  # v of pure noise is the picture's negative
    parts = _parts(pipeline.unet.config.block_out_channels, networks.unet.config.block_out_channels)
    sources = [(networks.unet, pipeline.unet)]
    if _embedding(networks.controlnet) == _embedding(pipeline.controlnet):
        sources.append((networks.controlnet, pipeline.controlnet))
    for network, source in sources:
        state = source.state_dict()
        state["conv_in.weight"] = torch.einsum("ocyx,nc->onyx", state["conv_in.weight"], rotation)
        if "conv_out.weight" in state:
            weight = sign * state["conv_out.weight"]
            state["conv_out.weight"] = torch.einsum("nc,ciyx->niyx", rotation, weight)
            state["conv_out.bias"] = sign * (rotation @ state["conv_out.bias"])
        _copy(network, state, parts)
    networks.controlnet.conv_in.weight.zero_()  # as networks.build leaves it
    networks.controlnet.conv_in.bias.zero_()
    _copy_text(networks, tokenizer, pipeline)


def _embedding(controlnet: ControlNetModel) -> list[int]:
    return list(controlnet.config.conditioning_embedding_out_channels)


def _latents(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    latents = autoencoder.encode(vae, pictures) * vae.config.scaling_factor
    rows: Tensor = latents.permute(0, 2, 3, 1).reshape(-1, latents.shape[1])
    return rows


def _old_latents(old: AutoencoderKL, pictures: Tensor, vae: AutoencoderKL) -> Tensor:
    """The old model's latents on the new one's grid."""
    levels = len(vae.config.block_out_channels) - len(old.config.block_out_channels)
    return _latents(old, F.avg_pool2d(pictures, 2**levels))


def _rotation(new: Tensor, old: Tensor) -> Tensor:
    """The matrix R (new, old) with orthonormal columns that brings ``new`` @ R closest to ``old``."""
    left, _, right = torch.linalg.svd(torch.linalg.lstsq(new, old).solution, full_matrices=False)
    rotation: Tensor = left @ right
    return rotation


Parts = dict[tuple[int, int], list[tuple[int, int]]]


def _parts(old: list[int], new: list[int]) -> Parts:
    """What a dimension that went from one size to another is made of: a level, two levels where a skip
    connection comes in (or scale and shift of one), or the embedding of the time."""
    levels = list(zip(old, new, strict=True))
    found: Parts = {level: [level] for level in levels}
    found |= {(a[0] + b[0], a[1] + b[1]): [a, b] for a in levels for b in levels if a[0] >= b[0]}
    return found | {(4 * old[0], 4 * new[0]): [(4 * old[0], 4 * new[0])]}


def _copy(network: nn.Module, state: dict[str, Tensor], parts: Parts) -> None:
    for name, own in network.state_dict().items():
        weight = state.get(name)
        if weight is None or name.startswith("controlnet_cond_embedding"):
            continue
        if name == "time_embedding.linear_1.weight" and weight.shape != own.shape:
            # twice as many frequencies: every other one is an old one
            weight = torch.stack([weight, torch.zeros_like(weight)], 2).flatten(1)
        for axis in range(min(weight.dim(), 2)):
            if weight.shape[axis] != own.shape[axis]:
                weight = _widened(weight, axis, parts[weight.shape[axis], own.shape[axis]])
        jitter = JITTER * torch.randn_like(own) * own.std() if own.dim() > 1 else 0.0
        own.copy_(weight + (jitter if weight.shape != state[name].shape else 0.0))


def _widened(weight: Tensor, axis: int, parts: list[tuple[int, int]]) -> Tensor:
    """``weight`` with channels doubled along ``axis``, in every normalisation group alike; the inputs
    (axis 1) of doubled channels are shared out."""
    index: list[int] = []
    begin = 0
    for have, want in parts:
        size, extra = have // GROUPS, (want - have) // GROUPS
        for group in range(begin, begin + have, size):
            twice = [channel for channel in range(group, group + extra) for _ in (0, 1)]
            index += [*twice, *range(group + extra, group + size)]
        begin += have
    chosen = torch.tensor(index)
    wide = weight.index_select(axis, chosen)
    if axis == 1:
        copies = torch.bincount(chosen)[chosen]
        wide = wide / copies.view(1, -1, *[1] * (weight.dim() - 2))
    return wide


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
