"""What grew: wood, plants, hides and furs."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from training.coat import Coat, cover
from training.fields import MEDIUM, ROUGH, SMOOTH
from training.surface import Surface, blend, ramp, soft, tinted

HIDE = 0.75  # the roughness of short hair, which lies too flat to stand out


def wood(s: Surface, colours: list[Tensor]) -> Coat:
    """Unsawn grain along the vertical: a veneer."""
    grain = s.grain()
    rings = 0.5 + 0.5 * torch.sin(6 * grain)
    veneer = tinted(colours[0], 0.7 * rings + 0.3 * soft(s.noise(0.05, ROUGH, (1, 6, 1))), 0.3)
    return Coat(veneer, 0.55 - 0.12 * rings, height=0.001 * rings)


def bark(s: Surface, colours: list[Tensor]) -> Coat:
    """Upright ridges, torn by dark fissures."""
    base, deep = colours
    ridge = s.grain().abs() + 0.12 * s.noise(0.06, ROUGH)
    tone = 0.55 * ramp(0.2, 1.6, ridge) + 0.45 * soft(s.noise(0.07, ROUGH, (1, 2, 1)))
    rind = Coat(tinted(base, tone, 0.4), 0.95, height=0.03 * ramp(0.0, 1.2, ridge))
    return cover(rind, Coat(deep, 1.0, height=-0.03), 1 - ramp(0.08, 0.42, ridge))


def cork(s: Surface, colours: list[Tensor]) -> Coat:
    """Pale crumbs pressed together, dark specks between."""
    _, edge, tone = s.cells(0.1)
    base = tinted(colours[0], 0.8 * tone + 0.2 * soft(s.noise(0.08, ROUGH)), 0.17)
    speck = ramp(1.0, 1.35, s.noise(0.07, MEDIUM)) * 0.9
    dark = torch.maximum(speck, 0.3 * (1 - ramp(0.02, 0.12, edge)))
    return cover(Coat(base, 0.85), Coat(colours[1], 0.95, height=-0.01), dark)


def grass(s: Surface, colours: list[Tensor]) -> Coat:
    """Blades: bright thin streaks over dark ground."""
    blades = torch.maximum(s.noise(0.06, ROUGH, (0.7, 4, 0.7)), s.noise(0.06, ROUGH, (1.2, 3, 1.2)))
    base = tinted(colours[0], soft(s.field(MEDIUM)), 0.25)
    tall = ramp(-0.2, 1.6, blades)
    return Coat(blend(base, colours[1], tall), 0.75, height=0.04 * tall - 0.015)


def moss(s: Surface, colours: list[Tensor]) -> Coat:
    """Cushions of fine tips, bright on top and dark between."""
    tips, _, _ = s.cells(0.05)
    cushion = s.field(MEDIUM) + 0.25 * s.noise(0.06, ROUGH)
    tone = 0.5 * ramp(0.65, 0.1, tips) + 0.5 * soft(1.2 * cushion)
    return Coat(blend(colours[0], colours[1], tone), 1.0, height=0.04 * tone - 0.02)


def leaves(s: Surface, colours: list[Tensor]) -> Coat:
    """Foliage: two layers of leaves that lie across each other, shade below."""
    base, other, gap = colours
    painted = Coat(gap.expand(len(s.points), 3), 1.0, height=-0.04)
    for stretch, light in (((1.35, 0.7, 1.35), 0.75), ((0.7, 1.35, 0.7), 1.0)):
        centre, edge, tone = s.cells(0.19, stretch)
        leaf = blend(base, other, tone) * light
        leaf = blend(leaf, leaf * 1.35, 1 - ramp(0.05, 0.3, centre))
        rim = torch.minimum(edge / 0.3, (0.52 - centre) / 0.2)
        blade = Coat(tinted(leaf, ramp(0.0, 0.8, rim), 0.25), 0.45, height=0.05 * light - 0.03)
        painted = cover(painted, blade, ramp(0.0, 0.12, rim))
    return painted


def fur(s: Surface, colours: list[Tensor]) -> Coat:
    """Hair that falls in tufts."""
    hair = s.noise(0.03, ROUGH, (1, 5, 1))
    tuft, _, tone = s.cells(0.14, (0.8, 1.7, 0.8))
    level = 0.55 * soft(1.3 * hair) + 0.3 * ramp(0.65, 0.15, tuft) + 0.15 * tone
    return Coat(tinted(colours[0] * 0.95 + 0.02, level, 0.42), 0.85, height=0.03 * (level - 0.5))


def zebra(s: Surface, colours: list[Tensor]) -> Coat:
    """Bands that waver, fork and taper."""
    bend = s.field(SMOOTH, 0)
    wave = torch.sin(math.pi * s.lattice(0.1875, 0.1875)[1] + 1.1 * bend)
    return Coat(blend(colours[0], colours[1], ramp(-0.14, 0.14, wave + 0.25 * s.field(SMOOTH, 1))), HIDE)


def tiger(s: Surface, colours: list[Tensor]) -> Coat:
    """Narrow dark bands that break off, on a coat paler in places."""
    base, dark = colours
    wave = torch.sin(math.pi * s.lattice(0.1875, 0.1875)[1] + 1.2 * s.field(SMOOTH, 0))
    stripe = ramp(0.0, 0.22, wave - 0.45 + 0.35 * s.field(SMOOTH, 1))
    coat = blend(base, base * 0.35 + 0.6, 0.5 * ramp(0.4, 1.6, s.field(MEDIUM)))
    return Coat(blend(tinted(coat, soft(s.noise(0.05, ROUGH)), 0.06), dark, stripe), HIDE)


def leopard(s: Surface, colours: list[Tensor]) -> Coat:
    """Rosettes: broken rings around a darker heart."""
    base, dark = colours
    centre, edge, _ = s.cells(0.28)
    ragged = centre + 0.045 * s.noise(0.08)
    ring = ramp(0.3, 0.35, ragged) * (1 - ramp(0.5, 0.55, ragged)) * ramp(0.04, 0.1, edge)
    broken = ramp(-1.1, -0.8, s.noise(0.12, MEDIUM))
    coat = blend(base, base * s.rgb((0.72, 0.62, 0.5)), 1 - ramp(0.32, 0.4, ragged))
    return Coat(blend(coat, dark, ring * broken), HIDE)


def giraffe(s: Surface, colours: list[Tensor]) -> Coat:
    _, edge, tone = s.cells(0.28)
    patch = tinted(colours[0], 0.7 * tone + 0.3 * soft(s.noise(0.1, ROUGH)), 0.17)
    return Coat(blend(patch, colours[1], 1 - ramp(0.09, 0.15, edge + 0.03 * s.noise(0.1, MEDIUM))), HIDE)


def cow(s: Surface, colours: list[Tensor]) -> Coat:
    """Large ragged patches of the first colour on the second."""
    return Coat(blend(colours[1], colours[0], ramp(0.1, 0.18, s.field(MEDIUM))), HIDE)


def cheese(s: Surface, colours: list[Tensor]) -> Coat:
    """Round holes of many sizes."""
    base, hole = colours
    centre, _, tone = s.cells(0.28)
    reach = 0.12 + 0.26 * tone - centre
    rim = ramp(-0.03, 0.0, reach) * (1 - ramp(0.0, 0.04, reach))
    cut = blend(tinted(base, soft(s.noise(0.3, SMOOTH)), 0.05), hole, ramp(0.0, 0.03, reach))
    return Coat(blend(cut, hole * 0.75, 0.8 * rim), 0.45, height=-0.05 * ramp(0.0, 0.15, reach))
