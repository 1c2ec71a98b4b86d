"""Pictures without a mesh as whole jobs: every kind, every method, seams, from the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine import protocol
from engine import settings as options
from engine.canvas.image import PreparedImage
from engine.cli import main
from engine.denoise.denoiser import load_denoiser
from engine.errors import UserError
from engine.host import Host
from engine.models.presets import SD15, SD21, STARTER
from engine.options import choices
from engine.protocol import ImageRequest, Result
from engine.worker import Worker
from tests.engine.conftest import Cli

Make = Callable[..., ImageRequest]
# A view of the tiny model has 64 pixels.
SIZES = {"tile": (72, 96), "wide": (64, 128), "ambiguous": (64, 64)}


@pytest.fixture
def image_for(tiny_model: Path, tmp_path: Path) -> Make:
    def make(**fields: Any) -> ImageRequest:
        kind = fields.get("kind", "tile")
        height, width = SIZES[kind]
        small = {"kind": kind, "width": width, "height": height, "steps": 2, "device": "cpu"}
        small |= {"other_prompts": ("moss",)} if kind == "ambiguous" else {}
        small |= {"prompt": "red bricks", "out": str(tmp_path / "out"), "model": str(tiny_model)}
        return ImageRequest(**{**small, **fields})

    return make


def painted(worker: Worker, request: ImageRequest, host: Host | None = None) -> Result:
    outcome = worker.run(request, host or Host())
    assert isinstance(outcome, Result), outcome
    return outcome


def pixels(result: Result) -> NDArray[np.float64]:
    with Image.open(result.texture) as image:
        assert image.mode == "RGB"
        return np.asarray(image, np.float64)


def seam_and_worst(picture: NDArray[np.float64], axis: int) -> tuple[float, float]:
    """Mean difference across the edge, and the largest between neighbouring lines inside."""
    other = tuple(i for i in range(3) if i != axis)
    seam = np.abs(np.take(picture, 0, axis) - np.take(picture, -1, axis)).mean()
    return float(seam), float(np.abs(np.diff(picture, axis=axis)).mean(axis=other).max())


@pytest.mark.parametrize("method", choices.METHODS)
@pytest.mark.parametrize("kind", SIZES)
def test_every_kind_with_every_method(worker: Worker, image_for: Make, kind: str, method: str) -> None:
    result = painted(worker, image_for(kind=kind, method=method, sync_space="latent"))
    picture = pixels(result)
    assert picture.shape == (*SIZES[kind], 3)
    assert picture.std() > 1
    out = Path(result.report).parent
    views = ["view_1.png", "view_2.png"] if kind == "ambiguous" else []
    assert sorted(path.name for path in out.iterdir()) == ["image.png", "report.json", *views]
    report = json.loads(Path(result.report).read_text("utf-8"))
    assert (report["kind"], report["method"]) == (kind, method)
    assert (report["image"]["height"], report["image"]["width"]) == SIZES[kind]
    assert (report.get("seam_error") is None) == (kind != "tile")


@pytest.mark.parametrize("size", [(64, 64), (101, 150)])
def test_a_tile_has_the_size_that_was_asked_for(
    worker: Worker, image_for: Make, size: tuple[int, int]
) -> None:
    """One window alone, over its own edges, and what is no multiple of a latent; with all that agrees."""
    request = image_for(height=size[0], width=size[1], sync_space="rgb", attention="views")
    assert pixels(painted(worker, request)).shape == (*size, 3)


def test_a_tile_has_no_seam(image_for: Make) -> None:
    """With the starter, whose pictures aren't noise: the same windows, stopped at the edges, have one."""
    worker, seams = Worker(), {}
    for kind in ("tile", "wide"):
        fields = {"width": 264, "height": 300, "model": "starter", "steps": 3}
        picture = pixels(painted(worker, image_for(kind=kind, prompt="grey granite", **fields)))
        seams[kind] = [seam_and_worst(picture, axis) for axis in (0, 1)]
    assert all(seam <= worst for seam, worst in seams["tile"])
    assert all(seam > worst for seam, worst in seams["wide"])


def test_an_ambiguous_picture_is_one_picture(worker: Worker, image_for: Make, tmp_path: Path) -> None:
    """Turned as the view says, also in a size that pieces can't have; each view has a prompt of its own."""
    looks: dict[str, Any] = {"view": ("rotate_cw", "flip"), "other_prompts": ("moss", "oak"), "preview": True}
    shown: list[protocol.Preview] = []
    fields = {"kind": "ambiguous", "width": 70, "height": None, "layers": 2, "overwrite": True, **looks}
    result = painted(worker, image_for(**fields), Host(preview=shown.append))
    first, *others = (Image.open(tmp_path / "out" / f"view_{i}.png") for i in (1, 2, 3))
    assert (first.size, len(shown)) == ((70, 70), 2)
    assert Path(result.texture).read_bytes() == (tmp_path / "out" / "view_1.png").read_bytes()
    how = (Image.Transpose.ROTATE_270, Image.Transpose.FLIP_TOP_BOTTOM)
    for one, turn in zip(others, how, strict=True):
        assert np.abs(np.asarray(one, int) - np.asarray(first.transpose(turn), int)).max() <= 1
    report = json.loads(Path(result.report).read_text("utf-8"))
    prompts = [(one["view"], one["prompt"]) for one in report["views"]]
    assert prompts == [("identity", "red bricks"), ("rotate_cw", "moss"), ("flip", "oak")]
    assert len(report["agreement"]) == 3
    other = image_for(**fields | {"other_prompts": ("moss", "gold"), "preview": False})
    assert pixels(painted(worker, other)).tolist() != np.asarray(first, float).tolist()


