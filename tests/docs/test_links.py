"""What the pages lead to is there: links, pictures, headings, and the files that their text names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import pages

ELSEWHERE = ("http://", "https://", "mailto:")
PATH = re.compile(
    r"(?:engine|blender_sync_addon|tests|docs|training|tools|demo|requirements|wheels|farm)/[\w./-]+"
)
MADE = ("training/runs",)  # by commands


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=str(page.relative_to(pages.ROOT))) for page in pages.PAGES]
)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in pages.links(page):
        if link.startswith(ELSEWHERE):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in pages.anchors(target), link


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=str(page.relative_to(pages.ROOT))) for page in pages.PAGES]
)
def test_every_file_that_is_named_exists(page: Path, root: Path) -> None:
    for code in pages.code(page):
        if PATH.fullmatch(code) and not code.startswith(MADE):
            assert (root / code).exists(), code


def test_every_page_and_picture_is_linked(root: Path) -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in (*pages.PAGES, *root.glob("engine/models/*/README.md"))
        for link in pages.links(page)
        if not link.startswith(ELSEWHERE)
    }
    there = {path for kind in ("md", "png", "jpg") for path in (root / "docs").rglob(f"*.{kind}")}
    assert there <= linked
