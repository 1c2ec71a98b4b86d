"""``doctor`` and ``models``: what is here, in words."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import protocol
from engine.errors import UserError
from engine.models import command as models_command
from engine.models import manage
from engine.models.catalogue import ADAPTERS, ENTRIES, ESTIMATORS

Cli = Callable[..., subprocess.CompletedProcess[str]]


def test_the_doctor_finds_everything_here(cli: Cli) -> None:
    ran = cli("doctor")
    assert ran.returncode == protocol.EXIT_DONE, ran.stderr
    assert ran.stderr == ""
    said = ran.stdout
    for word in ("torch", "diffusers", "embreex", "cpu: yes", "embree", "GiB free", "TFLOP/s"):
        assert word in said
    assert all(f"model       {entry.name}: " in said for entry in ENTRIES)
    assert all(f"estimator   {name}: not here (" in said for name in ESTIMATORS)
    assert "MISSING" not in said
    sd15 = next(line for line in said.splitlines() if line.startswith("model       sd15"))
    assert "on the processor" in sd15
    assert "ten views take about" in sd15
    assert said.splitlines()[-1].startswith("verdict     ready")


def test_the_doctor_diagnoses_a_python_without_anything(
    engine_python: Path, root: Path, tmp_path: Path
) -> None:
    """-S: no installed packages."""
    command = [str(engine_python), "-I", "-S", str(root / "engine"), "doctor"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == protocol.EXIT_BAD_INPUT, ran.stderr
    assert "Traceback" not in ran.stderr
    last = ran.stdout.splitlines()[-1]
    assert last.startswith("verdict     unusable")
    assert "torch" in last


def test_a_job_without_the_packages_names_the_first_that_is_missing(
    engine_python: Path, root: Path, box_file: Path, tmp_path: Path
) -> None:
    words = ["texture", "--mesh", str(box_file), "--prompt", "x", "--out", str(tmp_path / "out")]
    command = [str(engine_python), "-I", "-S", str(root / "engine"), *words]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == protocol.EXIT_BAD_INPUT
    assert "has no " in ran.stderr
    assert "doctor" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert models_command.run("list", None) == protocol.EXIT_DONE
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        entry.name for entry in (*ENTRIES, *ADAPTERS.values(), *ESTIMATORS.values())
    ]
    assert all("licence: " in line for line in lines)


def test_a_good_model_is_verified_and_a_damaged_one_named(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert models_command.run("verify", str(tiny_model)) == protocol.EXIT_DONE
    assert capsys.readouterr().out == f"{tiny_model}: complete\n"
    with pytest.raises(UserError) as caught:
        models_command.run("verify", str(tmp_path / "nowhere"))
    assert "nowhere" in str(caught.value)
    assert caught.value.fix


def test_downloads_need_a_name_that_is_known() -> None:
    for name in (None, "no such model"):
        with pytest.raises(UserError):
            models_command.run("download", name)


def test_without_a_network_a_download_says_so_in_one_line(cli: Cli, tmp_path: Path) -> None:
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}

    ran = cli("models", "download", "sd15", env={**os.environ, **nowhere})
    assert ran.returncode == protocol.EXIT_BAD_INPUT
    assert len(ran.stderr.splitlines()) == 1
    assert ran.stderr.startswith("error: ")


def test_verifying_all_looks_at_what_is_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = [manage.Listed(entry, entry.name == "sd15", None) for entry in ENTRIES]
    monkeypatch.setattr(manage, "list_models", lambda: listed)
    monkeypatch.setattr(manage, "verify", lambda name: [])
    assert models_command.run("verify", None) == protocol.EXIT_DONE
    assert capsys.readouterr().out == "sd15: complete\n"


def test_the_doctor_answers_programs_too(cli: Cli) -> None:
    ran = cli("--offline", "doctor", "--json")
    assert ran.returncode == protocol.EXIT_DONE, ran.stderr
    found = json.loads(ran.stdout)
    assert found["usable"]
    assert found["verdict"].startswith("ready")
    assert found["missing"] == []
    assert found["devices"]["cpu"]
    assert found["packages"]["torch"].startswith("2.")
    assert {model["name"] for model in found["models"]} >= {entry.name for entry in ENTRIES}


def test_a_doctor_without_packages_answers_programs_too(
    engine_python: Path, root: Path, tmp_path: Path
) -> None:
    command = [str(engine_python), "-I", "-S", str(root / "engine"), "doctor", "--json"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    found = json.loads(ran.stdout)
    assert ran.returncode == protocol.EXIT_BAD_INPUT
    assert not found["usable"]
    assert "torch" in found["missing"]
    assert found["models"] == []


def test_offline_never_asks_the_network(cli: Cli, tmp_path: Path) -> None:
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
    ran = cli("--offline", "models", "download", "sd15", env={**os.environ, **nowhere})
    assert ran.returncode == protocol.EXIT_BAD_INPUT
    assert "switched off" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
