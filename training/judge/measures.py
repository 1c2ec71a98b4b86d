"""What is measured on pictures: distance of distributions, silhouettes, sharpness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

Bools = NDArray[np.bool_]

THRESHOLD = 0.045  # of a channel against the background's, for a pixel to be the object's
FLAT = 1e-3  # the norm of what rounding leaves of a flat picture
RIM = 3  # pixels along the frame that are taken for background
HOLE = 0.004  # of the picture: smaller holes in a silhouette are specks of background colour


@dataclass(frozen=True)
class Kid:
    """Kernel inception distance times 1000: the mean over subsets and its standard error."""

    mean: float
    error: float


def mmd(x: Tensor, y: Tensor) -> float:
    """The unbiased squared maximum mean discrepancy of ``x`` (n, d) and ``y`` (m, d) under the kernel
    (x y / d + 1)^3; about 0, and sometimes below, where both come from one distribution."""
    n, m = len(x), len(y)
    own_x, own_y, cross = _kernel(x, x), _kernel(y, y), _kernel(x, y)
    return float(
        (own_x.sum() - own_x.diagonal().sum()) / (n * (n - 1))
        + (own_y.sum() - own_y.diagonal().sum()) / (m * (m - 1))
        - 2 * cross.mean()
    )


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x.double() @ y.double().T / x.shape[1] + 1) ** 3


def kid(x: Tensor, y: Tensor, subsets: int = 100, size: int = 50, seed: int = 0) -> Kid:
    """KID between features ``x`` (n, d) and ``y`` (m, d), both scaled to ``y``'s deviations."""
    mean, deviation = y.mean(0), y.std(0).clamp(min=1e-3)
    x, y = (x - mean) / deviation, (y - mean) / deviation
    generator = torch.Generator().manual_seed(seed)
    size = min(size, len(x), len(y))
    found = torch.tensor(
        [
            mmd(
                x[torch.randperm(len(x), generator=generator)[:size]],
                y[torch.randperm(len(y), generator=generator)[:size]],
            )
            for _ in range(subsets)
        ]
    )
    return Kid(1000 * float(found.mean()), 1000 * float(found.std()) / subsets**0.5)


def silhouette(picture: Tensor) -> Bools:
    """(H, W): where ``picture`` (3, H, W) in [0, 1] isn't the plain background seen along its frame.

    Specks in the object that happen to have the background's colour are filled, larger holes are kept.
    """
    rim = torch.ones(picture.shape[1:], dtype=torch.bool)
    rim[RIM:-RIM, RIM:-RIM] = False
    background = picture[:, rim].median(1).values
    differs = ((picture - background[:, None, None]).abs().amax(0) > THRESHOLD)[None].float()
    found = (F.avg_pool2d(differs, 3, stride=1, padding=1)[0] > 0.5).numpy()  # most neighbours agree
    holes, count = ndimage.label(~found)
    sizes = ndimage.sum_labels(~found, holes, np.arange(count + 1))
    filled: Bools = found | (sizes < HOLE * found.size)[holes]
    return filled


def iou(a: Bools, b: Bools) -> float:
    """Intersection over union; 1 where both are empty."""
    union = np.logical_or(a, b).sum()
    return float(np.logical_and(a, b).sum() / union) if union else 1.0


@dataclass(frozen=True)
class Detail:
    """``gradient``: mean squared difference of neighbouring pixels; ``fine``: mean square of what a 3x3 blur
    takes away, the upper band of the spectrum."""

    gradient: float
    fine: float


def detail(picture: Tensor, inside: Bools) -> Detail:
    """The sharpness of ``picture`` (3, H, W) well inside ``inside`` (H, W), away from the outline."""
    core = torch.from_numpy(ndimage.binary_erosion(inside, iterations=4))
    if not core.any():
        return Detail(0.0, 0.0)
    across = (picture[:, 1:, 1:] - picture[:, 1:, :-1]) ** 2
    down = (picture[:, 1:, 1:] - picture[:, :-1, 1:]) ** 2
    weights = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16
    blurred = F.conv2d(picture[:, None], weights[None, None], padding=1)[:, 0]
    fine = (picture - blurred) ** 2
    return Detail(float((across + down).sum(0)[core[1:, 1:]].mean()), float(fine.sum(0)[core].mean()))


def grain(picture: Tensor, inside: Bools) -> float:
    """Pixels: how far apart places of ``picture`` (3, H, W) within ``inside`` (H, W) must lie to be half as
    alike as neighbours are, whichever way; infinite where none are. A pattern twice as large has twice that.

    Neighbours are at 1 rather than 0 pixels from each other: noise is like itself alone.
    """
    mask = torch.from_numpy(inside).float()
    centred = (picture - picture[:, mask > 0].mean(1)[:, None, None]) * mask
    sides = [2 * side for side in mask.shape]  # nothing meets itself across the picture's edge
    pairs, alike = (
        torch.fft.irfft2(torch.fft.rfft2(values, s=sides).abs() ** 2, s=sides).sum(0)
        for values in (mask[None], centred)
    )
    y, x = (torch.fft.fftfreq(side) * side for side in sides)
    distance = torch.hypot(y[:, None], x[None]).round().long().flatten()
    length = min(inside.shape) // 2
    sums = [
        torch.zeros(int(distance.max()) + 1).scatter_add(0, distance, values.flatten())[1:length]
        for values in (alike, pairs)
    ]
    likeness = (sums[0] / sums[1].clamp(min=1.0)).tolist()
    half = likeness[0] / 2
    below = next((i for i, value in enumerate(likeness) if value < half), None)
    if not below:
        return float("inf")
    before, after = likeness[below - 1], likeness[below]
    return below + (before - half) / (before - after)


def likeness(a: Tensor, b: Tensor, inside: Bools) -> float:
    """The correlation of two pictures (3, H, W) over the pixels of ``inside`` (H, W), channels centred each:
    of their patterns, whatever their mean colour; 0 where one is flat."""
    first, second = (picture[:, torch.from_numpy(inside)] for picture in (a, b))
    first, second = (values - values.mean(1, keepdim=True) for values in (first, second))
    sizes = float(first.norm()), float(second.norm())
    return float((first * second).sum()) / (sizes[0] * sizes[1]) if min(sizes) > FLAT else 0.0


def psnr(picture: Tensor, reference: Tensor, inside: Bools) -> float:
    """dB between two pictures (3, H, W) over the pixels of ``inside`` (H, W)."""
    error = ((picture - reference) ** 2)[:, torch.from_numpy(inside)].mean()
    return float(-10 * torch.log10(error.clamp(min=1e-12)))
