"""Whole jobs with close-ups, by a tiny model: what they change, what they say, what stops them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine import memory
from engine.canvas import mesh_detail
from engine.host import Host
from engine.models.presets import STARTER
from engine.protocol import Request, Result
from engine.worker import Failure, Worker
from tests.engine import shapes
from tests.engine.commands import arguments

Make = Callable[..., Request]
SIZE = 512


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box with a chart for each side."""
    return shapes.write(tmp_path_factory.mktemp("box") / "box.npz", shapes.box(1))


@pytest.fixture
def near(request_for: Make, box: Path, tmp_path: Path) -> Make:
    """A request with close-ups; any field can be given otherwise. The only camera sees the front alone."""
    ahead = {"position": [0, 0, 3], "forward": [0, 0, -1]}
    (tmp_path / "cameras.json").write_text(json.dumps({"cameras": [ahead]}))

    def make(**fields: object) -> Request:
        given = {"mesh": str(box), "detail": "2", "texture_size": SIZE, "steps": 4}
        return request_for(**{**given, "cameras": str(tmp_path / "cameras.json"), **fields})

    return make


def run(worker: Worker, request: Request, host: Host | None = None) -> tuple[np.ndarray, dict[str, Any]]:
    outcome = worker.run(request, host or Host())
    assert isinstance(outcome, Result), outcome
    texture = np.asarray(Image.open(outcome.textures[0].path))
    return texture, json.loads(Path(outcome.report).read_text())


def refused(worker: Worker, request: Request) -> Failure:
    outcome = worker.run(request, Host())
    assert isinstance(outcome, Failure), outcome
    assert not Path(request.out, "texture.png").exists()
    return outcome


def begins(worker: Worker, request: Request) -> bool:
    """Whether ``request`` is painted; it is cancelled when it begins."""
    told: list[str] = []
    outcome = worker.run(
        request, Host(lambda stage, i, n, eta: told.append(stage), lambda: "denoise" in told)
    )
    assert outcome is None or isinstance(outcome, Failure)
    return outcome is None


def charts() -> np.ndarray:
    """(T, T) which side of the box each texel's cell is of, from the top."""
    row, column = np.indices((SIZE, SIZE))
    return (1 - row * 2 // SIZE) * 3 + column * 3 // SIZE


def test_close_ups_change_what_the_first_pass_saw_and_nothing_else(near: Make, worker: Worker) -> None:
    plain, without = run(worker, near(detail="off", out=f"{near().out}-off"))
    texture, report = run(worker, near())
    assert "close_ups" not in without
    said = report["close_ups"]
    assert (said["factor"], said["groups"], said["strength"], said["steps"]) == (2, 1, 0.4, 2)
    assert 1 <= said["count"] <= 12
    assert said["seconds"] > 0
    assert said["reached"] == 1
    front = charts() == 5  # +z
    changed = (texture != plain).any(axis=2)
    assert changed[front].mean() > 0.2  # the chart covers a third of its cell
    assert changed[~front].mean() < 0.02  # what lies between charts follows the nearest of them
    assert 0 < said["painted"] < 0.3  # one of six sides


def test_groups_follow_each_other_and_are_one_stage(
    near: Make, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int]] = []
    host = Host(lambda stage, i, n, eta: told.append((stage, i, n)))
    monkeypatch.setattr(mesh_detail, "GROUP_BYTES", 1)  # too little for two
    texture, report = run(worker, near(cameras=None, views="1"), host)
    said = report["close_ups"]
    assert said["groups"] == said["count"] > 2
    steps = [(i, n) for stage, i, n in told if stage == "detail"]
    assert [i for i, _ in steps] == sorted(i for i, _ in steps)
    assert steps[-1] == (said["groups"] * said["steps"],) * 2
    stages = [stage for stage, _, _ in told]
    assert stages.index("denoise") < stages.index("detail") < stages.index("save")
    assert texture.std() > 0


