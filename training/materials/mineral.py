"""Stone, earth, water and sky, and what is fired or cast from them."""

from __future__ import annotations

import torch
from torch import Tensor

from training.coat import Coat, cover
from training.fields import MEDIUM, ROUGH, SMOOTH
from training.surface import Surface, blend, ramp, soft, tinted


def plain(s: Surface, colours: list[Tensor]) -> Coat:
    return Coat(tinted(colours[0], soft(s.noise(0.5, SMOOTH)), 0.03), 0.3)


def stone(s: Surface, colours: list[Tensor]) -> Coat:
    """Rough rock: broken faces of several tones, stains, little grain."""
    _, edge, face = s.cells(0.28)
    tone = 0.3 * face + 0.3 * soft(s.field(MEDIUM)) + 0.4 * soft(s.noise(0.14, ROUGH))
    crack = 1 - ramp(0.0, 0.06, edge)
    return Coat(tinted(colours[0], tone - 0.3 * crack, 0.48), 0.9, height=0.05 * (tone - 0.5) - 0.015 * crack)


def sandstone(s: Surface, colours: list[Tensor]) -> Coat:
    """Layers, bent a little, of two warm tones."""
    base, band = colours
    level = s.points[:, 1] / (0.13 * s.scale) + 0.8 * s.field(SMOOTH)
    layer = 0.5 + 0.5 * torch.sin(2 * level + 1.3 * torch.sin(0.9 * level))
    return Coat(
        blend(tinted(base, soft(s.noise(0.06, ROUGH)), 0.1), band, 0.8 * layer), 0.92, height=-0.012 * layer
    )


def granite(s: Surface, colours: list[Tensor]) -> Coat:
    """Grains of three kinds: the colour, dark and pale."""
    _, _, tone = s.cells(0.05)
    grain = blend(colours[0] * 0.9, colours[0] * 0.25, (tone < 0.22).float())
    return Coat(blend(grain, 0.4 * colours[0] + 0.55, (tone > 0.75).float()), 0.45)


def marble(s: Surface, colours: list[Tensor]) -> Coat:
    """Thin veins that branch, softly clouded beside them."""
    base, vein = colours
    warp = s.field(SMOOTH)
    first = (s.field(MEDIUM, 0) + 0.25 * warp).abs()
    second = (s.field(MEDIUM, 1) - 0.3 * warp).abs()
    lines = torch.maximum(torch.exp(-first / 0.075), 0.7 * torch.exp(-second / 0.05) * ramp(1.2, 0.2, first))
    cloud = 0.25 * torch.exp(-first / 0.35)
    return Coat(blend(base, vein, (lines + cloud).clamp(0, 1)), 0.12)


def agate(s: Surface, colours: list[Tensor]) -> Coat:
    """Bands around bands, from the first colour through the second to white."""
    level = 1.2 * s.field(SMOOTH)
    fine = 0.5 + 0.5 * torch.sin(7 * level)
    bands = blend(colours[0], colours[1], ramp(0.2, 0.8, fine))
    white = ramp(0.82, 0.95, 0.5 + 0.5 * torch.sin(2.4 * level + 1))
    return Coat(blend(bands, 0.25 * colours[1] + 0.72, white), 0.1)


def crystal(s: Surface, colours: list[Tensor]) -> Coat:
    """Flat facets, each of its own tone, with pale edges."""
    _, edge, tone = s.cells(0.28)
    facet = tinted(colours[0], tone, 0.42)
    line = 1 - ramp(0.01, 0.06, edge)
    faces = blend(facet, 0.35 * colours[0] + 0.65, 0.7 * line)
    return Coat(faces, 0.06, height=0.02 * ramp(0.0, 0.5, edge))


def concrete(s: Surface, colours: list[Tensor]) -> Coat:
    """Cast panels: seams, tie holes, pores and faint stains."""
    base = colours[0]
    u, v = s.lattice(0.75, 0.5)
    x, y = (0.5 - (u % 1.0 - 0.5).abs()) * 0.75, (0.5 - (v % 1.0 - 0.5).abs()) * 0.5
    tone = 0.6 * soft(s.field(MEDIUM)) + 0.4 * soft(s.noise(0.12, ROUGH))
    pores = 0.5 * ramp(1.7, 2.1, s.noise(0.035, MEDIUM))
    hole = 0.7 * (1 - ramp(0.03, 0.04, torch.hypot(x - 0.16, y - 0.14)))
    seam = 0.5 * (1 - ramp(0.008, 0.018, torch.minimum(x, y)))
    deep = torch.maximum(torch.maximum(pores, hole), seam)
    return cover(Coat(tinted(base, tone, 0.13), 0.85), Coat(base * 0.35, 0.95, height=-0.015), deep)


