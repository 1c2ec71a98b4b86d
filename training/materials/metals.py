"""Metals as albedo: their colours in the marks that working and age leave."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from training.coat import Coat, cover
from training.fields import MEDIUM, ROUGH, SMOOTH
from training.surface import Surface, blend, hashed, ramp, soft, tinted


def polished(s: Surface, colours: list[Tensor]) -> Coat:
    """From the dark to the pale colour in long smooth bands."""
    dark, pale = colours
    level = s.field(SMOOTH)
    return Coat(blend(dark, pale, 0.5 + 0.5 * torch.sin(2.4 * level)), 0.12, 1.0)


def brushed(s: Surface, colours: list[Tensor]) -> Coat:
    """Fine horizontal scratches."""
    streaks = 0.75 * s.noise(0.035, ROUGH, (12, 1, 12)) + 0.5 * s.noise(0.1, MEDIUM, (8, 1, 8))
    scratched = soft(streaks)
    return Coat(tinted(colours[0], scratched, 0.3), 0.28 + 0.2 * scratched, 1.0, 0.001 * streaks)


def hammered(s: Surface, colours: list[Tensor]) -> Coat:
    """Round dents, pale in the middle, dark between."""
    centre, edge, tone = s.cells(0.14)
    level = 0.45 * tone + 0.55 * ramp(0.55, 0.05, centre)
    beaten = tinted(colours[0], level, 0.42) * (0.65 + 0.35 * ramp(0.0, 0.15, edge))[:, None]
    return Coat(beaten, 0.2, 1.0, -0.014 * ramp(0.6, 0.0, centre))


def rust(s: Surface, colours: list[Tensor]) -> Coat:
    metal = tinted(colours[0], soft(s.noise(0.2, SMOOTH)), 0.1)
    rough = s.noise(0.1, ROUGH)
    rusty = tinted(blend(colours[1], colours[1] * 0.55, ramp(0.2, 1.2, s.noise(0.2))), soft(rough), 0.35)
    eaten = ramp(-0.35, 0.1, s.field(MEDIUM) + 0.1 * rough)
    return cover(Coat(metal, 0.35, 1.0), Coat(rusty, 0.9, 0.0, 0.004 + 0.003 * rough), eaten)


def patina(s: Surface, colours: list[Tensor]) -> Coat:
    """Green crust over copper, streaked downwards."""
    copper, green = colours
    crust = blend(green, green * 0.45 + 0.5, soft(s.noise(0.08, ROUGH)) * 0.6)
    bare = ramp(0.35, 0.75, 0.85 * s.field(MEDIUM, 1) + 0.5 * s.noise(0.1, ROUGH, (0.8, 1.6, 0.8)))
    green_ = Coat(tinted(crust, soft(s.noise(0.3)), 0.12), 0.85, height=0.004)
    return cover(green_, Coat(tinted(copper, soft(s.noise(0.15)), 0.2), 0.4, 1.0), bare)


def enamel(s: Surface, colours: list[Tensor]) -> Coat:
    """Thick paint with a few chips, the bare metal in them rimmed by primer."""
    chip = s.noise(0.22, MEDIUM) + 0.12 * s.noise(0.06, ROUGH)
    coat = tinted(colours[0], soft(s.noise(0.5, SMOOTH)), 0.03)
    primed = cover(
        Coat(coat, 0.2), Coat(s.rgb((0.62, 0.58, 0.53)), 0.6, height=-0.003), ramp(0.95, 1.0, chip)
    )
    bare = Coat(s.rgb((0.36, 0.36, 0.38)), 0.4, 1.0, -0.005)
    return cover(primed, bare, ramp(1.12, 1.17, chip))


def corrugated(s: Surface, colours: list[Tensor]) -> Coat:
    """Upright corrugations of sheets that lap, with a screw on every other ridge along each lap."""
    base = colours[0]
    u, v = s.lattice(0.1875, 0.75)
    ridge = 0.5 + 0.5 * torch.cos(2 * math.pi * u)
    along = v % 1.0
    streaks = soft(s.noise(0.06, ROUGH, (1, 6, 1)))
    tone = 0.65 * ridge + 0.15 * hashed(u / 4, v) + 0.2 * streaks
    sheet = Coat(tinted(base, tone, 0.4), 0.3 + 0.15 * streaks, 1.0, 0.05 * ridge - 0.025)
    lapped = cover(
        sheet, Coat(base * 0.25, 0.7, 0.8, -0.025), 1 - ramp(0.02, 0.045, torch.minimum(along, 1 - along))
    )
    across = (u / 2 + 0.5) % 1.0 - 0.5  # two corrugations, half as wide as a sheet is high
    screw = torch.hypot(0.5 * across, along - 0.12)
    return cover(lapped, Coat(base * 0.4, 0.5, 1.0, 0.035), 1 - ramp(0.028, 0.042, screw))