def test_a_cancel_among_close_ups_leaves_the_folder_as_it_was(near: Make, worker: Worker) -> None:
    run(worker, near(detail="off"))
    out, stop = Path(near().out), []
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def tell(stage: str, i: int, n: int, eta_s: float | None) -> None:
        if stage == "detail" and i:
            stop.append(True)

    assert worker.run(near(seed=1), Host(tell, lambda: bool(stop))) is None
    assert stop
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_texture_without_room_is_refused_with_the_size_that_would_do(near: Make, worker: Worker) -> None:
    failure = refused(worker, near(texture_size=64, detail="4"))
    assert "texture of 64 has no room for what close-ups of --detail 4 would show" in failure.error
    size = int(failure.fix.removeprefix("use --texture-size "))
    assert begins(worker, near(texture_size=size, detail="4"))
    assert not begins(worker, near(texture_size=size // 2, detail="4"))


def test_uvs_that_no_size_makes_large_enough_are_refused_otherwise(
    near: Make, worker: Worker, tmp_path: Path
) -> None:
    made = shapes.box(1)
    path = tmp_path / "tiny.npz"
    np.savez(path, vertices=made.vertices, faces=made.faces, uvs=made.uvs / 256)
    failure = refused(worker, near(mesh=str(path), texture_size=64, unwrap="never"))
    assert failure.fix == "the UVs are too small for it: use --detail off or a new --unwrap always"


def test_auto_is_as_near_as_there_is_room(near: Make, worker: Worker) -> None:
    _, report = run(worker, near(detail="auto"))
    assert report["detail"] == "auto"
    assert report["close_ups"]["factor"] == min(4, STARTER.nearest)
    _, report = run(worker, near(detail="auto", texture_size=64))
    assert "close_ups" not in report
    assert any("no close-ups: a texture of 64 has no room" in one for one in report["mesh"]["warnings"])


def test_a_part_that_is_repainted_gets_none(near: Make, worker: Worker) -> None:
    failure = refused(worker, near(init_texture="old.png", repaint=("material:a",)))
    assert failure.error == "--detail is for whole textures, and an area of one is repainted"


def test_a_texture_to_start_from_and_several_prompts_go_with_it(
    near: Make, worker: Worker, tmp_path: Path
) -> None:
    old = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    Image.fromarray(old).save(tmp_path / "old.png")
    Image.fromarray((np.indices((SIZE, SIZE))[1] > SIZE // 2).astype(np.uint8) * 255).save(
        tmp_path / "mask.png"
    )
    region = f"mask:{tmp_path / 'mask.png'}=oak wood"
    texture, report = run(
        worker, near(init_texture=str(tmp_path / "old.png"), strength=0.5, region=(region,))
    )
    assert report["close_ups"]["strength"] == 0.4
    assert report["strength"] == 0.5
    far = charts() == 0
    assert (texture[far] == old[far]).mean() > 0.9  # no view saw that side


def test_memory_that_close_ups_take_is_said_before_they_begin(
    near: Make, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def much(count: int, resolution: int) -> list[str]:
        asked.append(count)
        return [f"{count} views take much"]

    monkeypatch.setattr(memory, "check_views", much)
    told: list[str] = []
    outcome = worker.run(near(cameras=None, views="1"), Host(note=told.extend))
    assert isinstance(outcome, Result), outcome
    count = json.loads(Path(outcome.report).read_text())["close_ups"]["count"]
    assert asked == [1, count]
    assert f"{count} views take much" in told


def test_the_command_line_has_it(
    box: Path, tiny_model: Path, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    words = arguments(box, tiny_model, tmp_path / "out", detail=2, texture_size=SIZE, views=1)
    done = cli(*words)
    assert done.returncode == 0, done.stderr
    assert "painting close-ups" in done.stderr
    assert json.loads((tmp_path / "out" / "report.json").read_text())["close_ups"]["count"] > 2
