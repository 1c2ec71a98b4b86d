"""Who does what, when, how often: with engines that die, hang and fail on command."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine import disk, protocol
from engine.batch import coordinator, folder, tasks
from engine.batch import jobs as batch_jobs
from engine.batch.tasks import DONE, FAILED
from engine.errors import DiskError, UserError
from tests.effort import seconds
from tests.engine.batch.conftest import Run


def jobs(*words: str) -> list[dict[str, str]]:
    """A job for each word, in a folder of that name."""
    return [{"prompt": word, "out": word.replace(" ", "_")} for word in words]


def test_all_are_done_in_order_by_one_engine(run: Run) -> None:
    ran = run(jobs("a", "b", "c"))
    assert ran.states == {"a": DONE, "b": DONE, "c": DONE}
    assert [name for name, _, _ in ran.starts] == ["a", "b", "c"]
    assert len({process for _, process, _ in ran.starts}) == 1
    assert (ran.out / "b" / "texture.png").read_bytes() == b"b"
    assert ran.kinds("a") == [protocol.STARTED, protocol.PROGRESS, protocol.DONE]
    (done,) = (e for e in ran.events if e["kind"] == protocol.DONE and e["id"] == "a")
    assert done["result"]["texture"] == str(ran.out / "a" / "texture.png")
    overall = [e for e in ran.events if e["kind"] == protocol.OVERALL][-1]
    assert (overall["done"], overall["failed"], overall["left"]) == (3, 0, 0)


def test_two_engines_share_the_work(run: Run) -> None:
    start = time.monotonic()
    ran = run(jobs(*(f"slow {i}" for i in range(8))), workers=2)
    assert set(ran.states.values()) == {DONE}
    processes = [process for _, process, _ in ran.starts]
    assert min(processes.count(p) for p in set(processes)) >= 2
    assert len(set(processes)) == 2
    assert time.monotonic() - start < 8 * 0.2 + 5


def test_no_more_engines_than_jobs(run: Run) -> None:
    assert len({process for _, process, _ in run(jobs("a", "b"), workers=9).starts}) <= 2


@pytest.mark.parametrize("word", ["die", "oom", "bug"])
def test_what_an_engine_can_t_do_another_does_alone_with_less_memory(run: Run, word: str) -> None:
    ran = run(jobs("a", word, "b"))
    assert ran.states == {"a": DONE, word: DONE, "b": DONE}
    assert [(name, frugal) for name, _, frugal in ran.starts] == [
        ("a", False),
        (word, False),
        ("b", False),  # first those that give no trouble
        (word, True),
    ]
    assert ran.task(word).attempts == 2
    assert any("save memory" in warning for warning in ran.task(word).warnings)
    first = next(e for e in ran.events if e["kind"] == protocol.FAILED)
    assert first["again"] is True


def test_a_crash_costs_its_job_only_and_twice_is_enough(run: Run) -> None:
    ran = run(jobs("segfault", "a", "b"), workers=2)
    assert ran.states == {"segfault": FAILED, "a": DONE, "b": DONE}
    assert [name for name, _, _ in ran.starts].count("segfault") == tasks.ATTEMPTS
    assert "signal 11" in ran.task("segfault").error
    assert not (ran.out / "segfault").exists()


def test_bad_input_is_not_tried_again(run: Run) -> None:
    ran = run(jobs("bad", "a"))
    assert ran.states == {"bad": FAILED, "a": DONE}
    assert [name for name, _, _ in ran.starts] == ["bad", "a"]
    assert (ran.task("bad").error, ran.task("bad").fix) == ("it is bad", "mend it")


def test_a_texture_beyond_all_measure_costs_its_job_only(run: Run) -> None:
    """The disk is tried out by a file of the texture's size, but not by one of hundreds of megabytes."""
    ran = run([{"prompt": "bad", "out": "bad", "texture_size": 8192}, *jobs("a")])
    assert ran.states == {"bad": FAILED, "a": DONE}


