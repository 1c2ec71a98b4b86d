"""A job says once which words of its prompt the model doesn't know: whole jobs with a tiny model."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import protocol
from engine.host import Host
from engine.protocol import Request, Result
from engine.worker import Worker

Cli = Callable[..., subprocess.CompletedProcess[str]]
LIST = {"materials": ["bricks"], "colours": ["red"], "synonyms": {"crimson": ["red"]}}


@pytest.fixture(scope="module")
def listing_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shutil.copytree(tiny_model, tmp_path_factory.mktemp("models") / "little")
    (folder / "vocabulary.json").write_text(json.dumps(LIST), encoding="utf-8")
    return folder


def told(worker: Worker, request: Request) -> tuple[list[str], list[str]]:
    """The result's and the report's notes about words."""
    result = worker.run(request, Host())
    assert isinstance(result, Result), result
    report = json.loads(Path(result.report).read_text(encoding="utf-8"))
    both = result.warnings, report["mesh"]["warnings"]
    return tuple([line for line in lines if "doesn't know" in line] for lines in both)  # type: ignore[return-value]


def test_it_is_told_once_a_job(
    listing_model: Path, tiny_model: Path, request_for: Callable[..., Request]
) -> None:
    worker = Worker()
    expected = ["the little model doesn't know 'Crimson' (nearest: 'red') and 'dragon'"]
    prompt = "a Crimson dragon of bricks, dragon"
    strange = request_for(model=str(listing_model), prompt=prompt, negative="fog")
    assert told(worker, strange) == (expected, expected)
    assert told(worker, strange) == (expected, expected)  # the model was kept
    assert told(worker, request_for(model=str(listing_model), prompt="the red bricks")) == ([], [])
    other_control = f"{listing_model}+{tiny_model / 'controlnet'}"
    assert told(worker, request_for(model=other_control, prompt="crimson"))[0] == [
        "the little model doesn't know 'crimson' (nearest: 'red')"
    ]
    assert told(worker, request_for(model=str(tiny_model), prompt="crimson dragon")) == ([], [])


def test_the_command_line_tells_it(listing_model: Path, box_file: Path, tmp_path: Path, cli: Cli) -> None:
    words = ["texture", "--mesh", box_file, "--prompt", "dragon", "--out", tmp_path / "out"]
    words += ["--model", listing_model, "--steps", 1, "--views", 2, "--texture-size", 64]
    ran = cli(*words)
    assert ran.returncode == protocol.EXIT_DONE, ran.stderr
    assert ran.stderr.splitlines().count("note: the little model doesn't know 'dragon'") == 1
