"""Toys that stand in for a mesh and a network, and the paper's formulas once more, in plain numpy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

from engine.denoise.schedule import Schedule
from engine.sync.spaces import EarlierViews, LinearSpace
from tests.engine.schedules import output

Array = NDArray[np.float64]


@dataclass
class ToyNetwork:
    """Reads ``output`` as noise, or as v. ``inputs``: every state it was called with."""

    schedule: Schedule
    v: bool = False
    inputs: list[Tensor] = field(default_factory=list)

    def eps(self, x: Tensor, i: int) -> Tensor:
        out, a, s = self._run(x, i)
        return s * x + a * out if self.v else out

    def x0(self, x: Tensor, i: int) -> Tensor:
        out, a, s = self._run(x, i)
        return a * x - s * out if self.v else (x - s * out) / a

    def _run(self, x: Tensor, i: int) -> tuple[Tensor, float, float]:
        self.inputs.append(x.clone())
        t = self.schedule.timesteps[i]
        return output(x, t), *self.schedule.alpha_sigma(t)


@dataclass(frozen=True)
class Toy:
    """A canonical line of K elements seen by N views of (C, 1, width) pixels.

    element: (N, width), -1 for background. average: dense (K, N width), rows sum to 1. cosine: (K, N width),
    what ``average`` was weighted by.
    """

    element: NDArray[np.int64]
    average: Array
    cosine: Array | None = None

    @property
    def space(self) -> LinearSpace:
        matrix = csr_matrix(self.average)
        cosine = None if self.cosine is None else self.cosine[matrix.nonzero()]
        return LinearSpace.build(*self.pixels, matrix, cosine=cosine)

    @property
    def pixels(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pixels that show something, and the element that each shows."""
        flat = self.element.reshape(-1)
        pixel = np.flatnonzero(flat >= 0)
        return pixel, flat[pixel]

    def earlier(self, order: list[int] | None = None) -> EarlierViews:
        order = order or list(range(len(self.element)))
        seen = np.ones(len(self.average), bool)
        return EarlierViews.build(*self.pixels, csr_matrix(self.average), seen, order)

    def weighted(self, exponent: float) -> Toy:
        """The same with weights cosine^exponent."""
        assert self.cosine is not None
        average = self.average / self.cosine * self.cosine**exponent
        return Toy(self.element, average / average.sum(axis=1, keepdims=True), self.cosine)

    def f(self, z: Array, background: Array) -> Array:
        """By loops. z (K, C), background (N, C, 1, width)."""
        w = background.copy()
        for view, column in np.ndindex(*self.element.shape):
            if self.element[view, column] >= 0:
                w[view, :, 0, column] = z[self.element[view, column]]
        return w

    def g(self, w: Array) -> Array:
        """By loops. w (N, C, 1, width) -> (K, C)."""
        views, width = self.element.shape
        z = np.zeros((len(self.average), w.shape[1]))
        for k in range(len(z)):
            for view in range(views):
                for column in range(width):
                    z[k] += self.average[k, view * width + column] * w[view, :, 0, column]
        return z


def many_to_one(seed: int = 0, views: int = 3, width: int = 6, size: int = 5) -> Toy:
    """Several pixels of several views show each element, with weights of their own; some show nothing.

    Elements also take a little from pixels that show other elements, as a Voronoi fill makes them: g(f(z)) is
    not z. Else cases 4 and 5 would be the same.
    """
    rng = np.random.default_rng(seed)
    element = rng.integers(0, size, (views, width))
    element[:, 0] = -1
    element.reshape(-1)[rng.permutation(np.flatnonzero(element.reshape(-1) >= 0))[:size]] = np.arange(size)
    shows = element.reshape(-1)[None] == np.arange(size)[:, None]
    filled = (element.reshape(-1) >= 0) & (rng.random(shows.shape) < 0.2)
    average = shows * rng.uniform(0.2, 1, shows.shape) + filled * rng.uniform(0, 0.3, shows.shape)
    cosine = np.random.default_rng(seed + 100).uniform(0.2, 1, average.shape)
    return Toy(element, average / average.sum(axis=1, keepdims=True), cosine)


def identity(views: int, width: int) -> Toy:
    count = views * width
    return Toy(np.arange(count).reshape(views, width), np.eye(count), np.ones((count, count)))


