"""Words for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import LONGEST, UserError, column
from engine.words import MANY, alike, line, with_article


@pytest.mark.parametrize(
    "wanted",
    [
        *(
            "a mesh",
            "an empty",
            "an armature",
            "a light",
            "a grease pencil",
            "a user",
            "a uniform",
            "an umbrella",
        ),
        *(
            "a .blend",
            "an .fbx",
            "a .usd",
            "an .obj",
            "a .glb",
            "an .stl",
            "a UV map",
            "an STL",
            "a '.blend'",
        ),
    ],
)
def test_articles(wanted: str) -> None:
    assert with_article(wanted.partition(" ")[2]) == wanted


@given(st.lists(st.text(max_size=300), max_size=12), st.integers(20, 300))
def test_a_line_is_short_and_says_what_fits(parts: list[str], most: int) -> None:
    text = " ".join(parts)
    said = line(text, most)
    assert len(said) <= most
    assert not set(said) & set("\r\n\t")
    if len(" ".join(text.split())) <= most:
        assert said.split() == text.split()


def test_what_is_left_of_a_long_line_says_most() -> None:
    path = "/home/somebody" * 30 + "/chair.obj"
    assert line(f"'{path}' can't be written (no space left)").endswith(
        "/chair.obj' can't be written (no space left)"
    )
    assert line(f"'{path}' can't be written (no space left)").startswith("'...")
    assert line("a " * 400 + "export it again").endswith("export it again")
    assert line("two  spaces") == "two  spaces"


@given(st.text(max_size=2000), st.text(max_size=2000))
def test_no_error_is_longer_than_a_few_lines(what: str, fix: str) -> None:
    error = UserError(f"'{what}' is wrong in {{out}}", f"mend {fix} by {{out}}", out=None)
    assert max(map(len, (str(error), error.fix))) <= LONGEST
    assert max(map(len, error.wording.by(column))) <= LONGEST


def test_many_alike_are_one_line() -> None:
    notes = [(f"'{i}'", f"{i} faces have no area") for i in range(MANY + 1)]
    assert alike([*notes, ("'x'", "too flat")], 9, "meshes") == [
        "4 of 9 meshes, the first of them '0': 0 faces have no area",
        "'x': too flat",
    ]
    assert alike(notes[:MANY], 9, "meshes") == [f"{name}: {text}" for name, text in notes[:MANY]]
    assert alike([("", "so"), ("", "so")], 2, "meshes") == ["so", "so"]
