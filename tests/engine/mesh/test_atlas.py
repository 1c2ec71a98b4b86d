"""xatlas in its own process: it can be stopped, leaves nothing behind and keeps off the engine's pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import trimesh

from engine.errors import Cancelled, UserError
from engine.mesh import atlas


def _children(folder: Path) -> set[int]:
    """Process ids of everything that works on a folder in ``folder``, which is one test's own: other tests
    unwrap at the same time. Needs /proc."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"{folder}/".encode() in (entry / "cmdline").read_bytes():
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def _slow() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A mesh that keeps xatlas busy for several seconds: smooth, finely divided, in one piece."""
    ball = trimesh.creation.icosphere(subdivisions=5)
    faces = np.asarray(ball.faces, np.int32)
    return np.asarray(ball.vertices, np.float32), faces, np.zeros(len(faces), np.int32)


def _quiet() -> None:
    pass


def test_charts_and_packing() -> None:
    box = trimesh.creation.box()
    faces = np.asarray(box.faces, np.int32)
    points = np.asarray(box.vertices, np.float32)
    found = atlas.unwrap(points, faces, np.zeros(12, np.int32), 256, _quiet)
    assert np.isin(found.charts, np.arange(6)).all()
    assert found.uvs.min() >= 0
    assert found.uvs.max() <= 1
    again = atlas.unwrap(points, faces, np.zeros(12, np.int32), 256, _quiet)
    np.testing.assert_array_equal(found.uvs, again.uvs)


def test_parts_are_never_joined_and_order_is_kept() -> None:
    box = trimesh.creation.box()
    parts = np.array([1, 0] * 6, np.int32)
    points = np.asarray(box.vertices, np.float32)
    found = atlas.unwrap(points, np.asarray(box.faces, np.int32), parts, 256, _quiet)
    for chart in np.unique(found.charts):
        assert len(np.unique(parts[found.charts == chart])) == 1
    edges = points[box.faces] - points[np.roll(box.faces, 1, axis=1)]
    flat = found.uvs - np.roll(found.uvs, 1, axis=1)
    ratio = np.linalg.norm(flat, axis=2) / np.linalg.norm(edges, axis=2)
    assert ratio.max() / ratio.min() < 1.3  # every face has its own UVs, not another's


def test_cancelling_ends_the_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("processes can't be listed here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    calls, seen = [0], []

    def check() -> None:
        calls[0] += 1
        if calls[0] == 8:
            seen.extend(_children(tmp_path))
            raise Cancelled

    start = time.monotonic()
    with pytest.raises(Cancelled):
        atlas.unwrap(*_slow(), 1024, check)
    assert time.monotonic() - start < 5
    assert len(seen) == 2  # guard and worker
    deadline = time.monotonic() + 5
    while _children(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _children(tmp_path)


def test_no_orphans_when_the_engine_is_killed(root: Path, tmp_path: Path) -> None:
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("processes can't be listed here")
    code = "from tests.engine.mesh.test_atlas import _slow, _quiet; from engine.mesh import atlas\n"
    code += "atlas.unwrap(*_slow(), 1024, _quiet)"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    engine = subprocess.Popen([sys.executable, "-c", code], cwd=root, env=environment)
    deadline = time.monotonic() + 60
    while len(_children(tmp_path)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(_children(tmp_path)) == 2  # guard and worker
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    while _children(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _children(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_childs_words_stay_off_stdout(root: Path) -> None:
    code = "from tests.engine.mesh.test_atlas import _slow, _quiet; from engine.mesh import atlas\n"
    code += "p, f, s = _slow(); atlas.unwrap(p, f[:200], s[:200], 64, _quiet); print('end')"
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, input="x\n")
    assert ran.stdout == "end\n"
    assert ran.stderr == ""


def test_a_temporary_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    with pytest.raises(UserError, match="temporary files can't be written to /nowhere/at/all") as caught:
        atlas.unwrap(*_slow(), 1024, _quiet)
    assert "TMPDIR" in caught.value.fix


def test_failure_and_time_limit_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    points, faces, parts = _slow()
    with pytest.raises(atlas.Failed, match="too long"):
        atlas.unwrap(points, faces, parts, 1024, _quiet, seconds=0.3)
    with pytest.raises(atlas.Failed):
        atlas.unwrap(points[:3], faces, parts, 1024, _quiet)  # faces point outside
    assert not list(tmp_path.iterdir())
