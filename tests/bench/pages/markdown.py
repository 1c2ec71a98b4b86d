"""What benchmarks write into docs/: tables, lines of text, and all between two comments that name it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

WIDTH = 115
DOCS = Path(__file__).parents[3] / "docs"


def put(path: Path, parts: Mapping[str, str]) -> None:
    """Put each of ``parts`` between ``<!-- NAME -->`` and ``<!-- /NAME -->`` in ``path``; raises KeyError
    where the page has no such place."""
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        place = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
        text, found = place.subn(lambda match, part=part: f"{match[1]}{part.strip()}\n{match[2]}", text)
        if not found:
            raise KeyError(f"{path} has no place for {name}")
    path.write_text(text, encoding="utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table; numbers to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(text: str, first: str = "") -> str:
    """``text`` in lines of WIDTH characters; ``first``: what the first one begins with, as "- "."""
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
        break_long_words=False,
    )