def test_the_same_seed_gives_the_same_picture_and_previews_change_nothing(
    worker: Worker, image_for: Make, tmp_path: Path
) -> None:
    shown: list[protocol.Preview] = []

    def look(preview: protocol.Preview) -> None:
        with Image.open(preview.textures[0].path) as image:
            assert image.size == (96, 72)
        shown.append(preview)

    seen = painted(worker, image_for(preview=True), Host(preview=look))
    unseen = painted(worker, image_for(out=str(tmp_path / "other")))
    assert shown
    assert Path(seen.texture).read_bytes() == Path(unseen.texture).read_bytes()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["image.png", "report.json"]


def test_cancelling_leaves_nothing(worker: Worker, image_for: Make, tmp_path: Path) -> None:
    stages: list[str] = []
    host = Host(lambda stage, i, n, eta: stages.append(stage), lambda: "denoise" in stages)
    assert worker.run(image_for(), host) is None
    assert not list((tmp_path / "out").iterdir())


def test_what_is_published_for_stable_diffusion() -> None:
    """And only there, unless the model or the request says otherwise."""
    wide = ImageRequest("wide", "x", "o")
    turned = options.resolve(ImageRequest("ambiguous", "a horse", "o", other_prompts=("a village",)), SD15)
    assert (turned.prompt, turned.guidance, turned.steps) == ("an oil painting of a horse", 10, 30)
    assert (turned.sync_space, turned.share, turned.attention) == ("rgb", 1, "off")
    for preset, side in ((SD15, 512), (SD21, 768)):
        used = options.resolve(wide, preset)
        assert (used.steps, used.guidance, used.negative, used.view_size) == (50, 7.5, "", side)
        assert used.latent_view_size == side // 8
    assert options.resolve(wide, STARTER).steps == STARTER.steps
    own = options.resolve(wide, SD15.__class__(**{**vars(SD15), "steps": 12}))
    assert (own.steps, own.guidance) == (12, 7.5)
    assert options.resolve(ImageRequest("wide", "x", "o", steps=9), SD15).steps == 9


def test_requests_cross_by_their_kind() -> None:
    asked = ImageRequest("tile", "moss", "out", width=100)
    assert protocol.request(json.loads(json.dumps(asked.as_dict()))) == asked
    with pytest.raises(ValueError, match="unknown field in the request: mesh"):
        protocol.request({**asked.as_dict(), "mesh": "a.obj"})


BAD = {
    "unknown kind": ["--kind", "mosaic"],
    "no kind": [],
    "blank prompt": ["--kind", "tile", "--prompt", " "],
    "tiny": ["--kind", "tile", "--width", "63"],
    "huge": ["--kind", "tile", "--height", "8193"],
    "no number": ["--kind", "tile", "--height", "tall"],
    "latents only": ["--kind", "tile", "--method", "case1", "--sync-space", "rgb"],
    "a mesh's option": ["--kind", "tile", "--views", "4"],
    "a second prompt": ["--kind", "tile", "--prompt", "oak"],
    "a view of a tile": ["--kind", "wide", "--view", "flip"],
    "one prompt": ["--kind", "ambiguous"],
    "a blank one": ["--kind", "ambiguous", "--prompt", " "],
    "unknown view": ["--kind", "ambiguous", "--prompt", "oak", "--view", "upside"],
    "two for one view": ["--kind", "ambiguous", *["--prompt", "oak"] * 2],
    "a view too many": ["--kind", "ambiguous", "--prompt", "oak", *["--view", "flip"] * 2],
    "no surface": ["--kind", "ambiguous", "--prompt", "oak", "--channels", "height"],
    "no square": ["--kind", "ambiguous", "--prompt", "oak", "--width", "64", "--height", "80"],
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD.keys())
def test_bad_input_is_answered_by_one_line(
    words: list[str], tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    all_words = ["image", "--prompt", "moss", "--out", str(tmp_path / "out"), "--model", str(tiny_model)]
    try:
        status = main([*all_words, *words])
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capfd.readouterr()
    assert (status, out) == (protocol.EXIT_BAD_INPUT, "")
    assert re.fullmatch(r"error: [^\n]+\. [^\n]+\n", err), err
    assert not list(tmp_path.rglob("*.*"))


@pytest.mark.parametrize("size", [{"width": 500}, {"height": 500}])
def test_a_wide_picture_holds_at_least_a_view(tiny_model: Path, size: dict[str, int]) -> None:
    request = ImageRequest("wide", "x", "o", **size)
    denoiser = load_denoiser(str(tiny_model), "cpu", lambda: None)
    with pytest.raises(UserError, match="smaller than a view") as caught:
        PreparedImage(request).canvas(options.resolve(request, SD15), denoiser)
    assert "--width and --height at least 512" in caught.value.fix


def test_events_from_the_command_line(cli: Cli, tiny_model: Path, tmp_path: Path) -> None:
    words = ["--kind", "tile", "--width", "64", "--height", "64", "--steps", "2", "--json", "--preview"]
    ran = cli("image", "--prompt", "red bricks", "--out", tmp_path, "--model", tiny_model, *words)
    assert (ran.returncode, ran.stderr) == (protocol.EXIT_DONE, "")
    first, *rest, last = (protocol.decode(line) for line in ran.stdout.splitlines())
    assert (first["kind"], last["kind"]) == (protocol.STARTED, protocol.DONE)
    assert {event["kind"] for event in rest} == {protocol.PROGRESS, protocol.PREVIEW}
    result = protocol.Result.from_dict(last["result"])
    assert Path(result.texture) == tmp_path / "image.png"
    assert Path(result.texture).is_file()
