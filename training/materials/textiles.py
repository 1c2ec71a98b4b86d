"""Woven, knitted and printed cloth, leather and basketry."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from training.coat import Coat, cover
from training.fields import MEDIUM, ROUGH, SMOOTH
from training.surface import Surface, blend, diagonal, hashed, ramp, soft, tinted, wave


def fabric(s: Surface, colours: list[Tensor]) -> Coat:
    """A coarse plain weave."""
    u, v = s.lattice(0.0625, 0.0625)
    over = ((u.floor() + v.floor()) % 2) > 0
    thread = torch.where(over, torch.sin(math.pi * u).abs(), torch.sin(math.pi * v).abs())
    cloth = tinted(colours[0] * 0.96 + 0.02, 0.75 * thread + 0.25 * over + 0.1 * s.noise(0.2, ROUGH), 0.27)
    return Coat(cloth, 0.9, height=0.008 * thread)


def wicker(s: Surface, colours: list[Tensor]) -> Coat:
    """A basket: broad bands of three strands, over and under in turn."""
    base = colours[0]
    u, v = s.lattice(0.1875, 0.1875)
    lying = ((u.floor() + v.floor()) % 2) > 0
    across, along = torch.where(lying, v, u) % 1.0, torch.where(lying, u, v) % 1.0
    strand = wave(3 * across)
    ends = torch.minimum(along, 1 - along)
    tone = 0.45 * strand + 0.35 * ramp(0.0, 0.3, ends) + 0.2 * hashed(u, v)
    gap = torch.maximum(1 - ramp(0.0, 0.3, strand), 1 - ramp(0.02, 0.1, ends))
    band = Coat(
        tinted(base, tone + 0.05 * s.noise(0.05, ROUGH), 0.3), 0.6, height=0.02 * ramp(0.0, 0.5, ends)
    )
    return cover(band, Coat(base * 0.28, 0.85, height=-0.02), 0.85 * gap)


def knit(s: Surface, colours: list[Tensor]) -> Coat:
    """Knitted wool: columns of V stitches."""
    base = colours[0]
    u, v = s.lattice(0.1875, 0.125)
    slant = wave(u + 0.5)
    strand = wave(v - 0.75 * slant)
    body = ramp(0.0, 0.75, strand) * ramp(0.0, 0.5, wave(2 * u))
    tone = body + 0.08 * s.noise(0.04, ROUGH)
    wool = tinted(base, soft(s.noise(0.25, SMOOTH)), 0.05) * 1.05
    return cover(Coat(base * 0.42, 1.0, height=-0.02), Coat(wool, 0.95, height=0.015), tone.clamp(0, 1))


def plaid(s: Surface, colours: list[Tensor]) -> Coat:
    """Tartan: broad bands of the second colour crossing the first, with fine lines of the third."""
    base, band, line = colours
    u, v = s.lattice(0.5, 0.5)
    shares = [0.5 * ramp(0.46, 0.52, wave(p)) for p in (u, v)]
    cloth = blend(base, band, shares[0] + shares[1])
    fine = [1 - ramp(0.025, 0.05, (wave(p) - 0.2).abs()) for p in (u, v)]
    inner = [1 - ramp(0.02, 0.045, (wave(p) - 0.78).abs()) for p in (u, v)]
    cloth = blend(cloth, line, 0.75 * torch.maximum(*fine))
    cloth = blend(cloth, base, 0.6 * torch.maximum(*inner))
    return Coat(cloth, 0.9)


def denim(s: Surface, colours: list[Tensor]) -> Coat:
    """Twill: fine diagonal threads, with faded patches."""
    u, v = s.lattice(0.125, 0.125)
    twill = torch.sin(2 * math.pi * (u + v))
    faded = soft(s.field(MEDIUM) - 0.8)
    base = blend(colours[0], colours[0] * 0.6 + 0.4 * s.rgb((0.75, 0.8, 0.88)), faded)
    return Coat(base * (1 + 0.22 * twill + 0.08 * s.noise(0.06, ROUGH))[:, None], 0.9, height=0.006 * twill)


def carbon(s: Surface, colours: list[Tensor]) -> Coat:
    """Carbon fibre: a two-over-two twill of flat ribbons."""
    base = colours[0]
    u, v = s.lattice(0.09375, 0.09375)
    over = ((u.floor() + v.floor()) % 4) < 2
    across = torch.where(over, u, v)
    tone = torch.where(over, torch.ones_like(u), torch.zeros_like(u)) * 0.75 + 0.25 * wave(3 * across)
    return Coat(tinted(base, tone, 0.55) + 0.02, 0.2, height=0.002 * tone)


def leather(s: Surface, colours: list[Tensor]) -> Coat:
    _, edge, tone = s.cells(0.075)
    base = tinted(colours[0] + 0.02, 0.7 * soft(s.field(MEDIUM)) + 0.3 * tone, 0.2)
    crease = 1 - ramp(0.03, 0.25, edge)
    return Coat(base * (1 - 0.4 * crease)[:, None], 0.45 + 0.25 * crease, height=-0.008 * crease)


def quilted(s: Surface, colours: list[Tensor]) -> Coat:
    """Padded cloth: lozenges sewn with a pale thread, a button where the seams cross."""
    base, thread = colours
    u, v = diagonal(*s.lattice(0.375, 0.375))
    x, y = wave(u), wave(v)
    near = torch.minimum(x, y)
    cloth = tinted(base, ramp(0.0, 0.6, near), 0.22)
    stitch = (1 - ramp(0.04, 0.07, near)) * (wave(6 * torch.where(x < y, v, u)) > 0.4)
    sewn = torch.maximum(stitch, 1 - ramp(0.12, 0.17, torch.hypot(x, y)))
    return Coat(blend(cloth, thread, sewn), 0.7, height=0.05 * ramp(0.0, 0.6, near) - 0.03)


def camouflage(s: Surface, colours: list[Tensor]) -> Coat:
    """Four colours in overlapping blotches."""
    painted = colours[0].expand(len(s.points), 3)
    blotches = (s.field(MEDIUM, 0), s.field(MEDIUM, 1), s.field(SMOOTH))
    for colour, level, blotch in zip(colours[1:], (0.15, 0.45, 0.85), blotches, strict=False):
        painted = blend(painted, colour, ramp(level - 0.04, level + 0.04, blotch))
    return Coat(painted, 0.85)


def blotches(s: Surface, colours: list[Tensor]) -> Coat:
    """Two colours in large smooth blotches."""
    return Coat(blend(colours[1], colours[0], ramp(-0.06, 0.06, s.field(SMOOTH))), 0.5)
