"""Job files, and the folder that a batch finds again: with an engine that makes nothing, at once."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tests.bench.fuzz import commands, mutate, odd, samples
from tests.bench.fuzz.case import LEFT_FILES, UNCLEAR, WRONG, Case, Ended

ENGINE = Path(__file__).parents[1] / "small_engine.py"
STATE = ".sync_texture-batch"
FORMULA = re.compile(r"[=+@\t\r-]")
PLAIN_NUMBER = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?")
BAD_NAME = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)


def prepare(shared: Path) -> None:
    from engine import cli
    from engine.batch import command, engines

    assert cli
    assert command
    engines.command = lambda frugal: [sys.executable, str(ENGINE), "serve"]


def make(case: Case) -> tuple[list[str], bool]:
    """The command's words, and whether the batch is done once before, and its folder changed."""
    rng = case.rng
    case.write("box.obj", samples.obj())
    header, body = samples.gltf()
    case.write("box.gltf", samples.json_bytes(header))
    case.write("box.bin", body)
    case.write("old.png", samples.pictures()["png"])
    again = rng.random() < 0.4
    is_csv = rng.random() < 0.4
    jobs = [
        {"mesh": mesh, "prompt": "red bricks", "seed": i, "out": f"job{i}"}
        for i, mesh in enumerate(("box.obj", "box.gltf", "box.obj"))
    ]
    if not again:
        jobs = [_job(case, job) for job in jobs]
    data = _csv(rng, jobs) if is_csv else _lines(case, jobs, odd.dumped if not again else _plain)
    if not again and rng.random() < 0.35:
        data = mutate.damaged(rng, data, case.notes)
    path = case.write(case.odd_name("jobs.csv" if is_csv else "jobs.jsonl"), data[:2_000_000])
    if not again and rng.random() < 0.06:
        mutate.plant(rng, path, case.outside, case.notes)
    if not again and rng.random() < 0.06:
        beside = rng.choice(("box.obj", "box.bin", "box.gltf", "old.png"))
        mutate.plant(rng, case.inputs / beside, case.outside, case.notes)
        case.given.add(str(case.inputs / beside))
    case.given.add(str(path))
    return ["batch", str(path), "--out", str(case.out), *["--json"] * rng.randint(0, 1)], again


def _job(case: Case, job: dict[str, Any]) -> dict[str, Any]:
    """With an odd value, or an option that is none."""
    from engine.options.job_fields import OPTIONS

    rng = case.rng
    way = rng.choice(("value", "value", "out", "prompt", "mesh", "key", "faulty", "fine"))
    if way == "faulty":
        return odd.faulty(rng, job, case.notes)
    name = {"value": rng.choice(tuple(OPTIONS)), "key": odd.text(rng)}.get(way, way)
    if name == "fine":
        return job
    value = odd.text(rng) if way in ("out", "prompt", "mesh") else odd.value(rng)
    case.notes.append(f"{odd.shown(name)} is {odd.shown(value)}")
    return {**job, name: value}


def _lines(case: Case, jobs: list[dict[str, Any]], dumped: Callable[..., bytes]) -> bytes:
    return b"\n".join(dumped(case.rng, job, str(case.outside)).replace(b"\n", b" ") for job in jobs)


def _plain(_: Random, job: dict[str, Any], __: str) -> bytes:
    return json.dumps(job).encode()


def _csv(rng: Random, jobs: list[Any]) -> bytes:
    rows = [job if isinstance(job, dict) else {"mesh": job} for job in jobs]
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=rng.choice(",;\t"), lineterminator=rng.choice(("\n", "\r\n")))
    writer.writerow(names)
    for row in rows:
        writer.writerow([str(row.get(name, "")).replace("\x00", "") for name in names])
    return text.getvalue().encode("utf-8", "replace")


def act(case: Case, made: tuple[list[str], bool]) -> Ended:
    words, again = made
    os.chdir(case.root / "cwd")
    if again:
        first = commands.run(case, words, 0)
        if first.problems:
            return first
        case.unwatched = True
        _change_folder(case)
        case.unwatched = False
        (case.root / "log" / "notes.json").write_text(json.dumps(case.notes), encoding="utf-8")
    ended = commands.run(case, words, failing=True)
    # What an earlier run in this folder wrote is on stdout, too; a job that is refused may name anything.
    ended.problems += _left(case) + _formulas(case) + _names(case)
    if again and "status 0" not in ended.said and "status 1" not in ended.said and ended.ending != "refused":
        ended.problems.append(WRONG)
    return ended


def _change_folder(case: Case) -> None:
    """One or two files of the batch's own folder say something else."""
    rng = case.rng
    names = [path for path in sorted(case.out.rglob("*")) if path.is_file()]
    weighed = [path for path in names for _ in range(6 if path.name in ("job.json", "journal.jsonl") else 1)]
    for path in rng.choices(weighed, k=rng.choice((1, 1, 2))):
        case.notes.append(str(path.relative_to(case.out)))
        way = rng.random()
        if not path.is_file():
            continue
        if way < 0.15 and path.name != "lock":
            mutate.plant(rng, path, case.outside, case.notes)
        elif path.suffix in (".json", ".jsonl") and way < 0.8 and (lines := _read_lines(path)):
            share = 0.5 if path.suffix == ".jsonl" else 1.0
            lines = [odd.faulty(rng, line, case.notes) if rng.random() < share else line for line in lines]
            path.write_bytes(b"\n".join(odd.dumped(rng, line) for line in lines))
        else:
            path.write_bytes(mutate.damaged(rng, path.read_bytes(), case.notes))


def _read_lines(path: Path) -> list[Any]:
    """The values in ``path``: of job.json one, of the journal one a line; [] where there are none."""
    with contextlib.suppress(ValueError):
        text = path.read_text("utf-8")
        return [
            json.loads(line) for line in (text.splitlines() if path.suffix == ".jsonl" else [text]) if line
        ]
    return []


def _left(case: Case) -> list[str]:
    """What should have gone with the batch."""
    work = case.out / STATE / "work"
    return [LEFT_FILES] if work.exists() and any(work.iterdir()) else []


def _names(case: Case) -> list[str]:
    """Whether a folder of results has a name that Windows can't hold."""
    found = [path.name for path in case.out.rglob("*")]
    return [WRONG] * any(BAD_NAME.search(name) for name in found)


def _formulas(case: Case) -> list[str]:
    """Whether a cell of summary.csv would be taken for a formula."""
    path = case.out / "summary.csv"
    if not path.is_file() or path.is_symlink():
        return []
    with path.open(encoding="utf-8", newline="", errors="replace") as file:
        cells = [cell for row in csv.reader(file) for cell in row if FORMULA.match(cell)]
    return [UNCLEAR] if any(not PLAIN_NUMBER.fullmatch(cell) for cell in cells) else []
