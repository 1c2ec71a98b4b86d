"""What the prompt's field suggests: against the starter's own list, and with files and texts of any kind."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_texture.blender_sync_addon.setup import vocabulary

LISTED = {
    "materials": ["bricks", "metal", "polka dots"],
    "colours": ["red", "dark red", "blue"],
    "adjectives": ["rusty"],
    "examples": ["red bricks", "polished gold", "blue polka dots on red"],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(LISTED)), inner),
    max_leaves=6,
)


def write(folder: Path, data: object) -> str:
    (folder / vocabulary.FILE).write_text(json.dumps(data), encoding="utf-8")
    return str(folder)


@pytest.fixture
def listed(tmp_path: Path) -> vocabulary.PromptVocabulary:
    found = vocabulary.of_model(write(tmp_path, LISTED))
    assert found
    return found


@pytest.mark.parametrize("model", ["starter", ""])
def test_the_starter_offers_an_example_for_each_material(model: str, root: Path) -> None:
    found = vocabulary.of_model(model)
    own = json.loads((root / "engine/models/starter/vocabulary.json").read_text(encoding="utf-8"))
    assert found
    assert [(e.prompt, e.material) for e in found.examples] == list(
        zip(own["examples"], own["materials"], strict=True)
    )


def test_models_without_a_list_offer_nothing(tmp_path: Path) -> None:
    for model in ("sd15", "owner/name", str(tmp_path), "no/such/folder", "\0", "~nobody/x", "a" * 5000):
        assert vocabulary.of_model(model) is None


def test_a_folder_with_another_controlnet(tmp_path: Path, listed: vocabulary.PromptVocabulary) -> None:
    assert vocabulary.of_model(f"{tmp_path}+owner/depth") == listed


def test_labels_say_the_material_where_the_prompt_does_not(listed: vocabulary.PromptVocabulary) -> None:
    assert [e.label for e in listed.examples] == [
        "red bricks",
        "polished gold (metal)",
        "blue polka dots on red",
    ]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", []),
        ("rus", ["rusty"]),
        ("my old bri", ["my old bricks"]),
        ("dark", ["dark red"]),
        ("blue ", ["blue bricks", "blue polka dots on red"]),
        ("rusty Dark Red", ["rusty Dark Red bricks", "rusty Dark Red polka dots on red"]),
        ("red", ["red bricks"]),  # no red dots on red
        ("blueish", []),
        ("obsidian ", []),
    ],
)
def test_what_was_typed_is_gone_on_with(
    listed: vocabulary.PromptVocabulary, typed: str, expected: list[str]
) -> None:
    found = vocabulary.complete(listed, typed)
    assert sorted(found) == sorted({*expected, *LISTED["examples"]})
    assert len(found) == len(set(found))


WORDS = st.sampled_from(["red", "dark", "Blue", "rusty", "bri", "(", "[", "\\", " "])


@given(typed=st.text(max_size=60) | st.lists(WORDS).map(" ".join))
def test_any_text_is_answered_by_text_that_goes_on_with_it(typed: str) -> None:
    found = vocabulary.of_model("starter")
    assert found
    completed = vocabulary.complete(found, typed)
    prompts = {e.prompt for e in found.examples}
    assert prompts <= set(completed)
    assert len(completed) <= vocabulary.MAX_SHOWN
    before = typed.rpartition(" ")[0].rstrip()
    assert all(text.startswith(before) for text in completed if text not in prompts)


@given(data=JSON)
def test_a_file_of_any_shape_is_survived(data: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    found = vocabulary.of_model(write(tmp_path_factory.mktemp("model"), data))
    assert found is None or vocabulary.complete(found, "red ") is not None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"materials": "bricks"}'])
def test_damaged_files_count_as_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / vocabulary.FILE).write_bytes(content)
    assert vocabulary.of_model(str(tmp_path)) is None


def test_the_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    model = write(tmp_path, LISTED)
    first = vocabulary.of_model(model)
    assert vocabulary.of_model(model) is first
    write(tmp_path, {**LISTED, "examples": ["snow"]})
    os.utime(tmp_path / vocabulary.FILE, ns=(1, 1))
    again = vocabulary.of_model(model)
    assert again
    assert [e.prompt for e in again.examples] == ["snow"]
