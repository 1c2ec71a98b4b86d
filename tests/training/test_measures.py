"""Measures of pictures, by brute force and by known silhouettes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from training.judge import measures

SIDE = 64


def disc(radius: float, inside: float | Tensor, outside: float = 0.5) -> tuple[Tensor, np.ndarray]:
    """A picture (3, SIDE, SIDE) of a disc, and where it is."""
    steps = torch.arange(SIDE) - SIDE / 2 + 0.5
    mask = steps[:, None] ** 2 + steps[None] ** 2 < radius**2
    return torch.where(mask, torch.as_tensor(inside), torch.tensor(outside)).expand(3, -1, -1), mask.numpy()


def test_mmd_is_the_double_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(7, 5, generator=generator), torch.randn(9, 5, generator=generator) + 0.4

    def k(a: Tensor, b: Tensor) -> float:
        return (float((a * b).sum()) / 5 + 1) ** 3

    own_x = [k(x[i], x[j]) for i in range(7) for j in range(7) if i != j]
    own_y = [k(y[i], y[j]) for i in range(9) for j in range(9) if i != j]
    cross = [k(a, b) for a in x for b in y]
    expected = np.mean(own_x) + np.mean(own_y) - 2 * np.mean(cross)
    assert measures.mmd(x, y) == pytest.approx(expected, rel=1e-5)


def test_kid_is_nothing_between_like_sets_and_something_between_unlike_ones() -> None:
    generator = torch.Generator().manual_seed(1)
    x, y = (torch.randn(400, 16, generator=generator) for _ in range(2))
    alike, shifted = measures.kid(x, y), measures.kid(x + 0.7, y)
    assert abs(alike.mean) < 40 < shifted.mean
    assert abs(alike.mean) < 5 * alike.error + 20
    assert measures.kid(x, y) == alike  # by seed


@pytest.mark.parametrize("inside", [0.1, 0.58, 0.9])
def test_silhouettes_of_discs(inside: float) -> None:
    picture, mask = disc(20.3, inside)
    assert measures.iou(measures.silhouette(picture), mask) > 0.9
    smaller, _ = disc(14.2, inside)
    found = measures.iou(measures.silhouette(smaller), mask)
    assert found == pytest.approx((14.2 / 20.3) ** 2, abs=0.06)
    assert not measures.silhouette(disc(20, 0.5)[0]).any()


def test_specks_of_the_background_are_the_objects_but_holes_are_not() -> None:
    picture, mask = disc(24, 0.9)
    speckled = picture.clone()
    speckled[:, 30:32, 30:32] = 0.5
    assert measures.iou(measures.silhouette(speckled), mask) > 0.92
    ring = torch.where(disc(10, 1.0)[0] == 1, torch.tensor(0.5), picture)
    expected = mask & ~disc(10, 1.0)[1]
    assert measures.iou(measures.silhouette(ring), expected) > 0.85


def test_iou() -> None:
    a, b = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    assert measures.iou(a, b) == 1.0
    a[:2], b[1:3] = True, True
    assert measures.iou(a, b) == pytest.approx(1 / 3)


def test_blur_takes_detail_away_and_noise_adds_it() -> None:
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(3, SIDE, SIDE, generator=generator)
    inside = np.ones((SIDE, SIDE), bool)
    sharp = measures.detail(picture, inside)
    soft = measures.detail(torch.nn.functional.avg_pool2d(picture, 3, 1, 1), inside)
    assert soft.gradient < 0.4 * sharp.gradient
    assert soft.fine < 0.2 * sharp.fine
    outside = picture.clone()
    inside[:, 32:] = False
    outside[..., 34:] = 9.0
    assert measures.detail(outside, inside) == measures.detail(picture, inside)
    assert measures.psnr(picture, picture + 0.1, inside) == pytest.approx(20, abs=0.01)
