"""Stable Diffusion 1.x and 2.x, and our own small models of the same build."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial, reduce
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...models import families
from ...models.accelerators import Accelerator
from ...models.checks import check_configs, view_shape
from ...models.files import read_json
from ...models.sources import Sources
from ...options.channels import main_channel
from .. import ddim, estimator, tokenizer, weights
from ..autoencoder import Autoencoder, tiny_part, without_overflow
from ..build import build
from ..controlnet import ControlNet, open_controlnet
from ..controlnets import ControlNets
from ..device import unet_row_bytes, vae_picture_bytes
from ..estimator import Estimator
from ..levels import Level, Schedule
from ..parts import Part
from ..references import References
from .family import NETWORK, PIXELS, TEXT, Check, Component, Control, Family, Latent, Stack

_TOLD = "guidance"


def guidance_embedding(guidance: float, numbers: int) -> Tensor:
    """(1, numbers) float32: what consistency models are told of a guidance (Luo et al. 2023, "Latent
    Consistency Models"), who count it from 0."""
    half = numbers // 2
    waves = torch.exp(torch.arange(half) * -(math.log(10_000.0) / max(1, half - 1)))
    angles = 1000.0 * (guidance - 1.0) * waves
    return torch.nn.functional.pad(torch.cat([angles.sin(), angles.cos()]), (0, numbers % 2))[None]


class UNetFamily(Family[Stack]):
    """A family whose network is a UNet, with an autoencoder of its kind."""

    @property
    def attention(self) -> Any:
        return self.parts["unet"].network()

    def row_bytes(self, latents: int) -> int:
        width = self.parts["unet"].config.block_out_channels[0]
        return unet_row_bytes(width, latents, self.dtype.itemsize)

    def picture_bytes(self, pixels: int) -> int:
        vae = self.parts["vae"]
        return vae_picture_bytes(vae.config.block_out_channels[0], pixels, vae.dtype.itemsize)


class StableDiffusion(UNetFamily):
    """A UNet with one text encoder of CLIP's kind, a ControlNet of its shape, and 2^n pixels a latent."""

    components: ClassVar[Sequence[Component]] = (
        Component("text_encoder", "transformers.models.clip.modeling_clip:CLIPTextModel", TEXT),
        Component("unet", "diffusers.models.unets.unet_2d_condition:UNet2DConditionModel", NETWORK),
        Component("vae", "diffusers.models.autoencoders.autoencoder_kl:AutoencoderKL", PIXELS),
    )
    channels = (main_channel(),)
    controlnets: ControlNets[ControlNet]
    references: References

    def __init__(self, sources: Sources, device: torch.device, dtype: torch.dtype) -> None:
        """Nothing of it is loaded yet. Raises UserError for configs of another kind, and that don't fit."""
        self.device, self.dtype = device, dtype
        configs = {c.name: read_json(sources.pipeline / c.name / "config.json") for c in self.components}
        self._scheduler = read_json(sources.pipeline / "scheduler" / "scheduler_config.json")
        if sources.checkpoint:
            self._scheduler |= families.schedule_of_checkpoint(sources.checkpoint)
        check_configs(sources.name, sources.family, configs)
        ddim.check(self._scheduler)
        parts = {c.name: self._part(c, configs[c.name], sources) for c in self.components}
        unet, vae = parts["unet"], self._without_overflow(parts["vae"], sources)
        parts["vae"] = vae
        self.controlnets = ControlNets(sources.controlnet, lambda path: open_controlnet(path, unet, vae))
        parts["controlnet"] = self.controlnet.part
        self.references = References(unet)
        if sources.tiny:
            parts["tiny"] = tiny_part(sources.tiny, vae.config, device, dtype)
        self.parts: Mapping[str, Part] = parts
        if read := estimator.find(sources.pipeline, unet.config.cross_attention_dim, device, dtype):
            parts[estimator.FOLDER], self.estimator = read, Estimator(read)
        self._autoencoders = {name: Autoencoder(parts[name]) for name in ("vae", "tiny") if name in parts}
        self._tokenizer = tokenizer.read(sources.pipeline / "tokenizer")
        side, pixels = view_shape(sources.name, {"unet": unet.config, "vae": vae.config})
        self.latent = Latent(vae.config.latent_channels, pixels, side)
        self.prediction = ddim.prediction(self._scheduler)
        self._told: int | None = unet.config.time_cond_proj_dim

    def _part(self, component: Component, config: dict[str, Any], sources: Sources) -> Part:
        def tensors(network: Any, check: Check) -> Any:
            if sources.network and component.stage == NETWORK:
                return weights.of_file(sources.network)
            if sources.checkpoint:
                return weights.of_checkpoint(sources.checkpoint, component.name, network, check)
            return weights.of_folder(sources.pipeline / component.name)

        file = sources.pipeline / component.name / "config.json"
        empty = partial(build, component.network, config, file)
        return Part(component.name, empty, tensors, self.device, self.dtype)

    def _without_overflow(self, vae: Part, sources: Sources) -> Part:
        """The autoencoder in a precision that holds its numbers."""
        return without_overflow(vae, self.dtype)

    def levels(self, steps: int, how: Accelerator | None = None, latents: int | None = None) -> Schedule:
        if how is None:
            return ddim.schedule(self._scheduler, steps)
        return ddim.distilled(self._scheduler, steps, how)

    @torch.no_grad()
    def condition(self, prompt: str, check: Check) -> tuple[Stack, str]:
        encoder = self.parts["text_encoder"]
        ids, rest = tokenizer.tokens(self._tokenizer, prompt, encoder.config)
        embedded = encoder.network(check)(ids.to(self.device))[0]
        return Stack(embedded.to(self.dtype)), rest

    def passes(self, without: Stack, prompted: Stack, guidance: Sequence[float]) -> tuple[Stack, ...]:
        """A consistency model that is told the guidance takes one pass, whatever it is."""
        if self._told is None:
            passes = super().passes(without, prompted, guidance)
        else:
            told = torch.cat([guidance_embedding(one, self._told) for one in guidance])
            passes = (prompted.beside({_TOLD: told.to(self.device, self.dtype)}),)
        *others, last = passes
        return (*(one.beside(self.references.nothing) for one in others), last.beside(self.references.seen))

    @property
    def controlnet(self) -> ControlNet:
        """The model's own."""
        return self.controlnets[None]

    def steer(self, pictures: Tensor, rows: int, net: Path | None = None) -> Stack:
        return Stack(self.controlnets[net].embed(pictures, rows))

    @torch.no_grad()
    def predict(
        self, x: Tensor, level: Level, condition: Stack, controls: Sequence[Control[Stack]]
    ) -> Tensor:
        inputs, time = x.to(self.device, self.dtype), torch.tensor(level.time, device=self.device)
        added = self._added(condition, x.shape[-2], x.shape[-1])
        residuals = self._residuals(inputs, time, condition.tensor, controls, **added)
        told = {} if self._told is None else {"timestep_cond": condition.others[_TOLD]}
        text = self.references.with_text(condition.tensor, condition.others)
        output: Tensor = self.attention(inputs, time, text, **residuals, **added, **told).sample
        return output.float()

    def _added(self, condition: Stack, height: int, width: int) -> dict[str, Any]:
        """What UNet and ControlNet are given beside the text; height, width: of the latents."""
        return {}

    def _residuals(
        self, x: Tensor, time: Tensor, text: Tensor, controls: Sequence[Control[Stack]], **added: Any
    ) -> dict[str, list[Tensor] | Tensor]:
        """What the controls add to the UNet, as it takes it."""
        if not controls:
            return {}
        passes = []
        for net in dict.fromkeys(control.net for control in controls):
            same = [control for control in controls if control.net == net]
            passes += self.controlnets[net].residuals(x, time, text, same, **added)
        down, middle = zip(*passes, strict=True)
        return {
            "down_block_additional_residuals": [reduce(torch.add, same) for same in zip(*down, strict=True)],
            "mid_block_additional_residual": reduce(torch.add, middle),
        }

    def read_by_estimator(self, condition: Stack) -> Tensor:
        return condition.tensor

    def autoencoder(self, tiny: bool) -> Autoencoder:
        return self._autoencoders["tiny" if tiny and self.has_tiny else "vae"]
