"""Z-Image and Z-Image-Turbo, with the Fun ControlNet Union in its versions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import torch
from torch import Tensor

from ...models.sources import Sources
from ..chat import Chat
from ..controlnets import ControlNets
from ..levels import Level
from ..z_image_controlnet import ZImageControlNet
from .family import NETWORK, PIXELS, TEXT, Check, Component, Control, Ragged
from .transformer import FlowTransformer

Added = dict[int, Tensor]  # by a layer's number


class ZImage(FlowTransformer[Ragged[Tensor]]):
    """Its network takes lists of pictures (C, 1, h, w) and of prompts (tokens, width), is told 1 - sigma, and
    gives the velocity towards the picture, the negative of everyone else's.

    Its pipeline's guidance s is p + s (p - n) of the positive and the negative prediction: here 1 + s, as for
    any other family.
    """

    components = (
        Component("text_encoder", "transformers.models.qwen3.modeling_qwen3:Qwen3Model", TEXT),
        Component(
            "transformer",
            "diffusers.models.transformers.transformer_z_image:ZImageTransformer2DModel",
            NETWORK,
        ),
        Component("vae", "diffusers.models.autoencoders.autoencoder_kl:AutoencoderKL", PIXELS),
    )
    PROMPT = 512
    TEXT_WIDTH, SQUARE = "cap_feat_dim", 1
    controlnets: ControlNets[ZImageControlNet]

    def __init__(self, sources: Sources, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(sources, device, dtype)
        self._chat = Chat.read(sources.pipeline / "tokenizer", self.PROMPT)
        self._said("")  # a template that can't be used is found now
        transformer = self.parts["transformer"]
        self.controlnets = ControlNets(sources.controlnet, lambda path: ZImageControlNet(path, transformer))
        self._parts["controlnet"] = self.controlnets[None].part

    @torch.no_grad()
    def condition(self, prompt: str, check: Check) -> tuple[Ragged[Tensor], str]:
        """What the last layer but one of the language model makes of the prompt as a user's message."""
        encoder = self.parts["text_encoder"]
        ids, rest = self._chat.tokens(self._said(prompt), prompt, encoder.config.vocab_size)
        layers = encoder.network(check)(ids.to(self.device), output_hidden_states=True).hidden_states
        return Ragged((layers[-2][0].to(self.dtype),)), rest

    def _said(self, prompt: str) -> str:
        return self._chat.said(prompt, enable_thinking=True)

    def steer(self, pictures: Tensor, rows: int, net: Path | None = None) -> Ragged[Tensor]:
        return Ragged(tuple(self.controlnets[net].inputs(self.read(pictures, rows))))

    @torch.no_grad()
    def predict(
        self, x: Tensor, level: Level, condition: Ragged[Tensor], controls: Sequence[Control[Ragged[Tensor]]]
    ) -> Tensor:
        states = list(x.to(self.device, self.dtype).unsqueeze(2))
        time = torch.full((len(x),), 1.0 - level.sigma, device=self.device)
        texts = list(condition.each)
        added = [
            self.controlnets[c.net].residuals(states, time, texts, list(c.pictures.each), c.scale)
            for c in controls
        ]
        output = self.attention(
            states, time, texts, controlnet_block_samples=reduce(_sum, added) if added else None
        )
        return -torch.stack(output.sample).squeeze(2).float()

    @property
    def width(self) -> int:
        return int(self.parts["transformer"].config.dim)


def _sum(some: Added, more: Added) -> Added:
    return {layer: sum(each[layer] for each in (some, more) if layer in each) for layer in {**some, **more}}  # type: ignore[misc]
