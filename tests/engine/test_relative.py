"""What people share names files without saying where on somebody's computer they lie."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.models import links
from engine.protocol import ImageRequest, Request
from engine.relative import Folders

PART = st.text("abÄ .-_é漢", min_size=1, max_size=6).filter(lambda part: part.strip(". "))
PLACE = st.lists(PART, min_size=1, max_size=4).map(lambda parts: Path(os.sep, *parts))


def said(texts: list[str], inner: Any = None) -> dict[str, Any]:
    return {"number": 1.5, "nothing": None, "texts": texts, "mesh": {"warnings": tuple(texts), "more": inner}}


@given(places=st.lists(PLACE, min_size=1, max_size=4), name=PART, before=st.text(max_size=5))
@settings(max_examples=200, deadline=None)
def test_no_text_says_where_something_lies(places: list[Path], name: str, before: str) -> None:
    before = before.replace(os.sep, "")
    texts = [f"{before}'{place / name}' can't be read" for place in places]
    found = Folders(files=[place / name for place in places]).without(said(texts, said(texts)))
    short = [f"{before}'{name}' can't be read"] * len(places)
    assert json.loads(json.dumps(found)) == json.loads(json.dumps(said(short, said(short))))
    written = json.dumps(found, ensure_ascii=False)
    assert not any(f"{place}{os.sep}" in written for place in places)


def test_the_home_folder_is_not_named() -> None:
    there = Path.home() / "models" / "wood"
    assert Folders().without(f"{there} is damaged") == f"~{os.sep}{Path('models', 'wood')} is damaged"


def test_links_and_detours_are_left_out_too(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    folders = Folders([link, tmp_path / "real" / ".." / "real" / "sub"])
    assert folders.without([f"{real}/a.obj", f"{link}/a.obj", f"{real}/sub/a.obj"]) == ["a.obj"] * 3


def test_the_home_folder_of_nobody_is_no_folder() -> None:
    folders = Folders(["~nouser/models"], ["~nouser/x", ""])
    assert folders.without("there is no model ~nouser/x") == "there is no model ~nouser/x"


def test_the_top_of_a_disk_says_nothing(tmp_path: Path) -> None:
    assert Folders([Path(tmp_path.anchor)]).without("/x and/or y: 1/2") == "/x and/or y: 1/2"


def test_whatever_a_request_reads_is_left_out(tmp_path: Path) -> None:
    reads: dict[str, Any] = {
        "model": f"{tmp_path}/m+{tmp_path}/nets/c",
        "lora": (f"{tmp_path}/loras/l.safetensors:0.5",),
    }
    reads |= {"reference": (f"{tmp_path}/photos/p.png:0.5",), "ip_adapter": f"{tmp_path}/adapters/i"}
    texts = [f"{tmp_path}/m", f"{tmp_path}/nets/c", f"{tmp_path}/loras/l.safetensors"]
    texts += [f"{tmp_path}/photos/p.png", f"{tmp_path}/adapters/i"]
    picture = ImageRequest(kind="tile", prompt="x", out="", **reads)
    assert Folders.of(picture, [], []).without(texts) == ["m", "c", "l.safetensors", "p.png", "i"]
    mesh = f"{tmp_path}/meshes/a.obj"
    controls = (f"depth={tmp_path}/other/d:0.5",)
    texture = Request(mesh=mesh, prompt="x", out="", controls=controls, **reads)
    texts += [mesh, f"{tmp_path}/other/d"]
    assert Folders.of(texture, [], []).without(texts) == [
        *("m", "c", "l.safetensors", "p.png", "i"),
        *("a.obj", "d"),
    ]


def test_a_list_of_models_that_cannot_be_read_hides_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "links.json").write_text("[")
    monkeypatch.setenv(links.VARIABLE, str(tmp_path / "links.json"))
    request = Request(mesh=f"{tmp_path}/a.obj", prompt="x", out="", model="mine")
    assert Folders.of(request, [], []).without(f"{tmp_path}/a.obj") == "a.obj"
