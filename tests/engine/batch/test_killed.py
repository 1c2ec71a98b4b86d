"""kill -9 of the coordinator, at any moment and over and over; a disk that fills up. With stand-ins."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from engine.batch import jobs
from engine.batch.folder import RECORD, STATE_FOLDER
from engine.batch.tasks import DONE
from engine.errors import UserError
from tests.engine.batch.conftest import STAND_IN, Ran, Run, Write

COUNT, WORKERS = 40, 2
# A coordinator in a process of its own: a line for each event of a job; others come with the time.
BATCH = """
import os, sys
from pathlib import Path
from engine.batch import folder, jobs
from engine.batch.coordinator import Coordinator
from engine.batch.engines import EnginePool, LocalEngine
from engine.batch.tasks import tasks_of

def start(_number, frugal, events):
    command = [sys.executable, "-S", sys.argv[3], *(["--frugal"] if frugal else [])]
    return LocalEngine(command, os.environ, events)

with folder.opened(Path(sys.argv[2])) as there:
    tasks = tasks_of(jobs.read(Path(sys.argv[1]), {})[0], there)
    told = lambda event: print(event["kind"], flush=True) if "id" in event else None
    Coordinator(there, tasks, EnginePool(start, int(sys.argv[4])), 60.0, told).run()
    there.journal.add("end")
"""


def test_killed_over_and_over_all_is_done_and_next_to_nothing_twice(
    write: Write, place: Path, root: Path
) -> None:
    """Of each run that is killed, at most those jobs are started again that ran just then, and the one whose
    files were being put in place, while its engine was already at the next."""
    path, out = write([{"prompt": "x", "out": f"{i:02}"} for i in range(COUNT)]), place / "out"
    command = [sys.executable, "-c", BATCH, str(path), str(out), str(STAND_IN), str(WORKERS)]
    dice, kills = random.Random(7), 0
    while not _killed_after(dice.randrange(2, 60), command, root):
        kills += 1
        assert kills < 50
    assert kills >= 2
    whole = {job.name for job in jobs.read(path, {})[0] if (out / job.name / RECORD).is_file()}
    assert whole == {f"{i:02}" for i in range(COUNT)}
    for name in whole:
        assert {file.read_bytes() for file in (out / name).glob("*.png")} == {name.encode()}
    assert sorted(file.name for file in out.iterdir()) == [STATE_FOLDER, *sorted(whole)]
    assert len(Ran(out).starts) <= COUNT + kills * (WORKERS + 1)


def _killed_after(events: int, command: list[str], root: Path) -> bool:
    """Run ``command`` and kill it after so many lines; whether it came to its end before."""
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE)
    assert process.stdout is not None
    told = sum(1 for _, _ in zip(range(events), process.stdout, strict=False))
    if told == events:
        process.kill()
    process.stdout.close()
    return process.wait() == 0


def test_after_a_full_disk_the_same_batch_goes_on(run: Run, tiny_disk: Path, place: Path) -> None:
    (place / "out").symlink_to(tiny_disk)
    lines = [{"prompt": "x", "out": "small"}, {"prompt": "big", "out": "big"}, {"prompt": "x", "out": "last"}]
    run(lines[:1])  # by itself: else the big one may have filled the disk before this one is in its place
    with pytest.raises(UserError, match="is full"):
        run(lines)
    assert (tiny_disk / "small" / RECORD).is_file()
    assert not (tiny_disk / "big").exists()
    subprocess.run(["mount", "-o", "remount,size=16m", str(tiny_disk)], check=True)
    again = run(lines)
    assert again.states == {"small": DONE, "big": DONE, "last": DONE}
    assert [name for name, _, _ in again.starts] == ["small", "big", "big", "last"]
    assert len((tiny_disk / "big" / "texture.png").read_bytes()) > 64 * 1024