@pytest.mark.parametrize("word", ["stuck", "deaf"])
def test_a_job_that_never_ends_is_ended(run: Run, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setattr(coordinator, "CANCEL_S", 0.5)
    ran = run(jobs(word, "a"), time_limit=1.0)
    assert ran.states == {word: FAILED, "a": DONE}
    assert "longer than 1 s" in ran.task(word).error
    assert [name for name, _, _ in ran.starts] == [word, "a"]
    assert len({process for _, process, _ in ran.starts}) == 2


def test_an_engine_that_says_nothing_is_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinator, "SILENCE_S", 1.0)
    ran = run(jobs("deaf", "a"))
    assert ran.states == {"deaf": FAILED, "a": DONE}
    assert "said nothing" in ran.task("deaf").error


def test_where_no_engine_starts_the_batch_stops_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "broken")
    with pytest.raises(UserError, match=r"no engine starts here.*libtorch is missing"):
        run(jobs("a", "b"))


def test_engines_keep_to_the_model_they_have(run: Run) -> None:
    models = ["one", "two"] * 3
    lines = [{"prompt": f"slow {i}", "out": str(i), "model": m} for i, m in enumerate(models)]
    names = [name for name, _, _ in run(lines).starts]
    assert names == ["0", "2", "4", "1", "3", "5"]


def test_done_is_done_and_failed_is_tried_again(run: Run) -> None:
    run(jobs("a", "bad"))
    again = run(jobs("a", "bad", "b"))
    assert [name for name, _, _ in again.starts] == ["a", "bad", "bad", "b"]
    assert again.states == {"a": DONE, "bad": FAILED, "b": DONE}
    assert again.task("a").earlier


def test_another_prompt_or_a_lost_file_is_done_anew(run: Run) -> None:
    first = run([{"prompt": "red", "out": "a"}, {"prompt": "red", "out": "b"}])
    (first.out / "b" / "mesh.glb").unlink()
    (first.out / "a" / "notes.txt").write_text("mine")
    again = run([{"prompt": "blue", "out": "a"}, {"prompt": "red", "out": "b"}])
    assert [name for name, _, _ in again.starts] == ["a", "b", "a", "b"]
    assert (again.out / "a" / "notes.txt").read_text() == "mine"
    assert again.states == {"a": DONE, "b": DONE}
    assert set(run([{"prompt": "blue", "out": "a"}]).starts) == set(again.starts)


def test_a_changed_mesh_is_done_anew(run: Run) -> None:
    first = run(jobs("a"))
    assert len(run(jobs("a")).starts) == 1
    (first.out.parent / "m.obj").write_text("v 0 0 0\nv 1 1 1\n")
    assert len(run(jobs("a")).starts) == 2


def test_somebody_s_folder_is_left_alone(run: Run, place: Path) -> None:
    (place / "out" / "a").mkdir(parents=True)
    (place / "out" / "a" / "precious.txt").write_text("mine")
    (place / "out" / "b").write_text("a file")
    (place / "out" / "c").mkdir()
    ran = run(jobs("a", "b", "c"))
    assert ran.states == {"a": FAILED, "b": FAILED, "c": DONE}
    assert [path.name for path in (ran.out / "a").iterdir()] == ["precious.txt"]
    assert (ran.out / "b").read_text() == "a file"
    assert [name for name, _, _ in ran.starts] == ["c"]


def test_names_too_long_for_the_disk_cost_their_job_only(run: Run) -> None:
    """Those that fit by themselves, and no longer in the batch's folder; the others no disk takes, and their
    lines are refused (test_jobs.py)."""
    deep = "/".join(["d" * 200] * 20 + ["d" * 70])
    ran = run([{"prompt": "b", "out": deep}, {"prompt": "c", "out": "c"}])
    assert list(ran.states.values()) == [FAILED, DONE]
    assert "can't be made" in ran.tasks[0].error
    assert len(ran.tasks[0].error) < 200


def test_unicode_spaces_and_paths_as_long_as_the_system_takes_them(run: Run) -> None:
    """Up to 255 bytes a name, and near 4,096 in all."""
    deep = "/".join(["ordner mit ü 語 " + "d" * 200] * 16)
    names = ["wände/ß 本 😀", "n" * 255, deep]
    ran = run([{"prompt": "größe 語", "out": name} for name in names])
    assert ran.states == dict.fromkeys(names, DONE)
    assert len(bytes(ran.out / deep)) > 3500
    for name in names:
        assert (ran.out / name / "texture.png").read_bytes() == name.encode()
    assert len(run([{"prompt": "größe 語", "out": name} for name in names]).starts) == 3


