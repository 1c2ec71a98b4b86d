"""Marigold (Ke et al. 2024): what another picture says of its scene, painted as Stable Diffusion paints.

Its network is Stable Diffusion 2's UNet, which is given a finished picture's latent before the noisy ones of
its T targets, each as wide, and reads an empty prompt. To the sampler that is a model like others whose
states are T times as wide; the finished pictures steer it, as a ControlNet's do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from ...errors import UserError
from ...models.accelerators import Accelerator
from ...models.estimators import EstimatorFiles
from ...models.files import read_json
from .. import ddim, tokenizer, weights
from ..autoencoder import Autoencoder, without_overflow
from ..build import build
from ..levels import Level, Schedule
from ..parts import Part
from .family import Check, Component, Control, Latent, Stack
from .stable_diffusion import StableDiffusion, UNetFamily


class TargetsAutoencoder(Autoencoder):
    """Of ``targets`` pictures side by side, one after the other: (N, 3 T, H, W) to (N, T C, h, w) and back.
    It takes memory for one of them."""

    def __init__(self, part: Part, targets: int) -> None:
        super().__init__(part)
        self._targets = targets

    def _encoded(self, vae: Any, pictures: Tensor) -> Tensor:
        encode = super()._encoded
        return torch.cat([encode(vae, one) for one in pictures.chunk(self._targets, dim=1)], dim=1)

    def _decoded(self, vae: Any, latents: Tensor) -> Tensor:
        decode = super()._decoded
        return torch.cat([decode(vae, one) for one in latents.chunk(self._targets, dim=1)], dim=1)


def _check(folder: Path, scheduler: Mapping[str, Any]) -> None:
    """Raise UserError for a scheduler that isn't supported."""
    if (kind := scheduler.get("_class_name")) in ddim.DISTILLED:
        what = f"{{estimator}}: {folder} was distilled for few steps ({kind}): not supported"
        raise UserError(what, "choose one with a DDIMScheduler", estimator=None)
    ddim.check(scheduler, ddim.CLASSES)


class Marigold(UNetFamily):
    """One for intrinsic images."""

    components: ClassVar[Sequence[Component]] = StableDiffusion.components
    channels = ()

    def __init__(self, files: EstimatorFiles, device: torch.device, dtype: torch.dtype) -> None:
        """Nothing of it is loaded yet. Raises UserError for a scheduler that isn't supported, and for configs
        of which no network can be made."""
        self.device, self.dtype = device, dtype
        self._scheduler = read_json(files.folder / "scheduler" / "scheduler_config.json")
        _check(files.folder, self._scheduler)
        self._tokenizer = tokenizer.read(files.folder / "tokenizer")
        self.parts: Mapping[str, Part] = {one.name: self._part(one, files.folder) for one in self.components}
        vae = without_overflow(self.parts["vae"], dtype)
        self._pictures, self._states = Autoencoder(vae), TargetsAutoencoder(vae, files.targets)
        side = self.parts["unet"].config.sample_size
        self.latent = Latent(vae.config.latent_channels * files.targets, files.pixels, side)
        self.prediction = ddim.prediction(self._scheduler)
        self._seen = WeakTensorKeyDictionary()  # forgotten with the pictures

    def _part(self, component: Component, pipeline: Path) -> Part:
        folder = pipeline / component.name
        file = folder / "config.json"
        empty = partial(build, component.network, read_json(file), file)
        return Part(
            component.name, empty, lambda _, check: weights.of_folder(folder), self.device, self.dtype
        )

    def levels(self, steps: int, how: Accelerator | None = None, latents: int | None = None) -> Schedule:
        return ddim.schedule(self._scheduler, steps)

    @torch.no_grad()
    def condition(self, prompt: str, check: Check) -> tuple[Stack, str]:
        """An empty prompt, whatever it says: its beginning and its end alone, as published, not padded."""
        encoder = self.parts["text_encoder"]
        ids = self._tokenizer("", padding="do_not_pad", return_tensors="pt").input_ids
        tokenizer.require_known(ids, encoder.config.vocab_size)
        return Stack(encoder.network(check)(ids.to(self.device))[0].to(self.dtype)), ""

    def steer(self, pictures: Tensor, rows: int, net: Path | None = None) -> Stack:
        """The latents of finished pictures."""
        if pictures not in self._seen:
            self._seen[pictures] = self._pictures.encode(torch.split(pictures, 1)).to(self.dtype)
        return Stack(self._seen[pictures])

    @torch.no_grad()
    def predict(
        self, x: Tensor, level: Level, condition: Stack, controls: Sequence[Control[Stack]]
    ) -> Tensor:
        (shown,) = controls
        inputs = torch.cat([shown.pictures.tensor, x.to(self.device, self.dtype)], dim=1)
        time = torch.tensor(level.time, device=self.device)
        output: Tensor = self.attention(inputs, time, condition.tensor).sample
        return output.float()

    def autoencoder(self, tiny: bool) -> Autoencoder:
        return self._states
