"""What messages do to a job's state."""

from __future__ import annotations

import pytest
from sync_texture.blender_sync_addon.jobs.state import CANCELLING, State
from sync_texture.blender_sync_addon.problem import Problem, Stopped
from sync_texture.engine import protocol

RESULT = dict.fromkeys(("texture", "mesh", "views", "turntable", "report"), "x")


def message(kind, **fields):
    return protocol.message(kind, id="1", **fields)


def test_messages_of_other_jobs_are_ignored():
    state = State("2")
    state.apply(message(protocol.DONE, result=RESULT))
    assert not state.ended


def test_a_job_ends_once():
    state = State("1")
    state.apply(message(protocol.DONE, result=RESULT))
    state.apply(message(protocol.FAILED, error="late", fix="", code=1))
    state.fail(Problem("later"))
    assert state.result
    assert state.problem is None


@pytest.mark.parametrize(
    "end", [message(protocol.DONE, result=RESULT), message(protocol.FAILED, error="e", code=1)]
)
def test_whatever_ends_a_job_that_was_cancelled_it_counts_as_cancelled(end):
    state = State("1")
    state.cancel()
    state.apply(message(protocol.PROGRESS, stage="denoising", i=1, n=2, eta_s=None))
    assert state.stage == CANCELLING
    state.apply(end)
    assert isinstance(state.problem, Stopped)
    assert state.result is None


@pytest.mark.parametrize(
    "msg",
    [
        message(protocol.DONE),
        message(protocol.DONE, result={"texture": "x"}),
        message(protocol.DONE, result=3),
        message(protocol.PROGRESS, stage="x", i="many", n=1),
        message(protocol.FAILED),
        message(protocol.PREVIEW),
        message(protocol.PREVIEW, preview={"textures": [{"colour": "red"}], "uvs": []}),
    ],
)
def test_a_garbled_message_is_a_failure(msg):
    state = State("1")
    state.apply(msg)
    assert "makes no sense" in str(state.problem)


def test_the_last_preview_counts():
    state = State("1")
    for path in "ab":
        preview = protocol.Preview([protocol.Texture(path, 0, "wood", 1002)], [None])
        state.apply(message(protocol.PREVIEW, preview=preview.as_dict()))
        assert state.preview == preview


def test_what_comes_after_painting_is_counted_in():
    state = State("1", after_s=5.0)
    assert state.left_s is None
    state.apply(message(protocol.PROGRESS, stage="denoise", i=1, n=3, eta_s=20.0))
    assert state.left_s == 25.0


def test_unknown_progress():
    state = State("1")
    state.apply(message(protocol.PROGRESS, stage="loading", i=0, n=0))
    assert state.fraction == 0
    assert state.eta_s is None
