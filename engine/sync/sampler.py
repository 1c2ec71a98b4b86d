"""The denoising loop. A generator: progress, previews, cancelling and timing stay with the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from ..denoise.levels import Level, Schedule
from . import cases
from .methods import METHODS, Method
from .spaces import Agreement, Space


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
class Present:
    """What views show before anything is painted. clean: their latents (N, C, h, w). known: (N, 1, h, w)
    float32 in [0, 1], how much of each latent stays as it is; None: nothing does."""

    clean: Tensor
    known: Tensor | None = None


@dataclass(frozen=True)
class Sync:
    """How views are synchronised.

    name: in methods.py. space: f and g of the latent texture. fg0: f(g(.)) for clean estimates; None: the
    latent space's own. rough: what stands for fg0 in the first half of the way, where pictures needn't be
    fine. share: of the way, from the noisy end, on which they are (``Level.left``). fading: what views agree
    on counts less and less in these steps, from wholly to not at all; not for canonical methods, which have
    nothing else. inverse_lambda: how strongly ``syncsde`` couples views; None: as published. steady: the
    weights are those that the spaces were built with, whatever the method says. order: 1 for steps as
    published; 2 for all but the first and the last going on as the clean estimate has changed
    (steps.extrapolated), where they are deterministic.
    """

    name: str
    space: Space
    fg0: Agreement | None = None
    rough: Agreement | None = None
    share: float = 0.8
    fading: bool = False
    inverse_lambda: float | None = None
    steady: bool = False
    order: int = 1

    def __post_init__(self) -> None:
        assert not (self.fading and self.method.canonical), "no views of its own to fade to"

    @property
    def method(self) -> Method:
        return METHODS[self.name]

    @property
    def coupling(self) -> float:
        """SyncSDE's 1 / lambda."""
        return self.method.inverse_lambda if self.inverse_lambda is None else self.inverse_lambda

    def at(self, progress: float) -> Sync:
        """With the agreement and the weights of the moment; progress: share of the steps that are done."""
        fg0 = self.rough or self.fg0 if progress < 0.5 else self.fg0
        start, end = self.method.exponent
        exponent = start + (end - start) * progress
        if exponent == 1 or self.steady:
            return replace(self, fg0=fg0)
        return replace(self, space=self.space.weighted(exponent), fg0=fg0.weighted(exponent) if fg0 else None)

    def part(self, progress: float) -> float:
        """How much of what views agree on is taken, 0 to 1; progress: as in :meth:`at`."""
        return 1 - progress if self.fading else 1.0


def initial_noise(space: Space, background: Tensor, generator: torch.Generator) -> Tensor:
    """Unit noise shaped as ``background`` (N, C, h, w): one noise texture, seen by every view.

    Views start from the same noise wherever they show the same of it. Drawn on the CPU: the same on every
    device.
    """
    own = torch.randn(background.shape, generator=generator).to(background.device)
    z = torch.randn((space.size, background.shape[1]), generator=generator).to(background.device)
    return space.project_noise(z, own)


def sample(
    network: Network,
    schedule: Schedule,
    sync: Sync,
    x: Tensor,
    background: Callable[[int], Tensor],
    generator: torch.Generator,
    present: Present | None = None,
) -> Iterator[Step]:
    """Denoise ``x`` (N, C, h, w), unit noise, along ``schedule``; yields after every step.

    background: the clean latents (N, C, h, w) behind what is painted at step i, for the methods that keep no
    view of their own: their views are rendered from the canonical variable over this background, noised to
    the step's level as alpha background + sigma noise (published with the squares of these instead, and at
    the level before the step).
    present: what views start from, with as much noise as the first step takes away; None: from noise alone,
    as at alpha = 0. What is known of it takes the place of clean estimates at every step: so it is what the
    rest is painted around, and in the end, but for what the views' average does to it, there again.
    """
    count, method = len(schedule.levels), sync.method
    noise = torch.randn(x.shape, generator=generator).to(x.device)
    z = _noise(torch.empty(sync.space.size, x.shape[1]), generator).to(x.device) if method.canonical else None
    if present is not None:
        x = _Behind(present.clean, x).at(schedule.levels[0])
        z = z if z is None else _Behind(sync.space.unproject(present.clean), z).at(schedule.levels[0])
    kept, past = _Kept.build(present, sync.space, method), None
    for i in range(count):
        inside = schedule.is_within(i, sync.share)
        progress = (schedule.skipped + i) / (schedule.skipped + count)
        now = sync.at(progress) if inside else sync
        terms = _terms(network, schedule, now, i, _Behind(background(i), noise), generator)
        terms = kept.terms(_faded(terms, sync.part(progress)))
        if past is not None and i + 1 < count and (past.x0.dim() == 2) == (z is not None and inside):
            terms = replace(terms, past=past)
        if z is not None and inside:
            z, found = _rule(method, terms)(z, terms)
            x0 = sync.space.project(terms.keep(found), background(i))
            x = sync.space.project(z, _Behind(background(i), noise).at(terms.end))
        else:
            x, found = (_rule(method, terms) if inside else method.afterwards)(x, terms)
            x0 = found
        past = cases.Past(terms.keep(found), terms.level) if sync.order == 2 else None
        yield Step(i, count, terms.keep(x0), x)


