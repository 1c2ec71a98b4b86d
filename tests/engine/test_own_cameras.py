"""Whole jobs with cameras of one's own, and with another front."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import settings
from engine.canvas.mesh_views import take_views
from engine.errors import UserError
from engine.host import Host
from engine.mesh.mesh import load
from engine.protocol import Request, Result
from engine.views.cameras import Camera
from engine.views.surface import Surface
from engine.worker import Failure, Worker

AHEAD = {"position": [0, 0, 3], "forward": [0, 0, -1], "name": "ahead"}
AWAY = {"position": [0, 0, 3], "forward": [0, 0, 1], "name": "away"}
RIGHT = {"position": [3, 0, 0], "forward": [-1, 0, 0], "up": [0, 0, 1], "fov": 40, "name": "right"}


@pytest.fixture
def cameras(tmp_path: Path) -> Callable[..., str]:
    def write(*entries: object) -> str:
        path = tmp_path / "cameras.json"
        path.write_text(json.dumps({"cameras": entries}))
        return str(path)

    return write


def test_a_job_is_seen_by_them_alone(
    request_for: Callable[..., Request], cameras: Callable[..., str]
) -> None:
    request = request_for(cameras=cameras(AHEAD, AWAY, RIGHT), front=90.0)
    outcome = Worker().run(request, Host(lambda *_: None, lambda: False))
    assert isinstance(outcome, Result), outcome
    report = json.loads(Path(outcome.report).read_text())
    assert [(view["name"], view["direction"]) for view in report["views"]] == [
        ("ahead", "side"),
        ("right", "front"),
    ]
    assert report["views"][1]["roll"] == pytest.approx(-90, abs=1e-3)
    assert report["front"] == 90
    assert any("'away'" in warning for warning in outcome.warnings)
    assert 0.2 < report["coverage"] < 0.7  # two of a box's six sides


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_at_once(request_for: Callable[..., Request], tmp_path: Path) -> None:
    """One that nobody writes into would be waited for without end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    outcome = Worker().run(request_for(cameras=str(pipe), steps=1), Host(lambda *_: None, lambda: False))
    assert isinstance(outcome, Failure)
    assert "is a pipe" in outcome.error


def test_when_none_sees_the_mesh_it_is_told(
    request_for: Callable[..., Request], cameras: Callable[..., str]
) -> None:
    outcome = Worker().run(request_for(cameras=cameras(AWAY)), Host(lambda *_: None, lambda: False))
    assert isinstance(outcome, Failure)
    assert "none of the cameras sees" in outcome.error


def test_another_front_is_the_mesh_turned(box_file: Path) -> None:
    """What the front camera sees of a mesh whose front is +X is what a camera on +X sees else."""
    mesh = load(str(box_file))
    vertices = mesh.vertices * np.float32([1, 2, 3]) + np.float32([0, 0.1, 0.2])
    uvs = np.zeros((len(mesh.faces), 3, 2), np.float32)

    def seen(azimuth: float, front: float = 0.0) -> NDArray[np.float32]:
        surface = Surface.build(vertices, mesh.faces, uvs, front=front)
        (view,) = take_views(surface, [Camera(azimuth, 10)], 64, ["depth"], Host())
        return view.controls["depth"]

    np.testing.assert_allclose(seen(0, front=90), seen(90), atol=1e-4)
    assert not np.allclose(seen(0, front=90), seen(0), atol=0.1)


def test_the_front_is_an_angle() -> None:
    request = Request(mesh="m.obj", prompt="red", out="o", front=400.0)
    with pytest.raises(UserError, match="front"):
        settings.check(request)