class Paper:
    """The methods as the papers have them (state, update), for Stable Diffusion's schedule, in float64."""

    def __init__(self, toy: Toy, steps: int, share: float = 0.8) -> None:
        self.toy, self.stride, self.share = toy, 1000 // steps, share
        self.times = [1 + self.stride * k for k in range(steps)][::-1]
        self.abar = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)

    def levels(self, t: int) -> tuple[float, float, float, float]:
        now, after = self.abar[t], self.abar[max(t - self.stride, 0)]
        return now**0.5, (1 - now) ** 0.5, after**0.5, (1 - after) ** 0.5

    def eps(self, w: Array, t: int) -> Array:
        return np.asarray(np.sin(3 * w + t / 250) * 0.8 + 0.1 * w)

    def tweedie(self, w: Array, e: Array, t: int) -> Array:
        a, s, _, _ = self.levels(t)
        return (w - s * e) / a

    def psi(self, w: Array, x0: Array, t: int) -> Array:
        a, s, a_, s_ = self.levels(t)
        return a_ * x0 + s_ * (w - a * x0) / s

    def synchronised(self, t: int) -> bool:
        return t > (1 - self.share) * 1000

    def views(self, case: int, w: Array) -> list[Array]:
        """The states of cases 0 (independent) to 3 after every step."""
        f, g = self.toy.f, self.toy.g
        states = []
        for t in self.times:
            e = self.eps(w, t)
            if case == 0 or not self.synchronised(t):
                w = self.psi(w, self.tweedie(w, e, t), t)
            elif case == 1:
                e = f(g(e), e)
                w = self.psi(w, self.tweedie(w, e, t), t)
            elif case == 2:
                x0 = self.tweedie(w, e, t)
                w = self.psi(w, f(g(x0), x0), t)
            else:
                u = self.psi(w, self.tweedie(w, e, t), t)
                w = f(g(u), u)
            states.append(w)
        return states

    def canonical(self, case: int, z: Array, background: Array, noise: Array) -> list[Array]:
        """The views of cases 4 and 5 after every step; they go their own ways after the window."""
        f, g = self.toy.f, self.toy.g
        states, w = [], background
        for t in self.times:
            a, s, a_, s_ = self.levels(t)
            if self.synchronised(t):
                w = f(z, a * background + s * noise)
                e = self.eps(w, t)
                z0 = self.tweedie(z, g(e), t) if case == 4 else g(self.tweedie(w, e, t))
                z = self.psi(z, z0, t)
                w = f(z, a_ * background + s_ * noise)
            else:
                w = self.psi(w, self.tweedie(w, self.eps(w, t), t), t)
            states.append(w)
        return states

    def ddpm(self, w: Array, x0: Array, t: int, noise: Array) -> Array:
        """The posterior as the DDPM paper writes it, equations 6 and 7."""
        now, after = self.abar[t], self.abar[max(t - self.stride, 0)]
        alpha, beta = now / after, 1 - now / after
        mean = after**0.5 * beta / (1 - now) * x0 + alpha**0.5 * (1 - after) / (1 - now) * w
        return np.asarray(mean + ((1 - after) / (1 - now) * beta) ** 0.5 * noise)

    def syncmvd(self, z: Array, background: Array, noise: Array, draws: Iterator[Array]) -> list[Array]:
        """The views after every step; ``draws`` gives the noise of each."""
        states, w = [], background
        for i, t in enumerate(self.times):
            a, s, a_, s_ = self.levels(t)
            if self.synchronised(t):
                w = self.toy.f(z, a * background + s * noise)
                x0 = self.tweedie(w, self.eps(w, t), t)
                z = self.ddpm(z, self.toy.weighted(6 * i / len(self.times)).g(x0), t, next(draws))
                w = self.toy.f(z, a_ * background + s_ * noise)
            else:
                w = self.ddpm(w, self.tweedie(w, self.eps(w, t), t), t, next(draws))
            states.append(w)
        return states

    def syncsde(self, w: Array, inverse_lambda: float, order: list[int]) -> list[Array]:
        """The views after every step: each by a loop over its pixels and the views before it in ``order``."""
        states = []
        for t in self.times:
            a, s, a_, s_ = self.levels(t)
            after = self.psi(w, self.tweedie(w, self.eps(w, t), t), t)
            if self.synchronised(t):
                pull = min(1.0, inverse_lambda * t / 1000 * (a_ / a - s_ / s))
                for place, view in enumerate(order):
                    for column, k in enumerate(self.toy.element[view]):
                        if (shown := self._seen_before(w, k, order[:place])) is not None:
                            after[view, :, 0, column] -= pull * (w[view, :, 0, column] - shown)
            w = after
            states.append(w)
        return states

    def _seen_before(self, w: Array, k: int, views: list[int]) -> Array | None:
        """Element k (C,) as ``views`` show it, None where none does."""
        if k < 0 or not views:
            return None
        weight = self.toy.average[k].reshape(self.toy.element.shape)[views]
        if not weight.any():
            return None
        return np.asarray(np.einsum("vx,vcx->c", weight, w[views, :, 0]) / weight.sum())


def unit_noise(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))
