"""``python -m engine batch`` with real engines and a tiny model: whole runs, and what ends them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import protocol
from tests.engine.batch.runs import QUICK, BatchProcess, denoising, ended, rows, starts, write

Ran = subprocess.CompletedProcess[str]
Cli = Callable[..., Ran]
FILES = ["job.json", "mesh.glb", "report.json", "texture.png", "turntable.gif", "views.png"]
LONG = {"steps": 1000, "views": 16}  # minutes, if nobody ends it

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and /proc")


def test_a_batch_does_what_it_can_and_says_what_not(
    cli: Cli, tiny_model: Path, box_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out with space é"
    jobs = write(
        tmp_path / "jobs.jsonl",
        box_file,
        {"prompt": "red bricks", "out": "näme of/本"},
        '{"mesh": broken',
        {"prompt": "old wood", "mesh": "not a mesh.obj", "out": "bad mesh"},
        {"prompt": "gold", "seed": 3},
        {"prompt": "gold", "out": "näme of/本"},
        '{"kind": "ambiguous", "prompt": ["red bricks", "moss"], "view": ["flip"], "out": "turned"}',
    )
    (tmp_path / "not a mesh.obj").write_bytes(b"\x00\x01 nonsense")
    command = ("batch", jobs, "--out", out, "--model", tiny_model, *QUICK)
    ran = cli(*command)
    assert ran.returncode == protocol.EXIT_BUG
    assert ran.stdout.splitlines() == [str(out / "summary.csv"), str(out / "index.html")]
    said = ran.stderr.splitlines()
    assert [line.split(":")[0] for line in said if line.startswith("refused")] == [
        "refused line 2",
        "refused line 5",
    ]
    assert [line.split(":")[0] for line in said if line.startswith("failed")] == ["failed  bad mesh (line 3)"]
    assert [row["state"] for row in rows(out)] == ["done", "refused", "failed", "done", "refused", "done"]
    turned = {path.name for path in (out / "turned").iterdir()}
    assert turned == {"job.json", "report.json", "image.png", "view_1.png", "view_2.png"}
    assert (rows(out)[5]["texture"], rows(out)[5]["prompt"]) == ("turned/image.png", "red bricks, moss")
    page = (out / "index.html").read_text("utf-8")
    assert page.count('src="turned/image.png"') == page.count('<a href="turned/report.json"') == 1
    assert "turned/views.png" not in page
    assert sorted(path.name for path in (out / "näme of" / "本").iterdir()) == FILES
    assert not (out / "bad mesh").exists()
    done = json.loads((out / "näme of" / "本" / "job.json").read_text("utf-8"))
    assert done["request"]["prompt"] == "red bricks"
    report = json.loads((out / rows(out)[3]["name"] / "report.json").read_text("utf-8"))
    assert report["seconds"]["load"] < 0.1  # the model was loaded once
    before = {path: path.stat().st_mtime_ns for path in out.rglob("texture.png")}
    assert len(before) == 2
    write(jobs, box_file, *(line for line in jobs.read_text("utf-8").splitlines() if "bad mesh" not in line))
    again = cli(*command, "--json", "--quiet")
    assert {path: path.stat().st_mtime_ns for path in out.rglob("texture.png")} == before
    events = [protocol.decode(line) for line in again.stdout.splitlines()]
    assert events[0] == {"kind": "batch", "jobs": 3, "finished": 3, "refused": 2, "workers": 1}
    assert [e["kind"] for e in events[1:]] == ["refused", "refused", "ended"]
    assert events[-1] == {"kind": "ended", "done": 3, "failed": 0, "refused": 2, "code": protocol.EXIT_BUG}
    assert again.stderr == ""


@posix
def test_a_killed_worker_costs_an_attempt(
    batch: Callable[..., BatchProcess], tiny_model: Path, box_file: Path, tmp_path: Path
) -> None:
    """kill -9, as the kernel does when memory runs out."""
    lines = [{"prompt": "a", "out": "a", "steps": 40}, {"prompt": "b", "out": "b"}]
    jobs = write(tmp_path / "jobs.jsonl", box_file, *lines)
    running = batch(jobs, "--out", tmp_path / "out", "--model", tiny_model, *QUICK)
    running.until(denoising("a"))
    (engine,) = running.engines()
    assert Path(f"/proc/{engine}/oom_score_adj").read_text().strip() == "500"
    os.kill(engine, signal.SIGKILL)
    failed = running.until(lambda e: e["kind"] == protocol.FAILED)
    assert failed["again"]
    assert failed["code"] == protocol.EXIT_OUT_OF_MEMORY
    end = running.until(lambda e: e["kind"] == "ended")
    assert (end["done"], end["failed"], end["code"]) == (2, 0, protocol.EXIT_DONE)
    assert starts(tmp_path / "out") == ["a", "b", "a"]
    assert running.process.wait(30) == protocol.EXIT_DONE


@posix
def test_a_killed_coordinator_goes_on_where_it_was(
    batch: Callable[..., BatchProcess], tiny_model: Path, box_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    lines = [{"prompt": "a", "out": "a"}, {"prompt": "b", "out": "b", **LONG}, {"prompt": "c", "out": "c"}]
    jobs = write(tmp_path / "jobs.jsonl", box_file, *lines)
    words = (jobs, "--out", out, "--model", tiny_model, *QUICK)
    running = batch(*words)
    running.until(denoising("b"))
    second = batch(*words)  # while the first is at work
    assert second.process.wait(60) == protocol.EXIT_BAD_INPUT
    assert "another batch works in" in second.process.communicate()[1]
    engines = running.engines()
    running.process.kill()
    running.process.wait()
    assert ended(engines)
    done = (out / "a" / "texture.png").stat().st_mtime_ns
    write(jobs, box_file, lines[0], {"prompt": "b", "out": "b"}, lines[2])  # quick now
    resumed = batch(*words)
    assert resumed.until(lambda e: e["kind"] == "batch")["finished"] == 1
    assert resumed.until(lambda e: e["kind"] == "ended")["done"] == 3
    assert resumed.process.wait(30) == protocol.EXIT_DONE
    assert starts(out) == ["a", "b", "b", "c"]
    assert (out / "a" / "texture.png").stat().st_mtime_ns == done
    names = sorted(path.name for path in out.iterdir())
    assert names == [".sync_texture-batch", "a", "b", "c", "index.html", "summary.csv"]


@posix
def test_a_job_that_never_ends_and_an_interrupted_batch(
    batch: Callable[..., BatchProcess], tiny_model: Path, box_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    lines = [{"prompt": name, "out": name, **LONG} for name in ("first", "second")]
    jobs = write(tmp_path / "jobs.jsonl", box_file, *lines)
    running = batch(jobs, "--out", out, "--model", tiny_model, "--time-limit", 12)
    late = running.until(lambda e: e["kind"] == protocol.FAILED)
    assert (late["id"], late["again"]) == ("first", False)
    assert "time limit" in late["error"]
    running.until(lambda e: e["kind"] == protocol.STARTED and e["id"] == "second")
    (engine,) = running.engines()
    running.process.send_signal(signal.SIGTERM)
    _, err = running.process.communicate(timeout=30)
    assert running.process.returncode == protocol.EXIT_CANCELLED
    assert err == "cancelled\n"
    assert ended([engine])
    assert [row["state"] for row in rows(out)] == ["failed", "waiting"]
    assert not list(out.glob("*/texture.png"))


@posix
def test_a_full_disk_stops_the_batch_and_nothing_is_lost(
    cli: Cli, tiny_disk: Path, tiny_model: Path, box_file: Path, tmp_path: Path
) -> None:
    jobs = write(tmp_path / "jobs.jsonl", box_file, {"prompt": "a", "out": "a"}, {"prompt": "b", "out": "b"})
    command = ("batch", jobs, "--out", tiny_disk, "--model", tiny_model, *QUICK, "--texture-size", 256)
    ran = cli(*command)
    assert ran.returncode == protocol.EXIT_DISK
    last = ran.stderr.splitlines()[-1]
    assert last.startswith(f"error: the disk with {tiny_disk} is full: 0.")
    assert last.endswith("; the same command then goes on where it was")
    assert starts(tiny_disk) == ["a"]  # it isn't tried with each of a thousand jobs
    assert not list(tiny_disk.rglob("*.png"))
    subprocess.run(["mount", "-o", "remount,size=16m", str(tiny_disk)], check=True)
    again = cli(*command)
    assert again.returncode == protocol.EXIT_DONE
    assert [row["state"] for row in rows(tiny_disk)] == ["done", "done"]


@posix
def test_a_read_only_folder_is_told_in_one_line(
    cli: Cli, tiny_disk: Path, box_file: Path, tmp_path: Path
) -> None:
    jobs = write(tmp_path / "jobs.jsonl", box_file, {"prompt": "a"})
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    ran = cli("batch", jobs, "--out", tiny_disk / "out")
    assert (ran.returncode, ran.stdout) == (protocol.EXIT_DISK, "")
    assert ran.stderr.count("\n") == 1
    assert "can't be written (Read-only file system)" in ran.stderr


@pytest.mark.parametrize(
    "wrong", [("--workers", 0), ("--time-limit", 0), ("--method", "magic"), ("--time-limit", "nan")]
)
def test_bad_options_are_told_in_one_line(
    cli: Cli, box_file: Path, tmp_path: Path, wrong: tuple[object, ...]
) -> None:
    jobs = write(tmp_path / "jobs.jsonl", box_file, {"prompt": "a"})
    ran = cli("batch", jobs, "--out", tmp_path / "out", *wrong)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (protocol.EXIT_BAD_INPUT, "", 1)
    assert not (tmp_path / "out").exists()
