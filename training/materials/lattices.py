"""Regular patterns: masonry, tiles, boards and printed figures, all anchored to the object's axes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from training.coat import Coat, cover
from training.fields import MEDIUM, ROUGH, SMOOTH
from training.surface import Surface, blend, border, diagonal, hashed, hexagons, ramp, soft, tinted, wave


def _grout(colour: Tensor) -> Coat:
    return Coat(colour, 0.85, height=-0.008)


def _printed(colours: list[Tensor], first: Tensor) -> Coat:
    """Smooth paint: the first of ``colours`` where ``first`` (n,) is 1, else the second."""
    return Coat(blend(colours[1], colours[0], first), 0.4)


def bricks(s: Surface, colours: list[Tensor]) -> Coat:
    base, mortar = colours
    u, v = s.lattice(0.375, 0.1875)
    u = u + 0.5 * (v.floor() % 2)
    rough = s.noise(0.15, ROUGH)
    line = 1 - ramp(0.07, 0.13, border(u, v, 2.0) + 0.012 * rough)
    brick = tinted(base, 0.7 * hashed(u, v) + 0.3 * soft(rough), 0.28)
    face = Coat(brick, 0.75 + 0.15 * soft(rough), height=0.003 * rough)
    return cover(face, Coat(mortar, 0.95, height=-0.018), line)


def stone_blocks(s: Surface, colours: list[Tensor]) -> Coat:
    """Large hewn blocks, their edges uneven."""
    base, joint = colours
    u, v = s.lattice(0.5, 0.25)
    bend = 0.06 * s.noise(0.3, SMOOTH)
    v = v + bend
    u = u + 0.37 * (v.floor() % 3) + bend
    line = 1 - ramp(0.05, 0.12, border(u, v, 1.8))
    tone = 0.45 * hashed(u, v) + 0.55 * soft(s.noise(0.13, ROUGH))
    return cover(
        Coat(tinted(base, tone, 0.34), 0.85, height=0.012 * tone), Coat(joint, 0.95, height=-0.022), line
    )


def tiles(s: Surface, colours: list[Tensor]) -> Coat:
    base, grout = colours
    u, v = s.lattice(0.25, 0.25)
    tone = 0.7 * hashed(u, v) + 0.3 * soft(s.noise(0.3, SMOOTH))
    return cover(Coat(tinted(base, tone, 0.1), 0.12), _grout(grout), 1 - ramp(0.05, 0.09, border(u, v)))


def hexagon_tiles(s: Surface, colours: list[Tensor]) -> Coat:
    base, grout = colours
    u, v = s.lattice(0.25, 0.375 / math.sqrt(3))
    edge, tone = hexagons(u, v)
    return cover(Coat(tinted(base, tone, 0.13), 0.12), _grout(grout), 1 - ramp(0.04, 0.085, edge))


def honeycomb(s: Surface, colours: list[Tensor]) -> Coat:
    """Wax walls around cells of honey, some of them empty."""
    honey, wax, empty = colours
    u, v = s.lattice(0.1875, 0.375 / math.sqrt(3))
    edge, tone = hexagons(u, v)
    open_ = ramp(0.5, 0.95, tone)
    filling = tinted(blend(honey, empty, open_), ramp(0.1, 0.5, edge), 0.2)
    cell = Coat(filling, 0.1 + 0.6 * open_, height=-0.01 - 0.03 * open_)
    return cover(Coat(wax, 0.45, height=0.005), cell, ramp(0.1, 0.2, edge))


def mosaic(s: Surface, colours: list[Tensor]) -> Coat:
    """Small stones, each of its own colour out of the first three, set in the last."""
    u, v = s.lattice(0.125, 0.125)
    pick = hashed(u, v)
    stones = blend(colours[0], colours[1], (pick > 0.5).float())
    stones = blend(stones, colours[2], (pick > 0.8).float())
    stones = tinted(stones, hashed(v, u), 0.22)
    return cover(Coat(stones, 0.25), _grout(colours[3]), 1 - ramp(0.08, 0.15, border(u, v)))


def planks(s: Surface, colours: list[Tensor]) -> Coat:
    """Horizontal boards with grain along them."""
    base = colours[0]
    u, v = s.lattice(1.0, 0.1875)
    u = u + hashed(v)
    gap = 1 - ramp(0.03, 0.08, border(u, v, 5.0))
    grain = s.noise(0.06, MEDIUM, (5, 1, 5))
    rings = 0.5 + 0.5 * torch.sin(3 * grain + 9 * v.floor())
    tone = 0.45 * hashed(u, v) + 0.35 * rings + 0.2 * soft(s.noise(0.08, ROUGH, (4, 1, 4)))
    board = Coat(tinted(base, tone, 0.3), 0.6 - 0.15 * tone, height=0.002 * rings)
    return cover(board, Coat(base * 0.22, 0.9, height=-0.015), gap)


def herringbone(s: Surface, colours: list[Tensor]) -> Coat:
    """Blocks twice as long as wide in a zigzag; the first colour, in lines of the second."""
    base, line = colours
    u, v = diagonal(*s.lattice(0.1875, 0.1875))
    step = (u.floor() - v.floor()) % 4
    lying, second, upper = step < 2, (step == 1).float(), (step == 2).float()
    along = torch.where(lying, u % 1 + second, v % 1 + upper)
    across = torch.where(lying, v % 1, u % 1)
    edge = torch.minimum(torch.minimum(across, 1 - across), torch.minimum(along, 2 - along))
    tone = 0.75 * hashed(u - second, v - upper, lying.float()) + 0.25 * soft(s.noise(0.08, ROUGH))
    block = Coat(tinted(base, tone, 0.27), 0.4)
    return cover(block, Coat(line, 0.8, height=-0.007), 1 - ramp(0.05, 0.11, edge))


def shingles(s: Surface, colours: list[Tensor]) -> Coat:
    """Overlapping rows of narrow shakes, their lower ends uneven and in shadow."""
    base = colours[0]
    u, v = s.lattice(0.1875, 0.25)
    uneven = 0.22 * hashed(u + 0.5 * (v.floor() % 2), v)  # how much of a row's foot belongs to the row below
    row = v.floor() - (v % 1.0 < uneven).float()
    u = u + 0.5 * (row % 2)
    across, foot = u % 1.0, v - row - 0.22 * hashed(u, row)
    streak = soft(s.noise(0.05, ROUGH, (1, 5, 1)))
    tone = 0.55 * hashed(row, u) + 0.25 * streak + 0.2 * ramp(1.0, 0.0, foot)
    shadow = ramp(0.72, 1.0, foot)
    gap = 1 - ramp(0.05, 0.12, torch.minimum(across, 1 - across))
    shake = Coat(tinted(base, tone, 0.4), 0.85, height=0.022 * (1 - foot) + 0.002 * streak)
    return cover(shake, Coat(base * 0.18, 0.9, height=-0.015), torch.maximum(0.9 * shadow, gap))


def roof_tiles(s: Surface, colours: list[Tensor]) -> Coat:
    """Clay pantiles: barrels side by side, the arched foot of each over the row below."""
    base = colours[0]
    u, v = s.lattice(0.1875, 0.25)
    arch = torch.sin(math.pi * (u % 1.0))  # 1 along a barrel's crest, 0 in the channels beside it
    hung = v - 0.24 * arch
    along = hung % 1.0  # 0 at a tile's foot, 1 where the next row covers it
    tone = 0.5 * hashed(u, hung) + 0.3 * arch + 0.2 * soft(s.noise(0.12, ROUGH))
    tile = Coat(tinted(base, tone, 0.34), 0.8, height=0.028 * arch + 0.016 * (1 - along) - 0.02)
    dark = torch.maximum(ramp(0.8, 0.97, along), 1 - ramp(0.15, 0.4, arch))
    return cover(tile, Coat(base * 0.2, 0.95, height=-0.025), 0.92 * dark)


def scales(s: Surface, colours: list[Tensor]) -> Coat:
    """Round scales hanging over one another, rimmed by the second colour."""
    base, rim = colours
    u, v = s.lattice(0.25, 0.125)
    row = v.floor() + 1
    centre = (u - 0.5 * (row % 2)).round() + 0.5 * (row % 2)
    front = torch.hypot(u - centre, 0.5 * (row - v)) < 0.5
    row = torch.where(front, row, row - 1)
    centre = (u - 0.5 * (row % 2)).round() + 0.5 * (row % 2)
    # A scale of the row above covers the place where its circle reaches; else the lower row shows.
    reach = torch.where(front, torch.hypot(u - centre, 0.5 * (row - v)), 0.18 * torch.ones_like(u))
    hidden = torch.where(front, torch.zeros_like(u), ramp(0.0, 1.0, v - row))
    tone = 0.45 * hashed(2 * centre + 0.5, row + 0.5) + 0.55 * ramp(0.0, 0.42, reach)
    scale = Coat(tinted(base, tone, 0.34), 0.3, height=0.018 * ramp(0.46, 0.0, reach))
    return cover(scale, Coat(rim, 0.6, height=-0.012), torch.maximum(ramp(0.4, 0.46, reach), 0.75 * hidden))


def bamboo(s: Surface, colours: list[Tensor]) -> Coat:
    """Upright canes with a ring at every joint."""
    base = colours[0]
    u, v = s.lattice(0.1875, 0.5)
    joint = (v + hashed(u)) % 1.0
    edge = torch.minimum(u % 1.0, 1 - u % 1.0)
    tone = 0.5 * hashed(u, v + hashed(u)) + 0.5 * soft(s.noise(0.05, ROUGH, (1, 8, 1)))
    ring = ramp(0.035, 0.045, joint) * (1 - ramp(0.07, 0.09, joint))
    cane = blend(tinted(base, tone, 0.2), base * 1.35 + 0.08, ring)
    round_ = 0.035 * (1 - (1 - 2 * edge) ** 2).clamp(0, 1).sqrt() - 0.015
    dark = torch.maximum(1 - ramp(0.04, 0.13, edge), 1 - ramp(0.025, 0.04, joint))
    wood = Coat(cane, 0.35, height=round_ + 0.006 * ring)
    return cover(wood, Coat(base * 0.25, 0.8, height=-0.02), dark)


def chocolate(s: Surface, colours: list[Tensor]) -> Coat:
    """A bar's squares: a groove around each, and a frame within."""
    base = colours[0]
    u, v = s.lattice(0.375, 0.25)
    edge = border(u, v, 1.5)
    frame = ramp(0.17, 0.2, edge) * (1 - ramp(0.23, 0.26, edge))
    bar = blend(tinted(base, soft(s.noise(0.3, SMOOTH)), 0.07), base * 1.5, 0.55 * frame)
    square = Coat(bar, 0.3, height=0.006 * frame)
    return cover(square, Coat(base * 0.45, 0.45, height=-0.025), 1 - ramp(0.05, 0.11, edge))


