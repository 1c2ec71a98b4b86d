"""A part of an object that is painted, and the rest that views see beside it: a cap of a sphere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_erosion

from engine import protocol
from engine import settings as options
from engine.canvas import mesh_views
from engine.canvas.mesh import MeshCanvas, prepare
from engine.canvas.mesh_beside import hides_much
from engine.canvas.mesh_job import HIDDEN
from engine.controls import placement
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.generate import generate
from engine.host import Clock, Host
from engine.mesh import sets
from engine.mesh.mesh import load
from engine.painter import Painter
from engine.protocol import Request
from engine.sync.sampler import Step
from engine.views.cameras import Camera
from engine.views.cuda_raster import CudaRaster
from engine.views.raster import EmbreeRaster
from engine.views.surface import Surface
from engine.worker import Failure, Worker
from tests.engine import shapes
from tests.engine.views.same_views import assert_same_view
from tests.engine.views.test_cuda_raster import card

Make = Callable[..., Request]
Floats = NDArray[np.float32]
PART = 0.7  # of the sphere's radius: what lies farther to the right is painted
GREY = (0.25, 0.5, 0.75)
VIEWS = [Camera(90, 0), Camera(20, 30), Camera(150, -20)]


@pytest.fixture(scope="module")
def denoiser(tiny_model: Path) -> Denoiser:
    return load_denoiser(str(tiny_model), "cpu", lambda: None)


def arrays(scale: float = 1.0, move: float = 0.0) -> dict[str, Any]:
    """The sphere's right cap; beside it the rest, whose front shows a picture, red by height and green by
    depth, and whose back is of one colour."""
    made = shapes.sphere()
    middle = made.vertices[made.faces].mean(axis=1)
    own = middle[:, 0] > PART
    places = made.vertices[made.faces[~own]]
    return {
        "vertices": made.vertices.astype(np.float64) * scale + move,
        "faces": made.faces[own],
        "uvs": made.uvs[own],
        "beside_faces": made.faces[~own],
        "beside_uvs": (places[..., [2, 1]] + 1) / 2 + 7,  # which pictures repeat to
        "beside_looks": (middle[~own, 2] > 0).astype(np.int32),
        "beside_colors": np.array([GREY, (0, 0, 0)], np.float32),
        "beside_pictures": np.array(["", "front.png"]),
    }


def save(folder: Path, **more: Any) -> Path:
    """The file of these, with other arrays where they are given."""
    row, column = np.mgrid[:256, :256]
    picture = np.stack([255 - row, column, np.zeros_like(row)], axis=-1).astype(np.uint8)
    Image.fromarray(picture).save(folder / "front.png")
    np.savez(folder / "part.npz", **{**arrays(), **more})
    return folder / "part.npz"


@pytest.fixture
def canvas(tmp_path: Path, denoiser: Denoiser, request_for: Make) -> Callable[..., MeshCanvas]:
    def make(**fields: Any) -> MeshCanvas:
        request = request_for(**{"mesh": str(save(tmp_path)), "views": "4", "texture_size": 256, **fields})
        found = prepare(request, Host(), Clock()).canvas(options.resolve(request, denoiser.preset), denoiser)
        assert isinstance(found, MeshCanvas)
        return found

    return make


def surface_of(path: Path) -> Surface:
    mesh = load(path)
    assert mesh.beside is not None
    assert mesh.uvs is not None
    return Surface.build(mesh.vertices, mesh.faces, mesh.uvs, beside=mesh.beside.corners)


@pytest.mark.parametrize(("scale", "move"), [(1.0, 0.0), (3.0, 2000.0)])
def test_cameras_come_near_and_positions_stay_those_of_the_object(
    tmp_path: Path, scale: float, move: float
) -> None:
    """The whole object is the unit sphere, so its positions are as far from the middle everywhere."""
    surface = surface_of(save(tmp_path, **arrays(scale, move)))
    assert 0.85 < np.linalg.norm(surface.corners.reshape(-1, 3), axis=1).max() < 0.9
    view = surface.whole.seen(VIEWS[0], 64)
    places = surface.whole.places_in_object(view.fragments)
    np.testing.assert_allclose(np.linalg.norm(places, axis=1), 1, atol=0.02)
    made = shapes.sphere()
    for layout in (1, 2):
        known = mesh_views.in_object(surface.whole)
        there, of_all = (
            placement.placed(one, layout) for one in (known, made.vertices[made.faces].reshape(-1, 3))
        )
        np.testing.assert_allclose(there.shift, of_all.shift, atol=1e-4)
        np.testing.assert_array_equal(there.matrix, of_all.matrix)
    own = view.fragments.face < len(surface.corners)
    assert (places[own, 0] > PART - 0.1).all()
    assert (places[~own, 0] < PART + 0.1).all()


@pytest.mark.parametrize("camera", VIEWS)
def test_what_stands_beside_hides_and_is_not_told_of(tmp_path: Path, camera: Camera) -> None:
    """As a raster of all faces without those beside; a card draws the same."""
    surface = surface_of(save(tmp_path))
    assert surface.beside is not None
    corners = np.concatenate([surface.corners, surface.beside])
    number = np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3)
    every = EmbreeRaster(corners.reshape(-1, 3), number)
    shown, found = every.rasterise(camera, 48), surface.seen(camera, 48).fragments
    own = shown.face < len(surface.corners)
    for name in ("pixel", "face", "bary", "depth"):
        np.testing.assert_array_equal(getattr(found, name), getattr(shown, name)[own])
    drawn = CudaRaster(surface.corners.reshape(-1, 3), number[: len(surface.corners)], card, surface.beside)
    assert_same_view(drawn.rasterise(camera, 37), surface.seen(camera, 37).fragments, 37)
    points = surface.corners.mean(axis=1)
    wanted = every.visible(camera, points, surface.normals)[0]
    np.testing.assert_array_equal(surface.raster.visible(camera, points, surface.normals)[0], wanted)


def test_control_pictures_show_it_and_it_is_known(canvas: Callable[..., MeshCanvas]) -> None:
    found = canvas()
    start = found.start()
    assert start is not None
    assert start.known is not None
    seen = 0
    for shot, picture, known in zip(found.shots, start.pictures, start.known, strict=True):
        own = shot.mask
        assert known[own].mean() < 0.1  # a pixel on the border
        there = (known > 0.999) & ~own
        position = found.surface.whole.seen(shot.camera, shot.resolution)
        places = np.zeros((*own.shape, 3), np.float32)
        places[position.mask] = found.surface.whole.places_in_object(position.fragments)
        _, height, depth = places[there].T
        front, back = depth > 0.1, depth < -0.1
        colours = picture[:, there]
        wanted = np.stack([(height + 1) / 2, (depth + 1) / 2, 0 * depth])
        np.testing.assert_allclose(colours[:, front], wanted[:, front], atol=0.02)
        np.testing.assert_allclose(colours[:, back].T, np.broadcast_to(GREY, (back.sum(), 3)), atol=1e-5)
        seen += int(front.sum()) + int(back.sum())
        shown = next(iter(shot.controls.values()))
        assert (shown[:, there].max(axis=0) > 0).all(), "its control picture shows it"
    assert seen > 500
    assert any((known > 0.999).any() for known in start.known)


@pytest.mark.parametrize("method", ["synctweedies", "case1", "case3", "case4", "syncmvd", "syncsde"])
def test_what_is_known_is_there_in_the_end(
    canvas: Callable[..., MeshCanvas], denoiser: Denoiser, method: str
) -> None:
    found = canvas(method=method, steps=2, sync_space="latent")
    painter = Painter(denoiser, found.settings, Clock(), Host())
    steps: list[Step] = []
    generate(found, painter, steps.append)
    start = found.start()
    assert start is not None
    assert start.known is not None
    clean = denoiser.encode(torch.from_numpy(start.pictures))
    scale, count = denoiser.downscale, len(found.shots)
    cells = torch.from_numpy(start.known).reshape(count, clean.shape[2], scale, clean.shape[3], scale)
    whole = (cells.amin(dim=(2, 4)) == 1)[:, None].expand_as(clean)
    assert whole.any()
    torch.testing.assert_close(steps[-1].x[whole], clean[whole], atol=1e-4, rtol=1e-4)
    nothing = (cells.amax(dim=(2, 4)) == 0)[:, None].expand_as(clean)
    assert not torch.allclose(steps[-1].x[nothing], clean[nothing], atol=1e-2)


def test_a_texture_that_is_carried_on_and_own_cameras_go_with_it(
    canvas: Callable[..., MeshCanvas], tmp_path: Path
) -> None:
    old = np.zeros((64, 64, 3), np.uint8)
    old[..., 2] = 255
    Image.fromarray(old).save(tmp_path / "old.png")
    (tmp_path / "cameras.json").write_text('{"cameras": [{"position": [4, 0, 1], "forward": [-4, 0, -1]}]}')
    found = canvas(
        init_texture=str(tmp_path / "old.png"), strength=0.5, cameras=str(tmp_path / "cameras.json")
    )
    start = found.start()
    assert start is not None
    assert start.known is not None
    own = binary_erosion(found.shots[0].mask & (start.known[0] == 0))
    np.testing.assert_allclose(start.pictures[0][:, own].T, np.tile((0, 0, 1), (own.sum(), 1)), atol=1e-5)
    whole = found.surface.scale * found.shots[0].camera.position + found.surface.centre
    np.testing.assert_allclose(whole, (4, 0, 1), atol=0.05)


def test_close_ups_see_it_as_well(canvas: Callable[..., MeshCanvas]) -> None:
    found = canvas(detail="2", texture_size=1024, channels=("color",))
    side = found.settings.view_size
    nearer = found.closer(np.full((len(found.shots), side, side, 3), 0.5, np.float32))
    assert nearer is not None
    start = nearer.start()
    assert start.known is not None
    beside = [(known > 0.999) & ~shot.mask for shot, known in zip(nearer.shots, start.known, strict=True)]
    assert sum(int(one.sum()) for one in beside) > 100
    for there, picture, shot in zip(beside, start.pictures, nearer.shots, strict=True):
        assert (picture[:, there].max(axis=0) > picture[:, there].min(axis=0)).all(), "no grey"
        np.testing.assert_allclose(picture[:, binary_erosion(shot.mask, iterations=2)], 0.5, atol=0.01)


def test_faces_inside_of_others_stand_alone(canvas: Callable[..., MeshCanvas], tmp_path: Path) -> None:
    inner, outer = shapes.box(1), shapes.box(1)
    file = {
        **arrays(),
        "vertices": np.concatenate([inner.vertices, 2 * outer.vertices]),
        "faces": inner.faces,
        "uvs": inner.uvs,
        "beside_faces": outer.faces + len(inner.vertices),
        "beside_uvs": outer.uvs,
        "beside_looks": np.zeros(len(outer.faces), np.int32),
    }
    assert not hides_much(surface_of(save(tmp_path)))
    assert hides_much(surface_of(save(tmp_path, **file)))
    found = canvas(mesh=str(tmp_path / "part.npz"))
    assert HIDDEN not in found.warnings  # the fixture has written the sphere again
    np.savez(tmp_path / "inside.npz", **file)
    found = canvas(mesh=str(tmp_path / "inside.npz"))
    assert HIDDEN in found.warnings
    assert found.start() is None
    assert found.surface.beside is None


def test_several_meshes_keep_what_stands_beside_them(tmp_path: Path) -> None:
    one, other = load(save(tmp_path)), load(save(tmp_path, **arrays(1.0, 2000.0)))
    both = sets.joined([one, other]).beside
    assert both is not None
    assert one.beside is not None
    count = len(one.beside.corners)
    np.testing.assert_allclose(both.corners[count:] - both.corners[:count], 2000, atol=1e-3)
    assert both.look[:count].max() < both.look[count:].min()
    assert len(both.colours) == len(both.pictures) == 4


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"beside_faces": np.full((3, 3), 10**6)}, "'beside_faces' doesn't fit"),
        ({"beside_looks": np.full(3, 0)}, "'beside_faces' doesn't fit"),
        ({"beside_colors": np.zeros((1, 3))}, "'beside_looks' doesn't fit"),
        ({"beside_pictures": np.array(["front.png"])}, "'beside_looks' doesn't fit"),
        ({"beside_pictures": np.array(["", "../front.png"])}, "leads out of its folder"),
        ({"beside_pictures": np.array(["", "gone.png"])}, "there is no file"),
    ],
)
def test_files_that_say_it_wrong_are_refused_in_one_line(
    tmp_path: Path, request_for: Make, more: dict[str, Any], why: str
) -> None:
    outcome = Worker().run(request_for(mesh=str(save(tmp_path, **more))), Host())
    assert isinstance(outcome, Failure)
    assert outcome.code == protocol.EXIT_BAD_INPUT
    assert why in outcome.error
    assert "\n" not in outcome.error + outcome.fix
