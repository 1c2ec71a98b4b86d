"""Splats as whole jobs: with every method, what is measured against the truth, from the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from engine import protocol
from engine import settings as options
from engine.canvas.splats import SplatsCanvas, prepare
from engine.cli import main
from engine.denoise.denoiser import load_denoiser
from engine.host import Clock, Host
from engine.models.presets import SD15, STARTER
from engine.protocol import Result, SplatsRequest
from engine.splats.files import SplatFile
from engine.sync.spaces import Averaging, pixels_of
from engine.worker import Failure, Worker
from tests.engine.splats import made

Make = Callable[..., SplatsRequest]
METHODS = ("synctweedies", "case3", "case5", "syncmvd", "syncsde", "independent")  # case 1 is as 3, 4 as 5
TORUS = trimesh.creation.torus(1.0, 0.4, major_sections=48, minor_sections=24)


@pytest.fixture(scope="module")
def ply(tmp_path_factory: pytest.TempPathFactory) -> Path:
    splats = made.on_mesh(TORUS, 3000)
    return made.write(tmp_path_factory.mktemp("splats") / "torus.ply", made.rows_of(splats, tint=0.1))


@pytest.fixture
def splats_for(tiny_model: Path, ply: Path, tmp_path: Path) -> Make:
    def make(**fields: Any) -> SplatsRequest:
        small: dict[str, Any] = {"splats": str(ply), "prompt": "red bricks", "out": str(tmp_path / "out")}
        small |= {"views": "4", "steps": 2, "device": "cpu", "model": str(tiny_model)}
        return SplatsRequest(**{**small, **fields})

    return make


def painted(worker: Worker, request: SplatsRequest, host: Host | None = None) -> Result:
    outcome = worker.run(request, host or Host())
    assert isinstance(outcome, Result), outcome
    return outcome


@pytest.mark.parametrize("method", METHODS)
def test_every_method(worker: Worker, splats_for: Make, ply: Path, method: str) -> None:
    result = painted(worker, splats_for(method=method, sync_space="latent"))
    out = Path(result.report).parent
    assert sorted(path.name for path in out.iterdir()) == ["report.json", "splats.ply", "views.png"]
    new, old = (SplatFile.read(str(path)).splats for path in (out / "splats.ply", ply))
    assert new.colour.std() > 0.01
    assert np.abs(new.colour - old.colour).max() > 0.1
    for name in ("position", "scale", "rotation", "opacity"):
        np.testing.assert_array_equal(getattr(new, name), getattr(old, name))
    report = json.loads(Path(result.report).read_text("utf-8"))
    assert report["method"] == method
    assert report["splats"]["count"] == 3000
    assert "become" in report["splats"]["warnings"][0] or "becomes" in report["splats"]["warnings"][0]
    assert report["files"] == ["report.json", "splats.ply", "views.png"]
    assert 0 < report["held_out_psnr"] < report["view_psnr"] < 60
    with Image.open(result.views) as sheet:
        assert sheet.size == (4 * 96, protocol.SHEET_HEAD + 3 * 96)


def canvas_of(request: SplatsRequest) -> SplatsCanvas:
    denoiser = load_denoiser(request.model, "cpu", lambda: None)
    settings = options.resolve(request, denoiser.preset)
    return prepare(request, Host(), Clock()).canvas(settings, denoiser)


def test_true_views_give_the_true_colours(splats_for: Make, ply: Path) -> None:
    """Of views that show the splats as they are: also where a view is held out, and from other cameras."""
    canvas, truth = canvas_of(splats_for(views="12")), SplatFile.read(str(ply)).splats.colour
    side = canvas.views[0].height
    shown = [
        (shot.weights @ truth).reshape(side, side, 3) + 0.5 * (1 - shot.coverage[..., None])
        for shot in canvas.shots
    ]
    found = canvas.finish(np.stack(shown).astype(np.float32))
    measured = found.measure()

    assert measured["view_psnr"] > 30
    assert measured["held_out_psnr"] > 25
    assert measured["painted"] > 0.5
    assert np.abs(found.colours - truth)[found.painted].mean() < 0.06
    elsewhere = canvas.scene.seen(options.cameras("1")[0], side)  # type: ignore[index]
    error = (elsewhere.weights @ (found.colours - truth))[elsewhere.mask.reshape(-1)]
    assert -10 * np.log10((error**2).mean()) > 25


def test_g_undoes_f_better_than_an_average(splats_for: Make, ply: Path) -> None:
    canvas = canvas_of(splats_for())
    space = canvas.space(1, Averaging(), torch.device("cpu"))
    truth = torch.from_numpy(SplatFile.read(str(ply)).splats.colour)
    views = space.project(truth, torch.full((4, 3, 64, 64), 0.5))
    mean = (
        space.transposed
        @ (space.trust * space.coverage * pixels_of(views)[space.pixel])
        / space.total.clamp(1e-9)
    )
    errors = [float(((space.matrix @ (z - truth)) ** 2).mean()) for z in (space.unproject(views), mean)]
    assert errors[0] < errors[1] / 4


def test_no_tints_and_tints(worker: Worker, splats_for: Make, ply: Path, tmp_path: Path) -> None:
    """The same seed gives the same file, and previews change nothing of it."""
    shown: list[protocol.Preview] = []

    def look(preview: protocol.Preview) -> None:
        with Image.open(preview.textures[0].path) as image:
            assert image.height > 0
        shown.append(preview)

    kept = painted(worker, splats_for(preview=True, tints="keep", sync_space="rgb"), Host(preview=look))
    dropped = painted(worker, splats_for(out=str(tmp_path / "other"), sync_space="rgb"))
    assert shown
    assert not (tmp_path / "out" / "preview.views.png").exists()
    one, other = (SplatFile.read(result.mesh) for result in (kept, dropped))
    np.testing.assert_array_equal(one.splats.colour, other.splats.colour)
    assert (one.tinted, other.tinted) == (True, False)
    assert not any("f_rest" in warning for warning in kept.warnings)


def test_cancelling_leaves_nothing(worker: Worker, splats_for: Make, tmp_path: Path) -> None:
    for stage in ("splats", "views", "denoise"):
        stages: list[str] = []
        host = Host(lambda name, *_, told=stages: told.append(name), lambda told=stages, s=stage: s in told)  # type: ignore[misc]
        assert worker.run(splats_for(), host) is None
        assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(("what", "said"), [("WEIGHT", "4 views of 3,000 splats"), ("SPLAT", "3,000 splats")])
def test_what_does_not_fit_is_refused_before_it_is_painted(
    worker: Worker, splats_for: Make, monkeypatch: pytest.MonkeyPatch, what: str, said: str
) -> None:
    monkeypatch.setattr(f"engine.canvas.splats.BYTES_A_{what}", 1 << 40)
    stages: list[str] = []
    outcome = worker.run(splats_for(), Host(lambda stage, *_: stages.append(stage)))
    assert isinstance(outcome, Failure)
    assert outcome.code == protocol.EXIT_OUT_OF_MEMORY
    assert outcome.error.startswith(said)
    assert "denoise" not in stages


def test_own_cameras(worker: Worker, splats_for: Make, tmp_path: Path) -> None:
    """In the file's axes; one that sees nothing is left out, and where all do there is no job."""
    sees = {"position": [0, 0, 4], "forward": [0, 0, -1], "up": [0, 1, 0], "name": "above"}
    away = {"position": [0, 0, 4], "forward": [0, 0, 1], "up": [0, 1, 0], "name": "away"}
    file = tmp_path / "cameras.json"
    file.write_text(json.dumps({"cameras": [sees, away]}))
    result = painted(worker, splats_for(cameras=str(file), up="z"))
    (view,) = json.loads(Path(result.report).read_text("utf-8"))["views"]
    assert (view["name"], round(view["elevation"])) == ("above", 90)
    assert any("'away'" in warning for warning in result.warnings)
    file.write_text(json.dumps({"cameras": [sees, away, sees]}))  # the same twice
    result = painted(worker, splats_for(cameras=str(file), up="z"))
    assert len(json.loads(Path(result.report).read_text("utf-8"))["views"]) == 2
    file.write_text(json.dumps({"cameras": [away]}))
    outcome = worker.run(splats_for(cameras=str(file)), Host())
    assert isinstance(outcome, Failure)
    assert "none of the cameras sees anything of the splats" in outcome.error


def test_what_is_published_for_stable_diffusion(splats_for: Make) -> None:
    used = options.resolve(splats_for(steps=None), SD15)
    assert (used.steps, used.guidance, used.sync_space, used.view_size) == (30, 35, "rgb", 512)
    assert options.resolve(splats_for(), STARTER).guidance == STARTER.guidance


def test_requests_cross_by_their_splats(splats_for: Make) -> None:
    asked = splats_for()
    assert protocol.request(json.loads(json.dumps(asked.as_dict()))) == asked


def test_a_mesh_is_refused_on_the_command_line(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TORUS.export(tmp_path / "mesh.ply")
    words = ["splats", str(tmp_path / "mesh.ply"), "--prompt", "bricks", "--out", str(tmp_path / "out")]
    assert main([*words, "--model", str(tiny_model), "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(r"error: 'mesh\.ply' has no splats: .*for a mesh use the command texture", line)
