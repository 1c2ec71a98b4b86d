"""The examples of docs/batch.md do what it says."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import trimesh

from engine.batch import jobs


@pytest.fixture
def blocks(root: Path, tmp_path: Path) -> dict[str, str]:
    """The section's examples by kind, and the meshes that they name in ``tmp_path``."""
    text = (root / "docs" / "batch.md").read_text(encoding="utf-8")
    section = text.partition("\n## A job file\n")[2].partition("\n## ")[0]
    (tmp_path / "models").mkdir()
    for name in ("teapot.obj", "models/chair.glb"):
        trimesh.creation.box().export(tmp_path / name)
    return dict(re.findall(r"```(\w*)\n(.*?)```", section, flags=re.DOTALL))


def test_the_csv_is_a_job_file(blocks: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").write_text(blocks["csv"], encoding="utf-8")
    (job,), refused = jobs.read(tmp_path / "jobs.csv", {})
    assert not refused
    assert (job.request.prompt, job.request.seed, job.name) == ("red bricks, weathered", 7, "teapot/bricks")


def test_the_command_does_the_jobs(
    blocks: dict[str, str],
    tmp_path: Path,
    root: Path,
    cli: Callable[..., subprocess.CompletedProcess[str]],
    engine_environment: dict[str, str],
    tiny_model: Path,
) -> None:
    (tmp_path / "jobs.jsonl").write_text(
        blocks["json"].replace("2048", "64").replace('"auto"', "2"), encoding="utf-8"
    )
    (command,) = blocks[""].splitlines()
    words = shlex.split(command)
    assert words[:3] == [".venv/bin/python", "-m", "engine"]
    quick = ("--model", tiny_model, "--steps", 1, "--texture-size", 64, "--views", 2, "--workers", 1)
    ran = cli(*words[3:], *quick, cwd=tmp_path, env={**engine_environment, "PYTHONPATH": str(root)})
    assert ran.returncode == 0, ran.stderr
    found = sorted(path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("texture.png"))
    expected = ["results/chair-old-oak-wood-", "results/teapot-blue-denim-", "results/teapot/gold"]
    assert all(name.startswith(start) for name, start in zip(found, expected, strict=True)), found
    assert (tmp_path / "results" / "index.html").is_file()
