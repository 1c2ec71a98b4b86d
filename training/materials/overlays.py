"""What time, weather and people do to any material: overlay(surface, coat, paint) -> coat.

Masks lie in object space like the materials themselves. ``paint`` is what the caption names, where it names
one: its albedo is (3,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from training.coat import Coat, cover
from training.fields import MEDIUM, ROUGH, SMOOTH
from training.surface import Surface, ramp, soft, tinted

Overlay = Callable[[Surface, Coat, Coat], Coat]


def weathered(s: Surface, coat: Coat, _: Coat) -> Coat:
    """Stained darker in patches, bleached in others, dull in both."""
    stained = cover(coat, _dull(coat, s.rgb((0.16, 0.13, 0.1))), 0.65 * ramp(0.1, 1.2, _ragged(s, 0)))
    return cover(stained, _dull(coat, s.rgb((0.72, 0.69, 0.64))), 0.45 * ramp(0.2, 1.3, _ragged(s, 1)))


def _ragged(s: Surface, number: int) -> Tensor:
    """Patches where models of positions are told them, their outlines rough."""
    return 0.85 * s.field(MEDIUM, number) + 0.5 * s.noise(0.1, ROUGH)


def _dull(coat: Coat, stain: Tensor) -> Coat:
    return Coat(stain, 0.95, 0.0, coat.height, 0.0)


def dirty(s: Surface, coat: Coat, _: Coat) -> Coat:
    """Brown grime, thicker below, in splashes."""
    low = 0.9 * ramp(0.5, -0.8, s.points[:, 1])
    mud = Coat(s.rgb((0.27, 0.19, 0.11)), 0.95).raised(coat.height).raised(0.003)
    return cover(coat, mud, 0.85 * ramp(0.2, 0.9, _ragged(s, 0) + low))


def mossy(s: Surface, coat: Coat, _: Coat) -> Coat:
    tips = soft(s.noise(0.06, ROUGH))
    moss = Coat(tinted(s.rgb((0.2, 0.36, 0.09)), tips, 0.4), 1.0, height=0.012 * tips).raised(coat.height)
    return cover(coat, moss, 0.92 * ramp(-0.1, 0.3, s.field(MEDIUM)))


def rusty(s: Surface, coat: Coat, _: Coat) -> Coat:
    rough = s.noise(0.1, ROUGH)
    rust = Coat(tinted(s.rgb((0.52, 0.25, 0.09)), soft(rough), 0.4), 0.9, height=0.003 * rough)
    return cover(coat, rust.raised(coat.height), ramp(0.0, 0.4, s.field(MEDIUM) + 0.1 * rough))


def snowy(s: Surface, coat: Coat, _: Coat) -> Coat:
    """Snow on what faces up: it evens out what lies below."""
    lies = ramp(0.2, 0.45, s.normals[:, 1] + 0.16 * s.noise(0.2, MEDIUM))
    return cover(coat, Coat(s.rgb((0.95, 0.96, 0.99)), 0.7, height=0.025), lies)


def cracked(s: Surface, coat: Coat, _: Coat) -> Coat:
    """A few dark cracks, wide apart."""
    jitter = 0.03 * s.noise(0.08, ROUGH)
    near = torch.minimum(s.field(SMOOTH, 0).abs(), s.field(SMOOTH, 1).abs()) + jitter
    crack = 1 - ramp(0.025, 0.07, near)
    split = cover(coat, Coat(coat.albedo, 0.95, 0.0, -0.03, coat.glow), crack)
    return replace(split, albedo=coat.albedo * (1 - 0.85 * crack)[:, None])


def chipped(s: Surface, coat: Coat, paint: Coat) -> Coat:
    """Paint, flaked off in places down to the material."""
    flake = _ragged(s, 1)
    film = replace(paint, albedo=tinted(paint.albedo, soft(s.noise(0.3, SMOOTH)), 0.06))
    return cover(film.raised(coat.height).raised(0.004), coat, ramp(0.3, 0.37, flake))


def painted(s: Surface, coat: Coat, paint: Coat) -> Coat:
    """A thin coat of paint through which the material's own pattern shows."""
    shade = (0.35 + 1.3 * coat.albedo.mean(1, keepdim=True)).clamp(0.4, 1.15)
    return replace(paint, albedo=paint.albedo * shade).raised(coat.height)


def splattered(s: Surface, coat: Coat, paint: Coat) -> Coat:
    """Round blots of paint."""
    centre, _, tone = s.cells(0.28)
    blot = 0.12 + 0.26 * tone - centre - 0.06 * s.noise(0.12)
    return cover(coat, paint.raised(coat.height).raised(0.003), ramp(0.0, 0.03, blot))


def veined(s: Surface, coat: Coat, paint: Coat) -> Coat:
    """Branching veins."""
    near = torch.minimum(s.field(MEDIUM, 0).abs(), s.field(MEDIUM, 1).abs() + 0.03)
    return cover(coat, paint.raised(coat.height), 1 - ramp(0.05, 0.11, near))


def dark(s: Surface, coat: Coat, _: Coat) -> Coat:
    return replace(coat, albedo=coat.albedo * 0.55)


def pale(s: Surface, coat: Coat, _: Coat) -> Coat:
    return replace(coat, albedo=0.55 * coat.albedo + 0.42)


def gleaming(s: Surface, coat: Coat, _: Coat) -> Coat:
    """Polished: deeper in colour, and smooth."""
    grey = coat.albedo.mean(1, keepdim=True)
    deeper = (grey + 1.35 * (coat.albedo - grey)).clamp(0.02, 1) ** 1.3
    return replace(coat, albedo=deeper, roughness=0.3 * coat.roughness, height=0.6 * coat.height)
