"""What the project's pages hold for tests: fenced examples, commands, links, code in the text.

Standard library only: Blender's Python reads it, too.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *(ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))),
    *(ROOT / f"{folder}/README.md" for folder in ("farm", "training", "requirements", "wheels")),
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
ASSIGNED = re.compile(r"[A-Z_]+=")  # before a command: a variable of its environment
COMMAND = re.compile(r"(\w+=\S+ )*((\S*/)?python3? |(\S*/)?build\.py |blender |\.venv/bin/)")


@dataclass(frozen=True)
class Example:
    """A fenced block: the page below the root, the line of its first line, its language ("" for commands)."""

    page: str
    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command's words, and where it stands. Words that are cut short ("...") are left out."""

    page: str
    line: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {shlex.join(self.words)}"


def examples(page: Path) -> Iterator[Example]:
    """The fenced blocks of ``page``."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start(2)) + 1
        yield Example(page.relative_to(ROOT).as_posix(), line, match[1], match[2])


def commands(page: Path) -> Iterator[Command]:
    """All commands of ``page``: lines of fenced blocks without a language, and code in its text that begins
    as they do. A line that ends with a backslash goes on in the next."""
    for example in examples(page):
        if not example.language:
            yield from _of_block(example)
    text = page.read_text(encoding="utf-8")
    bare = FENCE.sub(lambda block: re.sub("[^\n]", "", block[0]), text)
    for match in INLINE.finditer(bare):
        if COMMAND.match(match[1]):
            yield _command(
                page.relative_to(ROOT).as_posix(), bare.count("\n", 0, match.start()) + 1, match[1]
            )


def _of_block(example: Example) -> Iterator[Command]:
    whole = ""
    for number, line in enumerate(example.text.splitlines(), example.line):
        whole += line.removesuffix("\\")
        if whole.strip() and not line.endswith("\\"):
            yield _command(example.page, number, whole)
            whole = ""


def _command(page: str, line: int, text: str) -> Command:
    words = list(dropwhile(ASSIGNED.match, shlex.split(text, comments=True)))
    return Command(page, line, tuple(word for word in words if word != "..."))


def code(page: Path) -> list[str]:
    """What stands as code in the text of ``page``, outside fenced blocks."""
    return INLINE.findall(FENCE.sub("", page.read_text(encoding="utf-8")))


def links(page: Path) -> list[str]:
    """Where the links and pictures of ``page`` lead."""
    return LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """The names by which GitHub's links find the headings of ``page``."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