def test_a_job_under_which_runs_keep_ending_comes_last_and_alone(run: Run) -> None:
    first = run(jobs("a"))
    fingerprint = run([{"prompt": "x", "out": "suspect"}]).task("suspect").job.fingerprint
    journal = first.out / ".sync_texture-batch" / "journal.jsonl"
    for path in sorted((first.out / "suspect").iterdir()):
        path.unlink()
    start = f'{{"event": "start", "name": "suspect", "fingerprint": "{fingerprint}"}}\n'
    with journal.open("a") as file:
        file.write(start * 3 + '{"event": "sta')  # and cut off
    ran = run([{"prompt": "x", "out": "suspect"}, *jobs("b", "c")])
    assert [(name, frugal) for name, _, frugal in ran.starts][-3:] == [
        ("b", False),
        ("c", False),
        ("suspect", True),
    ]


def test_failures_of_an_interrupted_run_stand(run: Run) -> None:
    first = run(jobs("bad", "a"))
    journal = first.out / ".sync_texture-batch" / "journal.jsonl"
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join(line for line in lines if '"end"' not in line))
    again = run(jobs("bad", "a", "b"))
    assert [name for name, _, _ in again.starts] == ["bad", "a", "b"]
    assert again.task("bad").error == "it is bad"


def test_jobs_cost_no_more_than_in_proportion(run: Run) -> None:
    """Four times as many: about four times as long, not sixteen. A thousand take 2 ms each."""

    def taken(first: int, last: int) -> list[float]:
        """To make them, and to find them made."""
        listed = [{"prompt": "x", "out": f"{i:04}"} for i in range(first, last)]

        def done() -> None:
            ran = run(listed, workers=2)
            assert list(ran.states.values()) == [DONE] * len(listed)
            assert len(ran.starts) == last  # of all so far

        return [seconds(done, times=1) for _ in range(2)]

    few, many = taken(0, 200), taken(200, 1000)
    for less, more in zip(few, many, strict=True):
        assert more < 8 * less


def test_a_disk_s_error_stops_all_and_is_no_job_s_result(run: Run, place: Path) -> None:
    """What runs beside it comes to its end; the same command then does all that is left."""
    lines = [{"prompt": "sleepy", "out": "beside"}, {"prompt": "full", "out": "full"}, *jobs("later")]
    with pytest.raises(DiskError, match=f"^{place / 'out'} is full$") as caught:
        run(lines, workers=2)
    assert caught.value.code == protocol.EXIT_DISK
    assert caught.value.fix == "mend it; the same command then goes on where it was"
    with folder.opened(place / "out") as there:
        assert not there.journal.histories["full"].failure
        assert there.journal.histories["full"].ended == 0
        assert [one for one in ("beside", "full", "later") if (there.path / one).exists()] == ["beside"]


def test_a_retry_asks_for_the_room_of_its_job(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that dies may have died of the disk; how much is asked for follows the job's files."""
    monkeypatch.setattr(disk, "free_bytes", lambda _: 10**8)
    ran = run([{"prompt": "die", "out": "small", "texture_size": 256}])
    assert ran.states == {"small": DONE}
    with pytest.raises(DiskError, match=r"100.0 MB are free, about [\d,.]+ MB are needed"):
        run([{"prompt": "die", "out": "large", "texture_size": 8192}])


@pytest.mark.parametrize("name", ["texture.png", "mesh.glb"])
@pytest.mark.parametrize("data", [b"", b"cut", b"painted over by hand"])
def test_a_result_of_another_size_is_made_again_and_what_was_there_kept(
    run: Run, place: Path, name: str, data: bytes
) -> None:
    run(jobs("a", "b"))
    (place / "out" / "a" / name).write_bytes(data)
    with folder.opened(place / "out") as there:
        found, _ = batch_jobs.read(place / "jobs.jsonl", {})
        assert [there.finished(job) is not None for job in found] == [False, True]
        assert there.changed == {place / "out" / "a" / name}
    again = run(jobs("a", "b"))
    assert [name for name, _, _ in again.starts] == ["a", "b", "a"]
    assert (place / "out" / "a" / name).read_bytes() == b"a"
    stem, _, ending = name.partition(".")
    assert (place / "out" / "a" / f"{stem}.changed-1.{ending}").read_bytes() == data
    assert run(jobs("a", "b")).starts == again.starts
