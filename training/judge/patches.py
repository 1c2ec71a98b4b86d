"""A second classifier, unlike the first: it tells materials and extras from patches at full resolution.

Where the first pools means and deviations, a few learned queries here choose the places of the object that
say most. Nothing is normalised over places, so what is behind the object can't colour the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.judge.classifier import SMOOTHING, Course, learn

WIDTHS = (48, 96)
MIXERS, QUERIES = 3, 4
STRIDE = 8  # pixels to a feature's place
CROP = 128  # pixels
RATE = 3e-3
BATCH = 32
MISSED = 2.0  # times as bad as an extra seen where there is none


@dataclass(frozen=True)
class Lessons:
    """``pictures`` (N, 3, H, W) and ``mask`` (N, 1, H, W) uint8, 255 is 1; ``material`` (N,) int64;
    ``extras`` and ``possible`` (N, E) float32: 1 for those that a picture has, and those that its material
    takes."""

    pictures: Tensor
    mask: Tensor
    material: Tensor
    extras: Tensor
    possible: Tensor


class Mixer(nn.Module):
    """Neighbouring places, then the channels of each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.places = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm = nn.LayerNorm(width)
        self.channels = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.channels(self.norm(self.places(x).permute(0, 2, 3, 1)))
        return x + mixed.permute(0, 3, 1, 2)


class PatchClassifier(nn.Module):
    """Knows ``materials`` and ``extras`` by name."""

    def __init__(self, materials: tuple[str, ...], extras: tuple[str, ...]) -> None:
        super().__init__()
        self.materials, self.extras = materials, extras
        narrow, wide = WIDTHS
        self.trunk = nn.Sequential(
            nn.Conv2d(3, narrow, 4, 4),
            nn.GELU(),
            nn.Conv2d(narrow, wide, 3, 2, 1),
            *(Mixer(wide) for _ in range(MIXERS)),
        )
        self.queries = nn.Conv2d(wide, QUERIES, 1)
        self.norm = nn.LayerNorm(QUERIES * wide)
        self.material = nn.Linear(QUERIES * wide, len(materials))
        self.extra = nn.Linear(QUERIES * wide, len(extras))

    def forward(self, pictures: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the materials (N, M) and of each extra (N, E), of pictures (N, 3, H, W) and mask
        (N, 1, H, W) in [0, 1]; sides divisible by STRIDE."""
        found = self.trunk(pictures * 2 - 1)
        inside = F.avg_pool2d(mask, STRIDE).clamp(min=1e-6).log()
        places = (self.queries(found) + inside).flatten(2).softmax(2)
        chosen = (places @ found.flatten(2).transpose(1, 2).to(places.dtype)).flatten(1)
        described = self.norm(chosen)
        return self.material(described), self.extra(described)


@dataclass(frozen=True)
class Told:
    """The likeliest of the ``materials``, N of them, and the ``extras`` that are rather there than not."""

    materials: list[str]
    extras: list[set[str]]


@torch.no_grad()
def tell(
    classifier: PatchClassifier, pictures: Tensor, mask: Tensor, possible: Sequence[Sequence[str]]
) -> Told:
    """What ``pictures`` (N, 3, H, W) in [0, 1] show within ``mask`` (N, 1, H, W); of extras, which of the
    ``possible`` ones of each."""
    classifier.eval()
    parts = [
        classifier(picture, inside)
        for picture, inside in zip(pictures.split(16), mask.split(16), strict=True)
    ]
    material, extra = (torch.cat(column) for column in zip(*parts, strict=True))
    seen = [
        {name for name, logit in zip(classifier.extras, row, strict=True) if logit > 0 and name in taken}
        for row, taken in zip(extra.tolist(), possible, strict=True)
    ]
    return Told([classifier.materials[i] for i in material.argmax(1).tolist()], seen)


def fit(
    classifier: PatchClassifier,
    data: Lessons,
    steps: int,
    seed: int,
    log: Callable[[str], None],
    crop: int = CROP,
) -> None:
    """Train in ``steps`` steps of BATCH crops of ``crop`` pixels; the same for a seed on one thread."""
    course = Course("second classifier", steps, seed, BATCH, crop, RATE, 0.05)
    learn(classifier, course, data, lambda index, *found: loss(*found, data, index), log)


def loss(material: Tensor, extra: Tensor, data: Lessons, index: Tensor) -> Tensor:
    """Of logits (N, M) and (N, E) against the lessons ``index``. Extras that a material doesn't take say
    nothing: what they look like on it isn't known."""
    wanted, possible = data.extras[index], data.possible[index]
    weight = possible * (1 + (MISSED - 1) * wanted)
    each = F.binary_cross_entropy_with_logits(extra, wanted, weight, reduction="sum")
    known = F.cross_entropy(material, data.material[index], label_smoothing=SMOOTHING)
    return known + each / possible.sum().clamp(min=1)
