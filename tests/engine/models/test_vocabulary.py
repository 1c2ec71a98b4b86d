"""Which words a model doesn't know and what comes near them: against words judged by people, and any text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models import vocabulary
from engine.models.vocabulary import Vocabulary

STARTER = Path(__file__).resolve().parents[3] / "engine" / "models" / "starter"
SMALL = Vocabulary(
    materials=("bricks", "stone", "polka dots", "ice"),
    colours=("red", "dark red", "black"),
    adjectives=("mossy", "moss covered"),
    words=("oak", "gold", "striped", "berry", "dry"),
    stop_words=("view", "front"),
    synonyms={"obsidian": ("black", "stone"), "crimson": ("red", "scarlet"), "maroon": ("dark red",)},
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def starter() -> Vocabulary:
    found = vocabulary.read(STARTER)
    assert found
    return found


@pytest.mark.parametrize(
    "prompt",
    [
        "red bricks",
        "Mossy STONE, front view.",
        "a brick of the stones",
        "the red, the black and an oak",
        "icy bricks with gold stripes",
        "stony golden dots",
        "berries; dried stone",
        "stone's bricks' gold",
        "moss-covered dark-red bricks",
        "2 bricks, 100 stones",
        "",
        "?!",
    ],
)
def test_known_words_in_any_form_are_known(prompt: str) -> None:
    assert SMALL.unknown(prompt) == []
    assert vocabulary.note("small", SMALL, prompt) == []


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("obsidian", ["obsidian"]),
        ("a Dragon of red obsidian, dragon", ["Dragon", "obsidian"]),
        ("stonehenge", ["stonehenge"]),
        ("goldfish and bricklayer", ["goldfish", "bricklayer"]),
        ("iron ring", ["iron", "ring"]),
        ("красный bricks", ["красный"]),
        ("4k bricks", ["4k"]),
        ("béton", ["béton"]),
    ],
)
def test_other_words_are_unknown(prompt: str, unknown: list[str]) -> None:
    assert SMALL.unknown(prompt) == unknown


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("obsidian", ["black", "stone"]),
        ("Obsidian", ["black", "stone"]),
        ("obsidians", ["black", "stone"]),
        ("obsidain", ["black", "stone"]),  # spelt like one with a meaning
        ("crimson", ["red"]),  # and not the other word, which the model doesn't know either
        ("maroon", ["dark red"]),
        ("brikcs", ["bricks"]),
        ("limestone", ["stone"]),
        ("goldplated", ["gold"]),
        ("xylophone", []),
    ],
)
def test_the_nearest_words(word: str, near: list[str]) -> None:
    assert SMALL.nearest(word) == near


def test_the_note_is_one_line() -> None:
    assert vocabulary.note("small", SMALL, "obsidian bricks") == [
        "the small model doesn't know 'obsidian' (nearest: 'black', 'stone')"
    ]
    assert vocabulary.note("small", SMALL, "crimson bricks of a dragon with wings") == [
        "the small model doesn't know 'crimson' (nearest: 'red'), 'dragon' and 'wings'"
    ]


def test_a_long_prompt_makes_a_short_note() -> None:
    words = [a + b + "zq" for a in LETTERS for b in LETTERS]
    (line,) = vocabulary.note("small", SMALL, " ".join(words))
    assert f"and {len(words) - vocabulary.MAX_WORDS} more words" in line
    (line,) = vocabulary.note("small", SMALL, "z" * 100_000)
    assert len(line) < 100


def test_models_without_a_list_say_nothing(tmp_path: Path) -> None:
    assert vocabulary.read(tmp_path) is None
    assert vocabulary.note("other", None, "obsidian") == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"stop_words": ["view"]}',
        b'{"materials": "bricks"}',
        b'{"materials": [1]}',
        b'{"materials": ["bricks"], "synonyms": {"timber": "wood"}}',
        b'{"materials": ["bricks"], "synonyms": ["timber"]}',
    ],
)
def test_files_of_another_shape_count_as_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / vocabulary.FILE).write_bytes(content)
    assert vocabulary.read(tmp_path) is None


def test_a_list_of_materials_alone_will_do(tmp_path: Path) -> None:
    (tmp_path / vocabulary.FILE).write_text(json.dumps({"materials": ["jelly"]}), encoding="utf-8-sig")
    words = vocabulary.read(tmp_path)
    assert words
    assert words.unknown("a jelly on the table") == ["table"]
    assert words.example("jelly") == "jelly"


PIECES = st.sampled_from([*LETTERS, "stone", "obsidian", "-", "'s", "9"])


@given(prompt=st.text() | st.lists(PIECES).map("".join))
def test_any_prompt_is_answered(prompt: str) -> None:
    for word in SMALL.unknown(prompt):
        assert word in prompt
        near = SMALL.nearest(word)
        assert len(near) == len(set(near)) <= vocabulary.MAX_NEAREST
        assert all(SMALL.unknown(text) == [] for text in near)
    notes = vocabulary.note("small", SMALL, prompt)
    assert len(notes) == bool(SMALL.unknown(prompt))
    assert all(len(note.splitlines()) == 1 for note in notes)


@given(word=st.sampled_from(["bricks", "stone", "striped", "berry"]), data=st.data())
def test_a_slip_of_the_finger_is_recognised(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from(LETTERS))
    kind = data.draw(st.sampled_from(["drop", "double", "insert", "swap"]))
    typed = {
        "drop": word[:at] + word[at + 1 :],
        "double": word[:at] + word[at] + word[at:],
        "insert": word[:at] + letter + word[at:],
        "swap": word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
    }[kind]
    assert not SMALL.unknown(typed) or word in SMALL.nearest(typed)


def test_the_starter_knows_what_its_list_tells(starter: Vocabulary) -> None:
    listed = [*starter.materials, *starter.colours, *starter.adjectives, *starter.examples, *starter.words]
    assert all(starter.unknown(text) == [] for text in listed)


def test_the_starters_examples_and_the_engines_view_words_are_known(starter: Vocabulary) -> None:
    for example in starter.examples:
        for side in ("front", "side", "back", "top", "bottom"):
            assert starter.unknown(f"{example}, {side} view.") == []


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("timber", "wood"),
        ("crimson", "red"),
        ("obsidian", "black"),
        ("obsidian", "stone"),
        ("cement", "stone"),
        ("brickwork", "bricks"),
        ("navy", "dark blue"),
        ("colblestone", "cobblestone"),
        ("chequered", "checkered"),
        ("snakeskin", "leather"),
    ],
)
def test_the_starter_suggests_what_people_mean(word: str, near: str, starter: Vocabulary) -> None:
    if starter.unknown(word):  # a later starter may know it
        assert near in starter.nearest(word)
    else:
        assert word in starter.words


def test_every_suggestion_of_the_starters_table_is_known(starter: Vocabulary) -> None:
    assert len(starter.synonyms) > 200
    for word, near in starter.synonyms.items():
        assert starter.unknown(word) == [word]
        assert near
        assert all(starter.unknown(text) == [] for text in near)
