"""Previews of a running job: told early and often enough, close to the result, and without a trace in it."""

from __future__ import annotations

import dataclasses
import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image

from engine import protocol
from engine.canvas.mesh_preview import LARGEST, side
from engine.errors import Cancelled, UserError
from engine.export import preview
from engine.host import Host
from engine.outputs import PREVIEWS, Outputs
from engine.pictures import png
from engine.protocol import Preview, Request, Result
from engine.worker import Failure, Worker

Make = Callable[..., Request]
STEPS = 6
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def worker() -> Worker:
    return Worker()


class Watcher:
    """Keeps every preview's pictures as they were when it was told, and how many steps were done."""

    def __init__(self) -> None:
        self.told: list[Preview] = []
        self.pictures: list[list[NDArray[np.uint8]]] = []
        self.stages: list[tuple[str, int]] = []
        self.steps: list[int] = []

    def host(self) -> Host:
        return Host(lambda stage, i, n, _: self.stages.append((stage, i)), preview=self.see)

    def see(self, told: Preview) -> None:
        self.told.append(told)
        self.pictures.append([np.asarray(Image.open(one.path)) for one in told.textures])
        self.steps.append(max(i for stage, i in self.stages if stage == "denoise"))


def watched(worker: Worker, request: Request) -> tuple[Result, Watcher]:
    watcher = Watcher()
    outcome = worker.run(request, watcher.host())
    assert isinstance(outcome, Result), outcome
    return outcome, watcher


def cells(picture: NDArray[np.uint8], size: int = 8) -> NDArray[np.float64]:
    """The mean colours of squares of ``size`` pixels."""
    rows, columns, channels = picture.shape
    squares = picture.reshape(rows // size, size, columns // size, size, channels)
    return squares.mean((1, 3), np.float64)


@pytest.mark.parametrize("method", ["synctweedies", "case5", "independent"])
def test_the_first_step_is_shown_and_the_last_preview_is_nearly_the_texture(
    request_for: Make, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "SHARE", 1.0)
    wanted = {"model": "starter", "method": method, "views": "6", "texture_size": 256, "fill": "uv"}
    result, watcher = watched(Worker(), request_for(steps=4, preview=True, **wanted))
    assert watcher.steps == [1, 2, 3, 4]
    assert watcher.pictures[-1][0].shape == (256, 256, 3)
    texture, last = cells(np.asarray(Image.open(result.texture))), cells(watcher.pictures[-1][0])
    assert np.corrcoef(texture.ravel(), last.ravel())[0, 1] > 0.85
    assert np.abs(texture - last).mean() < 25


def test_files_are_gone_and_the_texture_is_the_same_as_without(worker: Worker, request_for: Make) -> None:
    request = request_for(steps=STEPS)
    plain, none = watched(worker, request)
    before = Path(plain.texture).read_bytes()
    result, watcher = watched(worker, dataclasses.replace(request, preview=True))
    assert not none.told
    assert watcher.told
    assert Path(result.texture).read_bytes() == before
    left = [path.name for path in Path(request.out).iterdir() if "preview" in path.name]
    assert not left


def test_a_cancelled_job_leaves_no_preview(worker: Worker, request_for: Make) -> None:
    def stop(_: Preview) -> None:
        raise Cancelled

    request = request_for(steps=STEPS, preview=True)
    assert worker.run(request, Host(preview=stop)) is None
    assert list(Path(request.out).iterdir()) == []


def test_where_previews_cannot_be_written_the_texture_is_made_all_the_same(
    worker: Worker, request_for: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(png, "write", refuse)
    _, watcher = watched(worker, request_for(steps=2, preview=True))
    assert not watcher.told


def test_previews_write_over_nothing(worker: Worker, request_for: Make) -> None:
    request = request_for(steps=2, preview=True)
    Path(request.out).mkdir()
    (Path(request.out) / "preview.texture.png").write_text("precious")
    outcome = worker.run(request, Host())
    assert isinstance(outcome, Failure)
    assert "preview.texture.png' would be written over" in outcome.error
    assert (Path(request.out) / "preview.texture.png").read_text() == "precious"


def test_what_a_killed_run_left_is_written_over(worker: Worker, request_for: Make) -> None:
    request = request_for(steps=2, preview=True)
    script = (
        "import json, os, sys; from engine.host import Host; from engine.protocol import Request;"
        "from engine.worker import Worker; wanted = Request(**json.loads(sys.argv[1]));"
        "Worker().run(wanted, Host(preview=lambda _: os._exit(9)))"
    )
    command = [sys.executable, "-c", script, json.dumps(dataclasses.asdict(request))]
    ended = subprocess.run(command, cwd=REPOSITORY, check=False)
    assert ended.returncode == 9
    assert (Path(request.out) / "preview.texture.png").is_file()
    result, watcher = watched(worker, request)
    assert watcher.told
    assert not [path.name for path in Path(request.out).iterdir() if "preview" in path.name]
    assert not any("preview" in warning for warning in result.warnings)


def test_a_list_of_previews_that_does_not_name_itself_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.png").write_text("precious")
    for listed in ('["mine.png"]', '{"files": ["mine.png"]}', '{"files": 1}', "{", ""):
        (tmp_path / PREVIEWS).write_text(listed)
        with pytest.raises(UserError, match=r"mine\.png' would be written over"):
            Outputs(tmp_path).check(["mine.png"])
    (tmp_path / PREVIEWS).write_text(json.dumps({"files": [PREVIEWS, "../mine.png", "mine.png"]}))
    Outputs(tmp_path).check(["mine.png"])


def test_one_for_each_set_with_the_new_uvs_of_each_mesh(
    worker: Worker, request_for: Make, tmp_path: Path
) -> None:
    paths = []
    for i, shape in enumerate((trimesh.creation.box(), trimesh.creation.cone(1, 2))):
        paths.append(tmp_path / f"part{i}.npz")
        np.savez(paths[-1], vertices=shape.vertices.astype(np.float32), faces=shape.faces.astype(np.int32))
    files = {"mesh": str(paths[0]), "other_meshes": (str(paths[1]),), "write_uvs": True}
    request = request_for(**files, steps=2, preview=True)
    uvs: list[NDArray[np.float32]] = []

    def see(told: Preview) -> None:
        uvs[:] = [np.load(str(path), allow_pickle=False) for path in told.uvs]
        assert Preview.from_dict(json.loads(json.dumps(told.as_dict()))) == told

    outcome = worker.run(request, Host(preview=see))
    assert isinstance(outcome, Result), outcome
    for given, final in zip(uvs, outcome.mesh_uvs, strict=True):
        assert final is not None
        np.testing.assert_array_equal(given, np.load(final, allow_pickle=False))
    _, watcher = watched(worker, request)
    textures = watcher.told[0].textures
    assert [(one.mesh, one.part, one.tile) for one in textures] == [(0, None, None), (1, None, None)]
    assert len({one.path for one in textures}) == 2


def test_several_share_the_pixels_of_one() -> None:
    assert side(1, 1024, 384) == 384
    assert side(1, 128, 384) == 128
    assert side(1, 4096, 1024) == LARGEST
    assert all(count * side(count, 1024, 384) ** 2 <= LARGEST**2 for count in (2, 9, 1000))


def test_the_command_line_keeps_the_file_up_to_date(request_for: Make) -> None:
    from engine.cli import parser

    options = parser().parse_args(["texture", "--mesh", "a", "--prompt", "b", "--out", "c", "--preview"])
    assert options.preview
    assert protocol.Request.from_dict(request_for(preview=True).as_dict()).preview
