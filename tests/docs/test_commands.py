"""Every command of the pages is run, or at least read by the parser that would get it.

Run, with a tiny model and few steps: the engine's commands on mesh files, doctor and models. Those of
docs/batch.md are run by tests/engine/batch/test_examples.py, Blender's by tests/blender/pages_in_blender.py,
openjd's by tests/engine/batch/test_farm.py. Read only, for the reason that ONLY_READ gives: what downloads,
trains, measures for minutes, or needs a machine that isn't here.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.util
import re
import runpy
import sys
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import trimesh
from PIL import Image

import build
from engine import cli
from tests.docs import pages
from tests.docs.pages import Command
from tests.engine.splats import made
from tools import package
from training import train

COMMANDS = [command for page in pages.PAGES for command in pages.commands(page)]
ENGINE = ("-m", "engine")
QUICK = ("--steps", "1", "--texture-size", "64", "--views", "2", "--device", "cpu")
ONLY_READ = {
    "download": "it downloads gigabytes",
    "--cluster": "it needs a Ray cluster; tests/engine/batch/test_cluster.py makes one",
    "--part": "a scheduler gives the numbers; tests/engine/batch/test_farm.py runs parts",
    "--object": "a .blend needs Blender; tests/engine/test_blend.py opens one by a stand-in",
    "--detail": "a texture of 64 has no room for it; tests/engine/test_detail.py runs it with a larger one",
    "jobs.jsonl": "tests/engine/batch/test_examples.py runs it with the page's own job file",
    "training/runs/next/model": "the model comes out of an hour of training",
}
"""The engine's commands with such a word, and why they aren't run here."""

FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
FOREIGN = {
    *("--command", "--online-mode", "--python", "--python-expr"),
    *("--no-build-isolation", "--head", "--array", "--universal", "--python-version"),
}
"""Of Blender, and of pip, Ray, Slurm and uv."""


class Parsed(Exception):
    """A script has read its command line, and nothing more is wanted of it."""


def of_engine(command: Command) -> bool:
    return command.words[1:3] == ENGINE


def why_only_read(command: Command) -> str:
    """ "" where the engine's ``command`` is run."""
    words = set(command.words)
    cut_short = (
        ""
        if words & {"--mesh", "splats", "doctor", "models"}
        else "the page shows no more of it than its name"
    )
    return next((why for word, why in ONLY_READ.items() if word in words), cut_short)


def shown(commands: list[Command]) -> list[object]:
    """Each once, whatever pages it stands on."""
    once = {command.words: command for command in reversed(commands)}
    return [pytest.param(command, id=str(command)) for command in reversed(once.values())]


ENGINES = [command for command in COMMANDS if of_engine(command)]
RUN = [command for command in ENGINES if not why_only_read(command)]
READ = [command for command in ENGINES if why_only_read(command)]
OTHERS = [command for command in COMMANDS if not of_engine(command)]


def chest(box: trimesh.Trimesh) -> str:
    """The .obj of a ``box`` of three materials."""
    points = [f"v {x} {y} {z}" for x, y, z in box.vertices]
    triangles = [f"f {a} {b} {c}" for a, b, c in box.faces + 1]
    thirds = [f"usemtl {name}" for name in ("Wood", "Trim", "Lock")]
    return "\n".join(
        [*points, *(line for i in range(3) for line in (thirds[i], *triangles[4 * i : 4 * i + 4]))]
    )


