"""What the command line answers: one line for whatever is wrong, and its exit status; or lines of JSON."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import pytest

from engine import protocol
from engine.cli import main
from tests.engine.commands import arguments
from tests.engine.conftest import Cli

Capture = pytest.CaptureFixture[str]
BAD = {
    "no such file": {"mesh": "nowhere.obj"},
    "empty prompt": {"prompt": ""},
    "blank prompt": {"prompt": " \t "},
    "unknown model": {"model": "no-such-model"},
    "unknown method": {"method": "case9"},
    "unknown device": {"device": "tpu"},
    "unknown raster": {"raster": "opengl"},
    "unknown unwrap": {"unwrap": "maybe"},
    "unknown sync space": {"sync_space": "hsv"},
    "rgb with averaged noise": {"method": "case1", "sync_space": "rgb"},
    "unknown share of steps": {"sync_share": "some"},
    "unknown aggregate": {"aggregate": "worst"},
    "tiny texture": {"texture_size": 7},
    "huge texture": {"texture_size": 100_000},
    "no steps": {"steps": 0},
    "negative seed": {"seed": -1},
    "huge seed": {"seed": 2**64},
    "no guidance": {"guidance": "nan"},
    "no views": {"views": 0},
    "odd views": {"views": "some"},
    "steps in words": {"steps": "many"},
    "wrong option": {"colour": "red"},
}


@pytest.fixture
def _signals_restored() -> Any:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def said(capfd: Capture, words: list[str]) -> tuple[int, str, str]:
    """(exit status, stdout, stderr) of the command line, in this process."""
    try:
        status = main(words)
    except SystemExit as end:
        status = int(end.code or 0)
    captured = capfd.readouterr()
    return status, captured.out, captured.err


def is_one_line_with_a_remedy(text: str) -> bool:
    return re.fullmatch(r"error: [^\n]+\. [^\n]+\n", text) is not None


@pytest.mark.usefixtures("_signals_restored")
@pytest.mark.parametrize("wrong", BAD.values(), ids=BAD.keys())
def test_bad_input_is_answered_by_one_line(
    wrong: dict[str, object],
    tiny_model: Path,
    box_file: Path,
    tmp_path: Path,
    capfd: Capture,
) -> None:
    words = arguments(box_file, tiny_model, tmp_path / "out", **wrong)
    status, out, err = said(capfd, words)
    assert (status, out) == (protocol.EXIT_BAD_INPUT, "")
    assert is_one_line_with_a_remedy(err), err
    assert not list(tmp_path.rglob("*.*"))


@pytest.mark.usefixtures("_signals_restored")
@pytest.mark.parametrize("words", ["texture", "", "paint", "models download", "models verify x/y/z"])
def test_bad_commands_are_answered_by_one_line(words: str, capfd: Capture) -> None:
    status, _, err = said(capfd, words.split())
    assert status == protocol.EXIT_BAD_INPUT
    assert is_one_line_with_a_remedy(err), err


@pytest.mark.usefixtures("_signals_restored")
def test_an_unreadable_mesh_and_an_unwritable_folder(
    tiny_model: Path, box_file: Path, tmp_path: Path, capfd: Capture
) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "broken.glb").write_bytes(b"glTF nonsense")
    for words in (
        arguments(box_file, tiny_model, tmp_path / "file"),
        arguments(box_file, tiny_model, tmp_path / "file" / "out"),
        arguments(tmp_path / "broken.glb", tiny_model, tmp_path / "out"),
    ):
        status, out, err = said(capfd, words)
        assert (status, out) == (protocol.EXIT_BAD_INPUT, "")
        assert is_one_line_with_a_remedy(err), err
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.usefixtures("_signals_restored")
def test_a_full_disk_keeps_earlier_results(
    tiny_disk: Path, tiny_model: Path, box_file: Path, capfd: Capture
) -> None:
    (tiny_disk / "texture.png").write_bytes(b"earlier")
    words = [*arguments(box_file, tiny_model, tiny_disk, texture_size=256), "--quiet"]
    status, out, err = said(capfd, words)
    assert (status, out) == (protocol.EXIT_BAD_INPUT, "")
    assert is_one_line_with_a_remedy(err), err
    assert "full" in err
    assert [path.name for path in tiny_disk.iterdir()] == ["texture.png"]
    assert (tiny_disk / "texture.png").read_bytes() == b"earlier"


def test_bad_input_in_a_process_of_its_own(cli: Cli, box_file: Path, tmp_path: Path) -> None:
    ran = cli(*arguments(box_file, Path("no-such-model"), tmp_path / "out"))
    assert (ran.returncode, ran.stdout) == (protocol.EXIT_BAD_INPUT, "")
    assert is_one_line_with_a_remedy(ran.stderr), ran.stderr


def events(stdout: str) -> list[dict[str, Any]]:
    return [protocol.decode(line) for line in stdout.splitlines()]


def test_a_job_told_in_lines_of_json(cli: Cli, tiny_model: Path, box_file: Path, tmp_path: Path) -> None:
    ran = cli(*arguments(box_file, tiny_model, tmp_path / "out"), "--json", "--preview")
    assert (ran.returncode, ran.stderr) == (protocol.EXIT_DONE, "")
    first, *rest, last = events(ran.stdout)
    assert {event["id"] for event in (first, *rest, last)} == {first["id"]}
    assert (first["kind"], last["kind"]) == (protocol.STARTED, protocol.DONE)
    assert {event["kind"] for event in rest} == {protocol.PROGRESS, protocol.PREVIEW}
    stages = dict.fromkeys(event["stage"] for event in rest if event["kind"] == protocol.PROGRESS)
    assert [stage for stage in protocol.STAGES if stage in stages] == [*stages]
    assert {"start", "denoise", "save"} <= stages.keys()
    result = protocol.Result.from_dict(last["result"])
    assert Path(result.texture).read_bytes()
    assert any("no UVs" in warning for warning in result.warnings)


@pytest.mark.usefixtures("_signals_restored")
def test_a_failure_told_in_lines_of_json(tiny_model: Path, tmp_path: Path, capfd: Capture) -> None:
    words = [*arguments(Path("nowhere.obj"), tiny_model, tmp_path / "out"), "--json"]
    status, out, err = said(capfd, words)
    assert status == protocol.EXIT_BAD_INPUT
    assert is_one_line_with_a_remedy(err)
    first, *_, last = events(out)
    assert (first["kind"], last["kind"], last["code"]) == ("started", "failed", status)
    assert "nowhere.obj" in last["error"]
    assert last["fix"]