def _rule(method: Method, terms: cases.Terms) -> cases.Case:
    return method.at_pure_noise or method.rule if terms.level.alpha == 0 else method.rule


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    """Unit noise; drawn on the CPU, so that it is the same on every device."""
    return torch.randn(like.shape, generator=generator).to(like.device)


def _shared_noise(space: Space, like: Tensor, generator: torch.Generator) -> Tensor:
    """Of the texture (K, C), or of views (N, C, h, w) that see it."""
    return _noise(like, generator) if like.dim() == 2 else initial_noise(space, like, generator)


def _g0(sync: Sync) -> cases.Map:
    """g for clean estimates. Plain, as published, unless they go through the RGB texture first."""
    space, fg0 = sync.space, sync.fg0
    return space.unproject if fg0 is None else lambda x0: space.unproject(fg0(x0))


def _h(sync: Sync, x: Tensor) -> Tensor:
    assert sync.space.earlier is not None, "the space wasn't asked for what earlier views show"
    return sync.space.earlier(x)


@dataclass(frozen=True)
class _Behind:
    """What lies behind what is painted: clean latents and the noise over them, (N, C, h, w) each."""

    clean: Tensor
    noise: Tensor

    def at(self, level: Level) -> Tensor:
        return level.alpha * self.clean + level.sigma * self.noise


@dataclass(frozen=True)
class _Kept:
    """What is known, in views, and in the texture for methods whose state that is. Each is clean latents and
    how much of them stays, None where nothing is known."""

    views: tuple[Tensor, Tensor] | None
    texture: tuple[Tensor, Tensor] | None = None

    @classmethod
    def build(cls, present: Present | None, space: Space, method: Method) -> _Kept:
        if present is None or present.known is None:
            return cls(None)
        views, g = (present.clean, present.known), space.unproject
        return cls(views, (g(present.clean), g(present.known)) if method.canonical else None)

    def terms(self, terms: cases.Terms) -> cases.Terms:
        """``terms`` that step with it."""
        if self.views is None:
            return terms
        fg, h, (_, known) = terms.fg, terms.h, self.views
        return replace(
            terms,
            keep=self._in_place,
            fg=lambda w: torch.lerp(fg(w), w, known),
            h=lambda w: torch.lerp(h(w), w, known),
        )

    def _in_place(self, x0: Tensor) -> Tensor:
        """The clean estimate ``x0``, (N, C, h, w) or of the texture (K, C), but for what is known."""
        found = self.texture if x0.dim() == 2 else self.views
        return x0 if found is None else torch.lerp(x0, *found)


def _pull(sync: Sync, level: Level, end: Level) -> float:
    """SyncSDE's (1 / lambda) (t / T) gamma; t / T is what is left of the way. Published schedules keep it
    below 1, a step that lands where the views before are; fewer steps, or a start from pure noise, would
    shoot past them."""
    if not sync.coupling:
        return 0.0
    gamma = end.alpha / level.alpha - end.sigma / level.sigma if level.alpha else float("inf")
    return min(1.0, sync.coupling * level.left * gamma)


def _faded(terms: cases.Terms, part: float) -> cases.Terms:
    """``terms`` of which only ``part`` comes from the other views, the rest from each view itself."""
    if part == 1.0:
        return terms
    fg, fg0 = terms.fg, terms.fg0
    return replace(
        terms,
        fg=lambda w: torch.lerp(w, fg(w), part),
        fg0=lambda x0: torch.lerp(x0, fg0(x0), part),
        pull=part * terms.pull,
    )


def _terms(
    network: Network, schedule: Schedule, sync: Sync, i: int, behind: _Behind, generator: torch.Generator
) -> cases.Terms:
    level, end = schedule.levels[i], schedule.ends[i]
    over = behind.at(level)
    return cases.Terms(
        eps=lambda x: network.eps(x, i),
        x0=lambda x: network.x0(x, i),
        f=lambda z: sync.space.project(z, over),
        g=sync.space.unproject,
        fg=sync.space.roundtrip,
        fg0=sync.fg0 or sync.space.roundtrip,
        g0=_g0(sync),
        h=lambda x: _h(sync, x),
        n=lambda x: _noise(x, generator),
        n0=lambda x: _shared_noise(sync.space, x, generator),
        pull=_pull(sync, level, end),
        level=level,
        end=end,
        renoises=schedule.renoises,
    )
