"""The vocabulary list's single words, against captions as training draws them."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from engine.models import vocabulary
from engine.models.vocabulary import Vocabulary
from training import captions
from training.synonyms import spoken, synonyms


@pytest.fixture(scope="module")
def listed() -> Vocabulary:
    found = vocabulary.parse(json.loads(json.dumps(captions.vocabulary())))
    assert found
    return found


@pytest.fixture(scope="module")
def written() -> list[str]:
    """Captions as training draws them."""
    rng = np.random.default_rng(11)
    return [captions.caption(captions.random_look(rng), rng, 0, 0) for _ in range(6000)]


def test_every_caption_is_known(listed: Vocabulary, written: list[str]) -> None:
    assert {word for text in written for word in listed.unknown(text)} == set()


def test_nothing_is_listed_that_captions_never_say(listed: Vocabulary, written: list[str]) -> None:
    said = {word for text in written for word in re.findall("[a-z]+", text)}
    rare = [word for word in listed.words if word not in said]
    assert len(rare) < 0.03 * len(listed.words), rare  # 6,000 captions don't say everything


def test_suggestions_are_known_and_what_they_stand_for_is_not(listed: Vocabulary) -> None:
    assert len(listed.synonyms) > 200
    for word, near in listed.synonyms.items():
        assert listed.unknown(word) == [word]
        assert listed.nearest(word)[: len(near)] == list(near[: vocabulary.MAX_NEAREST])


@pytest.mark.parametrize("word", ["obsidian", "timber", "cement", "crimson", "emerald", "maroon", "corroded"])
def test_everyday_words_are_known_or_have_something_near(word: str, listed: Vocabulary) -> None:
    assert not listed.unknown(word) or listed.nearest(word)


def test_targets_that_captions_lack_fall_away() -> None:
    assert synonyms({"red", "stone"}, set())["obsidian"] == ["stone"]
    assert "obsidian" not in synonyms({"red"}, set())
    assert synonyms({"red", "black", "stone"}, set())["obsidian"] == ["black", "stone"]
    assert "obsidian" not in synonyms({"obsidian", "black"}, set())


def test_words_are_sorted_into_known_and_harmless() -> None:
    found = spoken(
        ["colourful grey bricks and moss"], ["a photo of {}"], [("grey", "gray"), ("colour", "color")]
    )
    assert found["words"] == ["bricks", "colorful", "colourful", "gray", "grey", "moss"]
    assert {"photo", "view", "front"} <= set(found["stop_words"])  # type: ignore[call-overload]