def stripes(s: Surface, colours: list[Tensor]) -> Coat:
    _, v = s.lattice(0.1875, 0.1875)
    return _printed(colours, ramp(-0.15, 0.15, torch.sin(math.pi * v)))


def vertical_stripes(s: Surface, colours: list[Tensor]) -> Coat:
    u, _ = s.lattice(0.1875, 0.1875)
    return _printed(colours, ramp(-0.15, 0.15, torch.cos(math.pi * u)))


def diagonal_stripes(s: Surface, colours: list[Tensor]) -> Coat:
    u, v = s.lattice(0.25, 0.25)
    return _printed(colours, ramp(-0.15, 0.15, torch.sin(math.pi * (u + v))))


def zigzag(s: Surface, colours: list[Tensor]) -> Coat:
    u, v = s.lattice(0.375, 0.1875)
    return _printed(colours, ramp(-0.15, 0.15, torch.sin(math.pi * (v + 0.8 * wave(u)))))


def checker(s: Surface, colours: list[Tensor]) -> Coat:
    u, v = s.lattice(0.25, 0.25)
    return _printed(colours, ramp(-0.08, 0.08, torch.sin(math.pi * u) * torch.sin(math.pi * v)))


def diamonds(s: Surface, colours: list[Tensor]) -> Coat:
    """Harlequin lozenges, higher than wide."""
    u, v = s.lattice(0.375, 0.5)
    both = torch.sin(math.pi * (u + v)) * torch.sin(math.pi * (u - v))
    return _printed(colours, ramp(-0.08, 0.08, both))


