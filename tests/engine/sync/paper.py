"""The papers' formulas once more, in plain numpy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.engine.sync.toys import Array, Toy


class Paper:
    """The methods as the papers have them (state, update), for Stable Diffusion's schedule and a network that
    predicts the noise, in float64."""

    def __init__(self, toy: Toy, steps: int, share: float = 0.8) -> None:
        self.toy, self.stride, self.share = toy, 1000 // steps, share
        self.times = [1 + self.stride * k for k in range(steps)][::-1]
        self.abar = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
        self.last = self.abar[0]

    def after(self, t: int) -> float:
        return float(self.abar[t - self.stride] if t >= self.stride else self.last)

    def levels(self, t: int) -> tuple[float, float, float, float]:
        now, after = float(self.abar[t]), self.after(t)
        return now**0.5, (1 - now) ** 0.5, after**0.5, (1 - after) ** 0.5

    def network(self, w: Array, t: int) -> Array:
        return np.asarray(np.sin(3 * w + t / 250) * 0.8 + 0.1 * w)

    def eps(self, w: Array, t: int) -> Array:
        return self.network(w, t)

    def clean(self, w: Array, t: int) -> Array:
        return self.tweedie(w, self.eps(w, t), t)

    def rule(self, case: int, t: int) -> int:
        """From pure noise, averaged noise says nothing: there x0 is averaged instead."""
        return {1: 2, 4: 5}.get(case, case) if self.levels(t)[0] == 0 else case

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
            e, x0, rule = self.eps(w, t), self.clean(w, t), self.rule(case, t)
            if case == 0 or not self.synchronised(t):
                w = self.psi(w, x0, t)
            elif rule == 1:
                e = f(g(e), e)
                w = self.psi(w, self.tweedie(w, e, t), t)
            elif rule == 2:
                w = self.psi(w, f(g(x0), x0), t)
            else:
                u = self.psi(w, x0, t)
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
                averaged = self.rule(case, t)
                z0 = self.tweedie(z, g(self.eps(w, t)), t) if averaged == 4 else g(self.clean(w, t))
                z = self.psi(z, z0, t)
                w = f(z, a_ * background + s_ * noise)
            else:
                w = self.psi(w, self.clean(w, t), t)
            states.append(w)
        return states

    def ddpm(self, w: Array, x0: Array, t: int, noise: Array) -> Array:
        """The posterior as the DDPM paper writes it, equations 6 and 7."""
        now, after = float(self.abar[t]), self.after(t)
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
                x0 = self.clean(w, t)
                z = self.ddpm(z, self.toy.weighted(6 * i / len(self.times)).g(x0), t, next(draws))
                w = self.toy.f(z, a_ * background + s_ * noise)
            else:
                w = self.ddpm(w, self.clean(w, t), t, next(draws))
            states.append(w)
        return states

    def syncsde(self, w: Array, inverse_lambda: float, order: list[int]) -> list[Array]:
        """The views after every step: each by a loop over its pixels and the views before it in ``order``."""
        states = []
        for t in self.times:
            a, s, a_, s_ = self.levels(t)
            after = self.psi(w, self.clean(w, t), t)
            if self.synchronised(t):
                pull = min(1.0, inverse_lambda * t / 1000 * (a_ / a - s_ / s)) if a else 1.0
                for place, view in enumerate(order):
                    for column, k in enumerate(self.toy.element[view]):
                        if (shown := self._seen_before(w, k, order[:place])) is not None:
                            after[view, :, 0, column] -= pull * (w[view, :, 0, column] - shown)
            w = after
            states.append(w)
        return states

    def masked(self, w: Array, mask: Array, inverse_lambda: float) -> list[Array]:
        """SyncSDE's mask-based generation as released: ``w`` (3, C, 1, width) of the background, the
        foreground and the whole after every step; mask (width,): 1 on the foreground."""
        states = []
        for t in self.times:
            a, s, a_, s_ = self.levels(t)
            after = self.psi(w, self.clean(w, t), t)
            if self.synchronised(t):
                k = min(1.0, inverse_lambda * t / 1000 * (a_ / a - s_ / s)) if a else 1.0
                after[1] -= k * (1 - mask) * (w[1] - w[0])
                after[2] -= k * ((1 - mask) * (w[2] - w[0]) + mask * (w[2] - w[1]))
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


class PaperFromPureNoise(Paper):
    """The same for the starter's schedule, zero terminal SNR after Lin and others 2023 (algorithm 1) with
    trailing steps, and a network that predicts the sample."""

    def __init__(self, toy: Toy, steps: int, share: float = 0.8) -> None:
        super().__init__(toy, steps, share)
        self.times = [1000 - self.stride * k - 1 for k in range(steps)]
        root = self.abar**0.5
        self.abar = ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2
        self.last = 1.0

    def eps(self, w: Array, t: int) -> Array:
        a, s, _, _ = self.levels(t)
        return (w - a * self.clean(w, t)) / s

    def clean(self, w: Array, t: int) -> Array:
        return self.network(w, t)
