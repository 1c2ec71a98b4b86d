"""Words for people."""

from __future__ import annotations

import pytest

from engine.words import MANY, alike, with_article


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


def test_many_alike_are_one_line() -> None:
    notes = [(f"'{i}'", f"{i} faces have no area") for i in range(MANY + 1)]
    assert alike([*notes, ("'x'", "too flat")], 9, "meshes") == [
        "4 of 9 meshes, the first of them '0': 0 faces have no area",
        "'x': too flat",
    ]
    assert alike(notes[:MANY], 9, "meshes") == [f"{name}: {text}" for name, text in notes[:MANY]]
    assert alike([("", "so"), ("", "so")], 2, "meshes") == ["so", "so"]
