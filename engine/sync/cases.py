"""The synchronisation methods, a line or two each.

    w, x    instance variables (views), N of them        z     canonical variable (texture)
    f       project: z -> views                          g     unproject and average: views -> z
    eps     the network's noise                          phi   Tweedie's x0:  (x - sigma eps) / alpha
    psi     one deterministic step from x with a clean estimate x0
    q       the same with chance: a draw from the posterior, with fresh unit noise n
            (both of a model that was distilled to be given fresh noise: x0 with that, n or n0)
    fg      f(g(.)), each view's own pixels as its background
    fg0     the same for clean estimates, in the latent or in the RGB texture
    g0      g for clean estimates, which the RGB texture makes agree first where it is used
    h       each view as the views before it show it, where they do; its own pixels elsewhere
    keep    a clean estimate with what is known of the picture in its place (psi and q step with that; fg and
            h leave a view its own there)
    pull    how far the views before draw a view towards them in this step

Cases 1 to 5 as in the SyncTweedies paper (figure 3), ``syncmvd`` the step of SyncMVD, ``syncsde`` that of
SyncSDE. methods.py says which numbers go with them.

Every case returns (next state, the clean estimate it stepped with). x0(x) stands for phi(x, eps(x)), taken
from the network directly so that it is exact at alpha = 0, where a zero-terminal-SNR schedule starts and
Tweedie's formula divides by zero. There the averaged *noise* of cases 1 and 4 says nothing about x0 at all,
so the sampler runs that one step as case 2 and 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ..denoise import steps
from ..denoise.levels import Level

Map = Callable[[Tensor], Tensor]
Stepped = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Past:
    """Of the step before, which began at ``level``: the clean estimate that it stepped with."""

    x0: Tensor
    level: Level


@dataclass(frozen=True)
class Terms:
    """The symbols at one step, from the noise of ``level`` to that of ``end``. ``f`` includes the background
    of views that are rendered from z; ``n`` draws noise for a state of the shape it is given, ``n0`` such
    that views that see the same have the same. renoises: as in :class:`Schedule`. past: for steps of second
    order, None for those of first."""

    eps: Map
    x0: Map
    f: Map
    g: Map
    fg: Map
    fg0: Map
    g0: Map
    h: Map
    n: Map
    n0: Map
    pull: float
    level: Level
    end: Level
    renoises: bool = False
    keep: Map = lambda x0: x0
    past: Past | None = None

    def phi(self, x: Tensor, eps: Tensor) -> Tensor:
        x0 = steps.tweedie(x, eps, *self.level.alpha_sigma)
        return steps.consistent(x, x0, self.level.skip, self.level.out)

    def psi(self, x: Tensor, x0: Tensor) -> Tensor:
        clean, level, end = self.keep(x0), self.level.alpha_sigma, self.end.alpha_sigma
        if self.renoises:
            return steps.renoised(clean, *end, self.n0(x))
        if self.past is not None:
            clean = steps.extrapolated(clean, self.past.x0, self.past.level.alpha_sigma, level, end)
        return steps.ddim(x, clean, *level, *end)

    def q(self, x: Tensor, x0: Tensor) -> Tensor:
        if self.renoises:
            return self.psi(x, x0)
        return steps.ddpm(x, self.keep(x0), *self.level.alpha_sigma, *self.end.alpha_sigma, self.n(x))


def independent(x: Tensor, t: Terms) -> Stepped:
    x0 = t.x0(x)
    return t.psi(x, x0), x0


def case1(x: Tensor, t: Terms) -> Stepped:
    x0 = t.phi(x, t.fg(t.eps(x)))
    return t.psi(x, x0), x0


def case2(x: Tensor, t: Terms) -> Stepped:
    x0 = t.fg0(t.x0(x))
    return t.psi(x, x0), x0


def case3(x: Tensor, t: Terms) -> Stepped:
    x0 = t.x0(x)
    return t.fg(t.psi(x, x0)), x0


def case4(z: Tensor, t: Terms) -> Stepped:
    z0 = t.phi(z, t.g(t.eps(t.f(z))))
    return t.psi(z, z0), z0


def case5(z: Tensor, t: Terms) -> Stepped:
    z0 = t.g0(t.x0(t.f(z)))
    return t.psi(z, z0), z0


def syncmvd(z: Tensor, t: Terms) -> Stepped:
    """Case 5 with chance: the texture itself takes the stochastic step, with noise of its own."""
    z0 = t.g0(t.x0(t.f(z)))
    return t.q(z, z0), z0


def stochastic(x: Tensor, t: Terms) -> Stepped:
    """Every view on its own with chance: how SyncMVD goes on when it no longer synchronises."""
    x0 = t.x0(x)
    return t.q(x, x0), x0


def syncsde(x: Tensor, t: Terms) -> Stepped:
    """Each view is drawn towards the views before it, at the same noise level.

    Published as pull * mask * (x - f(g(x of the views before))). The mask must be the pixels that those views
    fill (a first version took the background's): h is x outside of it, so the difference is masked already.
    Only equal times are coupled, so that all views go through the network together all the same.
    """
    x0 = t.x0(x)
    return t.psi(x, x0) - t.pull * (x - t.h(x)), x0


Case = Callable[[Tensor, Terms], Stepped]
