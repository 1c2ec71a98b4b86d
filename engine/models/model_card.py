"""A model card, the ``README.md`` of a model, read for what people want to know. Anything may be missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .. import inputs
from ..errors import UserError

FILE = "README.md"
_MAX = 1 << 20  # characters that are looked at
_TITLE = re.compile(r"^# +(.+)$", re.MULTILINE)
_LICENCE = re.compile(r"^(?:\| *)?licen[sc]e(?: *\||:) *([^|\n]+)", re.MULTILINE | re.IGNORECASE)
_SECTION = re.compile(r"^#+ +(.+)\n((?:(?!#+ ).*\n?)*)", re.MULTILINE)
_LIMITS = re.compile(r"(does not|doesn['’]t|cannot|can['’]t) |limit|out[- ]of[- ]scope", re.IGNORECASE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_BULLET = re.compile(r"^\s*[-*+] +", re.MULTILINE)


@dataclass(frozen=True)
class ModelCard:
    """title: its first heading. licence: of the front matter, else of a table. limits: the paragraphs under
    headings like "What it doesn't know" and "Limitations", as plain text."""

    title: str | None = None
    licence: str | None = None
    limits: tuple[str, ...] = ()


def read(folder: Path) -> ModelCard:
    """The card of the model in ``folder``; an empty one without a readable file."""
    try:
        text = inputs.read_input(folder / FILE, most=inputs.MOST_JSON).decode("utf-8-sig")[:_MAX]
    except (UserError, ValueError):
        return ModelCard()
    title, licence = _TITLE.search(text), _LICENCE.search(text)
    sections = [body for heading, body in _SECTION.findall(text) if _LIMITS.search(heading)]
    return ModelCard(
        title=_plain(title[1]) if title else None,
        licence=_plain(licence[1]) if licence else None,
        limits=tuple(item for body in sections for item in _paragraphs(body)),
    )


def _paragraphs(body: str) -> list[str]:
    """Paragraphs and the entries of lists; tables are left out."""
    parts = re.split(r"\n\s*\n|\n(?=\s*[-*+] )", body)
    plain = [_plain(_BULLET.sub("", part)) for part in parts if not part.lstrip().startswith("|")]
    return [text for text in plain if text]


def _plain(text: str) -> str:
    """One line without markup."""
    return " ".join(re.sub(r"\*\*|`", "", _LINK.sub(r"\1", text)).split())