def asphalt(s: Surface, colours: list[Tensor]) -> Coat:
    """Dark tar with pale grit."""
    centre, _, tone = s.cells(0.055)
    grit = (1 - ramp(0.28, 0.42, centre)) * ramp(0.35, 0.8, tone)
    tar = Coat(tinted(colours[0], soft(s.noise(0.25, ROUGH)), 0.2), 0.9)
    return cover(tar, Coat(colours[1], 0.75, height=0.008), 0.75 * grit)


def gravel(s: Surface, colours: list[Tensor]) -> Coat:
    """Pebbles of several tones, lying close."""
    base, other, gap = colours
    centre, edge, tone = s.cells(0.14)
    pebble = tinted(blend(base, other, ramp(0.45, 0.55, (7 * tone) % 1.0)), tone, 0.42)
    stone_ = Coat(pebble, 0.7, height=0.025 * ramp(0.6, 0.1, centre))
    deep = torch.maximum(1 - ramp(0.04, 0.17, edge), ramp(0.55, 0.75, centre))
    return cover(stone_, Coat(gap, 0.95, height=-0.02), deep)


def terrazzo(s: Surface, colours: list[Tensor]) -> Coat:
    """Chips of three colours in a pale cement."""
    ground = colours[0]
    centre, edge, tone = s.cells(0.14)
    pick = (9 * tone) % 1.0
    chip = blend(blend(colours[1], colours[2], (pick > 0.4).float()), colours[3], (pick > 0.75).float())
    size = ramp(0.0, 0.04, 0.3 + 0.25 * tone - centre - 0.04 * s.noise(0.09))
    return Coat(blend(ground.expand_as(chip), chip, size * ramp(0.05, 0.12, edge)), 0.18)


def _cobble(albedo: Tensor, centre: Tensor) -> Coat:
    """A stone rounded from its middle on."""
    return Coat(albedo, 0.8, height=0.04 * ramp(0.65, 0.05, centre) - 0.01)


def cobblestone(s: Surface, colours: list[Tensor]) -> Coat:
    base, gap = colours
    centre, edge, tone = s.cells(0.28)
    shade = 0.65 * tone + 0.15 * soft(s.noise(0.08, ROUGH)) + 0.2 * (1 - centre)
    return cover(
        _cobble(tinted(base, shade, 0.3), centre), Coat(gap, 0.95, height=-0.03), 1 - ramp(0.07, 0.2, edge)
    )


def mossy_cobblestone(s: Surface, colours: list[Tensor]) -> Coat:
    base, gap, green = colours
    centre, edge, tone = s.cells(0.28)
    crack = 1 - ramp(0.07, 0.22, edge)
    stones = cover(
        _cobble(tinted(base, 0.7 * tone + 0.3 * (1 - centre), 0.3), centre),
        Coat(gap, 0.95, height=-0.03),
        crack,
    )
    grown = torch.maximum(ramp(-0.1, 0.5, s.field(MEDIUM)) * 0.9, crack * 0.75)
    tips = soft(s.noise(0.06, ROUGH))
    return cover(stones, Coat(tinted(green, tips, 0.4), 1.0, height=0.008 * tips), grown)


def terracotta(s: Surface, colours: list[Tensor]) -> Coat:
    """Thrown clay: faint rings, pale bloom of salt."""
    rings = torch.sin(s.points[:, 1] / (0.022 * s.scale) + 1.5 * s.noise(0.5, SMOOTH))
    clay = tinted(colours[0], 0.5 + 0.3 * rings + 0.12 * s.noise(0.1, ROUGH), 0.13)
    bloom = blend(clay, 0.4 * colours[0] + 0.48, 0.6 * ramp(0.7, 1.5, s.noise(0.35, ROUGH)))
    return Coat(bloom, 0.85, height=0.003 * rings)


def crackle(s: Surface, colours: list[Tensor]) -> Coat:
    """A glaze with a net of hair cracks."""
    glaze, line = colours
    _, edge, _ = s.cells(0.28)
    _, fine, _ = s.cells(0.14)
    net = torch.maximum(1 - ramp(0.015, 0.055, edge), 0.55 * (1 - ramp(0.01, 0.07, fine)))
    shine = Coat(tinted(glaze, soft(s.noise(0.4, SMOOTH)), 0.05), 0.1)
    return cover(shine, Coat(line, 0.5, height=-0.003), net)


