"""docs/speed.png: every figure against every variable, both logarithmic."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tests.bench.pages.speed import COLUMNS, HEADS, Sweep

FINE = 2  # drawn so many times as large, then shrunk: smooth lines
PANEL, MARGIN = (300, 190), (64, 34)
INK, FAINT, GRID, LINE = (30, 30, 30), (120, 120, 120), (226, 226, 226), (40, 90, 160)

Point = tuple[float, float]


def draw(sweeps: list[Sweep], path: Path) -> None:
    """Write the PNG ``path``: a row for each column of the tables, a column for each sweep."""
    width, height = (PANEL[i] + MARGIN[i] for i in (0, 1))
    sheet = Image.new("RGB", (FINE * width * len(sweeps), FINE * (height * len(COLUMNS) + 16)), "white")
    for row, (column, title) in enumerate(COLUMNS.items()):
        ends = decades([figures[column] for sweep in sweeps for figures in sweep.figures])
        for i, sweep in enumerate(sweeps):
            _panel(
                ImageDraw.Draw(sheet), (i * width + MARGIN[0], row * height + 24), sweep, column, title, ends
            )
    size = (sheet.width // FINE, sheet.height // FINE)
    sheet.resize(size, Image.Resampling.LANCZOS).save(path, optimize=True)


def decades(values: list[float]) -> Point:
    """The powers of ten around ``values``."""
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))


def _panel(
    pen: ImageDraw.ImageDraw, corner: tuple[int, int], sweep: Sweep, column: str, title: str, ends: Point
) -> None:
    """One curve, with a dotted line that grows linearly through its largest point."""
    wide, high = PANEL[0] - 40, PANEL[1] - 40
    across = math.log10(sweep.values[0]), math.log10(sweep.values[-1])

    def at(x: float, y: float) -> Point:
        right = (math.log10(x) - across[0]) / (across[1] - across[0])
        up = (math.log10(y) - ends[0]) / (ends[1] - ends[0])
        return FINE * (corner[0] + right * wide), FINE * (corner[1] + (1 - up) * high)

    _axes(pen, sweep, ends, at)
    _text(pen, at(sweep.values[0], 10 ** ends[1]), (0, -18), f"{title}, against {HEADS[sweep.name]}", INK)
    points = [(x, figures[column]) for x, figures in zip(sweep.values, sweep.figures, strict=True)]
    _linear(pen, sweep, points[-1], ends, at)
    pen.line([at(*point) for point in points], LINE, 2 * FINE)
    for point in points:
        x, y = at(*point)
        pen.ellipse([x - 3 * FINE, y - 3 * FINE, x + 3 * FINE, y + 3 * FINE], fill=LINE)


def _axes(pen: ImageDraw.ImageDraw, sweep: Sweep, ends: Point, at: Callable[[float, float], Point]) -> None:
    low, high = (10.0**end for end in ends)
    for value in sweep.values:
        pen.line([at(value, low), at(value, high)], GRID, FINE)
        _text(pen, at(value, low), (0, 5), _short(value), FAINT, "ma")
    for power in range(int(ends[0]), int(ends[1]) + 1):
        pen.line([at(sweep.values[0], 10.0**power), at(sweep.values[-1], 10.0**power)], GRID, FINE)
        _text(pen, at(sweep.values[0], 10.0**power), (-6, 0), f"{10.0**power:,g}", FAINT, "rm")


def _linear(
    pen: ImageDraw.ImageDraw, sweep: Sweep, last: Point, ends: Point, at: Callable[[float, float], Point]
) -> None:
    """Dots where the figure would be if it grew as fast as the variable (texels, for textures)."""
    power = 2 if sweep.name == "texture" else 1
    for i in range(60):
        x = last[0] * (sweep.values[0] / last[0]) ** (i / 59)
        y = last[1] * (x / last[0]) ** power
        if y >= 10 ** ends[0]:
            a, b = at(x, y)
            pen.ellipse([a - FINE, b - FINE, a + FINE, b + FINE], fill=FAINT)


def _text(
    pen: ImageDraw.ImageDraw,
    at: Point,
    off: tuple[int, int],
    text: str,
    ink: tuple[int, int, int],
    anchor: str = "la",
) -> None:
    font = ImageFont.load_default(11 * FINE)
    pen.text((at[0] + off[0] * FINE, at[1] + off[1] * FINE), text, ink, font, anchor=anchor)


def _short(value: int) -> str:
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size and value % size == 0:
            return f"{value // size} {letter}"
    return str(value)
