"""The methods by name and the numbers that go with each: the one table of what is published for them.

"Published" is the code that was released with the papers on SyncTweedies, SyncMVD and SyncSDE, whose mesh
applications are configured alike. What it does by accident is done as meant here, and named:

- the cosine exponent 0, with which SyncTweedies asks for plain averages and SyncMVD begins its ramp, is read
  as 1 there. SyncTweedies was tuned and published with what came of it, so its methods have 1; SyncMVD's ramp
  begins at 0 as written;
- the sum of weights is normalised with an epsilon that darkens texels seen at grazing angles only: with
  cosine^6 and a cosine of 0.05, by half. Here by the sum itself (spaces.py);
- the ControlNet's strength is meant to change over the steps (0.7 to 0.9), but the new values never reach
  the network, and the formula runs backwards: constant (models/presets.py);
- SyncSDE draws all views towards the back view, which merely is the first of the list, and its command takes
  DDPM's steps where the paper has DDIM's: here the views before are those nearer the front (Canvas.order),
  and steps are DDIM's;
- backgrounds: see backgrounds.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import cases
from .cases import Case


@dataclass(frozen=True)
class Method:
    """rule: the step of states that are synchronised. canonical: the state is the texture, not the views.
    averages: "x0", "noise", "state" or "nothing"; only clean estimates, x0, can be averaged as colours.
    at_pure_noise: the rule where alpha = 0. afterwards: the rule of the views once they are on their own.
    exponent: of the confidence that views are weighted by (of a mesh the cosine), at the first step and after
    the last, linear between.
    inverse_lambda: SyncSDE's 1 / lambda; 0 couples nothing.
    """

    rule: Case
    averages: str
    canonical: bool = False
    at_pure_noise: Case | None = None
    afterwards: Case = cases.independent
    exponent: tuple[float, float] = (1.0, 1.0)  # published: see above
    inverse_lambda: float = 0.0

    @property
    def ramped(self) -> bool:
        """Whether the weights change from step to step."""
        return self.exponent[0] != self.exponent[1]


_CASE2 = Method(cases.case2, "x0")

# Exponents of clean estimates' weights, for methods that say nothing else. "mean": every view counts, as
# published, which takes away detail that they disagree on. "best": nearly only the view that looks most
# squarely at a texel (docs/sharpness.md).
AGGREGATES = {"mean": 1.0, "best": 30.0}

METHODS: dict[str, Method] = {
    "synctweedies": _CASE2,
    "case1": Method(cases.case1, "noise", at_pure_noise=cases.case2),
    "case2": _CASE2,
    "case3": Method(cases.case3, "state"),
    "case4": Method(cases.case4, "noise", canonical=True, at_pure_noise=cases.case5),
    "case5": Method(cases.case5, "x0", canonical=True),
    # It averages x0, so its estimates can be averaged as colours like case 5's. The texture that takes the
    # step stays one of latents: the noise and the posterior are those of the model's own space.
    "syncmvd": Method(
        cases.syncmvd,
        "x0",
        canonical=True,
        afterwards=cases.stochastic,  # published: the same sampler to the end
        exponent=(0.0, 6.0),  # published
    ),
    # It couples noisy states: no picture could be decoded from them.
    "syncsde": Method(cases.syncsde, "state", inverse_lambda=5.0),  # published, in all its applications
    "independent": Method(cases.independent, "nothing"),
}
