"""The denoising loop. A generator: progress, previews, cancelling and timing stay with the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..denoise.schedule import Schedule
from . import cases
from .spaces import Space


class Network(Protocol):
    """A denoiser of all views together at step ``i`` of the schedule; tensors (N, C, h, w) float32."""

    def eps(self, x: Tensor, i: int) -> Tensor: ...

    def x0(self, x: Tensor, i: int) -> Tensor: ...


@dataclass(frozen=True)
class Step:
    """After step ``i`` of ``n``: x0 is the clean estimate of every view (N, C, h, w), x the next state."""

    i: int
    n: int
    x0: Tensor
    x: Tensor


@dataclass(frozen=True)
class Sync:
    """How views are synchronised.

    method: a name in cases.py. space: f and g of the latent texture. fg0: f(g(.)) for clean estimates;
    None: the latent space's own. share: of the steps, from the noisy end, that are synchronised.
    """

    method: str
    space: Space
    fg0: Callable[[Tensor], Tensor] | None = None
    share: float = 0.8

    @property
    def case(self) -> str:
        return cases.ALIASES.get(self.method, self.method)


def initial_noise(space: Space, background: Tensor, generator: torch.Generator) -> Tensor:
    """Unit noise shaped as ``background`` (N, C, h, w): one noise texture, seen by every view.

    A lookup keeps the variance, so views start from the same noise wherever they read the same texel. Drawn
    on the CPU: the same on every device.
    """
    own = torch.randn(background.shape, generator=generator).to(background.device)
    z = torch.randn((space.size, background.shape[1]), generator=generator).to(background.device)
    return space.project(z, own)


def sample(
    network: Network,
    schedule: Schedule,
    sync: Sync,
    x: Tensor,
    background: Tensor,
    generator: torch.Generator,
) -> Iterator[Step]:
    """Denoise ``x`` (N, C, h, w), unit noise, along ``schedule``; yields after every step.

    background: (N, C, h, w) clean latents behind the mesh, for the cases that keep no view of their own (4
    and 5): their views are rendered from the canonical variable over this background, noised to the step's
    level as alpha background + sigma noise.
    """
    count = len(schedule.timesteps)
    noise = torch.randn(x.shape, generator=generator).to(x.device)
    canonical = sync.case in cases.CANONICAL
    z = torch.randn((sync.space.size, x.shape[1]), generator=generator).to(x.device) if canonical else None
    for i, t in enumerate(schedule.timesteps):
        terms = _terms(network, schedule, sync, i, background, noise)
        # The published window: synchronised while t > (1 - share) * T.
        inside = sync.share >= 1 or t > (1 - sync.share) * len(schedule.alphas_cumprod)
        synchronised = sync.case != "independent" and inside
        if z is not None and synchronised:
            z, z0 = _case(sync.case, terms)(z, terms)
            x0 = sync.space.project(z0, background)
            at = _at(background, noise, terms.alpha_prev, terms.sigma_prev)
            x = sync.space.project(z, at)
        else:
            x, x0 = (_case(sync.case, terms) if synchronised else cases.independent)(x, terms)
        yield Step(i, count, x0, x)


def _case(name: str, terms: cases.Terms) -> cases.Case:
    if terms.alpha == 0:
        name = cases.AVERAGES_NOISE.get(name, name)
    return cases.INSTANCE.get(name) or cases.CANONICAL[name]


def _g0(sync: Sync) -> cases.Map:
    """g for clean estimates. Plain, as published, unless they go through the RGB texture first."""
    space, fg0 = sync.space, sync.fg0
    return space.unproject if fg0 is None else lambda x0: space.unproject(fg0(x0))


def _at(clean: Tensor, noise: Tensor, alpha: float, sigma: float) -> Tensor:
    return alpha * clean + sigma * noise


def _terms(
    network: Network, schedule: Schedule, sync: Sync, i: int, background: Tensor, noise: Tensor
) -> cases.Terms:
    alpha, sigma = schedule.alpha_sigma(schedule.timesteps[i])
    behind = _at(background, noise, alpha, sigma)
    return cases.Terms(
        eps=lambda x: network.eps(x, i),
        x0=lambda x: network.x0(x, i),
        f=lambda z: sync.space.project(z, behind),
        g=sync.space.unproject,
        fg=sync.space.roundtrip,
        fg0=sync.fg0 or sync.space.roundtrip,
        g0=_g0(sync),
        alpha=alpha,
        sigma=sigma,
        alpha_prev=schedule.previous(i)[0],
        sigma_prev=schedule.previous(i)[1],
    )
