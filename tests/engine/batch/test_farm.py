"""farm/: the Open Job Description template is one, and a local session of its reference tool runs it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trimesh

Run = Callable[..., subprocess.CompletedProcess[str]]
PARTS = 2


@pytest.fixture
def openjd(root: Path) -> Run:
    """The command ``openjd``; skips the test where it isn't installed."""
    if importlib.util.find_spec("openjd") is None:
        pytest.skip("no openjd: pip install -r requirements/dev.txt")

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "openjd", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=500)

    return run


def test_the_template_is_valid(openjd: Run, root: Path) -> None:
    ran = openjd("check", root / "farm" / "sync_texture.yaml")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "passes validation" in ran.stdout


def test_a_farm_s_tasks_and_the_summary_after_them(
    openjd: Run, root: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """Each task does its part; a mesh that is missing holds nobody up, and the last step tells."""
    trimesh.creation.box().export(tmp_path / "box.obj")
    quick = {"model": str(tiny_model), "steps": 1, "views": 2, "texture_size": 64, "device": "cpu"}
    lines = [{"mesh": f"{name}.obj", "prompt": "red", "out": name, **quick} for name in ("box", "lost")]
    jobs, out = tmp_path / "jobs with spaces.jsonl", tmp_path / "out"
    jobs.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    given = {"JobFile": jobs, "Output": out, "Python": sys.executable, "Engine": root / "engine"}
    words = [word for name, value in {**given, "Parts": PARTS}.items() for word in ("-p", f"{name}={value}")]
    ran = openjd(
        "run", root / "farm" / "sync_texture.yaml", "--step", "Summary", "--run-dependencies", *words
    )
    for number in range(1, PARTS + 1):
        assert f"Part(INT) = {number}" in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode != 0, "a job has failed, and the farm is told"
    assert ran.stdout.count("refused line 2: there is no file") == 2
    assert (out / "box" / "texture.png").is_file()
    assert (out / "summary.csv").read_text("utf-8").count("done") == 1
    journal = out / ".sync_texture-batch" / f"part-1-of-{PARTS}" / "journal.jsonl"
    assert '"event": "done"' in journal.read_text("utf-8"), "it was the task that did it, not the summary"
