"""The evaluation's results as a table, a JSON file and a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.export.render import to_image

Floats = NDArray[np.float32]

CELL, LINE, ACROSS = 144, 13, 4  # pixels of a picture, of a line of text; pairs side by side
WRONG, RIGHT = (255, 120, 100), (150, 230, 150)


@dataclass(frozen=True)
class ScoreRow:
    """One measured ``value`` of ``count`` pictures, the same on real pictures (``real``; None where there is
    no such thing) and what is aimed at (``aim``, at least). ``error`` is the value's standard error."""

    name: str
    value: float
    unit: str
    count: int
    real: float | None = None
    aim: float | None = None
    error: float | None = None

    @property
    def verdict(self) -> str:
        """reached, missed, or nothing where nothing is aimed at."""
        if self.aim is None:
            return ""
        return "reached" if self.value >= self.aim else "missed"

    def as_dict(self) -> dict[str, object]:
        return {**asdict(self), "verdict": self.verdict}


def share(
    name: str, right: Sequence[bool | None], real: Sequence[bool | None], aim: float | None
) -> ScoreRow:
    """The percentage of ``right`` verdicts, those that are None left out, and of the real pictures' own."""
    judged, ceiling = _known(right), _known(real)
    value = 100 * float(np.mean(judged)) if judged else 0.0
    error = (value * (100 - value) / max(1, len(judged))) ** 0.5
    return ScoreRow(
        name, value, "%", len(judged), 100 * float(np.mean(ceiling)) if ceiling else None, aim, error
    )


def _known(verdicts: Sequence[bool | None]) -> list[bool]:
    return [verdict for verdict in verdicts if verdict is not None]


def table(rows: Sequence[ScoreRow]) -> str:
    """Lines for people, a row each under a head."""
    head = ("", "model", "error", "real", "aim", "", "pictures")
    lines = [head] + [
        (
            row.name,
            f"{row.value:.{_digits(row)}f} {row.unit}".strip(),
            "" if row.error is None else f"+-{row.error:.{_digits(row)}f}",
            "" if row.real is None else f"{row.real:.{_digits(row)}f}",
            "" if row.aim is None else f"{row.aim:.{_digits(row)}f}",
            row.verdict,
            str(row.count),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(_aligned(line, widths) for line in lines)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, numbers to the right."""
    cells = [
        text.ljust(width) if column in (0, 5) else text.rjust(width)
        for column, (text, width) in enumerate(zip(line, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _digits(row: ScoreRow) -> int:
    return 1 if row.unit in ("%", "dB") else 3 if row.unit == "" else 2


@dataclass(frozen=True)
class SheetEntry:
    """A pair on the sheet: up to three pictures (H, W, 3) side by side, real, generated and textured;
    ``lines`` above them are (text, whether it is as it should be; None is neutral)."""

    pictures: Sequence[Floats]
    lines: Sequence[tuple[str, bool | None]]


def sheet(entries: Sequence[SheetEntry]) -> Image.Image:
    """Every pair: real, generated, textured, with what the judge took them for."""
    lines = max(len(entry.lines) for entry in entries)
    wide, high = 3 * CELL + 6, CELL + lines * LINE + 4
    page = Image.new("RGB", (ACROSS * wide, -(-len(entries) // ACROSS) * high), (24, 24, 24))
    pen = ImageDraw.Draw(page)
    for index, entry in enumerate(entries):
        row, column = divmod(index, ACROSS)
        left, top = column * wide, row * high
        for line, (text, good) in enumerate(entry.lines):
            colour = (220, 220, 220) if good is None else RIGHT if good else WRONG
            pen.text((left + 3, top + line * LINE), text[: wide // 6], fill=colour)
        for place, picture in enumerate(entry.pictures):
            cell = to_image(picture).resize((CELL, CELL), Image.Resampling.LANCZOS)
            page.paste(cell, (left + place * CELL, top + lines * LINE))
    return page
