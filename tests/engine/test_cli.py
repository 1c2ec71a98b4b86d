"""The command line as a contract: files, report, notes, interruptions. Whole jobs with a tiny model."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from engine import protocol
from engine.host import Host
from engine.worker import Worker
from tests.engine.commands import arguments
from tests.engine.conftest import Cli

Ran = subprocess.CompletedProcess[str]
FILES = ["mesh.glb", "report.json", "texture.png", "turntable.gif", "views.png"]
LONG_PROMPT = "red bricks " * 20 + "zebra"
NUMBER = (int, float)


@pytest.fixture(scope="module")
def job(
    cli: Cli, tiny_model: Path, box_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Ran]:
    """One whole run with a prompt too long for the model: its folder and what it said."""
    out = tmp_path_factory.mktemp("job") / "new" / "out"
    return out, cli(*arguments(box_file, tiny_model, out, prompt=LONG_PROMPT, seed=3))


@pytest.fixture(scope="module")
def report(job: tuple[Path, Ran]) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} isn't JSON")

    text = (job[0] / "report.json").read_text(encoding="utf-8")
    values: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return values


def test_a_job_makes_five_files_and_names_them(job: tuple[Path, Ran]) -> None:
    out, ran = job
    assert ran.returncode == protocol.EXIT_DONE, ran.stderr
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert sorted(Path(line) for line in ran.stdout.splitlines()) == [out / name for name in FILES]


def test_the_pictures_have_their_sizes(job: tuple[Path, Ran]) -> None:
    out, _ = job
    with Image.open(out / "texture.png") as texture:
        assert (texture.size, texture.mode) == ((128, 128), "RGB")
        assert np.asarray(texture).std() > 1
        assert np.asarray(texture).max(axis=2).min() > 0  # nothing black, between charts included
    with Image.open(out / "views.png") as views:
        assert (views.width % 6, views.height) == (0, 16 + 3 * views.width // 6)
    with Image.open(out / "turntable.gif") as turntable:
        assert turntable.size == (256, 256)
        assert turntable.n_frames > 12


def test_the_mesh_carries_the_texture(job: tuple[Path, Ran], box_file: Path) -> None:
    mesh = trimesh.load(job[0] / "mesh.glb", force="mesh")
    assert len(mesh.faces) == 12
    np.testing.assert_allclose(mesh.bounds, trimesh.load(box_file).bounds, atol=1e-6)
    picture = np.asarray(mesh.visual.material.baseColorTexture.convert("RGB"))
    np.testing.assert_array_equal(picture, np.asarray(Image.open(job[0] / "texture.png")))


def test_the_log_tells_the_stages_and_what_was_left_out(
    job: tuple[Path, Ran],
) -> None:
    lines = job[1].stderr.splitlines()
    notes = [line for line in lines if line.startswith("note: ")]
    assert any("zebra" in note and "left out of the prompt" in note for note in notes)
    assert any("no UVs" in note for note in notes)
    stages = [line for line in lines if re.match(r" *\d+\.\d s  ", line)]
    assert [line.split("s  ")[1] for line in stages][-3:] == ["baking", "measuring", "saving"]
    assert sorted(notes + stages) == sorted(lines)  # and no library says anything


def test_the_report_says_what_was_asked_for(report: dict[str, Any], tiny_model: Path) -> None:
    asked = {
        "version": protocol.VERSION,
        "prompt": LONG_PROMPT,
        "model": tiny_model.name,
        "method": "synctweedies",
        "seed": 3,
        "steps": 2,
        "device": report["device"],
        "raster": "embree",
        "texture_size": 128,
    }
    assert {key: report[key] for key in asked} == asked
    assert str(tiny_model.parent) not in json.dumps(report)  # people share it
    assert report["device"] in ("cpu", "cuda", "cuda:0", "mps")
    assert isinstance(report["guidance"], float)
    mesh = report["mesh"]
    assert (mesh["vertices"], mesh["faces"], mesh["unwrapped"]) == (8, 12, True)
    assert mesh["warnings"]
    assert all(isinstance(warning, str) for warning in mesh["warnings"])


def test_the_report_lists_the_views(report: dict[str, Any]) -> None:
    assert len(report["views"]) == 6
    for view in report["views"]:
        assert isinstance(view["azimuth"], float)
        assert -90 <= view["elevation"] <= 90
    assert {90.0, -90.0} <= {view["elevation"] for view in report["views"]}


def test_the_report_measures(report: dict[str, Any]) -> None:
    assert 0.9 < report["coverage"] <= 1
    assert report["seam_error"] is None or report["seam_error"] > 0
    assert 3 < report["view_psnr"] < 100
    parts = report["seconds"]
    assert {"load", "geometry", "denoise", "sync", "decode", "bake", "save", "total"} <= set(parts)
    assert all(isinstance(value, NUMBER) and value >= 0 for value in parts.values())
    assert sum(value for part, value in parts.items() if part != "total") <= parts["total"] + 0.01
    assert report["sync_ms_per_step"] == pytest.approx(1000 * parts["sync"] / report["steps"], abs=0.06)
    assert 50 < report["peak_memory_mb"] < 20_000


def test_another_process_paints_the_same_bytes(
    job: tuple[Path, Ran], tiny_model: Path, box_file: Path, tmp_path: Path
) -> None:
    fields = {"mesh": str(box_file), "model": str(tiny_model), "out": str(tmp_path), "prompt": LONG_PROMPT}
    request = protocol.Request(**fields, seed=3, steps=2, views="6", texture_size=128)
    result = Worker().run(request, Host())
    assert isinstance(result, protocol.Result)
    assert Path(result.texture).read_bytes() == (job[0] / "texture.png").read_bytes()


@pytest.mark.skipif(
    not hasattr(signal, "SIGTERM") or not hasattr(signal, "pthread_kill"), reason="POSIX signals"
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("stage", ["", "painting"])
def test_an_interrupted_job_leaves_nothing(
    number: signal.Signals,
    stage: str,
    root: Path,
    engine_python: Path,
    engine_environment: dict[str, str],
    tiny_model: Path,
    box_file: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    words = arguments(box_file, tiny_model, out, steps=1000)
    command = [str(engine_python), "-m", "engine", *words]
    pipes = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE}
    engine = subprocess.Popen(command, cwd=root, env=engine_environment, text=True, **pipes)
    try:
        _interrupt(engine, stage, out, number)
    finally:
        engine.kill()
    assert list(out.iterdir()) == []


def _interrupt(engine: subprocess.Popen[str], stage: str, out: Path, number: signal.Signals) -> None:
    """Send ``number`` when the engine has begun ``stage`` ("": any) and see it end as cancelled."""
    assert engine.stderr is not None
    if stage:
        while stage not in engine.stderr.readline():
            assert engine.poll() is None
    else:
        while not out.exists():  # the command line is read, and the job begun
            assert engine.poll() is None
            time.sleep(0.02)
    engine.send_signal(number)
    _, err = engine.communicate(timeout=60)
    assert engine.returncode == protocol.EXIT_CANCELLED, err
    assert err.splitlines()[-1] == "cancelled"
    assert "Traceback" not in err
