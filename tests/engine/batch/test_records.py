"""A batch trusts nothing that lies in its folder: wrong types count as not done, and that is said."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import protocol
from engine.batch import folder as folders
from engine.batch import records
from engine.batch.command import BatchOptions, run
from engine.batch.jobs import JobLine
from engine.batch.summary import BatchSummary
from engine.batch.tasks import DONE, WAITING, BatchTask, tasks_of
from engine.protocol import Request

JOB = JobLine(1, "a/b", Request(mesh="m.obj", prompt="x", out=""), "f" * 64)
GOOD: dict[str, Any] = {
    "fingerprint": JOB.fingerprint,
    "files": ["texture.png"],
    "seconds": 1.5,
    "attempts": 1,
    "result": {"texture": "texture.png", "mesh": "mesh.glb", "textures": [{"path": "texture.png"}]},
    "warnings": ["it has no UVs"],
}
ODD: list[Any] = [
    None,
    True,
    -1,
    10**400,
    float("nan"),
    0.5,
    "",
    "x" * 5000,
    "..",
    "a\0b",
    "\ud800",
    [],
    [1],
    [[]],
    {},
]
JSON = st.recursive(
    st.sampled_from(ODD) | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def task_of(path: Path, record: Any) -> tuple[BatchTask, set[Path]]:
    """What a batch in ``path`` makes of a job whose job.json holds ``record``: it can be done, summed up."""
    target = path / "a" / "b"
    target.mkdir(parents=True, exist_ok=True)
    (target / "texture.png").write_text("result")
    (target / "report.json").write_text(json.dumps({"coverage": record}))
    (target / folders.RECORD).write_text(json.dumps(record))
    with folders.opened(path) as there:
        (task,) = tasks_of([JOB], there)
        BatchSummary(there, [task], [], path / "jobs.jsonl").write()
        if task.state == WAITING:
            stage = there.new_staging()
            (stage / "mesh.glb").write_text("new")
            there.commit(JOB, stage, task.record())
            assert there.finished(JOB)
        return task, there.damaged


def test_what_we_write_is_taken(tmp_path: Path) -> None:
    task, damaged = task_of(tmp_path, GOOD)
    assert (task.state, task.seconds, task.warnings, damaged) == (DONE, 1.5, GOOD["warnings"], set())


@pytest.mark.parametrize("field", GOOD)
@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_a_record_of_wrong_types_is_not_done(tmp_path: Path, field: str, value: Any) -> None:
    task, damaged = task_of(tmp_path, {**GOOD, field: value})
    assert task.state in (DONE, WAITING)
    made = {"fingerprint": (str, type(None)), "files": list, "result": dict, "warnings": list}
    if not isinstance(value, made.get(field, (int, float))):
        assert task.state == WAITING
        assert damaged == {tmp_path.resolve() / "a" / "b" / folders.RECORD}


@given(JSON | st.dictionaries(st.sampled_from([*GOOD]), JSON).map(lambda odd: {**GOOD, **odd}))
@settings(max_examples=60, deadline=None)
def test_any_record_is_read(tmp_path_factory: pytest.TempPathFactory, record: Any) -> None:
    task_of(tmp_path_factory.mktemp("batch"), record)


@given(st.dictionaries(st.sampled_from([*GOOD["result"], "warnings", "uvs"]), JSON, max_size=2))
@settings(max_examples=40, deadline=None)
def test_any_result_is_read(tmp_path_factory: pytest.TempPathFactory, odd: dict[str, Any]) -> None:
    task_of(tmp_path_factory.mktemp("batch"), {**GOOD, "result": {**GOOD["result"], **odd}})


@given(st.dictionaries(st.sampled_from(["error", "fix", "code", "attempts"]), JSON, min_size=1))
@settings(max_examples=60, deadline=None)
def test_a_journal_of_wrong_types_tells_of_no_failure(
    tmp_path_factory: pytest.TempPathFactory, odd: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("batch")
    (path / folders.STATE_FOLDER).mkdir()
    event = {"event": "failed", "name": JOB.name, "fingerprint": JOB.fingerprint, "final": True}
    event |= {"error": "it broke", "fix": "mend it", "code": 2, "attempts": 1, **odd}
    file = path / folders.STATE_FOLDER / "journal.jsonl"
    file.write_text(json.dumps(event) + "\n")
    with folders.opened(path) as there:
        (task,) = tasks_of([JOB], there)
        assert (task.state == WAITING) == (there.damaged == {file.resolve()})
    assert records.is_failure(event) == (task.state != WAITING)


def test_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], box_file: Path) -> None:
    out, listed = tmp_path / "out", tmp_path / "jobs.jsonl"
    listed.write_text(json.dumps({"mesh": str(box_file), "prompt": "", "out": "a/b"}) + "\n")
    options = BatchOptions(jobs=str(listed), out=str(out), defaults={})
    (out / folders.STATE_FOLDER).mkdir(parents=True)
    odd = {"event": "failed", "name": "a", "fingerprint": "b", "final": True, "error": 1}
    (out / folders.STATE_FOLDER / "journal.jsonl").write_text(json.dumps(odd) + "\n")
    assert run(options, silent=True) == protocol.EXIT_BUG  # its only line is refused
    assert "journal.jsonl makes no sense; what it tells of counts as not done" in capsys.readouterr().err


@pytest.mark.skipif(
    os.name == "nt", reason="not everybody may link there, and there are no pipes among files"
)
@pytest.mark.parametrize("name", [folders.RECORD, "journal"])
@pytest.mark.parametrize("what", ["link", "pipe", "folder", "zeros"])
def test_what_lies_in_place_of_a_record_is_not_followed(tmp_path: Path, name: str, what: str) -> None:
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.write_text(json.dumps(GOOD))
    place = out / "a" / "b" / name if name == folders.RECORD else out / folders.STATE_FOLDER / "journal.jsonl"
    place.parent.mkdir(parents=True)
    if what == "link":
        place.symlink_to(outside)
    elif what == "pipe":
        os.mkfifo(place)
    elif what == "folder":
        place.mkdir()
    else:
        place.touch()
        os.truncate(place, 1 << 31)
    with folders.opened(out) as there:
        assert there.finished(JOB) is None
    assert outside.read_text() == json.dumps(GOOD)
    assert not list((out / folders.STATE_FOLDER).glob("work/*"))
