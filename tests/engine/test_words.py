"""Words for people."""

from __future__ import annotations

import pytest

from engine.words import with_article


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
