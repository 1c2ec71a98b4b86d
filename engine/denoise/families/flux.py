"""FLUX.1, schnell and dev, with ControlNets of their build."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...errors import UserError
from ...models.sources import Sources
from ...models.transformer_controlnet import ANOTHER, controlnet_config
from .. import tokenizer
from ..controlnets import ControlNets, Opened, trained_on, union_kinds
from ..levels import Level
from ..patches import PATCH, packed, unpacked
from .family import NETWORK, PIXELS, TEXT, Check, Component, Control, Ragged, unguided
from .transformer import FlowTransformer, summed

CONTROLNET = "diffusers.models.controlnets.controlnet_flux:FluxControlNetModel"
SHARED = (
    *("in_channels", "joint_attention_dim", "pooled_projection_dim"),
    *("num_attention_heads", "attention_head_dim", "axes_dims_rope"),
)
PUBLISHED = ("depth", "lines")  # what unions that aren't told were trained on
UNION_KINDS = {"lines": 0, "depth": 2}  # of the pictures that InstantX's union takes, those that we make


class Prompt(NamedTuple):
    """Of a row. text: (tokens, width) of T5. pooled: of CLIP. steering: both for the ControlNet. guidance: as
    far as the network is told of it."""

    text: Tensor
    pooled: Tensor
    steering: tuple[Tensor, Tensor]
    guidance: float = 1.0


class Picture(NamedTuple):
    """Of a row of control pictures. tokens: (L, C)."""

    tokens: Tensor


class Flux(FlowTransformer[Ragged[Any]]):
    """Its network takes latents as tokens with their places, T5's words, all of them and those that pad, and
    CLIP's sum of them. That of dev is told the guidance and takes one pass, whatever it is; that of schnell
    was distilled for few steps without any."""

    components = (
        Component("text_encoder", "transformers.models.clip.modeling_clip:CLIPTextModel", TEXT),
        Component("text_encoder_2", "transformers.models.t5.modeling_t5:T5EncoderModel", TEXT),
        Component(
            "transformer", "diffusers.models.transformers.transformer_flux:FluxTransformer2DModel", NETWORK
        ),
        Component("vae", "diffusers.models.autoencoders.autoencoder_kl:AutoencoderKL", PIXELS),
    )
    PROMPT = 512
    controlnets: ControlNets[Opened]
    READER, TEXT_WIDTH, SQUARE = "text_encoder_2", "joint_attention_dim", 4

    def __init__(self, sources: Sources, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(sources, device, dtype)
        self._clip = tokenizer.read(sources.pipeline / "tokenizer")
        self._t5 = tokenizer.read(sources.pipeline / "tokenizer_2", tokenizer.T5)
        config = self.parts["transformer"].config
        self._told = bool(config.guidance_embeds)
        self._limit = self.PROMPT if self._told else 256  # as each was trained
        if config.pooled_projection_dim != self.parts["text_encoder"].config.hidden_size:
            raise UserError(f"{sources.name}: its text_encoder isn't of its transformer", ANOTHER)
        self.controlnets = ControlNets(sources.controlnet, self._controlnet)
        self._parts["controlnet"] = self.controlnets[None].part

    def _controlnet(self, place: Path) -> Opened:
        """The one at ``place``. Raises UserError for one that doesn't fit."""
        transformer = self.parts["transformer"].config
        config = controlnet_config(place, "FluxControlNetModel", transformer, SHARED)
        if config.get("conditioning_embedding_channels") is not None:
            raise UserError(f"{place} reads pixels rather than latents: not supported", ANOTHER)
        part = self._controlnet_part(CONTROLNET, config, place)
        if (modes := part.config.num_mode) is None:
            return Opened(part, trained_on(place, PUBLISHED))
        return Opened(part, union_kinds(place, UNION_KINDS, modes))

    @torch.no_grad()
    def condition(self, prompt: str, check: Check) -> tuple[Ragged[Any], str]:
        """T5's last layer, and what CLIP makes of the end of the prompt. It is cut off where T5's is."""
        clip, t5 = self.parts["text_encoder"], self.parts["text_encoder_2"]
        short, _ = tokenizer.tokens(self._clip, prompt, clip.config)
        ids, rest = tokenizer.padded(self._t5, prompt, self._limit, t5.config.vocab_size)
        pooled = clip.network(check)(short.to(self.device)).pooler_output[0].to(self.dtype)
        text = t5.network(check)(ids.to(self.device))[0][0].to(self.dtype)
        return Ragged((Prompt(text, pooled, (text, pooled)),)), rest

    def passes(
        self, without: Ragged[Any], prompted: Ragged[Any], guidance: Sequence[float]
    ) -> tuple[Ragged[Any], ...]:
        if self._told:
            rows = zip(prompted.each, guidance, strict=True)
            return (Ragged(tuple(row._replace(guidance=one) for row, one in rows)),)
        if unguided(guidance):
            return (prompted,)
        pairs = zip(without.each, prompted.each, strict=True)
        return Ragged(tuple(no._replace(steering=yes.steering) for no, yes in pairs)), prompted

    def steer(self, pictures: Tensor, rows: int, net: Path | None = None) -> Ragged[Any]:
        tokens = packed(self.read(pictures, rows)).to(self.device, self.dtype)
        return Ragged(tuple(map(Picture, tokens)))

    @torch.no_grad()
    def predict(
        self, x: Tensor, level: Level, condition: Ragged[Any], controls: Sequence[Control[Ragged[Any]]]
    ) -> Tensor:
        height, width = x.shape[2:]
        prompts: tuple[Prompt, ...] = condition.each
        text = torch.stack([prompt.text for prompt in prompts])
        common = {
            "hidden_states": packed(x.to(self.device, self.dtype)),
            "timestep": torch.full((len(x),), level.sigma, device=self.device),
            "img_ids": _places(height // PATCH, width // PATCH).to(self.device),
            "txt_ids": torch.zeros(text.shape[1], 3, device=self.device),
            "return_dict": False,
        }
        config = self.parts["transformer"].config
        added = [self._residuals(common, prompts, control) for control in controls]
        (output,) = self.attention(
            **common,
            encoder_hidden_states=text,
            pooled_projections=torch.stack([prompt.pooled for prompt in prompts]),
            guidance=self._guidance(prompts) if self._told else None,
            controlnet_block_samples=summed([blocks for blocks, _ in added], config.num_layers),
            controlnet_single_block_samples=summed(
                [singles for _, singles in added], config.num_single_layers
            ),
        )
        return unpacked(output, height, width).float()

    def _residuals(
        self, common: dict[str, Any], prompts: Sequence[Prompt], control: Control[Ragged[Any]]
    ) -> tuple[list[Tensor] | None, list[Tensor] | None]:
        """What is added after layers of either kind."""
        net = self.controlnets[control.net]
        network, mode = net.part.network(), net.kinds[control.kind or "depth"]
        text, pooled = (torch.stack(each) for each in zip(*(p.steering for p in prompts), strict=True))
        count = len(prompts)
        blocks, singles = network(
            **common,
            encoder_hidden_states=text,
            pooled_projections=pooled,
            guidance=self._guidance(prompts) if network.config.guidance_embeds else None,
            controlnet_cond=torch.stack([row.tokens for row in control.pictures.each]),
            controlnet_mode=None if mode is None else torch.full((count, 1), mode, device=self.device),
            conditioning_scale=float(control.scale),
        )
        return blocks, singles

    def _guidance(self, prompts: Sequence[Prompt]) -> Tensor:
        return torch.tensor([prompt.guidance for prompt in prompts], device=self.device)


def _places(rows: int, columns: int) -> Tensor:
    """(rows columns, 3): of each token nothing, its row and its column."""
    return torch.cartesian_prod(torch.arange(1), torch.arange(rows), torch.arange(columns)).float()