def dots(s: Surface, colours: list[Tensor]) -> Coat:
    u, v = s.lattice(0.25, 0.25)
    u = u + 0.5 * (v.floor() % 2)
    distance = torch.hypot(u % 1.0 - 0.5, v % 1.0 - 0.5)
    return _printed(colours, 1 - ramp(0.29, 0.34, distance))


def stars(s: Surface, colours: list[Tensor]) -> Coat:
    """Five-pointed stars of the first colour on the second."""
    u, v = s.lattice(0.375, 0.375)
    u = u + 0.5 * (v.floor() % 2)
    x, y = u % 1.0 - 0.5, v % 1.0 - 0.5
    turn, tip, notch = math.pi / 5, 0.44, 0.18
    angle = ((torch.atan2(x, y) + turn) % (2 * turn) - turn).abs()
    reach = tip * notch * math.sin(turn)
    edge = reach / (notch * math.sin(turn) * angle.cos() + (tip - notch * math.cos(turn)) * angle.sin())
    return _printed(colours, 1 - ramp(-0.02, 0.02, torch.hypot(x, y) - edge))


def circuit(s: Surface, colours: list[Tensor]) -> Coat:
    """A circuit board: traces and pads of the second colour, chips of the third."""
    board, copper, chip = colours
    u, v = s.lattice(0.125, 0.125)
    pick, x, y = hashed(u, v), u % 1.0 - 0.5, v % 1.0 - 0.5
    flat = torch.where(hashed(u / 3, v / 3) < 0.5, y, x)
    trace = (1 - ramp(0.13, 0.2, flat.abs())) * (pick < 0.5)
    around = torch.hypot(x, y)
    pad = (1 - ramp(0.36, 0.42, around)) * ramp(0.14, 0.2, around) * (pick > 0.8)
    lacquer = Coat(tinted(board, soft(s.noise(0.3, SMOOTH)), 0.1), 0.35)
    painted = cover(lacquer, Coat(copper, 0.3, 1.0, 0.003), torch.maximum(trace, pad))
    u, v = s.lattice(0.5, 0.375)
    inside = border(u, v, 1.5)
    return cover(painted, Coat(chip, 0.5, height=0.018), ramp(0.24, 0.26, inside) * (hashed(u, v) > 0.6))


def plates(s: Surface, colours: list[Tensor]) -> Coat:
    """Metal panels with dark seams and a rivet at each corner."""
    base = colours[0]
    u, v = s.lattice(0.5, 0.375)
    x, y = (0.5 - (u % 1.0 - 0.5).abs()) * 1.32, 0.5 - (v % 1.0 - 0.5).abs()
    rivet = torch.hypot(x - 0.13, y - 0.13)
    streaks = soft(s.noise(0.04, ROUGH, (5, 1, 5)))
    panel = tinted(base, 0.6 * hashed(u, v) + 0.4 * streaks, 0.16)
    panel = blend(panel, base * 0.45, ramp(0.035, 0.05, rivet) * (1 - ramp(0.065, 0.085, rivet)))
    panel = blend(panel, base * 1.35 + 0.05, 1 - ramp(0.035, 0.05, rivet))
    plate = Coat(panel, 0.3 + 0.15 * streaks, 1.0, 0.012 * (1 - ramp(0.0, 0.055, rivet)))
    return cover(plate, Coat(base * 0.22, 0.8, 0.5, -0.015), 1 - ramp(0.02, 0.045, torch.minimum(x, y)))
