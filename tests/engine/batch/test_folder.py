"""The batch's folder: one run at a time, results whole or not at all, a journal that may be cut off."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine import protocol
from engine.batch import command, summary
from engine.batch import folder as folders
from engine.batch.jobs import JobLine, Shard
from engine.batch.journal import Journal
from engine.errors import UserError
from engine.protocol import Request

JOB = JobLine(1, "a/b", Request(mesh="m.obj", prompt="x", out=""), "f" * 64)
HOLD = "import sys, time; from pathlib import Path; from engine.batch import folder\n"
HOLD += "with folder.opened(Path(sys.argv[1])): print('held', flush=True); time.sleep(1000)\n"


def test_two_batches_in_one_folder_do_not_collide(tmp_path: Path, root: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], cwd=root, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(UserError, match=f"another batch works in .*process {other.pid} on"),
            folders.opened(tmp_path),
        ):
            pass
    finally:
        other.kill()  # kill -9: what it held is free at once
        other.communicate()
    with folders.opened(tmp_path):
        pass
    with folders.opened(tmp_path):
        pass


def test_parts_of_a_batch_share_its_folder(tmp_path: Path) -> None:
    first, second = Shard(1, 2), Shard(2, 2)
    with folders.opened(tmp_path, first) as one, folders.opened(tmp_path, second) as other:
        one.commit(JOB, staged(one, "one"), {})
        assert other.finished(JOB)
        for taken in (None, first):
            with pytest.raises(UserError, match="another batch works in"), folders.opened(tmp_path, taken):
                pass
    with (
        folders.opened(tmp_path),
        pytest.raises(UserError, match="another batch works in"),
        folders.opened(tmp_path, first),
    ):
        pass


def test_a_folder_that_can_t_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file", tmp_path / "file" / "out", Path("/proc/nowhere"), tmp_path / ("n" * 300)):
        with pytest.raises(UserError, match="can't be written"), folders.opened(path):
            pass


def staged(
    there: folders.BatchFolder, text: str, names: tuple[str, ...] = ("texture.png", "mesh.glb")
) -> Path:
    stage = there.new_staging()
    for name in names:
        (stage / name).write_text(text)
    return stage


def test_a_result_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    with folders.opened(tmp_path) as there:
        assert there.finished(JOB) is None
        there.commit(JOB, staged(there, "one"), {"seconds": 1.5})
        assert (tmp_path / "a" / "b" / "texture.png").read_text() == "one"
        done = there.finished(JOB)
        assert done is not None
        assert done["seconds"] == 1.5
        other = JobLine(1, "a/b", JOB.request, "0" * 64)
        assert there.finished(other) is None
        there.commit(other, staged(there, "two", ("texture.png",)), {})
        assert not (tmp_path / "a" / "b" / "mesh.glb").exists()  # of the earlier result
        assert (tmp_path / "a" / "b" / "texture.png").read_text() == "two"
    assert sorted(path.name for path in tmp_path.iterdir()) == [folders.STATE_FOLDER, "a"]
    assert not (tmp_path / folders.STATE_FOLDER / "work").exists()


def test_a_crash_in_mid_replacement_leaves_a_job_to_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = JobLine(1, "a/b", JOB.request, "0" * 64)
    with folders.opened(tmp_path) as there:
        there.commit(JOB, staged(there, "one"), {})
        move = Path.replace

        def crash(self: Path, target: Path) -> Path:
            if self.name == "texture.png":
                raise KeyboardInterrupt
            return move(self, target)

        stage = staged(there, "two")
        monkeypatch.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            there.commit(changed, stage, {})
        monkeypatch.undo()
        assert there.finished(JOB) is None
        assert there.finished(changed) is None
        there.check(changed)  # still ours
        there.commit(changed, staged(there, "two"), {})
        assert there.finished(changed)


def test_what_a_killed_run_left_goes(tmp_path: Path) -> None:
    left = tmp_path / folders.STATE_FOLDER / "work" / "xyz" / "7"
    left.mkdir(parents=True)
    (left / "texture.png").write_text("half")
    with folders.opened(tmp_path):
        assert not left.exists()


def test_a_journal_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.add("start", name="a", fingerprint="1")
        journal.add("start", name="b", fingerprint="1")
        journal.add("failed", name="b", fingerprint="1", final=True, error="e", fix="f", code=2)
        journal.add("start", name="c", fingerprint="1")
        journal.add("done", name="c", fingerprint="1")
    path.write_bytes(path.read_bytes() + b'\xff\xfe\n[1]\n{}\n{"event": 1}\n{"event": "start", "na')
    with Journal(path) as journal:
        assert set(journal.histories) == {"a", "b"}
        assert (journal.histories["a"].ended, journal.histories["a"].failure) == (1, None)
        assert journal.histories["b"].failure is not None
        journal.add("start", name="a", fingerprint="1")
    assert Journal(path).histories["a"].ended == 2
    with Journal(path) as journal:
        journal.add("start", name="a", fingerprint="another")
        journal.add("stopped", name="a", fingerprint="another")
    assert Journal(path).histories["a"].ended == 0
    with Journal(path) as journal:
        journal.add("end")
    assert Journal(path).histories == {}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("overwrite", [False, True])
def test_files_of_somebody_s_in_a_job_s_folder_stay(tmp_path: Path, overwrite: bool) -> None:
    job = dataclasses.replace(JOB, request=dataclasses.replace(JOB.request, overwrite=overwrite))
    with folders.opened(tmp_path) as there:
        there.commit(job, staged(there, "one"), {})
        (tmp_path / "a" / "b" / "views.png").write_text("precious")
        before = contents(tmp_path / "a" / "b")
        stage = staged(there, "two", ("texture.png", "views.png"))
        if overwrite:
            there.check(job)
            there.commit(job, stage, {})
            assert (tmp_path / "a" / "b" / "views.png").read_text() == "two"
            return
        for refuse in (lambda: there.check(job), lambda: there.commit(job, stage, {})):
            with pytest.raises(UserError, match=r"views.png' would be written over"):
                refuse()
        assert contents(tmp_path / "a" / "b") == before


def test_a_folder_of_somebody_s_is_taken_only_where_that_is_meant(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "notes.txt").write_text("precious")
    with folders.opened(tmp_path) as there:
        with pytest.raises(UserError, match="no result of a batch"):
            there.check(JOB)
        job = dataclasses.replace(JOB, request=dataclasses.replace(JOB.request, overwrite=True))
        there.commit(job, staged(there, "one"), {})
        assert there.finished(job)
    assert contents(tmp_path / "a" / "b")["notes.txt"] == b"precious"


def test_a_job_doesn_t_write_over_its_own_mesh(tmp_path: Path) -> None:
    with folders.opened(tmp_path) as there:
        there.commit(JOB, staged(there, "one"), {})
        mesh = str(tmp_path / "a" / "b" / "mesh.glb")
        job = dataclasses.replace(JOB, request=dataclasses.replace(JOB.request, mesh=mesh))
        with pytest.raises(UserError, match=r"mesh.glb' is read by this job"):
            there.check(job)


@pytest.mark.parametrize("name", [summary.CSV, summary.HTML])
def test_a_summary_of_somebody_s_stays(tmp_path: Path, name: str, box_file: Path) -> None:
    listed = tmp_path / "jobs.jsonl"
    listed.write_text(json.dumps({"mesh": str(box_file), "prompt": ""}) + "\n")  # refused: nothing is painted
    (tmp_path / name).write_text("precious")
    options = command.BatchOptions(jobs=str(listed), out=str(tmp_path), defaults={})
    with pytest.raises(UserError, match=f"{name}' would be written over"):
        command.run(options, silent=True)
    assert contents(tmp_path).keys() == {name, listed.name}
    assert not (tmp_path / folders.STATE_FOLDER).exists()
    meant = dataclasses.replace(options, defaults={"overwrite": True})
    assert command.run(meant, silent=True) == protocol.EXIT_BUG
    assert command.run(options, silent=True) == protocol.EXIT_BUG  # they are the batch's own now
    (tmp_path / summary.CSV).write_text(f"mesh,prompt\n{box_file},\n")
    as_jobs = dataclasses.replace(options, jobs=str(tmp_path / summary.CSV))
    with pytest.raises(UserError, match=r"summary.csv' is read by this job"):
        command.run(as_jobs, silent=True)


FORMULAS = ['=HYPERLINK("http://x")', "+1", "-1+2", "@SUM(1)", "\t=1", "\r=1", "  =1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_spreadsheet_finds_no_formula_in_the_summary(text: str) -> None:
    """The others, and numbers, stay as they are."""
    rows = [{"line": 1, "mesh": text, "prompt": "moss = green", "seconds": -0.5, "seed": 0}]
    (row,) = csv.DictReader(io.StringIO(summary._csv(rows), newline=""))
    assert row["mesh"] == f"'{text}"
    assert (row["prompt"], row["seconds"], row["seed"]) == ("moss = green", "-0.5", "0")
