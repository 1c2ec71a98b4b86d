"""Whether words of scale are followed: a material's pattern in small, plain and large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.denoise.denoiser import Denoiser
from training.captions import Addition, Look, random_look
from training.catalogue import MATERIALS
from training.data import painted, pictured
from training.fields import Fields
from training.judge import views
from training.judge.measures import grain
from training.judge.pairs import Pair
from training.judge.report import ScoreRow, share
from training.pool import render

SIZES = ("small", None, "large")  # extras, from the finest pattern to the coarsest
SCALES = 90_004  # seed of the looks
SHAPE, AZIMUTH, ELEVATION = "box", 22.5, 15.0
COUNT = 8


def takers() -> list[str]:
    """Materials that can be small and large."""
    return [name for name, entry in MATERIALS.items() if {*SIZES} - {None} <= set(entry.extras)]


def looks(material: str) -> list[Look]:
    """One look without other extras, in each of SIZES."""
    index = list(MATERIALS).index(material)
    look = random_look(np.random.default_rng([SCALES, index]), material, plain=True)
    look = replace(look, phrase=look.entry.phrases[0])
    return [replace(look, additions=(Addition(size),) if size else ()) for size in SIZES]


def prompt(look: Look) -> str:
    """The material's plainest phrase with the word of scale before it."""
    words = [added.extra.adjectives[0] for added in look.additions]
    return " ".join([*words, look.phrase.format(**dict(zip("ab", look.variant.words, strict=False)))])


def scale_row(
    denoiser: Denoiser,
    noise: Fields,
    steps: int | None,
    guidance: float | None,
    log: Callable[[str], None],
    count: int = COUNT,
) -> ScoreRow:
    """Over ``count`` materials, the share of steps from small to plain and from plain to large that make the
    pattern coarser, beside the generator's own."""
    taking = takers()
    chosen = [taking[i] for i in sorted({int(i) for i in np.linspace(0, len(taking) - 1, count).round()})]
    each = [look for name in chosen for look in looks(name)]
    pairs = [Pair(prompt(look), look.material, None, SCALES, SHAPE, AZIMUTH, ELEVATION) for look in each]
    real, inside = _real(each, pairs[0], noise)
    found = views.sized(views.generate(denoiser, pairs, steps, guidance, log))
    return share("scale words in order", in_order(found, inside), in_order(real, inside), None)


def in_order(pictures: Tensor, inside: np.ndarray) -> list[bool | None]:
    """Of pictures (N, 3, H, W), each material's in the order of SIZES: whether each step but the first is
    coarser than the one before within ``inside`` (H, W)."""
    grains = [grain(picture, inside) for picture in pictures]
    starts = range(0, len(grains), len(SIZES))
    return [grains[i] < grains[i + 1] for start in starts for i in range(start, start + len(SIZES) - 1)]


def _real(each: list[Look], pair: Pair, noise: Fields) -> tuple[Tensor, np.ndarray]:
    """Pictures by the generator, its noise at the same places in all, and where the object is."""
    view = render(pair.mesh, pair.camera)
    found = [pictured(view, painted(view, look, noise, np.random.default_rng([SCALES, 0]))) for look in each]
    return torch.stack([picture for picture, _ in found]), found[0][1][0].numpy() > 0.5
