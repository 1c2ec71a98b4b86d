"""Whole jobs in this process with a tiny model: every method, sameness, memory running out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from numpy.typing import NDArray
from PIL import Image

from engine import protocol
from engine.denoise.denoiser import Denoiser
from engine.host import Host
from engine.options import choices
from engine.protocol import ImageRequest, Request, Result
from engine.worker import Failure, Worker

Make = Callable[..., Request]


@pytest.fixture
def denoiser(worker: Worker, request_for: Make) -> Iterator[Denoiser]:
    """The worker's loaded model; how much it does at once is put back at the end."""
    run(worker, request_for(steps=1))
    model = worker._model
    assert model is not None
    sizes = model.batch, model.vae_batch
    yield model
    model.household.limit(*sizes)


def run(worker: Worker, request: Request) -> Result:
    outcome = worker.run(request, Host())
    assert isinstance(outcome, Result), outcome
    return outcome


def pixels(result: Result) -> NDArray[np.float64]:
    return np.asarray(Image.open(result.texture), np.float64)


@pytest.mark.parametrize("method", choices.METHODS)
def test_every_method_makes_a_texture(worker: Worker, request_for: Make, method: str) -> None:
    result = run(worker, request_for(method=method, sync_space="latent"))
    assert pixels(result).std() > 1
    report = json.loads(Path(result.report).read_text(encoding="utf-8"))
    assert (report["method"], report["sync_space"]) == (method, "latent")
    assert np.isfinite(report["view_psnr"])


def test_planned_views_show_all_of_the_mesh_and_are_reported(worker: Worker, request_for: Make) -> None:
    stages: list[str] = []
    outcome = worker.run(request_for(views="auto"), Host(lambda stage, i, n, eta: stages.append(stage)))
    assert isinstance(outcome, Result), outcome
    report = json.loads(Path(outcome.report).read_text(encoding="utf-8"))
    assert report["coverage"] > 0.995
    assert {view["direction"] for view in report["views"]} == {"front", "side", "back", "top", "bottom"}
    assert {(view["distance"], view["fov"], *view["target"]) for view in report["views"]} == {
        (2, 60, 0, 0, 0)
    }
    assert stages.index("model") < stages.index("plan") < stages.index("views")


@pytest.mark.parametrize("method", ["synctweedies", "case5", "syncmvd"])
def test_clean_estimates_can_be_averaged_in_rgb_too(
    worker: Worker, request_for: Make, tmp_path: Path, method: str
) -> None:
    in_rgb = run(worker, request_for(method=method, sync_space="rgb", views="8"))
    report = json.loads(Path(in_rgb.report).read_text(encoding="utf-8"))
    assert report["sync_space"] == "rgb"
    in_latents = request_for(method=method, sync_space="latent", views="8", out=str(tmp_path / "latent"))
    assert np.abs(pixels(run(worker, in_latents)) - pixels(in_rgb)).mean() > 0.05
    by_default = run(worker, request_for(method=method, views="8", out=str(tmp_path / "default")))
    np.testing.assert_array_equal(pixels(by_default), pixels(in_rgb))  # what the model's preset says


@pytest.mark.parametrize(
    ("asked", "reported"),
    [
        ({"aggregate": "best"}, {"aggregate": "best", "sync_share": 1.0}),
        ({"sync_share": "published"}, {"aggregate": "mean", "sync_share": 0.8}),
        ({"sync_share": "ramp"}, {"aggregate": "mean", "sync_share": "ramp"}),
    ],
)
def test_how_views_agree_is_heard_and_reported(
    worker: Worker, request_for: Make, tmp_path: Path, asked: dict[str, str], reported: dict[str, object]
) -> None:
    usual = {"aggregate": "mean", "sync_share": "all", "steps": 5, "views": "8"}
    plain = run(worker, request_for(**usual))
    other = run(worker, request_for(**{**usual, **asked}, out=str(tmp_path / "other")))
    report = json.loads(Path(other.report).read_text(encoding="utf-8"))
    assert {key: report[key] for key in reported} == reported
    assert 0 < report["detail_kept"] < 10
    assert np.abs(pixels(plain) - pixels(other)).mean() > 0.01


def test_views_attend_to_each_other_where_that_is_asked_for(
    worker: Worker, request_for: Make, tmp_path: Path
) -> None:
    plain = run(worker, request_for(attention="off", views="8"))
    across = run(worker, request_for(attention="views", views="8", out=str(tmp_path / "across")))
    assert np.abs(pixels(plain) - pixels(across)).mean() > 0.05
    assert json.loads(Path(across.report).read_text(encoding="utf-8"))["attention"] == "views"
    again = run(worker, request_for(attention="off", views="8", out=str(tmp_path / "again")))
    np.testing.assert_array_equal(pixels(again), pixels(plain))  # the model is kept, its attention restored


def test_the_second_name_of_a_method_is_the_same_method(worker: Worker, request_for: Make) -> None:
    one = pixels(run(worker, request_for(method="synctweedies")))
    np.testing.assert_array_equal(one, pixels(run(worker, request_for(method="case2"))))


def test_the_seed_decides_and_decides_all(request_for: Make, worker: Worker, tmp_path: Path) -> None:
    first = run(worker, request_for(seed=5, out=str(tmp_path / "a")))
    again = run(Worker(), request_for(seed=5, out=str(tmp_path / "b")))  # which loads the model anew
    other = run(worker, request_for(seed=6, out=str(tmp_path / "c")))
    assert Path(first.texture).read_bytes() == Path(again.texture).read_bytes()
    assert np.abs(pixels(first) - pixels(other)).mean() > 1


