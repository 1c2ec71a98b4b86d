"""Whole jobs: the ControlNet sees the picture that its model's file asks for, and its numbers count."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine import settings
from engine.canvas.mesh_views import take_views
from engine.controls import position
from engine.controls.depth import depth_picture
from engine.host import Host
from engine.models.sidecar import FILE
from engine.options.choices import CONTROLS
from engine.protocol import Request, Result
from engine.views.surface import Surface
from engine.worker import Worker
from tests.engine import shapes

Make = Callable[..., Request]
Values = NDArray[np.float64]

SIZE = 64  # pixels of the tiny model's views


def rays(azimuth: float, elevation: float, size: int = SIZE) -> tuple[Values, Values]:
    """Camera position (3,) and ray directions (size, size, 3) by plain trigonometry."""
    a, e = np.radians([azimuth, -elevation])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(e), -np.sin(e)], [0, np.sin(e), np.cos(e)]])
    steps = ((np.arange(size) + 0.5) / size * 2 - 1) * np.tan(np.radians(30))
    x, y = np.meshgrid(steps, -steps)
    turn = about_y @ about_x
    return turn @ [0, 0, 2], np.stack([x, y, -np.ones_like(x)], axis=-1) @ turn.T


def sphere_hits(origin: Values, direction: Values) -> tuple[Values, Values]:
    """(size, size) depth along the axis, nan where the unit sphere is missed, and the points hit."""
    a, b = (direction**2).sum(-1), direction @ origin
    with np.errstate(invalid="ignore"):
        t = (-b - np.sqrt(b**2 - a * (origin @ origin - 1))) / a
    return t, origin + t[..., None] * direction


@pytest.fixture
def ball_file(tmp_path: Path) -> Path:
    ball = shapes.sphere(4)
    np.savez(tmp_path / "ball.npz", vertices=ball.vertices, faces=ball.faces, uvs=ball.uvs)
    return tmp_path / "ball.npz"


@pytest.fixture
def described(tiny_model: Path, tmp_path: Path) -> Callable[..., str]:
    """The tiny model with a file of its own."""

    def make(**content: object) -> str:
        folder = shutil.copytree(tiny_model, tmp_path / "described")
        (folder / FILE).write_text(json.dumps(content), encoding="utf-8")
        return str(folder)

    return make


def run(request: Request) -> tuple[Result, dict[str, Any], NDArray[np.float32]]:
    """Result, report, and the pictures (rows, 3, R, R) that reached the ControlNet first."""
    worker = Worker()
    model = worker._load(request.model, request.device, request.lora, Host())
    seen: list[NDArray[np.float32]] = []
    reader = model._family.controlnet.embedding
    reader.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].numpy().copy()))
    result = worker.run(request, Host())
    assert isinstance(result, Result), result
    return result, json.loads(Path(result.report).read_text(encoding="utf-8")), seen[0]


def colourful(result: Result) -> bool:
    """Whether the first row of the contact sheet has colours."""
    sheet = np.asarray(Image.open(result.views), np.int32)
    cell = (sheet.shape[0] - 16) // 3
    row = sheet[16 : 16 + cell]
    return bool((row.max(-1) - row.min(-1)).max() > 20)


def test_a_model_of_positions_sees_positions(
    request_for: Make, ball_file: Path, described: Callable[..., str]
) -> None:
    request = request_for(mesh=str(ball_file), model=described(control="position"))
    result, report, seen = run(request)
    assert seen.shape == (4, 3, SIZE, SIZE), "four views, with and without the prompt alike"
    for picture, view in zip(seen, report["views"], strict=True):
        origin, direction = rays(view["azimuth"], view["elevation"])
        depth, points = sphere_hits(origin, direction)
        aside = np.linalg.norm(np.cross(direction, origin), axis=-1) / np.linalg.norm(direction, axis=-1)
        assert not picture[:, aside > 1].any(), "the background is exactly 0"
        inner = aside < 0.95
        np.testing.assert_allclose(picture[:, inner].T, (points[inner] + 1) / 2, atol=0.004)
        assert np.isfinite(depth[inner]).all()
    assert report["control"] == "position"
    assert colourful(result)


def test_another_seed_sees_other_positions_unless_the_layout_is_given(
    request_for: Make, ball_file: Path, described: Callable[..., str]
) -> None:
    model = described(control="position")
    ask = {"mesh": str(ball_file), "model": model}
    rest, moved, kept = (
        run(request_for(**ask, seed=seed, layout=layout))[2]
        for seed, layout in ((0, None), (5, None), (6, 0))
    )
    np.testing.assert_array_equal(kept, rest)
    shown = rest.max(axis=1) > 0
    assert np.abs(moved - rest).max(axis=1)[shown].mean() > 0.05


def test_a_model_without_a_file_sees_depth(request_for: Make, ball_file: Path) -> None:
    result, report, seen = run(request_for(mesh=str(ball_file)))
    for picture, view in zip(seen[:4], report["views"], strict=True):
        depth, _ = sphere_hits(*rays(view["azimuth"], view["elevation"]))
        inside = np.isfinite(depth)
        expected = depth_picture(np.where(inside, depth, 1).astype(np.float32), inside)
        assert np.array_equal(picture[0], picture[1])
        assert np.array_equal(picture[0], picture[2])
        # The silhouette of a mesh isn't quite the sphere's; near is 1 in either.
        assert np.abs(picture[0] - expected)[SIZE // 4 : -SIZE // 4, SIZE // 4 : -SIZE // 4].max() < 0.02
        assert picture[0].max() == pytest.approx(1, abs=0.01)
        assert not picture[:, :2, :2].any()
    assert report["control"] == "depth"
    assert not colourful(result)


def test_the_file_replaces_the_preset_and_the_request_the_file(
    request_for: Make, described: Callable[..., str]
) -> None:
    model = described(steps=3, guidance=1.5, negative="gold", sync_space="latent")
    _, report, _ = run(request_for(model=model, steps=None))
    says = {"steps": 3, "guidance": 1.5, "negative": "gold", "sync_space": "latent"}
    assert {key: report[key] for key in says} == says
    asks = {"steps": 2, "guidance": 2.0, "negative": "wood", "sync_space": "rgb"}
    _, report, _ = run(request_for(model=model, **asks))
    assert {key: report[key] for key in asks} == asks


@pytest.mark.parametrize("control", CONTROLS)
def test_every_kind_of_control_can_be_made(control: str) -> None:
    """Also of a mesh that lies anywhere, at any size: positions are those in the unit sphere."""
    box = shapes.box(0)
    plain, far = (
        np.stack(
            [v.controls[control] for v in take_views(surface, settings.cameras("5"), 32, [control], Host())]
        )
        for surface in (
            Surface.build(vertices, box.faces, box.uvs)
            for vertices in (box.vertices, box.vertices * 7 + np.float32(30))
        )
    )
    channels = {"depth": 1, "lines": 1, "place": position.CHANNELS}.get(control, 3)
    assert plain.shape == (5, channels, 32, 32)
    assert plain.dtype == np.float32
    assert 0 <= plain.min() < (0.5 if control == "normal" else 0.01)
    assert 0.5 < plain.max() <= 1
    assert (np.abs(far - plain) > 1e-4).mean() < 1e-3, "but for pixels on borders of cells"