def cracked_earth(s: Surface, colours: list[Tensor]) -> Coat:
    _, edge, tone = s.cells(0.28)
    base = tinted(colours[0], 0.5 * tone + 0.5 * soft(s.noise(0.12, ROUGH)), 0.15)
    crack = 1 - ramp(0.03, 0.1, edge + 0.02 * s.noise(0.1, ROUGH))
    plate = Coat(base, 0.95, height=0.012 * ramp(0.5, 0.0, edge))
    return cover(plate, Coat(colours[1], 1.0, height=-0.04), crack)


def soil(s: Surface, colours: list[Tensor]) -> Coat:
    """Dark crumbs, a few small stones."""
    _, edge, tone = s.cells(0.07)
    crumbs = tinted(colours[0], soft(1.2 * s.noise(0.1, ROUGH)), 0.5)
    pebble = (tone > 0.9) * ramp(0.1, 0.25, edge)
    earth = Coat(crumbs, 1.0, height=0.012 * ramp(0.0, 0.4, edge))
    return cover(earth, Coat(colours[1], 0.8, height=0.015), pebble)


def sand(s: Surface, colours: list[Tensor]) -> Coat:
    """Wind ripples."""
    ripple = torch.sin(s.points[:, 1] / (0.026 * s.scale) + 2.5 * s.field(SMOOTH))
    return Coat(
        tinted(colours[0], 0.5 + 0.33 * ripple + 0.1 * s.noise(0.05, ROUGH), 0.13), 0.95, height=0.01 * ripple
    )


def snow(s: Surface, colours: list[Tensor]) -> Coat:
    drift = soft(2 * s.field(SMOOTH))
    return Coat(blend(colours[0], colours[1], drift), 0.7, height=0.02 * (drift - 0.5))


def ice(s: Surface, colours: list[Tensor]) -> Coat:
    """Clear blue, white cracks and frosted patches."""
    base, white = colours
    crack = torch.minimum(s.field(SMOOTH, 0).abs(), s.field(SMOOTH, 1).abs())
    deep = tinted(base, soft(s.noise(0.3, SMOOTH)), 0.2)
    frost = 0.45 * ramp(0.2, 1.4, s.noise(0.3, ROUGH))
    split = torch.exp(-crack / 0.03)
    return Coat(blend(deep, white, torch.maximum(frost, split)), 0.08 + 0.9 * frost, height=-0.006 * split)


def lava(s: Surface, colours: list[Tensor]) -> Coat:
    crust = tinted(colours[0], soft(s.noise(0.1, ROUGH)), 0.4)
    _, edge, _ = s.cells(0.28)
    glow = 1 - ramp(0.03, 0.26, edge + 0.05 * s.noise(0.2))
    hot = torch.stack([torch.ones_like(glow), 0.2 + 0.6 * glow, 0.1 * glow], 1)
    return cover(Coat(crust, 0.95, height=0.02), Coat(hot, 0.6, height=-0.02, glow=1.0), glow)


def water(s: Surface, colours: list[Tensor]) -> Coat:
    """A net of bright ripples on blue."""
    base, bright = colours
    _, edge, _ = s.cells(0.28)
    net = 1 - ramp(0.0, 0.3, edge + 0.08 * s.noise(0.2, SMOOTH))
    sea = blend(tinted(base, soft(s.field(SMOOTH)), 0.22), bright, 0.9 * net * net)
    return Coat(sea, 0.06, height=0.01 * net)


def clouds(s: Surface, colours: list[Tensor]) -> Coat:
    sky, white = colours
    puff = s.field(MEDIUM)
    return Coat(blend(sky, white * (1 - 0.1 * ramp(1.6, 0.6, puff))[:, None], ramp(0.0, 0.75, puff)), 0.9)


def galaxy(s: Surface, colours: list[Tensor]) -> Coat:
    """Night sky: two coloured clouds and stars."""
    night, first, second = colours
    sky = blend(night, first, 0.8 * ramp(0.0, 1.6, s.field(MEDIUM, 0)))
    sky = blend(sky, second, 0.7 * ramp(0.4, 1.8, s.field(MEDIUM, 1)))
    centre, _, tone = s.cells(0.14)
    star = (1 - ramp(0.1, 0.22, centre)) * ramp(0.4, 0.65, tone)
    return cover(Coat(sky, 0.8, glow=0.3), Coat(s.rgb((1.0, 0.98, 0.92)), 0.8, glow=1.0), star)
