"""Qwen-Image, with ControlNets of its own build."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ...models.sources import Sources
from ...models.transformer_controlnet import controlnet_config
from ..autoencoder import Autoencoder, VideoAutoencoder
from ..chat import Chat
from ..controlnets import ControlNets, Opened, trained_on
from ..levels import Level
from ..parts import Part
from ..patches import packed, unpacked
from .family import NETWORK, PIXELS, TEXT, Check, Component, Control, Ragged, unguided
from .transformer import FlowTransformer, summed

# What stands around a prompt, as the model was trained; the first tokens of it say nothing of the picture.
SAID = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, "
    "spatial relationships of the objects and background:<|im_end|>\n"
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
SKIPPED = 34
CONTROLNET = "diffusers.models.controlnets.controlnet_qwenimage:QwenImageControlNetModel"
PUBLISHED = ("depth", "lines")  # of the pictures that we make, those that InstantX's was trained on
SHARED = ("in_channels", "joint_attention_dim", "num_attention_heads", "attention_head_dim", "axes_dims_rope")

Parts = tuple[Tensor, ...]  # of a row: what the network reads, and what its ControlNet does


class QwenImage(FlowTransformer[Ragged[Parts]]):
    """Its network takes latents as tokens, and prompts padded to the same length. Its ControlNet reads the
    positive prompt in the negative pass, too; and guidance never makes a token longer than the positive
    prediction has it."""

    components = (
        Component(
            "text_encoder", "transformers.models.qwen2_5_vl.modeling_qwen2_5_vl:Qwen2_5_VLTextModel", TEXT
        ),
        Component(
            "transformer",
            "diffusers.models.transformers.transformer_qwenimage:QwenImageTransformer2DModel",
            NETWORK,
        ),
        Component(
            "vae", "diffusers.models.autoencoders.autoencoder_kl_qwenimage:AutoencoderKLQwenImage", PIXELS
        ),
    )
    PROMPT = 1024
    TEXT_WIDTH, SQUARE = "joint_attention_dim", 4
    controlnets: ControlNets[Opened]

    def __init__(self, sources: Sources, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(sources, device, dtype)
        self._chat = Chat.read(sources.pipeline / "tokenizer", self.PROMPT + SKIPPED)
        self.controlnets = ControlNets(sources.controlnet, self._controlnet)
        self._parts["controlnet"] = self.controlnets[None].part

    def _controlnet(self, place: Path) -> Opened:
        """The one at ``place``. Raises UserError for one that doesn't fit."""
        transformer = self.parts["transformer"].config
        config = controlnet_config(place, "QwenImageControlNetModel", transformer, SHARED)
        return Opened(self._controlnet_part(CONTROLNET, config, place), trained_on(place, PUBLISHED))

    def _own_autoencoder(self, part: Part) -> Autoencoder:
        return VideoAutoencoder(part)

    @torch.no_grad()
    def condition(self, prompt: str, check: Check) -> tuple[Ragged[Parts], str]:
        """What the last layer of the language model makes of the prompt."""
        encoder = self.parts["text_encoder"]
        ids, rest = self._chat.tokens(SAID.format(prompt), prompt, encoder.config.vocab_size)
        found = encoder.network(check)(ids.to(self.device)).last_hidden_state
        text = found[0, SKIPPED:].to(self.dtype)
        return Ragged(((text, text),)), rest

    def passes(
        self, without: Ragged[Parts], prompted: Ragged[Parts], guidance: Sequence[float]
    ) -> tuple[Ragged[Parts], ...]:
        if unguided(guidance):
            return (prompted,)
        pairs = zip(without.each, prompted.each, strict=True)
        return Ragged(tuple((negative[0], positive[1]) for negative, positive in pairs)), prompted

    def guide(self, without: Tensor, prompted: Tensor, guidance: Tensor) -> Tensor:
        mixed, wanted = packed(super().guide(without, prompted, guidance)), packed(prompted)
        rescaled = mixed * (wanted.norm(dim=-1, keepdim=True) / mixed.norm(dim=-1, keepdim=True))
        return unpacked(rescaled, *prompted.shape[2:])

    def steer(self, pictures: Tensor, rows: int, net: Path | None = None) -> Ragged[Parts]:
        tokens = packed(self.read(pictures, rows)).to(self.device, self.dtype)
        return Ragged(tuple((row,) for row in tokens))

    @torch.no_grad()
    def predict(
        self, x: Tensor, level: Level, condition: Ragged[Parts], controls: Sequence[Control[Ragged[Parts]]]
    ) -> Tensor:
        height, width = x.shape[2:]
        common = {
            "hidden_states": packed(x.to(self.device, self.dtype)),
            "timestep": torch.full((len(x),), level.sigma, device=self.device),
            "img_shapes": [(1, height // 2, width // 2)] * len(x),
            "return_dict": False,
        }
        added = [self._residuals(common, condition, control) for control in controls]
        (output,) = self.attention(
            **common,
            **_padded([row[0] for row in condition.each]),
            controlnet_block_samples=summed(added, self.parts["transformer"].config.num_layers),
        )
        return unpacked(output, height, width).float()

    def _residuals(
        self, common: dict[str, Any], condition: Ragged[Parts], control: Control[Ragged[Parts]]
    ) -> list[Tensor]:
        found: list[Tensor] = self.controlnets[control.net].part.network()(
            **common,
            **_padded([row[1] for row in condition.each]),
            controlnet_cond=torch.stack([row[0] for row in control.pictures.each]),
            conditioning_scale=float(control.scale),
        )
        return found


def _padded(texts: list[Tensor]) -> dict[str, Tensor | None]:
    """Prompts (T, width) as one tensor, and which tokens of it are theirs, as the networks take them."""
    lengths = {len(text) for text in texts}
    mask = None
    if len(lengths) > 1:
        mask = torch.zeros(len(texts), max(lengths), dtype=torch.bool, device=texts[0].device)
        for row, text in zip(mask, texts, strict=True):
            row[: len(text)] = True
    padded = pad_sequence(texts, batch_first=True)
    return {"encoder_hidden_states": padded, "encoder_hidden_states_mask": mask}
