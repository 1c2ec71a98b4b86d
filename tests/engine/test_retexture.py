"""Whole jobs with a tiny model that start from a texture, and textures of 16 bits and of floats."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image

from engine import protocol
from engine.host import Host
from engine.pictures.read import read as read_picture
from engine.protocol import Request, Result
from engine.worker import Failure, Worker
from tests.engine import shapes
from tests.engine.pictures.test_png import decoded

Make = Callable[..., Request]
Pixels = NDArray[np.uint8]
SIZE = 128


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box with a chart for each side."""
    return shapes.write(tmp_path_factory.mktemp("box") / "box.npz", shapes.box(1))


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A texture of noise: nothing that comes out like it by chance."""
    path = tmp_path_factory.mktemp("old") / "old.png"
    values = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    Image.fromarray(values).save(path)
    return path


@pytest.fixture
def retexture(request_for: Make, box: Path, old: Path) -> Make:
    """A request that starts from ``old``; any field can be given otherwise."""

    def make(**fields: object) -> Request:
        return request_for(**{"mesh": str(box), "init_texture": str(old), "steps": 4, **fields})

    return make


def run(worker: Worker, request: Request) -> Result:
    outcome = worker.run(request, Host())
    assert isinstance(outcome, Result), outcome
    return outcome


def failure(request: Request) -> Failure:
    """Why ``request`` is refused, before any model is loaded."""
    worker = Worker()
    outcome = worker.run(request, Host())
    assert isinstance(outcome, Failure)
    assert (worker._model, outcome.code) == (None, protocol.EXIT_BAD_INPUT)
    assert "\n" not in outcome.error + outcome.fix
    return outcome


def report(result: Result) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(Path(result.report).read_text(encoding="utf-8"))
    return values


def pixels(path: str | Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image)


def generated(result: Result, views: int) -> Pixels:
    """The row of generated views in views.png."""
    sheet = pixels(result.views)
    cell = sheet.shape[1] // views
    return sheet[16 + cell : 16 + 2 * cell]


@pytest.mark.parametrize("method", ["synctweedies", "syncmvd"])
def test_the_texture_shows_through_by_its_strength(
    worker: Worker, retexture: Make, tmp_path: Path, method: str
) -> None:
    Image.new("RGB", (8, 8), (250, 120, 10)).save(tmp_path / "plain.png")
    for strength, differ in ((0.5, True), (1.0, False)):
        request = retexture(method=method, strength=strength)
        first = generated(run(worker, request), 4)
        other = dataclasses.replace(request, init_texture=str(tmp_path / "plain.png"))
        second = generated(run(worker, other), 4)
        # This model starts from pure noise: at full strength nothing is left of what it started from.
        assert np.array_equal(first, second) != differ
    none = dataclasses.replace(request, init_texture=None, strength=None)
    np.testing.assert_array_equal(generated(run(worker, none), 4), second)


def test_what_no_view_sees_stays_as_it_was(worker: Worker, retexture: Make, old: Path, box: Path) -> None:
    result = run(worker, retexture(views="1", strength=0.5))
    same = (pixels(result.texture) == pixels(old)).all(axis=2)
    assert 0.3 < same.mean() < 0.95
    bare = run(worker, retexture(views="1", init_texture=None))
    assert (pixels(bare.texture) == pixels(old)).all(axis=2).mean() < 0.01


def test_tiles_start_from_tiles_of_any_size(worker: Worker, retexture: Make, tmp_path: Path) -> None:
    """What no view sees of either stays; the judge of the smaller one, enlarged, is Pillow."""
    shape, rng = shapes.box(1), np.random.default_rng(1)
    tile = np.stack([shape.chart % 2, 0 * shape.chart], axis=-1)[:, None]
    mesh = tmp_path / "tiles.npz"
    np.savez(mesh, vertices=shape.vertices, faces=shape.faces, uvs=(shape.uvs + tile).astype(np.float32))
    before = []
    for number, size in ((1001, SIZE), (1002, SIZE // 2)):
        image = Image.fromarray(rng.integers(0, 256, (size, size, 3)).astype(np.uint8))
        image.save(tmp_path / f"old.{number}.png")
        before.append(np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BILINEAR), np.int16))
    request = retexture(mesh=str(mesh), init_texture=str(tmp_path / "old.<UDIM>.png"), views="1")
    textures = run(worker, request).textures
    assert [texture.tile for texture in textures] == [1001, 1002]
    same = [
        (np.abs(pixels(texture.path) - old) <= 1).all(axis=2).mean()
        for texture, old in zip(textures, before, strict=True)
    ]
    assert min(same) > 0.3
    assert min(same) < 0.98  # the front, in one of the tiles


@pytest.mark.parametrize(("given", "used"), [(None, 0.5), (0.3, 0.3)])
def test_the_report_says_what_was_started_from(
    worker: Worker, retexture: Make, old: Path, given: float | None, used: float
) -> None:
    values = report(run(worker, retexture(strength=given)))
    assert (values["init_texture"], values["strength"]) == (old.name, used)
    assert values["mesh"]["unwrapped"] is False


def test_without_a_texture_the_report_says_so(worker: Worker, request_for: Make) -> None:
    values = report(run(worker, request_for()))
    assert (values["init_texture"], values["strength"], values["texture_depth"]) == (None, None, "8")


def test_only_the_remaining_steps_are_run(worker: Worker, retexture: Make) -> None:
    told: list[tuple[int, int]] = []

    def progress(stage: str, i: int, n: int, eta_s: float | None) -> None:
        if stage == "denoise":
            told.append((i, n))

    worker.run(retexture(steps=10, strength=0.25), Host(progress))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("strength", [0.0, -0.5, 1.01, float("nan"), float("inf")])
def test_strengths_out_of_range(retexture: Make, strength: float) -> None:
    assert "strength" in failure(retexture(strength=strength)).error


def test_a_strength_needs_a_texture(request_for: Make) -> None:
    assert "--init-texture" in failure(request_for(strength=0.5)).fix


def test_textures_that_cannot_be_read(retexture: Make, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    for name in ("a.png", "none.png"):
        assert name in failure(retexture(init_texture=str(tmp_path / name))).error


def test_a_texture_fits_no_new_uvs(retexture: Make, worker: Worker, box_file: Path, tmp_path: Path) -> None:
    assert "--unwrap never" in failure(retexture(unwrap="always")).fix
    assert "no UVs" in failure(retexture(mesh=str(box_file))).error
    shape = shapes.box(1)
    path = tmp_path / "piled.npz"  # every side in one place
    np.savez(path, vertices=shape.vertices, faces=shape.faces, uvs=(shape.uvs * (3, 2)) % 1)
    refused = failure(retexture(mesh=str(path)))
    assert "overlap" in refused.error
    assert "doesn't fit" in refused.error
    assert "--unwrap never" in refused.fix
    assert run(worker, retexture(mesh=str(path), unwrap="never")).uvs is None  # as the advice says


def test_sixteen_bits(worker: Worker, request_for: Make, tmp_path: Path) -> None:
    deep = run(worker, request_for(texture_depth="16", out=str(tmp_path / "deep")))
    plain = run(worker, request_for())
    assert report(deep)["texture_depth"] == "16"
    values = decoded(Path(deep.texture))
    assert len(np.unique(values)) > 256
    assert np.abs(values / 65535 * 255 - pixels(plain.texture)).max() <= 0.51
    material = trimesh.load(deep.mesh, force="mesh").visual.material
    np.testing.assert_array_equal(np.asarray(material.baseColorTexture.convert("RGB")), pixels(plain.texture))
    assert Path(deep.mesh).read_bytes() == Path(plain.mesh).read_bytes()


@pytest.mark.parametrize(("depth", "tolerance"), [("half", 0.6), ("float", 0.51)])
def test_floats(worker: Worker, request_for: Make, tmp_path: Path, depth: str, tolerance: float) -> None:
    deep = run(worker, request_for(texture_depth=depth, out=str(tmp_path / "deep")))
    plain = run(worker, request_for())
    assert report(deep)["texture_depth"] == depth
    assert Path(deep.texture) == tmp_path / "deep" / "texture.exr"
    values = read_picture(Path(deep.texture))[..., :3]
    assert len(np.unique(values)) > 256
    assert np.abs(values * 255 - pixels(plain.texture)).max() <= tolerance
    for beside, other in ((tmp_path / "deep" / "texture.png", plain.texture), (deep.mesh, plain.mesh)):
        assert Path(beside).read_bytes() == Path(other).read_bytes()


@pytest.mark.parametrize("depth", ["0", "32", "", "Half"])
def test_other_depths(request_for: Make, depth: str) -> None:
    assert "8, 16, half or float" in failure(request_for(texture_depth=depth)).fix


def test_requests_from_before_still_count(request_for: Make) -> None:
    data = request_for().as_dict()
    for name in ("init_texture", "strength", "texture_depth"):
        del data[name]
    assert Request.from_dict(data) == request_for()
