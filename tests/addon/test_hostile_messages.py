"""Whatever an engine says, a job goes on or ends with one line; and however much it says, little is kept."""

from __future__ import annotations

import json
import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_texture.blender_sync_addon.jobs import received
from sync_texture.blender_sync_addon.jobs.inbox import Inbox
from sync_texture.blender_sync_addon.jobs.state import State
from sync_texture.blender_sync_addon.problem import Problem
from sync_texture.engine import protocol

from tests.bench.fuzz import odd

RESULT = {
    **dict.fromkeys(("texture", "mesh", "views", "turntable", "report"), "/out/x.png"),
    "uvs": "/out/uvs.npy",
    "warnings": ["dark"],
    "textures": [
        {"path": "/out/x.png", "mesh": 0, "part": "wood", "tile": 1001, "others": {"roughness": "r"}}
    ],
    "other_uvs": [None, "/out/uvs.1.npy"],
    "scene": None,
    "left_out": [],
    "relief": 0.1,
}
GOOD = [
    {"kind": "started"},
    {"kind": "progress", "stage": "denoise", "i": 1, "n": 3, "eta_s": 0.5},
    {"kind": "preview", "preview": {"textures": RESULT["textures"], "uvs": [None, "/out/uvs.npy"]}},
    {"kind": "done", "result": RESULT},
    {
        "kind": "failed",
        "error": "no {model}",
        "fix": "give {model}",
        "code": 2,
        "wording": {"error": "no {model}", "fix": "give {model}", "options": {"model": "a"}},
    },
    {"kind": "cancelled"},
]
KINDS = tuple(one["kind"] for one in GOOD)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def is_sound(state: State) -> None:
    """What of ``state`` is shown can be, and what is used is of the declared types."""
    assert state.text.isprintable()
    assert 0 <= state.fraction <= 1
    assert state.left_s is None or math.isfinite(state.left_s)
    if state.problem:
        assert str(state.problem).isprintable()
        assert len(str(state.problem)) < 5000
        assert 0 < state.problem.code < 256
    for warning in state.result.warnings if state.result else ():
        assert warning.isprintable()
    for shown in filter(None, (state.result, state.preview)):
        for texture in shown.textures:
            assert isinstance(texture, protocol.Texture)
            assert type(texture.mesh) in (int, type(None))
            assert type(texture.tile) in (int, type(None))
            assert all(isinstance(path, str) and "\0" not in path for path in texture.files.values())


@pytest.mark.parametrize("kind", KINDS)
def test_messages_changed_by_chance_end_in_one_line(kind: str) -> None:
    good = next(one for one in GOOD if one["kind"] == kind)
    for seed in range(300):
        rng = Random(f"{kind}-{seed}")
        said = odd.dumped(rng, odd.faulty(rng, good, []))
        try:
            message = protocol.decode(said)
        except ValueError:
            continue
        state = State("1")
        state.apply({**message, "kind": kind, "id": "1"})
        is_sound(state)


@given(JSON, st.sampled_from(GOOD))
@settings(max_examples=60, deadline=None)
def test_any_json_in_any_place_ends_in_one_line(found: object, good: dict) -> None:
    places = [name for name in good if name != "kind"] or ["result"]
    for name in places:
        state = State("1")
        state.apply({**good, "id": "1", name: found})
        is_sound(state)


@pytest.mark.parametrize("message", GOOD)
def test_what_engines_say_is_taken(message: dict) -> None:
    state, heard = State("1"), []
    state.on_message = heard.append
    state.apply({**json.loads(json.dumps(message)), "id": "1"})
    assert len(heard) == 1
    assert state.problem is None or message["kind"] in ("failed", "cancelled")
    if message["kind"] == "done":
        assert state.result
        assert state.result.as_dict() == RESULT
        assert state.result.mesh_uvs == ["/out/uvs.npy", None, "/out/uvs.1.npy"]
    if message["kind"] == "failed":
        assert state.problem
        assert state.problem.on_command_line == "No --model a. Give --model a"


def test_what_makes_no_sense_is_passed_on_to_nobody() -> None:
    state, heard = State("1"), []
    state.on_message = heard.append
    state.apply({"kind": "progress", "id": "1", "stage": "x", "i": math.inf})
    assert heard == []
    assert "i is not a whole number" in str(state.problem)


def test_warnings_without_end_are_counted() -> None:
    state = State("1")
    told = ["\x1b[31mred\nnext", *["y" * 10**6] * 10**4]
    state.apply({"kind": "done", "id": "1", "result": {**RESULT, "warnings": told}})
    assert state.result
    assert state.result.warnings[0] == "?[31mred next"
    assert len("".join(state.result.warnings)) < 500_000
    assert state.result.warnings[-1] == "9901 further warnings were left out"


def test_of_a_flood_of_good_messages_the_newest_is_kept() -> None:
    inbox = Inbox()
    inbox.expect("1")
    for number in range(20_000):
        for kind in (*KINDS, "heartbeat", "new kind"):
            inbox.put({"kind": kind, "id": "1", "i": number, "stage": f"any {number}"})
        inbox.put({"kind": "done", "id": str(number)})
    said = []
    while event := inbox.take():
        said.append((event["kind"], event["i"]))
    assert said == [
        *[("started", 0), ("done", 0), ("failed", 0), ("cancelled", 0)],
        *[("progress", 19_999), ("preview", 19_999)],
    ]


def test_the_last_of_each_stage_is_told_in_order() -> None:
    inbox = Inbox()
    inbox.expect("1")
    for stage, i in (("mesh", 0), ("mesh", 1), ("denoise", 1), ("denoise", 2)):
        inbox.put({"kind": "progress", "id": "1", "stage": stage, "i": i})
    taken = [inbox.take(), inbox.take()]
    assert [(one["stage"], one["i"]) for one in taken if one] == [("mesh", 1), ("denoise", 2)]
    assert inbox.take() is None


def test_what_ended_before_the_next_job_is_not_taken_for_its_end() -> None:
    inbox = Inbox()
    inbox.expect("1")
    inbox.put({"kind": "progress", "id": "1", "stage": "mesh"})
    inbox.expect("2")
    inbox.put({"kind": "done", "id": "1"})
    taken = inbox.take()
    assert taken is None or taken["id"] == "1"
    assert inbox.take() is None


def test_heights_upside_down_are_refused() -> None:
    told = protocol.Result.from_dict({**RESULT, "relief": -0.1})
    with pytest.raises(Problem, match="upside down"):
        received.relief(told)
    assert received.relief(protocol.Result.from_dict(RESULT)) == 0.1
