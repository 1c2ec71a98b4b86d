"""``models show`` and ``--json``: what is known of the starter, of folders, of models that aren't here."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import protocol
from engine.cli import main
from engine.models import show as models_show
from engine.models.catalogue import STARTER_FOLDER
from engine.models.describe import describe

Capture = pytest.CaptureFixture[str]
NONE_LISTED = "It lists none: any prompt may do."


@pytest.fixture(autouse=True)
def _signals_restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


def show(capfd: Capture, name: object, *options: str) -> str:
    assert main(["models", "show", str(name), *options]) == protocol.EXIT_DONE
    captured = capfd.readouterr()
    assert captured.err == ""
    return captured.out


def as_json(capfd: Capture, *words: object) -> Any:
    assert main(["models", *map(str, words), "--json"]) == protocol.EXIT_DONE
    (line,) = capfd.readouterr().out.splitlines()
    return json.loads(line)


def test_the_starter_is_shown_whole(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    listed = json.loads((STARTER_FOLDER / "vocabulary.json").read_text(encoding="utf-8"))
    out = show(capfd, "starter")
    assert out.startswith("starter: ")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for material, example in zip(listed["materials"], listed["examples"], strict=True):
        assert any(f"{material} {example}" in line for line in lines), material
    for word in (*listed["colours"], *listed["adjectives"]):
        assert any(word in line for line in lines), word
    assert f"{len(listed['materials'])} materials, and a prompt for each" in lines
    assert any(line.startswith("licence GPL-3.0") for line in lines)
    at = lines.index("what it doesn't know")
    assert len(lines) > at + 2
    assert any("faces" in line for line in lines[at:])


def test_the_starter_as_json_agrees_with_its_files(capfd: Capture) -> None:
    listed = json.loads((STARTER_FOLDER / "vocabulary.json").read_text(encoding="utf-8"))
    unet = json.loads((STARTER_FOLDER / "unet" / "config.json").read_text(encoding="utf-8"))
    found = as_json(capfd, "show", "starter")
    assert found["installed"] is True
    assert found["view_size"] % unet["sample_size"] == 0
    told = json.loads((STARTER_FOLDER / "sync_texture.json").read_text(encoding="utf-8"))
    assert found["control"] == told["control"]
    assert [m["material"] for m in found["vocabulary"]["materials"]] == listed["materials"]
    assert [m["example"] for m in found["vocabulary"]["materials"]] == listed["examples"]
    assert found["vocabulary"]["colours"] == listed["colours"]
    assert found["limits"]


@pytest.mark.parametrize("width", [1, 20, 36, 50, 80, 132, 400])
def test_lines_fit_the_terminal(width: int) -> None:
    words = describe("starter").vocabulary
    assert words
    longest = max(len(text) for text in (*words.examples, *words.materials, *words.colours, *words.additions))
    for line in models_show.as_text(describe("starter"), width):
        assert len(line) <= max(width, longest + 6, 30)
        assert line == line.rstrip()


def test_every_entry_is_in_the_columns() -> None:
    entries = [f"word{i}" for i in range(23)]
    for width in range(1, 120):
        cells = [cell for line in models_show.columns(entries, width) for cell in line.split()]
        assert sorted(cells) == sorted(entries)


def test_models_that_are_not_here(capfd: Capture) -> None:
    out = show(capfd, "sd15")
    told = ("Stable Diffusion 1.5", "OpenRAIL", "2.9 GB (not on this computer)", "768 x 768", NONE_LISTED)
    for known in told:
        assert known in out
    found = as_json(capfd, "show", "sd21")
    assert (found["installed"], found["vocabulary"], found["limits"]) == (False, None, [])


def test_a_folder_of_ones_own(tiny_model: Path, tmp_path: Path, capfd: Capture) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "mine")
    plain = show(capfd, folder)
    assert NONE_LISTED in plain
    assert "licence   not stated" in plain
    assert "64 x 64 pixels" in plain
    (folder / "vocabulary.json").write_text(json.dumps({"materials": ["jelly"]}))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Jellies\n## Limitations\nNo jam.\n")
    (folder / "sync_texture.json").write_text(json.dumps({"control": "position", "steps": 7}))
    found = as_json(capfd, "show", folder)
    assert (found["title"], found["licence"], found["limits"]) == ("Jellies", "mit", ["No jam."])
    assert (found["control"], found["steps"], found["view_size"]) == ("position", 7, 64)
    assert found["vocabulary"]["materials"] == [{"material": "jelly", "example": "jelly"}]
    assert found["installed"] is True


def test_another_controlnet_counts(tiny_model: Path, tmp_path: Path, capfd: Capture) -> None:
    """With its own word on what it was trained on, or the depth of one that says nothing."""
    folder = shutil.copytree(tiny_model, tmp_path / "mine")
    (folder / "sync_texture.json").write_text(json.dumps({"control": "position", "steps": 7}))
    other = shutil.copytree(tiny_model / "controlnet", tmp_path / "other")
    found = as_json(capfd, "show", f"{folder}+{other}")
    assert (found["control"], found["steps"], found["installed"]) == ("depth", 7, True)
    (other / "sync_texture.json").write_text(json.dumps({"control": "position"}))
    assert as_json(capfd, "show", f"{tiny_model}+{other}")["control"] == "position"
    assert as_json(capfd, "show", f"{tiny_model}+{folder}")["control"] == "position"  # a pipeline's own
    assert as_json(capfd, "show", str(tiny_model))["control"] == "depth"


def test_controlnets_that_are_not_here(tiny_model: Path, capfd: Capture) -> None:
    found = as_json(capfd, "show", f"{tiny_model}+sd15")  # known, but not downloaded
    assert (found["control"], found["installed"]) == (None, False)
    for name in ("nope", "owner/name", "no/such/folder", "missing.safetensors"):
        assert main(["models", "show", f"{tiny_model}+{name}"]) == protocol.EXIT_BAD_INPUT
        error = capfd.readouterr().err
        assert f"no ControlNet '{name}'" in error
        assert error.count("\n") == 1


def test_a_single_file_is_shown_as_the_folder_that_it_lies_in_says(
    tiny_model: Path, tmp_path: Path, capfd: Capture
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "mine")
    (folder / "sync_texture.json").write_text(json.dumps({"steps": 7}))
    shutil.copy(folder / "unet" / "diffusion_pytorch_model.safetensors", folder / "one.safetensors")
    assert as_json(capfd, "show", folder / "one.safetensors")["steps"] == 7


@pytest.mark.parametrize("name", ["nope", "owner/name", "", "no/such/folder", ".", "missing.safetensors"])
def test_unknown_models_are_answered_by_one_line(
    name: str, capfd: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for options in ([], ["--json"]):
        assert main(["models", "show", name, *options]) == protocol.EXIT_BAD_INPUT
        captured = capfd.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        assert captured.err.count("\n") == 1


def test_programs_are_told_in_a_line_of_json(capfd: Capture) -> None:
    assert main(["--json-errors", "models", "show", "nope"]) == protocol.EXIT_BAD_INPUT
    captured = capfd.readouterr()
    told = protocol.decode(captured.err)
    assert (captured.out, told["kind"], told["code"]) == ("", protocol.FAILED, protocol.EXIT_BAD_INPUT)
    assert "nope" in told["error"]
    assert told["fix"]


def test_damaged_configs_are_answered_by_one_line(tiny_model: Path, tmp_path: Path, capfd: Capture) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "mine")
    (folder / "vae" / "config.json").write_text("{")
    assert main(["models", "show", str(folder)]) == protocol.EXIT_BAD_INPUT
    assert capfd.readouterr().err.count("\n") == 1


def test_list_and_verify_as_json(capfd: Capture, tiny_model: Path, tmp_path: Path) -> None:
    models = {model["name"]: model for model in as_json(capfd, "list")}
    assert models["starter"]["installed"] is True
    assert models["sd15"]["installed"] is False
    assert as_json(capfd, "verify", tiny_model) == {str(tiny_model): []}
    folder = shutil.copytree(tiny_model, tmp_path / "mine")
    (folder / "vae" / "config.json").unlink()
    assert main(["models", "verify", str(folder), "--json"]) == protocol.EXIT_BAD_INPUT
    assert len(json.loads(capfd.readouterr().out)[str(folder)]) == 1


def test_a_reader_that_leaves_early_is_no_error(root: Path, engine_python: Path) -> None:
    command = [str(engine_python), "-m", "engine", "models", "show", "starter"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=root, stdout=pipe, stderr=pipe) as child:
        assert child.stdout and child.stderr  # noqa: PT018
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(60) == protocol.EXIT_DONE