@pytest.fixture
def folder(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the files that the pages name; models linked here are forgotten."""
    box = trimesh.creation.box().unwrap()
    for name in ("teapot.obj", "teapot.glb"):
        box.export(tmp_path / name)
    (tmp_path / "chest.obj").write_text(chest(trimesh.creation.box()), encoding="utf-8")
    made.write(tmp_path / "ring.ply", made.rows_of(made.on_mesh(trimesh.creation.torus(1.0, 0.4), 500)))
    Image.new("RGB", (64, 64), (200, 30, 30)).save(tmp_path / "old.png")
    Image.new("L", (64, 64), 255).save(tmp_path / "spots.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNC_TEXTURE_LINKS", str(tmp_path / "links.json"))
    return tmp_path


@pytest.mark.parametrize("command", shown(RUN))
def test_engine_commands_do_what_they_say(command: Command, folder: Path, tiny_model: Path) -> None:
    words = [str(tiny_model) if word == "/path/to/model" else word for word in command.words[3:]]
    if "texture" in words:
        words += ["--model", str(tiny_model), *QUICK]
    if "splats" in words:
        words += ["--model", str(tiny_model), "--steps", "1", "--views", "2", "--device", "cpu"]
    assert cli.main(words) == 0
    if "texture" in words:
        assert (folder / "results" / "texture.png").is_file()
    if "splats" in words:
        assert (folder / "results" / "splats.ply").is_file()


@pytest.mark.parametrize("command", shown(READ))
def test_other_engine_commands_are_understood(command: Command) -> None:
    words = list(command.words[3:])
    if "texture" in words and "--mesh" not in words:  # cut short
        words += ["--mesh", "teapot.obj", "--prompt", "blue denim", "--out", "results"]
    elif words == ["batch"]:
        words += ["jobs.jsonl", "--out", "results"]
    words = ["1/2" if "$" in word else word for word in words]
    cli.parser().parse_args(words)


def test_every_reason_is_needed() -> None:
    used = {why_only_read(command) for command in READ}
    assert set(ONLY_READ.values()) <= used


@pytest.mark.parametrize("command", shown(OTHERS))
def test_everything_else_is_understood(command: Command, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *words = command.words
    name = program.rpartition("/")[2]
    if name == "blender":
        return  # tests/blender/pages_in_blender.py
    if name == "openjd":
        assert (root / words[1]).is_file()
    elif "build.py" in (name, *words[:1]):
        _read_by_build(words[1:] if words[:1] == ["build.py"] else words, monkeypatch)
    elif words[:2] == ["-m", "pip"]:
        # Not run: it would change the environment that runs the tests, or compile for an hour.
        files = [after for word, after in pairwise(words) if word == "-r"]
        assert all((root / file).is_file() for file in files)
        assert words[2] == "install"
    else:
        assert words[0] == "-m"
        _read_by_module(words[1], words[2:], monkeypatch)


def _read_by_build(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    options, rest = build._parser().parse_known_args(words)
    if words[:1] == ["bench"] and options.name:
        assert importlib.util.find_spec(f"tests.bench.{options.name}"), options.name
        _read_by_module(f"tests.bench.{options.name}", rest, monkeypatch)
    else:
        assert not rest or hasattr(options, "passes_on"), rest


def _read_by_module(module: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run ``module`` as a script until it has parsed ``words``; what has no options takes none."""
    assert importlib.util.find_spec(module), module
    monkeypatch.setattr(sys, "argv", [module, *words])
    parse = argparse.ArgumentParser.parse_args

    def only_parse(parser: argparse.ArgumentParser, *given: object, **more: object) -> object:
        parse(parser, *given, **more)  # type: ignore[arg-type]
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
    if module in ("tools.lock", "training.judge.pairs"):
        assert not words
        return
    with pytest.raises(Parsed), _quiet_about_reruns():
        runpy.run_module(module, run_name="__main__")


@contextlib.contextmanager
def _quiet_about_reruns() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the module was imported before, by another test
        yield


def test_flags_in_the_text_exist(root: Path) -> None:
    """Each ``--flag`` that a page's text names is one of some command's, or of a program that isn't ours."""
    known = {*FOREIGN, *_flags(cli.parser()), *_flags(build._parser())}
    for part in ("tests/bench", "training", "blender_sync_addon/command"):
        for script in (root / part).rglob("*.py"):
            known |= set(FLAG.findall(script.read_text(encoding="utf-8")))
    known |= {f"--{field.name.replace('_', '-')}" for field in dataclasses.fields(train.TrainingSettings)}
    for page in pages.PAGES:
        named = {flag for code in pages.code(page) for flag in FLAG.findall(code)}
        assert named <= known, page.name


def _flags(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Of ``parser`` and all its commands."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _flags(command)


def test_the_zip_is_called_what_the_readme_says(root: Path) -> None:
    assert package.zip_path().relative_to(root).as_posix() in (root / "README.md").read_text("utf-8")