def test_prompt_guidance_and_negative_reach_the_model(worker: Worker, request_for: Make) -> None:
    plain = pixels(run(worker, request_for()))
    for fields in ({"prompt": "old wood"}, {"guidance": 9.0}, {"negative": "gold"}, {"steps": 3}):
        assert np.abs(pixels(run(worker, request_for(**fields))) - plain).max() > 0, fields


@pytest.mark.parametrize("suffix", ["glb", "ply", "stl"])
def test_other_kinds_of_files(worker: Worker, request_for: Make, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ball.{suffix}"
    trimesh.creation.icosphere(subdivisions=1).export(path)
    result = run(worker, request_for(mesh=str(path)))
    assert len(trimesh.load(result.mesh, force="mesh").faces) == 80


def test_a_mesh_from_the_add_on_gets_its_new_uvs_back(
    worker: Worker, request_for: Make, tmp_path: Path
) -> None:
    box = trimesh.creation.box()
    arrays = {"vertices": np.asarray(box.vertices, np.float32), "faces": np.asarray(box.faces, np.int32)}
    np.savez(tmp_path / "mesh.npz", **arrays)
    result = run(worker, request_for(mesh=str(tmp_path / "mesh.npz"), write_uvs=True))
    assert result.uvs is not None
    uvs = np.load(result.uvs, allow_pickle=False)
    assert (uvs.shape, uvs.dtype) == ((12, 3, 2), np.float32)
    np.savez(tmp_path / "mesh.npz", uvs=uvs, **arrays)
    again = {"mesh": str(tmp_path / "mesh.npz"), "out": str(tmp_path / "kept"), "write_uvs": True}
    kept = run(worker, request_for(**again))
    assert kept.uvs is None
    assert kept.warnings == []
    # The texture that the given UVs ask for: the same, since they are the ones found before.
    np.testing.assert_array_equal(pixels(kept), pixels(result))


def test_new_uvs_are_left_where_they_are_asked_for_whatever_the_mesh_came_from(
    worker: Worker, request_for: Make, tmp_path: Path
) -> None:
    box = trimesh.creation.box()
    arrays = {"vertices": np.asarray(box.vertices, np.float32), "faces": np.asarray(box.faces, np.int32)}
    np.savez(tmp_path / "mesh.npz", **arrays)
    box.export(tmp_path / "mesh.ply")
    assert run(worker, request_for(mesh=str(tmp_path / "mesh.npz"))).uvs is None
    asked = {"mesh": str(tmp_path / "mesh.ply"), "out": str(tmp_path / "ply"), "write_uvs": True}
    path = run(worker, request_for(**asked)).uvs
    assert path is not None
    assert np.load(path, allow_pickle=False).shape == (12, 3, 2)


def short_of_memory(
    monkeypatch: pytest.MonkeyPatch, denoiser: Denoiser, rows: int, error: BaseException
) -> list[int]:
    """Make the denoiser raise ``error`` for more than ``rows`` rows at once; returns the sizes asked for."""
    asked: list[int] = []
    whole = denoiser._pass

    def passes(x: torch.Tensor, *rest: Any) -> torch.Tensor:
        asked.append(len(x))
        if len(x) > rows:
            raise error
        return whole(x, *rest)

    monkeypatch.setattr(denoiser, "_pass", passes)
    return asked


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
    ],
    ids=["cuda", "python", "linux", "windows"],
)
def test_a_job_that_does_not_fit_goes_on_in_smaller_pieces(
    worker: Worker,
    request_for: Make,
    denoiser: Denoiser,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    error: BaseException,
) -> None:
    denoiser.household.limit(rows=8, pictures=8)
    plenty = pixels(run(worker, request_for(out=str(tmp_path / "plenty"))))
    asked = short_of_memory(monkeypatch, denoiser, 2, error)
    short = pixels(run(worker, request_for()))
    assert asked[:3] == [8, 4, 2]
    assert set(asked[3:]) == {2}
    difference = np.abs(short - plenty)  # the size of a pass shows in the last bits
    assert difference.max() <= 2
    assert difference.mean() < 0.05


def test_a_picture_that_never_fits_is_told_what_pictures_have(
    worker: Worker, request_for: Make, denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    short_of_memory(monkeypatch, denoiser, 0, MemoryError())
    same = {name: getattr(request_for(), name) for name in ("model", "device", "prompt")}
    picture = ImageRequest(kind="tile", out=str(tmp_path / "p"), steps=1, **same)
    outcome = worker.run(picture, Host())
    assert isinstance(outcome, Failure)
    assert outcome.code == protocol.EXIT_OUT_OF_MEMORY
    assert set(outcome.wording.options) <= set(ImageRequest.table())
    assert "--width" in outcome.fix
    assert "--views" not in outcome.fix
    monkeypatch.undo()


def test_a_job_that_never_fits_says_so(
    worker: Worker, request_for: Make, denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_of_memory(monkeypatch, denoiser, 0, MemoryError())
    request = request_for(out=str(Path(request_for().out).parent / "never"))
    outcome = worker.run(request, Host())
    assert isinstance(outcome, Failure)
    assert outcome.code == protocol.EXIT_OUT_OF_MEMORY
    assert "one view at a time" in outcome.error
    assert "--views" in outcome.fix
    assert list(Path(request.out).iterdir()) == []
    monkeypatch.undo()
    assert isinstance(worker.run(request_for(), Host()), Result)  # and the worker lives on
