"""The picture on quality: a dot and an interval for each method and measure, and a strip of examples."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tests.bench.cases.quality_grid import DEFAULT, Arm
from tests.bench.pages.quality_findings import MEASURES, Block, Data, Measure
from tests.bench.pages.statistics import Estimate

WIDTH, MARGIN, NAMES = 1500, 16, 160
ROW, HEAD, FOOT = 22, 30, 22
BEST = {1: "more is better", -1: "less is better", 0: "1 is best"}
ACROSS = 3  # panels side by side
EXAMPLES = 3
INK, FAINT, GRID = (30, 30, 30), (130, 130, 130), (228, 228, 228)
OURS, OTHERS = (200, 70, 20), (40, 90, 160)

Picture = Callable[[Block, Arm], Image.Image]


def draw(data: Data, picture: Picture, path: Path) -> None:
    """Write the PNG ``path``. picture: of a block and an arm, the mesh and its texture side by side."""
    panels = [_panel(data, measure) for measure in MEASURES]
    rows = [panels[i : i + ACROSS] for i in range(0, len(panels), ACROSS)]
    strip = _strip(data, picture)
    height = sum(row[0].height + MARGIN for row in rows) + strip.height + MARGIN
    sheet = Image.new("RGB", (WIDTH, height + MARGIN), "white")
    top = MARGIN
    for row in rows:
        for i, panel in enumerate(row):
            sheet.paste(panel, (MARGIN + i * (panel.width + MARGIN), top))
        top += row[0].height + MARGIN
    sheet.paste(strip, (MARGIN, top))
    sheet.save(path, optimize=True)


def _panel(data: Data, measure: Measure) -> Image.Image:
    """One measure: methods downwards, the default's mean as a dotted line through all."""
    width = (WIDTH - (ACROSS + 1) * MARGIN) // ACROSS
    sheet = Image.new("RGB", (width, HEAD + ROW * len(data.arms) + FOOT), "white")
    pen = ImageDraw.Draw(sheet)
    unit = f" ({measure.unit})" if measure.unit else ""
    pen.text((NAMES, 6), f"{measure.title}{unit}: {BEST[measure.better]}", INK, _font(14))
    found = [data.mean(arm, measure) for arm in data.arms]
    low, high = _range(found)
    if measure.unit == "%":
        low, high = max(low, -0.03), min(high, 1.03)

    def at(value: float) -> float:
        return NAMES + (width - NAMES - 12) * (value - low) / (high - low)

    bottom = HEAD + ROW * len(data.arms)
    for value in _ticks(low, high, measure):
        pen.line([(at(value), HEAD), (at(value), bottom)], FAINT if measure.ratio and value == 0 else GRID)
        pen.text((at(value), bottom + 4), _label(value, measure), FAINT, _font(11), anchor="ma")
    for i, (arm, estimate) in enumerate(zip(data.arms, found, strict=True)):
        _mark(pen, at, HEAD + ROW * i + ROW // 2, arm, estimate)
    return sheet


def _mark(pen: ImageDraw.ImageDraw, at: Callable[[float], float], y: int, arm: Arm, found: Estimate) -> None:
    colour = OURS if arm == DEFAULT else OTHERS
    pen.text((NAMES - 10, y), arm.name, colour if arm == DEFAULT else INK, _font(12), anchor="rm")
    if math.isnan(found.mean):
        return
    if not math.isnan(found.low):
        pen.line([(at(found.low), y), (at(found.high), y)], colour, 2)
    x = at(found.mean)
    pen.ellipse([x - 4, y - 4, x + 4, y + 4], fill=colour)


def _range(found: list[Estimate]) -> tuple[float, float]:
    ends = [v for e in found for v in (e.mean, e.low, e.high) if math.isfinite(v)]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    room = 0.05 * (high - low) or 0.5
    return low - room, high + room


def _ticks(low: float, high: float, measure: Measure) -> list[float]:
    """Round numbers as they are read, about five."""
    if measure.ratio:
        marks = [m * 10.0**e for e in range(-4, 5) for m in (1, 2, 5)]
        if math.exp(high - low) < 4:
            marks = [i / 10 for i in range(1, 60, 1 if math.exp(high - low) < 1.6 else 2)]
        logs = [math.log(m) for m in marks]
        inside = [v for v in logs if low <= v <= high]
        return inside[:: max(1, len(inside) // 6)]
    raw = (high - low) / 5
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= raw)
    return [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _label(value: float, measure: Measure) -> str:
    if measure.ratio:
        return f"{math.exp(value):.2g}"
    return f"{100 * value:.0f}" if measure.unit == "%" else f"{value:g}"


def _strip(data: Data, picture: Picture) -> Image.Image:
    """Methods across; for some blocks the mesh, for the last of them its texture too."""
    blocks = _examples(list(data.blocks))
    cell = (WIDTH - 2 * MARGIN - 110) // len(data.arms)
    sheet = Image.new("RGB", (WIDTH - 2 * MARGIN, HEAD + cell * (len(blocks) + 1)), "white")
    pen = ImageDraw.Draw(sheet)
    for column, arm in enumerate(data.arms):
        pen.text((110 + column * cell + cell // 2, 14), arm.name, INK, _font(12), anchor="mm")
    for row, block in enumerate([*blocks, *blocks[-1:]]):
        words = [*block[1].split(), f"({block[0]})"] if row < len(blocks) else ["its texture"]
        pen.multiline_text((0, HEAD + row * cell + 8), "\n".join(words), INK, _font(12))
        for column, arm in enumerate(data.arms):
            both = picture(block, arm)
            half = both.width // 2
            part = both.crop((0, 0, half, half) if row < len(blocks) else (half, 0, 2 * half, half))
            place = (110 + column * cell, HEAD + row * cell)
            sheet.paste(part.resize((cell - 2, cell - 2), Image.Resampling.LANCZOS), place)
    return sheet


def _examples(blocks: list[Block]) -> list[Block]:
    """The first blocks of different meshes and prompts."""
    chosen: list[Block] = []
    for block in blocks:
        if all(block[0] != other[0] and block[1] != other[1] for other in chosen):
            chosen.append(block)
    return chosen[:EXAMPLES]


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
