"""A model, and how it is to paint: its autoencoder and its network as the sampler has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from . import memory
from .canvas.canvas import Seen
from .canvas.rows import PromptRows
from .denoise.denoiser import Denoiser, Text
from .denoise.estimates import Estimating
from .denoise.levels import Schedule
from .host import Clock, Host
from .settings import Settings
from .sync.methods import METHODS, Method


@dataclass(frozen=True)
class Painter:
    """A model, and how it is to paint: whatever the canvas. estimators: what tells of its finished views,
    beside itself. stage: what its progress is called."""

    denoiser: Denoiser
    settings: Settings
    clock: Clock
    host: Host
    estimators: Sequence[Estimating] = ()
    stage: str = "denoise"

    @property
    def method(self) -> Method:
        return METHODS[self.settings.method]

    @property
    def home(self) -> torch.device:
        """Where the sampler's tensors lie."""
        return memory.tensor_home(self.denoiser.device)

    def autoencoder(self, quick: bool = False) -> Autoencoder:
        """quick: the small one, where the model has one."""
        return self.clock.timed("decode", Autoencoder(self.denoiser, self.home, self.host, quick))


@dataclass(frozen=True)
class Autoencoder:
    """The denoiser's; its results lie where the sampler's tensors do."""

    denoiser: Denoiser
    home: torch.device
    host: Host
    quick: bool

    def encode(self, images: Tensor) -> Tensor:
        self.host.check()
        return self.denoiser.encode(images, self.quick).to(self.home)

    def difference(self, images: Tensor, others: Tensor) -> Tensor:
        self.host.check()
        return self.denoiser.encode_difference(images, others, self.quick).to(self.home)

    def decode(self, latents: Tensor) -> Tensor:
        self.host.check()
        return self.denoiser.decode(latents.to(self.denoiser.device), self.quick).to(self.home)

    def decode_roughly(self, latents: Tensor) -> Tensor:
        self.host.check()
        return self.denoiser.decode_roughly(latents.to(self.denoiser.device), self.quick).to(self.home)


@dataclass(frozen=True)
class Network:
    """The denoiser with everything but the state fixed: what the sampler calls the network. Texts, controls
    and guidances are those of the ``rows``."""

    painter: Painter
    schedule: Schedule
    rows: PromptRows
    texts: tuple[Text, Text]
    controls: Mapping[str, Tensor]
    guidances: Sequence[float]

    def eps(self, x: Tensor, i: int) -> Tensor:
        return self._run(self.painter.denoiser.predict, x, i)

    def x0(self, x: Tensor, i: int) -> Tensor:
        return self._run(self.painter.denoiser.predict_x0, x, i)

    def _run(self, predict: Callable[..., Tensor], x: Tensor, i: int) -> Tensor:
        self.painter.host.check()
        states = self.rows.of(x.to(self.painter.denoiser.device))
        found = predict(states, self.schedule.levels[i], *self.texts, self.controls, self.guidances)
        return self.rows.merged(found).to(x.device)


def network_of(canvas: Seen, painter: Painter, schedule: Schedule) -> Network:
    denoiser, rows = painter.denoiser, PromptRows.build(canvas.views, painter.denoiser.downscale)
    prompts = [prompt for view in canvas.views for prompt in view.prompts]
    with painter.clock.part("denoise"):
        positive = denoiser.embed([prompt.positive for prompt in prompts], painter.host.check)
        negative = denoiser.embed([prompt.negative for prompt in prompts], painter.host.check)
        denoiser.ready(painter.host.check)
    usual, controls = painter.settings.guidance, controls_of(canvas, rows, denoiser.device)
    guidances = [usual if prompt.guidance is None else prompt.guidance for prompt in prompts]
    found = Network(painter, schedule, rows, (positive, negative), controls, guidances)
    return painter.clock.timed("denoise", found)


def controls_of(canvas: Seen, rows: PromptRows, device: torch.device) -> dict[str, Tensor]:
    """The control pictures of the ``rows``, by their kinds."""
    pictures = {kind: [view.controls[kind] for view in canvas.views] for kind in canvas.views[0].controls}
    return {kind: rows.of(torch.from_numpy(np.stack(one)).to(device)) for kind, one in pictures.items()}
