"""Whole jobs that paint a part of a texture anew: what stays, what changes, from where it is seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image

from engine import protocol
from engine.host import Host
from engine.pictures.original import Original
from engine.protocol import Request, Result
from engine.worker import Failure, Worker
from tests.engine import shapes
from tests.engine.flow_pipelines import make_z_image
from tests.engine.pictures.test_png import decoded

Make = Callable[..., Request]
Pixels = NDArray[Any]
SIZE = 128


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box with a chart for each side, of which one is of another material."""
    shape, names = shapes.box(1), np.array(["Paint", "Trim"])
    path = tmp_path_factory.mktemp("box") / "box.npz"
    return shapes.write(path, shape, materials=(shape.chart == 1).astype(np.int32), material_names=names)


@pytest.fixture
def repaint(request_for: Make, box: Path, tmp_path: Path) -> Make:
    """A request for a texture of noise of which ``mask.png`` is painted anew; any field can be given
    otherwise."""
    noise(tmp_path / "old.png")
    save_mask(tmp_path / "mask.png")

    def make(**fields: object) -> Request:
        given = {"mesh": str(box), "init_texture": str(tmp_path / "old.png"), "strength": 1.0}
        return request_for(**{**given, "repaint": (f"mask:{tmp_path / 'mask.png'}",), **fields})

    return make


def noise(path: Path, size: tuple[int, int] = (SIZE, SIZE), seed: int = 0) -> Pixels:
    values = np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)
    Image.fromarray(values).save(path)
    return values


