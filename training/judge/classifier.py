"""A small classifier of materials and colours: one trunk, two heads.

It sees the object's pixels only: features are pooled over the mask, so crops (in training) and whole pictures
(in judging), large and small objects are described alike. It looks at half the resolution, which is a
quarter of the time; sharpness is measured by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.optim import fastest

SHRINK = 2  # pixels of a picture to one that the classifier sees
WIDTHS = (24, 48, 96, 112)
FEATURES = 128
STRIDE = 8  # seen pixels to a feature's place
CROP = 64  # seen pixels
RATE = 3e-3
BATCH = 32
SMOOTHING = 0.05  # of the labels: a judge that is certain of everything tells less


@dataclass(frozen=True)
class Examples:
    """``pictures`` (N, 3, H, W) and ``mask`` (N, 1, H, W) uint8, shrunk, 255 is 1; ``material`` and
    ``colour`` (N,) int64, the colour -1 where there is none to name."""

    pictures: Tensor
    mask: Tensor
    material: Tensor
    colour: Tensor


class Classifier(nn.Module):
    """Knows ``materials`` and ``colours`` by name."""

    def __init__(self, materials: tuple[str, ...], colours: tuple[str, ...]) -> None:
        super().__init__()
        self.materials, self.colours = materials, colours
        self.trunk = nn.Sequential(
            _layer(3, WIDTHS[0], 5, 2),
            _layer(WIDTHS[0], WIDTHS[1], 3, 2),
            _layer(WIDTHS[1], WIDTHS[2], 3, 2),
            _layer(WIDTHS[2], WIDTHS[3], 3, 1),
            _layer(WIDTHS[3], WIDTHS[3], 3, 1),
        )
        self.describe = nn.Sequential(nn.Linear(2 * WIDTHS[3], FEATURES), nn.BatchNorm1d(FEATURES), nn.SiLU())
        self.material = nn.Linear(FEATURES, len(materials))
        self.colour = nn.Linear(FEATURES, len(colours))

    def features(self, pictures: Tensor, mask: Tensor) -> Tensor:
        """(N, FEATURES) of shrunk pictures (N, 3, H, W) and mask (N, 1, H, W) in [0, 1]; sides divisible by
        STRIDE."""
        found = self.trunk(pictures * 2 - 1)
        share = F.avg_pool2d(mask, STRIDE)
        share = share / share.sum((2, 3), keepdim=True).clamp(min=1e-3)
        mean = (found * share).sum((2, 3))
        spread = ((found - mean[:, :, None, None]) ** 2 * share).sum((2, 3))
        return cast(Tensor, self.describe(torch.cat([mean, (spread + 1e-6).sqrt()], 1)))

    def forward(self, pictures: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the materials (N, M) and of the colours (N, C)."""
        features = self.features(pictures, mask)
        return self.material(features), self.colour(features)


def _layer(before: int, after: int, size: int, stride: int) -> nn.Sequential:
    """Batch statistics are fixed once trained, so what is behind the object can't colour the verdict."""
    convolution = nn.Conv2d(before, after, size, stride, size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.SiLU())


@dataclass(frozen=True)
class Verdict:
    """``materials``, ``colours``: the likeliest of each, N of them; ``features`` (N, FEATURES) float32."""

    materials: list[str]
    colours: list[str]
    features: Tensor


def shrunk(pictures: Tensor) -> Tensor:
    """Pictures (N, C, H, W) as the classifier sees them."""
    return F.avg_pool2d(pictures, SHRINK)


@torch.no_grad()
def judge(classifier: Classifier, pictures: Tensor, mask: Tensor) -> Verdict:
    """What ``pictures`` (N, 3, H, W) in [0, 1] show within ``mask`` (N, 1, H, W)."""
    classifier.eval()
    parts = [
        classifier.features(shrunk(picture), shrunk(inside))
        for picture, inside in zip(pictures.split(16), mask.split(16), strict=True)
    ]
    features = torch.cat(parts)
    materials = classifier.material(features).argmax(1).tolist()
    colours = classifier.colour(features).argmax(1).tolist()
    return Verdict(
        [classifier.materials[i] for i in materials], [classifier.colours[i] for i in colours], features
    )


