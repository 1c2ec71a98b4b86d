"""Materials as functions of a surface: paint(surface, colours) -> albedo (n, 3), sRGB values about [0, 1].

No light: shading is the renderer's job, a texture that carries it can't be lit again.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from training.fields import MEDIUM, ROUGH, SMOOTH
from training.surface import Surface, blend, border, hashed, ramp

Paint = Callable[[Surface, list[Tensor]], Tensor]


def tinted(colour: Tensor, tone: Tensor, contrast: float) -> Tensor:
    """``colour`` (3,) made darker (tone 0) or lighter (tone 1) by up to ``contrast``."""
    return colour * (1 + contrast * (2 * tone - 1))[:, None]


def soft(noise: Tensor) -> Tensor:
    """Noise squeezed into (0, 1)."""
    return torch.sigmoid(1.2 * noise)


def plain(s: Surface, colours: list[Tensor]) -> Tensor:
    return tinted(colours[0], soft(s.noise(0.5, SMOOTH)), 0.03)


def metal(s: Surface, colours: list[Tensor]) -> Tensor:
    """Polished metal as albedo: its colour in broad soft bands."""
    return tinted(colours[0], soft(s.noise(0.25, SMOOTH, (3, 0.8, 3))), 0.14)


def bricks(s: Surface, colours: list[Tensor]) -> Tensor:
    base, mortar = colours
    u, v = s.lattice(16, 0.2)
    u = u + 0.5 * (v.floor() % 2)
    line = 1 - ramp(0.07, 0.13, border(u, v, 1.9) + 0.012 * s.noise(0.15, ROUGH))
    tone = 0.7 * hashed(u, v) + 0.3 * soft(s.noise(0.15, ROUGH))
    return blend(tinted(base, tone, 0.28), mortar, line)


def tiles(s: Surface, colours: list[Tensor]) -> Tensor:
    base, grout = colours
    u, v = s.lattice(24, 0.26)
    tone = 0.6 * hashed(u, v) + 0.4 * soft(s.noise(0.3, SMOOTH))
    return blend(tinted(base, tone, 0.12), grout, 1 - ramp(0.06, 0.11, border(u, v)))


def planks(s: Surface, colours: list[Tensor]) -> Tensor:
    """Horizontal boards with grain along them."""
    base = colours[0]
    u, v = s.lattice(8, 0.27)
    u = u * 0.5 + hashed(v)
    gap = 1 - ramp(0.03, 0.08, border(u, v, 4.0))
    grain = s.noise(0.06, MEDIUM, (5, 1, 5))
    rings = 0.5 + 0.5 * torch.sin(3 * grain + 9 * v)
    tone = 0.45 * hashed(u, v) + 0.35 * rings + 0.2 * soft(s.noise(0.08, ROUGH, (4, 1, 4)))
    return blend(tinted(base, tone, 0.3), base * 0.22, gap)


def wood(s: Surface, colours: list[Tensor]) -> Tensor:
    """Unsawn grain along the vertical."""
    grain = s.noise(0.16, MEDIUM, (1, 4, 1))
    rings = 0.5 + 0.5 * torch.sin(7 * grain)
    return tinted(colours[0], 0.7 * rings + 0.3 * soft(s.noise(0.05, ROUGH, (1, 6, 1))), 0.3)


def stripes(s: Surface, colours: list[Tensor]) -> Tensor:
    _, v = s.lattice(16, 0.2)
    return blend(colours[1], colours[0], ramp(-0.15, 0.15, torch.sin(math.pi * v)))


def vertical_stripes(s: Surface, colours: list[Tensor]) -> Tensor:
    u, _ = s.lattice(16, 0.2)
    return blend(colours[1], colours[0], ramp(-0.12, 0.12, torch.sin(math.pi * u)))


def checker(s: Surface, colours: list[Tensor]) -> Tensor:
    u, v = s.lattice(16, 0.36)
    return blend(colours[1], colours[0], ramp(-0.08, 0.08, torch.sin(math.pi * u) * torch.sin(math.pi * v)))


def dots(s: Surface, colours: list[Tensor]) -> Tensor:
    u, v = s.lattice(16, 0.36)
    u = u + 0.5 * (v.floor() % 2)
    distance = torch.hypot(u % 1.0 - 0.5, v % 1.0 - 0.5)
    return blend(colours[1], colours[0], 1 - ramp(0.28, 0.34, distance))


def fabric(s: Surface, colours: list[Tensor]) -> Tensor:
    """A coarse plain weave."""
    u, v = s.lattice(48, 0.13)
    over = ((u.floor() + v.floor()) % 2) > 0
    thread = torch.where(over, torch.sin(math.pi * u).abs(), torch.sin(math.pi * v).abs())
    return tinted(colours[0], 0.75 * thread + 0.25 * over + 0.1 * s.noise(0.2, ROUGH), 0.25)


def denim(s: Surface, colours: list[Tensor]) -> Tensor:
    """Twill: fine diagonal threads, with faded patches."""
    x, y, z = s.points.T
    twill = torch.sin((x + z + 1.3 * y) * 2 * math.pi / 0.085)
    faded = soft(s.noise(0.3, MEDIUM) - 0.8)
    base = blend(colours[0], colours[0] * 0.6 + 0.4 * torch.tensor((0.75, 0.8, 0.88)), faded)
    return base * (1 + 0.2 * twill + 0.07 * s.noise(0.06, ROUGH))[:, None]


def grass(s: Surface, colours: list[Tensor]) -> Tensor:
    blades = torch.maximum(s.noise(0.07, ROUGH, (1, 3, 1)), s.noise(0.07, ROUGH, (2, 1, 2)))
    base = tinted(colours[0], soft(s.noise(0.3)), 0.25)
    return blend(base, colours[1], soft(1.6 * blades - 0.9))


def moss(s: Surface, colours: list[Tensor]) -> Tensor:
    tufts, _, _ = s.cells(0.09)
    tone = 0.6 * (1 - tufts) + 0.4 * soft(s.noise(0.2, ROUGH))
    return blend(colours[0], colours[1], (tone + 0.15 * s.noise(0.3)).clamp(0, 1))


def rust(s: Surface, colours: list[Tensor]) -> Tensor:
    metal_part = tinted(colours[0], soft(s.noise(0.2, SMOOTH)), 0.1)
    rusty = tinted(colours[1], soft(s.noise(0.1, ROUGH)), 0.35)
    patches = ramp(-0.35, 0.25, s.noise(0.35, MEDIUM))
    return metal_part + (rusty - metal_part) * patches[:, None]


def marble(s: Surface, colours: list[Tensor]) -> Tensor:
    base, vein = colours
    wide = torch.exp(-((s.noise(0.45, MEDIUM) / 0.13) ** 2))
    fine = torch.exp(-(((s.noise(0.3, MEDIUM) - 0.4) / 0.08) ** 2))
    ground = tinted(base, soft(s.noise(0.4, SMOOTH)), 0.06)
    return blend(ground, vein, (0.85 * wide + 0.5 * fine).clamp(0, 1))


def cobblestone(s: Surface, colours: list[Tensor]) -> Tensor:
    base, gap = colours
    centre, edge, tone = s.cells(0.27)
    shade = 0.65 * tone + 0.15 * soft(s.noise(0.08, ROUGH)) + 0.2 * (1 - centre)
    return blend(tinted(base, shade, 0.3), gap, 1 - ramp(0.07, 0.2, edge))


def mossy_cobblestone(s: Surface, colours: list[Tensor]) -> Tensor:
    base, gap, green = colours
    centre, edge, tone = s.cells(0.27)
    crack = 1 - ramp(0.07, 0.22, edge)
    stones = blend(tinted(base, 0.7 * tone + 0.3 * (1 - centre), 0.3), gap, crack)
    cover = torch.maximum(ramp(-0.1, 0.5, s.noise(0.4, MEDIUM)) * 0.9, crack * 0.75)
    return stones + (tinted(green, soft(s.noise(0.06, ROUGH)), 0.4) - stones) * cover[:, None]


def leather(s: Surface, colours: list[Tensor]) -> Tensor:
    _, edge, _ = s.cells(0.12)
    base = tinted(colours[0] + 0.02, soft(s.noise(0.35)), 0.18)
    return base * (1 - 0.5 * (1 - ramp(0.03, 0.25, edge)))[:, None]


def cracked(s: Surface, colours: list[Tensor]) -> Tensor:
    _, edge, tone = s.cells(0.3)
    base = tinted(colours[0], 0.5 * tone + 0.5 * soft(s.noise(0.12, ROUGH)), 0.15)
    return blend(base, colours[1], 1 - ramp(0.03, 0.1, edge + 0.02 * s.noise(0.1, ROUGH)))


def giraffe(s: Surface, colours: list[Tensor]) -> Tensor:
    _, edge, tone = s.cells(0.32)
    patch = tinted(colours[0], 0.6 * tone + 0.4 * soft(s.noise(0.1, ROUGH)), 0.15)
    return blend(patch, colours[1], 1 - ramp(0.1, 0.17, edge))


def lava(s: Surface, colours: list[Tensor]) -> Tensor:
    crust = tinted(colours[0], soft(s.noise(0.1, ROUGH)), 0.4)
    _, edge, _ = s.cells(0.33)
    glow = 1 - ramp(0.03, 0.26, edge + 0.05 * s.noise(0.2))
    hot = torch.stack([torch.ones_like(glow), 0.2 + 0.6 * glow, 0.1 * glow], 1)
    return crust + (hot - crust) * glow[:, None]


def zebra(s: Surface, colours: list[Tensor]) -> Tensor:
    wave = torch.sin(2 * math.pi * s.points[:, 1] / 0.4 + 1.5 * s.noise(0.5, SMOOTH))
    return blend(colours[0], colours[1], ramp(-0.2, 0.2, wave))


def tiger(s: Surface, colours: list[Tensor]) -> Tensor:
    wave = torch.sin(2 * math.pi * s.points[:, 1] / 0.38 + 1.7 * s.noise(0.45, SMOOTH))
    stripe = ramp(0.0, 0.35, wave - 0.35 + 0.45 * s.noise(0.35, SMOOTH))
    return blend(tinted(colours[0], soft(s.noise(0.4)), 0.08), colours[1], stripe)


def leopard(s: Surface, colours: list[Tensor]) -> Tensor:
    centre, _, _ = s.cells(0.27)
    centre = centre + 0.05 * s.noise(0.1)
    ring = ramp(0.16, 0.24, centre) * (1 - ramp(0.36, 0.44, centre))
    heart = (1 - ramp(0.1, 0.2, centre))[:, None] * (colours[0] * 0.8 - colours[0])
    return blend(tinted(colours[0], soft(s.noise(0.3)), 0.08) + heart, colours[1], ring)


def patches(s: Surface, colours: list[Tensor]) -> Tensor:
    """Two colours in large smooth blotches: camouflage, cow hide."""
    return blend(colours[1], colours[0], ramp(-0.1, 0.1, s.noise(0.3, MEDIUM)))


def stone(s: Surface, colours: list[Tensor]) -> Tensor:
    tone = 0.6 * soft(s.noise(0.3, ROUGH)) + 0.4 * soft(s.noise(0.08, ROUGH))
    return tinted(colours[0], tone, 0.3)


def granite(s: Surface, colours: list[Tensor]) -> Tensor:
    _, _, tone = s.cells(0.045)
    return tinted(colours[0], ramp(0.1, 0.9, tone), 0.45)


def sand(s: Surface, colours: list[Tensor]) -> Tensor:
    return tinted(colours[0], soft(s.noise(0.1, ROUGH)), 0.1)


def snow(s: Surface, colours: list[Tensor]) -> Tensor:
    return blend(colours[0], colours[1], soft(s.noise(0.4, SMOOTH)))


def weathered(s: Surface, albedo: Tensor) -> Tensor:
    """Age over any paint: stained darker in patches, bleached in others."""
    stain = ramp(0.1, 1.2, s.noise(0.35, ROUGH))
    bleach = ramp(0.2, 1.3, s.noise(0.3, ROUGH))
    albedo = albedo + (torch.tensor((0.16, 0.13, 0.1)) - albedo) * (0.65 * stain)[:, None]
    return albedo + (torch.tensor((0.72, 0.69, 0.64)) - albedo) * (0.4 * bleach)[:, None]


def overgrown(s: Surface, albedo: Tensor) -> Tensor:
    """Moss over any paint, in patches."""
    green = tinted(torch.tensor((0.2, 0.36, 0.09)), soft(s.noise(0.06, ROUGH)), 0.4)
    return albedo + (green - albedo) * (0.9 * ramp(-0.1, 0.4, s.noise(0.4, MEDIUM)))[:, None]


def rusted(s: Surface, albedo: Tensor) -> Tensor:
    """Rust over any paint, in patches."""
    orange = tinted(torch.tensor((0.52, 0.25, 0.09)), soft(s.noise(0.1, ROUGH)), 0.35)
    return albedo + (orange - albedo) * ramp(0.0, 0.5, s.noise(0.35, MEDIUM))[:, None]