def save_mask(path: Path) -> NDArray[np.bool_]:
    """Covers the left half, and with it parts of charts and of what lies between them."""
    mask = np.zeros((SIZE, SIZE), bool)
    mask[:, : SIZE // 2] = True
    Image.fromarray(mask).save(path)
    return mask


def run(worker: Worker, request: Request) -> Result:
    outcome = worker.run(request, Host())
    assert isinstance(outcome, Result), outcome
    return outcome


def failure(request: Request) -> Failure:
    outcome = Worker().run(request, Host())
    assert isinstance(outcome, Failure)
    assert outcome.code == protocol.EXIT_BAD_INPUT
    assert "\n" not in outcome.error + outcome.fix
    return outcome


def report(result: Result) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(Path(result.report).read_text(encoding="utf-8"))
    return values


def pixels(path: str | Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("method", ["synctweedies", "case1", "case3", "case4", "syncmvd", "syncsde"])
def test_all_but_the_mask_stays_to_the_bit(
    worker: Worker, repaint: Make, tmp_path: Path, method: str
) -> None:
    result = run(worker, repaint(method=method, sync_space="latent"))
    old, new, mask = pixels(tmp_path / "old.png"), pixels(result.texture), pixels(tmp_path / "mask.png")
    np.testing.assert_array_equal(new[~mask], old[~mask])
    assert (new != old).any(axis=2)[mask].mean() > 0.2
    values = report(result)
    assert values["texture_size"] == SIZE
    assert values["border_error"] > 0
    material = trimesh.load(result.mesh, force="mesh").visual.material
    np.testing.assert_array_equal(np.asarray(material.baseColorTexture.convert("RGB")), new)


def test_a_model_for_flow_matching_repaints_as_well(worker: Worker, repaint: Make, tmp_path: Path) -> None:
    result = run(worker, repaint(model=str(make_z_image(tmp_path / "z-image"))))
    old, new, mask = pixels(tmp_path / "old.png"), pixels(result.texture), pixels(tmp_path / "mask.png")
    np.testing.assert_array_equal(new[~mask], old[~mask])
    assert (new != old).any(axis=2)[mask].mean() > 0.2


@pytest.mark.parametrize("depth", ["16", "float"])
def test_the_texture_keeps_its_size_its_depth_and_its_alpha(
    worker: Worker, repaint: Make, tmp_path: Path, depth: str
) -> None:
    """It isn't square, either."""
    dtype, count, suffix = (np.uint16, 4, "png") if depth == "16" else (np.float32, 4, "exr")
    values = np.random.default_rng(0).uniform(0.5, 1, (96, SIZE, count))
    old = (values * 65535 if depth == "16" else values * 3).astype(dtype)
    Original(old).write(path := tmp_path / f"deep.{suffix}")
    result = run(worker, repaint(init_texture=str(path)))
    assert Path(result.texture).name == f"texture.{suffix}"
    if depth == "16":
        new = decoded(Path(result.texture)).astype(dtype)
    else:
        new = OpenEXR.File(result.texture).channels()["RGBA"].pixels
    assert (new.shape, new.dtype) == (old.shape, old.dtype)
    np.testing.assert_array_equal(new[:, SIZE // 2 :], old[:, SIZE // 2 :])
    assert (new != old).any(axis=2)[:, : SIZE // 2].mean() > 0.2
    assert (report(result)["texture_depth"], report(result)["texture_size"]) == (depth, SIZE)


def test_tiles_that_are_not_painted_stay_as_they_are(worker: Worker, repaint: Make, tmp_path: Path) -> None:
    """Each keeps a size of its own; a mask that isn't there covers nothing."""
    shape = shapes.box(1)
    tile = np.stack([shape.chart % 2, 0 * shape.chart], axis=-1)[:, None]
    mesh = tmp_path / "tiles.npz"
    np.savez(mesh, vertices=shape.vertices, faces=shape.faces, uvs=(shape.uvs + tile).astype(np.float32))
    before = [noise(tmp_path / "old.1001.png"), noise(tmp_path / "old.1002.png", (64, 64), 1)]
    save_mask(tmp_path / "mask.1001.png")
    fields = {"init_texture": str(tmp_path / "old.<UDIM>.png"), "mesh": str(mesh)}
    result = run(worker, repaint(repaint=(f"mask:{tmp_path / 'mask.<UDIM>.png'}",), **fields))
    after = [pixels(one.path) for one in result.textures]
    np.testing.assert_array_equal(after[1], before[1])
    np.testing.assert_array_equal(after[0][:, SIZE // 2 :], before[0][:, SIZE // 2 :])
    assert (after[0] != before[0]).any(axis=2)[:, : SIZE // 2].mean() > 0.05


def test_a_material_is_painted_with_what_lies_around_its_charts(
    worker: Worker, repaint: Make, tmp_path: Path
) -> None:
    """From views that see it: of four around, those behind it are left out."""
    result = run(worker, repaint(repaint=("material:Trim",)))
    old, new = pixels(tmp_path / "old.png"), pixels(result.texture)
    changed = (new != old).any(axis=2)
    shape = shapes.box(1)
    own = shape.uvs[shape.chart == 1].reshape(-1, 2)
    low, high = own.min(axis=0) * SIZE, own.max(axis=0) * SIZE
    rows, columns = np.nonzero(changed)
    edge = 3  # texels between charts that take the nearest one's colour
    assert columns.min() >= low[0] - edge
    assert columns.max() < high[0] + edge
    assert (SIZE - rows).max() <= high[1] + edge
    assert changed[round(SIZE - high[1]) + 1 : round(SIZE - low[1]) - 1].any()
    assert 1 <= len(report(result)["views"]) < 4


def test_a_mask_over_all_is_as_none(worker: Worker, repaint: Make, tmp_path: Path) -> None:
    Image.new("L", (8, 8), 255).save(tmp_path / "all.png")
    part = run(worker, repaint(repaint=(f"mask:{tmp_path / 'all.png'}",), out=str(tmp_path / "part")))
    whole = run(worker, repaint(repaint=()))
    np.testing.assert_array_equal(generated(part), generated(whole))
    np.testing.assert_array_equal(pixels(part.texture), pixels(whole.texture))


def test_what_is_clear_around_it_says_nothing(worker: Worker, repaint: Make, tmp_path: Path) -> None:
    """As where there is no texture yet: the views are as if all were painted."""
    Image.new("RGBA", (SIZE, SIZE)).save(tmp_path / "clear.png")
    mask, clear = np.zeros((SIZE, SIZE), bool), str(tmp_path / "clear.png")
    mask[:, ::2] = True  # every view sees some of it
    Image.fromarray(mask).save(tmp_path / "mask.png")
    part = run(worker, repaint(init_texture=clear, out=str(tmp_path / "part")))
    new = pixels(part.texture)
    assert (new[~mask] == 0).all()
    assert (new[mask][:, 3] == 255).mean() > 0.2
    whole = run(worker, repaint(init_texture=clear, repaint=()))
    np.testing.assert_array_equal(generated(part), generated(whole))


def generated(result: Result) -> Pixels:
    """The row of generated views in views.png."""
    sheet, count = pixels(result.views), len(report(result)["views"])
    cell = sheet.shape[1] // count
    return sheet[16 + cell : 16 + 2 * cell]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"init_texture": None, "strength": None}, "no texture of which all else stays"),
        ({"repaint": ("material:Glass",)}, "Glass"),
        ({"repaint": ("moss",)}, "--repaint"),
        ({"repaint": ("mask:none.png",)}, "none.png"),
        ({"repaint": ("mask:black.png",)}, "black or transparent"),
        ({"repaint": ("material:Trim",), "cameras": "away.json"}, "none of the views sees"),
    ],
    ids=str,
)
def test_bad_input_is_answered_by_one_line(
    repaint: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("L", (8, 8)).save("black.png")
    corner = shapes.box(1)
    side = corner.vertices[corner.faces[corner.chart == 1]].reshape(-1, 3).mean(axis=0)
    away, up = [-9 * float(one) for one in side], [0.0, 0.1, 1.0]
    Path("away.json").write_text(
        json.dumps({"cameras": [{"position": away, "forward": list(map(float, side)), "up": up, "fov": 40}]})
    )
    assert said in failure(repaint(**fields)).error


def test_a_size_that_was_asked_for_is_said_not_to_be_kept(
    worker: Worker, repaint: Make, tmp_path: Path
) -> None:
    noise(tmp_path / "old.png", (64, 64))
    result = run(worker, repaint(texture_size=SIZE))
    assert any("64 pixels a side, not 128" in one for one in result.warnings)
    assert pixels(result.texture).shape[:2] == (64, 64)


def test_no_input_is_written_over(repaint: Make, tmp_path: Path) -> None:
    (tmp_path / "mask.png").rename(tmp_path / "views.png")
    request = repaint(repaint=(f"mask:{tmp_path / 'views.png'}",), out=str(tmp_path))
    assert "read by this job" in failure(request).error
