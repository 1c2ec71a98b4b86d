"""What is read out of a model's card."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models import model_card

OURS = """# Tiny model

Text with **marks**.

| | |
|---|---|
| picture | 64x64 |
| licence | GPL-3.0-or-later, as `the rest` |

## What it doesn't know

- **Faces**: none, as [the paper](https://example.org/a) says,
  in two lines.
- Letters.

Anything else.

## How it was made

- Slowly.
"""
THEIRS = """---
tags:
- depth
license: creativeml-openrail-m
---
Introduction.
# A model
## Uses
All.
### Out-of-Scope Use
Don't.
## Limitations and Bias
| a | table |
|---|---|

It can't count.
### Bias
Much.
"""


def read(folder: Path, text: str) -> model_card.Card:
    (folder / model_card.FILE).write_text(text, encoding="utf-8")
    return model_card.read(folder)


def test_our_cards(tmp_path: Path) -> None:
    assert read(tmp_path, OURS) == model_card.ModelCard(
        title="Tiny model",
        licence="GPL-3.0-or-later, as the rest",
        limits=("Faces: none, as the paper says, in two lines.", "Letters.", "Anything else."),
    )


def test_cards_of_the_hub(tmp_path: Path) -> None:
    assert read(tmp_path, THEIRS) == model_card.ModelCard(
        title="A model", licence="creativeml-openrail-m", limits=("Don't.", "It can't count.")
    )


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"words"])
def test_without_a_card_nothing_is_known(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / model_card.FILE).write_bytes(content)
    assert model_card.read(tmp_path) == model_card.ModelCard()


MARKS = ["#", " ", "\n", "limits", "- ", "|", "license:", "**", "[a](b)", "---"]


@given(parts=st.lists(st.sampled_from(MARKS)))
def test_any_text_is_survived(parts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    found = read(tmp_path_factory.mktemp("card"), "".join(parts))
    assert all(limit == " ".join(limit.split()) != "" for limit in found.limits)
