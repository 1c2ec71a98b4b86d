"""Stable Diffusion XL: a UNet that reads two text encoders, pooled text, and the size of its picture."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...models.checks import check_half
from ...models.files import read_json
from ...models.sources import Sources
from .. import tokenizer, weights
from ..build import build
from ..device import finer, has_bfloat16
from ..parts import Part
from .family import TEXT, Check, Component, Stack
from .stable_diffusion import StableDiffusion

_POOLED = "pooled"


class StableDiffusionXL(StableDiffusion):
    """Conditions are the text (N, tokens, width) and, beside it, the pooled text (N, numbers)."""

    components = (
        *StableDiffusion.components,
        Component(
            "text_encoder_2", "transformers.models.clip.modeling_clip:CLIPTextModelWithProjection", TEXT
        ),
    )

    def __init__(self, sources: Sources, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(sources, device, dtype)
        self._tokenizers = {
            "text_encoder": self._tokenizer,
            "text_encoder_2": tokenizer.read(sources.pipeline / "tokenizer_2"),
        }
        index = sources.pipeline / "model_index.json"
        said = read_json(index) if index.is_file() else {}
        self._nothing_is_zeros = said.get("force_zeros_for_empty_prompt", True)

    def _without_overflow(self, vae: Part, sources: Sources) -> Part:
        """The published weights overflow in half precision. Others, trained on until they don't, are best;
        bfloat16 has the range, and takes half of what full precision does."""
        if self.dtype == torch.float32 or not vae.config.force_upcast:
            return super()._without_overflow(vae, sources)
        if sources.half:
            file = sources.half / "config.json"
            config = read_json(file)
            check_half(sources.half, config, vae.config)
            folder = sources.half
            empty = partial(build, self.components[2].network, config, file)
            kind = finer(self.dtype, self.device)
            return Part("vae", empty, lambda _, check: weights.of_folder(folder), self.device, kind)
        bfloat16 = self.dtype == torch.bfloat16 or has_bfloat16(self.device)
        vae.dtype = torch.bfloat16 if bfloat16 else torch.float32
        return vae

    @torch.no_grad()
    def condition(self, prompt: str, check: Check) -> tuple[Stack, str]:
        """No prompt is zeros, as the model was trained without one, unless it says otherwise."""
        if not prompt and self._nothing_is_zeros:
            return self._nothing(), ""
        texts, rests, pooled = [], [], torch.empty(0)
        for name, words in self._tokenizers.items():
            encoder = self.parts[name]
            ids, rest = tokenizer.tokens(words, prompt, encoder.config)
            output = encoder.network(check)(ids.to(self.device), output_hidden_states=True)
            texts.append(output.hidden_states[-2])
            rests.append(rest)
            pooled = output[0]  # of the last encoder, which alone projects it
        return Stack(torch.cat(texts, dim=-1).to(self.dtype), {_POOLED: pooled.to(self.dtype)}), rests[0]

    def _nothing(self) -> Stack:
        first, second = (self.parts[name].config for name in self._tokenizers)
        length = min(self._tokenizer.model_max_length, first.max_position_embeddings)
        shape = 1, length, first.hidden_size + second.hidden_size
        kind: dict[str, Any] = {"device": self.device, "dtype": self.dtype}
        return Stack(torch.zeros(shape, **kind), {_POOLED: torch.zeros(1, second.projection_dim, **kind)})

    def _added(self, condition: Stack, height: int, width: int) -> dict[str, Any]:
        """The pooled text, and six numbers: (height, width) of an original picture, the corner where it was
        cut, (height, width) of what is wanted. Views smaller than what the model was trained at count as that
        large: of small originals it has learned that they are blurred."""
        pooled = condition.others[_POOLED]
        pixels, longest = self.latent.pixels, max(height, width, self.latent.side)
        scale = pixels * longest / max(height, width)
        size = [float(round(side * scale)) for side in (height, width)]
        ids: Tensor = torch.tensor([*size, 0.0, 0.0, *size], device=self.device)
        return {"added_cond_kwargs": {"text_embeds": pooled, "time_ids": ids.expand(len(pooled), -1)}}
