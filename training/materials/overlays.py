"""What time, weather and people do to any paint: overlay(surface, albedo, colour) -> albedo.

Masks lie in object space like the materials themselves. ``colour`` (3,) is what the caption names, where it
names one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from training.fields import MEDIUM, ROUGH, SMOOTH
from training.surface import Surface, blend, ramp, soft, tinted

Overlay = Callable[[Surface, Tensor, Tensor], Tensor]


def weathered(s: Surface, albedo: Tensor, _: Tensor) -> Tensor:
    """Stained darker in patches, bleached in others."""
    stained = blend(albedo, s.rgb((0.16, 0.13, 0.1)), 0.65 * ramp(0.1, 1.2, s.noise(0.35, ROUGH)))
    return blend(stained, s.rgb((0.72, 0.69, 0.64)), 0.45 * ramp(0.2, 1.3, s.noise(0.3, ROUGH)))


def dirty(s: Surface, albedo: Tensor, _: Tensor) -> Tensor:
    """Brown grime, thicker below, in splashes."""
    low = 0.9 * ramp(0.5, -0.8, s.points[:, 1])
    mud = s.rgb((0.27, 0.19, 0.11))
    return blend(albedo, mud, 0.85 * ramp(0.2, 0.9, s.noise(0.25, ROUGH) + low))


def mossy(s: Surface, albedo: Tensor, _: Tensor) -> Tensor:
    green = tinted(s.rgb((0.2, 0.36, 0.09)), soft(s.noise(0.06, ROUGH)), 0.4)
    return blend(albedo, green, 0.92 * ramp(-0.1, 0.3, s.noise(0.4, MEDIUM)))


def rusty(s: Surface, albedo: Tensor, _: Tensor) -> Tensor:
    rough = s.noise(0.1, ROUGH)
    orange = tinted(s.rgb((0.52, 0.25, 0.09)), soft(rough), 0.4)
    return blend(albedo, orange, ramp(0.0, 0.4, s.noise(0.35, MEDIUM) + 0.1 * rough))


def snowy(s: Surface, albedo: Tensor, _: Tensor) -> Tensor:
    """Snow on what faces up."""
    lies = ramp(0.2, 0.45, s.normals[:, 1] + 0.16 * s.noise(0.2, MEDIUM))
    return blend(albedo, s.rgb((0.95, 0.96, 0.99)), lies)


def cracked(s: Surface, albedo: Tensor, _: Tensor) -> Tensor:
    """A few dark cracks, wide apart."""
    jitter = 0.03 * s.noise(0.08, ROUGH)
    near = torch.minimum(s.noise(0.5, SMOOTH).abs(), s.noise(0.4, SMOOTH).abs()) + jitter
    return albedo * (1 - 0.85 * (1 - ramp(0.025, 0.07, near)))[:, None]


def chipped(s: Surface, albedo: Tensor, colour: Tensor) -> Tensor:
    """Paint of ``colour``, flaked off in places down to the material."""
    flake = s.noise(0.35, ROUGH)
    coat = tinted(colour, soft(s.noise(0.3, SMOOTH)), 0.06)
    return blend(coat, albedo, ramp(0.3, 0.37, flake))


def painted(s: Surface, albedo: Tensor, colour: Tensor) -> Tensor:
    """A thin coat of ``colour`` through which the material's own pattern shows."""
    return colour * (0.35 + 1.3 * albedo.mean(1, keepdim=True)).clamp(0.4, 1.15)


def splattered(s: Surface, albedo: Tensor, colour: Tensor) -> Tensor:
    """Round blots of ``colour``."""
    centre, _, tone = s.cells(0.3)
    blot = 0.12 + 0.26 * tone - centre - 0.06 * s.noise(0.12)
    return blend(albedo, colour, ramp(0.0, 0.03, blot))


def veined(s: Surface, albedo: Tensor, colour: Tensor) -> Tensor:
    """Branching veins of ``colour``."""
    near = torch.minimum(s.noise(0.6, MEDIUM).abs(), s.noise(0.5, MEDIUM).abs() + 0.03)
    return blend(albedo, colour, 1 - ramp(0.05, 0.11, near))


def dark(s: Surface, albedo: Tensor, _: Tensor) -> Tensor:
    return albedo * 0.55


def pale(s: Surface, albedo: Tensor, _: Tensor) -> Tensor:
    return 0.55 * albedo + 0.42


def gleaming(s: Surface, albedo: Tensor, _: Tensor) -> Tensor:
    """Polished: deeper in colour."""
    grey = albedo.mean(1, keepdim=True)
    return (grey + 1.35 * (albedo - grey)).clamp(0.02, 1) ** 1.3