def fit(
    classifier: Classifier,
    data: Examples,
    steps: int,
    seed: int,
    log: Callable[[str], None],
    crop: int = CROP,
) -> None:
    """Train in ``steps`` steps of 32 crops of ``crop`` pixels; the same for the same seed on one thread."""
    torch.manual_seed(seed)

    def loss(index: Tensor, material: Tensor, colour: Tensor) -> Tensor:
        found = F.cross_entropy(material, data.material[index], label_smoothing=SMOOTHING)
        if (data.colour[index] >= 0).any():
            found = found + F.cross_entropy(
                colour, data.colour[index], ignore_index=-1, label_smoothing=SMOOTHING
            )
        return found

    learn(classifier, Course("classifier", steps, seed, BATCH, crop, RATE, 0.02), data, loss, log)


class Shown(Protocol):
    """``pictures`` (N, 3, H, W) and ``mask`` (N, 1, H, W) uint8, 255 is 1; ``material`` (N,) int64."""

    @property
    def pictures(self) -> Tensor: ...

    @property
    def mask(self) -> Tensor: ...

    @property
    def material(self) -> Tensor: ...


@dataclass(frozen=True)
class Course:
    """How a judge is taught: ``steps`` of ``batch`` crops of ``crop`` pixels."""

    name: str
    steps: int
    seed: int
    batch: int
    crop: int
    rate: float
    decay: float


def learn(
    network: nn.Module,
    course: Course,
    data: Shown,
    loss: Callable[[Tensor, Tensor, Tensor], Tensor],
    log: Callable[[str], None],
) -> None:
    """Teach a judge of ``data``; the same for the same seed on one thread. loss: of the pictures' numbers and
    the network's two results, the first of which are logits of the materials."""
    generator = torch.Generator().manual_seed(course.seed)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=course.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, course.rate, total_steps=course.steps, pct_start=0.15
    )
    network.train()
    half = fastest(torch.device("cpu")) == torch.bfloat16
    right = 0.0
    for step in range(course.steps):
        index = torch.randint(len(data.pictures), (course.batch,), generator=generator)
        pictures, mask = crops(data.pictures, data.mask, index, course.crop, generator)
        with torch.autocast("cpu", torch.bfloat16, half):
            found = network(pictures.contiguous(memory_format=torch.channels_last), mask)
        material, other = (logits.float() for logits in found)
        optimizer.zero_grad()
        loss(index, material, other).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        right += float((material.argmax(1) == data.material[index]).float().mean())
        if step % 100 == 99:
            log(f"{course.name} step {step + 1} of {course.steps}: materials right {right:.0f} %")
            right = 0.0
    network.eval()


def crops(
    stored: Tensor, masks: Tensor, index: Tensor, crop: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Crops around the middle of the ``stored`` pictures numbered ``index``, (N, 3, crop, crop), and of their
    ``masks``, (N, 1, crop, crop), mirrored and a little blurred or noisy: what generated pictures may be
    without being another material."""
    room = stored.shape[-1] - crop + 1
    places = torch.randint(room, (len(index), 2), generator=generator).tolist()
    mirrored = (torch.rand(len(index), generator=generator) < 0.5).tolist()
    both = torch.cat([stored[index], masks[index]], 1)
    cut = [
        (picture.flip(-1) if mirror else picture)[:, y : y + crop, x : x + crop]
        for picture, (y, x), mirror in zip(both, places, mirrored, strict=True)
    ]
    pictures, mask = (torch.stack(cut).float() / 255).split([3, 1], 1)
    blurred = F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    share = torch.rand(len(index), 1, 1, 1, generator=generator) ** 2
    noise = 0.03 * torch.rand(len(index), 1, 1, 1, generator=generator) ** 2
    pictures = torch.lerp(pictures, blurred, share)
    return pictures + noise * torch.randn(pictures.shape, generator=generator), mask
