"""build.py bench hostile: what it watches for is noticed, cases are made again by their seed, the page; and a
few cases of every kind, which have to be well."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest

from tests.bench import hostile
from tests.bench.fuzz import case as cases
from tests.bench.fuzz import isolated, mutate, odd, samples, watch
from tests.bench.fuzz.case import WORKED, Case, Ended, Outcome
from tests.bench.fuzz.drivers import ENGINE_KINDS, EngineDriver
from tests.bench.fuzz.record import Record
from tests.bench.pages import hostile as page

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux lets processes be watched so closely"
)
LIMITS = watch.Limits(own_s=1.0, wall_s=60.0, mb=300.0)
SMOKE = {"meshes": 4, "pictures": 6, "models": 6, "lines": 4, "jobs": 8, "words": 8}  # cases


def run(folder: Path, act: Callable[[Case], object]) -> Outcome:
    """A case that does ``act``, in a process forked from one without threads."""

    def do(case: Case, _: object) -> Ended:
        found = act(case)
        return found if isinstance(found, Ended) else Ended(WORKED)

    kind = SimpleNamespace(make=lambda case: case.write("mesh.obj", b"v 0 0 0\n"), act=do)
    return isolated.run(kind, Case("test", 0, folder / "case", folder), LIMITS)


def _leave_a_process(_: Case) -> None:
    subprocess.Popen(["sleep", "60"], start_new_session=True)


def _raise(_: Case) -> None:
    raise KeyError("x")


def _wait(_: Case) -> None:
    time.sleep(60)


def _compute(_: Case) -> None:
    while True:
        pass


def _crash(_: Case) -> None:
    os.abort()


def _take_memory(_: Case) -> bytes:
    taken = b"x" * (340 << 20)
    time.sleep(30)
    return taken


def _ask_for_memory(_: Case) -> None:
    bytes(4 << 30)


def _connect(_: Case) -> None:
    with socket.socket() as one:
        one.connect_ex(("127.0.0.1", 9))


def _read_outside(case: Case) -> None:
    case.outside.read_bytes()


def _write_outside(case: Case) -> None:
    (case.root.parent / "written").write_bytes(b"")


def _make_a_folder_outside(case: Case) -> None:
    case.root.with_name(f"{case.root.name}s").mkdir()


def _change_the_input(case: Case) -> None:
    (case.inputs / "mesh.obj").write_bytes(b"")


def _leave_a_file(case: Case) -> None:
    (case.root / "tmp" / "left").mkdir()


@pytest.fixture(scope="module")
def alone() -> Callable[[str, Path], Outcome]:
    """Runs an act of this file in a process of its own, which takes in orphans and has no threads."""

    def in_child(act: str, folder: Path) -> Outcome:
        code = (
            "import json, sys; from pathlib import Path; from tests.bench.fuzz import watch;"
            "import tests.test_bench_hostile as t; watch.adopt_orphans();"
            "print(json.dumps(t.run(Path(sys.argv[2]), getattr(t, sys.argv[1])).as_dict()))"
        )
        root = Path(__file__).parents[1]
        done = subprocess.run(
            [sys.executable, "-c", code, act, str(folder)],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
        return Outcome.from_dict(json.loads(done.stdout))

    return in_child


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        (_leave_a_process, cases.LEFT_PROCESSES),
        (_raise, cases.TRACEBACK),
        (_wait, cases.HUNG),
        (_compute, cases.HUNG),
        (_crash, cases.CRASHED),
        (_take_memory, cases.MEMORY),
        (_ask_for_memory, cases.TRACEBACK),
        (_connect, cases.REACHED),
        (_read_outside, cases.REACHED),
        (_write_outside, cases.REACHED),
        (_make_a_folder_outside, cases.REACHED),
        (_change_the_input, cases.CHANGED),
        (_leave_a_file, cases.LEFT_FILES),
    ],
)
def test_what_is_wrong_is_noticed(
    act: Callable[[Case], object], problem: str, alone: Callable[[str, Path], Outcome], tmp_path: Path
) -> None:
    outcome = alone(act.__name__, tmp_path)
    assert problem in outcome.problems, outcome
    assert {path.name for path in tmp_path.iterdir()} == {"case"}


def _nothing(_: Case) -> None:
    pass


def test_what_is_well_has_no_problem(alone: Callable[[str, Path], Outcome], tmp_path: Path) -> None:
    outcome = alone("_nothing", tmp_path)
    assert (outcome.ending, outcome.problems) == (WORKED, [])
    assert outcome.own_s < LIMITS.own_s


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("this is a bug: please report it", cases.BUG),
        ("two\nlines", cases.UNCLEAR),
        ("\x1b[31mred", cases.UNCLEAR),
        ("", cases.UNCLEAR),
        ("memory ran out", cases.MEMORY),
    ],
)
def test_bad_messages_are_noticed(line: str, problem: str) -> None:
    assert problem in cases.message_problems(line)
    assert not cases.message_problems("there is no file 'debug.obj'", "check the path")


def test_the_same_seed_makes_the_same_case(tmp_path: Path) -> None:
    def made(seed: int) -> list[object]:
        rng, notes = Random(seed), []
        damaged = [mutate.damaged(rng, data, notes) for data in (samples.obj(), samples.stl(True), b"")]
        return [*damaged, odd.dumped(rng, odd.faulty(rng, samples.gltf()[0], notes), "/x"), notes]

    assert all(made(seed) == made(seed) for seed in range(50))
    assert len({str(made(seed)) for seed in range(50)}) == 50


def test_everything_that_is_no_file_can_be_planted(tmp_path: Path) -> None:
    outside, kinds = tmp_path / "secret", set()
    outside.write_bytes(b"x")
    for seed in range(60):
        path, notes = tmp_path / str(seed), []
        path.write_bytes(b"x")
        mutate.plant(Random(seed), path, outside, notes)
        kinds |= set(notes[0].split()[-1:])
    assert kinds == set(mutate.SPECIALS)


def made_up(seed: int, *problems: str) -> Outcome:
    said = "'/x/y.obj' is a | <b>bug</b> `--all`"
    return Outcome("meshes", seed, "refused", list(problems), 0.5, 1.0, 12.0, ["obj", "cut off"], said)


def test_the_record_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    record = Record(path)
    for seed in (0, 1, 3):
        record.add(made_up(seed, cases.HUNG))
    record.add(made_up(1))
    path.write_bytes(path.read_bytes() + b'{"kind": "mesh')
    again = Record(path)
    assert again.next_seed("meshes", 0) == 2
    assert [one.seed for one in again.problems] == [0, 3]
    assert again.seconds("meshes") == 3.0


def test_the_page_of_made_up_outcomes() -> None:
    well = page.page([made_up(seed) for seed in range(20)])
    assert "Nothing." in well
    bad = page.page([made_up(0, cases.BUG), *(made_up(seed) for seed in range(1, 9))])
    assert "| meshes 0 | 1 | said 'bug' |" in bad
    assert "<b>" not in bad
    assert "`--all`" not in bad
    assert all(len(line) <= 115 for line in bad.splitlines() if not line.startswith("|"))
    assert set(page.KINDS) == set(hostile.KINDS)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineDriver]:
    driver = EngineDriver(tmp_path_factory.mktemp("hostile"))
    yield driver
    driver.close()


@pytest.mark.parametrize("kind", SMOKE)
def test_some_cases_of_every_kind_end_well(kind: str, driver: EngineDriver) -> None:
    outcomes = [driver.run(kind, seed) for seed in range(SMOKE[kind])]
    assert [(one.seed, one.problems, one.said) for one in outcomes if one.problems] == []
    assert set(SMOKE) == set(ENGINE_KINDS)
