"""Runs cases inside Blender, as runner.py does outside: "blender SEED FOLDER" a line on stdin, a line on
stdout when a case is over. ``python in_blender.py PYTHON``, with bpy; PYTHON is to run the engine.

Each case is a job whose engine is hostile (hostile_engine.py). However it ends, the file is as it was, or
shows a texture that is whole.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/blender")]

import bpy  # noqa: E402
import everything  # noqa: E402
import helper  # noqa: E402
import meanwhile  # noqa: E402

from tests.bench.fuzz import case as cases  # noqa: E402
from tests.bench.fuzz import odd, watch  # noqa: E402
from tests.bench.fuzz.case import REFUSED, TRACEBACK, UNCLEAR, WORKED, WRONG, Case, Ended  # noqa: E402
from tests.bench.fuzz.hostile_engine import way_of  # noqa: E402

SILENCE_S = 2.0  # in which an engine has to say something
OPTIONS = {"steps": 2, "rig": "even", "view_count": 2, "texture_size": "256"}
addon = helper.enable()

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.jobs.texture_job import TextureJob  # noqa: E402


def main(python: str) -> None:
    watch.adopt_orphans()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    engine.supervisor.silence_s = SILENCE_S
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        kind, seed, folder = line.rstrip("\n").split(" ", 2)
        case = Case(kind, int(seed), Path(folder), Path(folder))
        run(case, python)
        print("over", file=answers, flush=True)


def run(case: Case, python: str) -> None:
    """Run ``case``; what became of it stands in its log."""
    log = case.root / "log"
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(log / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    try:
        case.notes.append(way_of(case.seed)[1])
        cases.save(log / "notes.json", case.notes)
        _install(case, python)
        cases.save(log / "before.json", cases.snapshot(case.root))
        os.environ["HOSTILE_NOTES"] = str(log / "engine.json")
        ended = _textured(case)
        case.notes += cases.load(log / "engine.json") or []
        cases.save(log / "notes.json", case.notes)
        ended.problems += _printed(log)
        cases.save(log / "ended.json", ended.as_dict())
    except Exception:
        traceback.print_exc()
    finally:
        engine.supervisor.abandon()
        engine.supervisor.shutdown()


def _install(case: Case, python: str) -> None:
    """The engine that the add-on is to start."""
    script = case.root / "home" / "python"
    hostile = Path(__file__).with_name("hostile_engine.py")
    script.write_text(f'#!/bin/sh\nexec "{python}" "{hostile}" "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    os.environ["SYNC_TEXTURE_PYTHON"] = str(script)
    os.environ.pop("HOSTILE_HELLO", None)
    if way_of(case.seed)[1] == "hello":
        hello = {"kind": "hello", "version": "0.1.0", "protocol": 1, "pid": 7}
        said = odd.dumped(case.rng, odd.faulty(case.rng, hello, case.notes)).decode("utf-8", "replace")
        os.environ["HOSTILE_HELLO"] = said.replace("\x00", "")[:100_000]


def _textured(case: Case) -> Ended:
    """Texture something; how that ended."""
    rng = case.rng
    helper.empty_scene()
    everything.scene()
    options = dict(OPTIONS)
    if rng.random() < 0.6:
        cube = helper.cube()
        if rng.random() < 0.6:
            cube.data.uv_layers.remove(cube.data.uv_layers[0])
            cube.data.update()
    elif rng.random() < 0.5:
        options["texture_sets"] = "material"
    found = {"before": everything.snapshot()}
    change = rng.choice(tuple(meanwhile.CHANGES)) if rng.random() < 0.2 else ""
    case.notes += [f"meanwhile: {change}"] * bool(change)
    try:
        with _meanwhile(change, found):
            bpy.ops.sync_texture.generate(prompt=f"case {case.seed} {case.outside}", **options)
    except RuntimeError as error:
        return _refused(str(error), helper.difference(found["before"], everything.snapshot()))
    wrong = meanwhile.wrong(bpy.context.view_layer.objects.active)
    return Ended(WORKED, wrong, [WRONG] * bool(wrong) + _left())


@contextlib.contextmanager
def _meanwhile(change: str, found: dict[str, dict[str, str]]) -> Iterator[None]:
    """While the job runs the object is changed as ``change`` says, and that is what there was before."""
    usual = TextureJob.wait

    def wait(job: TextureJob, watch: object = None) -> None:
        if change:
            meanwhile.CHANGES[change](bpy.context.view_layer.objects.active)
            found["before"] = everything.snapshot()
        usual(job, watch)

    TextureJob.wait = wait
    try:
        yield
    finally:
        TextureJob.wait = usual


def _refused(text: str, changed: dict[str, tuple]) -> Ended:
    lines = text.strip().removeprefix("Error: ")
    problems = cases.message_problems(lines) + _left()
    if changed:
        problems.append(cases.CHANGED)
        lines += f" | changed: {odd.shown(dict(list(changed.items())[:3]), 400)}"
    return Ended(REFUSED, lines, problems)


def _left() -> list[str]:
    return [cases.LEFT_FILES] if any(Path(bpy.app.tempdir).glob("sync_texture_*")) else []


def _printed(log: Path) -> list[str]:
    text = (log / "stderr").read_text("utf-8", "replace") + (log / "stdout").read_text("utf-8", "replace")
    return [TRACEBACK] * ("Traceback (most" in text) + [UNCLEAR] * ("\x1b" in text)


if __name__ == "__main__":
    main(sys.argv[1])
