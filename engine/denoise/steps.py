"""Tweedie's estimate and the steps, for any x_t = alpha x0 + sigma eps.

    phi  tweedie   (x, eps) -> x0
    psi  ddim      (x, x0)  -> x one step less noisy, without chance
         extrapolated  (x0, x0 of the step before) -> x0 for a step of second order
         ddpm      (x, x0, noise) -> the same, drawn from the posterior
         renoised  (x0, noise) -> the same, whatever x was: of models that were distilled for it

alpha, sigma: floats, alpha >= 0 and sigma > 0. Variance-preserving models have alpha^2 + sigma^2 = 1,
rectified flow has alpha = 1 - sigma; all but the conversions from v and from a flow serve both. Tensors may
have any shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor


def tweedie(x: Tensor, eps: Tensor, alpha: float, sigma: float) -> Tensor:
    """x0 from the noise ``eps``; raises ZeroDivisionError at alpha = 0, where ``x`` holds nothing of x0."""
    if alpha == 0:
        raise ZeroDivisionError("x0 can't be had from eps at alpha = 0: take it from v (x0_from_v)")
    return (x - sigma * eps) / alpha


def ddim(x: Tensor, x0: Tensor, alpha: float, sigma: float, alpha_prev: float, sigma_prev: float) -> Tensor:
    """One deterministic step from (alpha, sigma) to (alpha_prev, sigma_prev).

    The direction of the noise is derived anew from (x, x0), so that a synchronised x0 moves it too. At
    alpha = 0 (the first step of a zero-terminal-SNR model) it is x / sigma, whatever x0 says.
    """
    return alpha_prev * x0 + (sigma_prev / sigma) * (x - alpha * x0)


Noise = tuple[float, float]  # alpha and sigma of a level


def extrapolated(x0: Tensor, x0_before: Tensor, before: Noise, at: Noise, end: Noise) -> Tensor:
    """The estimate with which a step of :func:`ddim` from ``at`` to ``end`` is one of second order.

    x0: the estimate at ``at``; x0_before: that of the step before, which began at ``before``. It goes on as
    it has changed so far, by the logarithm of alpha / sigma: DPM-Solver++(2M) (Lu and others, 2022). A step
    that ends clean is of first order, and so is one after pure noise: either is infinitely far away.
    """
    if before[0] == 0 or end[1] == 0:
        return x0
    past, now, then = (math.log(alpha / sigma) for alpha, sigma in (before, at, end))
    return x0 + (then - now) / (2 * (now - past)) * (x0 - x0_before)


def ddpm(
    x: Tensor, x0: Tensor, alpha: float, sigma: float, alpha_prev: float, sigma_prev: float, noise: Tensor
) -> Tensor:
    """One stochastic step: a draw from q(x_prev | x, x0), the posterior of the process that makes noise.

    noise: unit noise shaped as ``x``. From x_prev to x that process keeps alpha / alpha_prev of the signal
    and adds the variance ``added``: this is the step of denoising diffusion models (DDPM) with the smaller of
    its two variances. At alpha = 0 nothing of ``x`` is kept.
    """
    kept = alpha / alpha_prev
    added = max(sigma**2 - (kept * sigma_prev) ** 2, 0.0)
    mean: Tensor = (alpha_prev * added * x0 + kept * sigma_prev**2 * x) / sigma**2
    spread: float = (sigma_prev / sigma) * added**0.5
    return mean + spread * noise


def renoised(x0: Tensor, alpha_prev: float, sigma_prev: float, noise: Tensor) -> Tensor:
    """The step of consistency models (Song et al., 2023) to (alpha_prev, sigma_prev): ``noise``, unit and
    shaped as ``x0``, over the clean estimate."""
    return alpha_prev * x0 + sigma_prev * noise


def consistent(x: Tensor, x0: Tensor, skip: float, out: float) -> Tensor:
    """A consistency model's estimate of the picture: out x0 + skip x. At the least noise it is ``x``."""
    return x0 if skip == 0 else out * x0 + skip * x


def x0_from_v(x: Tensor, v: Tensor, alpha: float, sigma: float) -> Tensor:
    """x0 from v = alpha eps - sigma x0 of a variance-preserving model; exact at alpha = 0 too."""
    return alpha * x - sigma * v


def eps_from_v(x: Tensor, v: Tensor, alpha: float, sigma: float) -> Tensor:
    """The noise from v = alpha eps - sigma x0 of a variance-preserving model."""
    return sigma * x + alpha * v


def x0_from_flow(x: Tensor, v: Tensor, alpha: float, sigma: float) -> Tensor:
    """x0 from the velocity v = eps - x0 of a rectified flow; exact at alpha = 0 too."""
    return x - sigma * v


def eps_from_flow(x: Tensor, v: Tensor, alpha: float, sigma: float) -> Tensor:
    """The noise from the velocity v = eps - x0 of a rectified flow."""
    return x + alpha * v


def eps_from_x0(x: Tensor, x0: Tensor, alpha: float, sigma: float) -> Tensor:
    """The noise that stands in ``x`` beside ``x0``."""
    return (x - alpha * x0) / sigma


Conversion = Callable[[Tensor, Tensor, float, float], Tensor]
EPS_FROM: dict[str, Conversion] = {  # by what a network predicts: diffusers' names, and "flow"
    "epsilon": lambda x, output, alpha, sigma: output,
    "v_prediction": eps_from_v,
    "sample": eps_from_x0,
    "flow": eps_from_flow,
}
X0_FROM: dict[str, Conversion] = {
    "epsilon": tweedie,
    "v_prediction": x0_from_v,
    "sample": lambda x, output, alpha, sigma: output,
    "flow": x0_from_flow,
}
