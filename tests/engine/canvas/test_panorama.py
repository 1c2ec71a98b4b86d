"""Panoramas: f and g against loops, all directions seen, no seam where the picture closes; depth as it is in
a room of boxes; whole jobs and bad input from the command line."""

from __future__ import annotations

import json
import re
from math import atan2, cos, floor, hypot, pi, sin, tan
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine import protocol
from engine import settings as options
from engine.canvas.panorama import prepare
from engine.canvas.sphere import Sphere
from engine.canvas.windows import LEAST_TRUST
from engine.cli import main
from engine.denoise.denoiser import load_denoiser
from engine.host import Clock, Host
from engine.measure.wrapping import pole_error, wrap_error
from engine.models.presets import SD15, STARTER
from engine.protocol import ImageRequest, Result
from engine.sync.spaces import Averaging
from engine.views import sphere
from engine.views.cameras import Camera
from engine.views.depth_surface import DepthSurface
from engine.worker import Worker
from tests.engine import rooms

Doubles = NDArray[np.float64]
HALF = tan(pi * 36 / 180)  # of a view's width, at distance 1


def write(path: Path, **channels: NDArray[np.floating]) -> Path:
    """An OpenEXR file of ``channels`` (H, W), 32 bits; __ in a name stands for a dot."""
    found = {name.replace("__", "."): np.asarray(one, np.float32) for name, one in channels.items()}
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, found).write(str(path))
    return path


def room(path: Path, height: int = 64) -> Path:
    """The depth picture of the room, as Blender names its channel."""
    return write(path, ViewLayer__Depth__Z=rooms.distances(rooms.equirectangular(height)))


def ray(camera: Camera, row: float, column: float, side: int) -> tuple[float, float, float]:
    """Where a pixel of a view looks, by heading and pitch alone."""
    right, up = (2 * (column + 0.5) / side - 1) * HALF, (1 - 2 * (row + 0.5) / side) * HALF
    heading, pitch = -camera.azimuth * pi / 180, -camera.elevation * pi / 180
    ahead, y = cos(pitch) - up * sin(pitch), sin(pitch) + up * cos(pitch)
    return right * cos(heading) + ahead * sin(heading), y, right * sin(heading) - ahead * cos(heading)


def shown(camera: Camera, direction: Doubles) -> tuple[float, float] | None:
    """Column and row in [0, 1] at which a view shows a direction; None outside."""
    heading, pitch = -camera.azimuth * pi / 180, -camera.elevation * pi / 180
    x, y, z = direction
    right, level = x * cos(heading) + z * sin(heading), x * sin(heading) - z * cos(heading)
    depth, up = level * cos(pitch) + y * sin(pitch), y * cos(pitch) - level * sin(pitch)
    if depth <= 0 or max(abs(right), abs(up)) >= depth * HALF:
        return None
    return right / (2 * depth * HALF) + 0.5, 0.5 - up / (2 * depth * HALF)


def weights(place: tuple[float, float], side: int, nearest: bool) -> dict[tuple[int, int], float]:
    """How much of each element (row, column) is read at a place."""
    x, y = place[0] * side, place[1] * side
    if nearest:
        return {(int(y), int(x)): 1.0}
    left, top = floor(x - 0.5), floor(y - 0.5)
    found: dict[tuple[int, int], float] = {}
    for row, down in ((top, 1 - (y - 0.5 - top)), (top + 1, y - 0.5 - top)):
        for column, right in ((left, 1 - (x - 0.5 - left)), (left + 1, x - 0.5 - left)):
            inside = min(max(row, 0), side - 1), min(max(column, 0), side - 1)
            found[inside] = found.get(inside, 0.0) + down * right
    return found


@pytest.mark.parametrize(("nearest", "exponent"), [(True, 30.0), (False, 1.0)])
def test_f_and_g_are_those_of_loops(nearest: bool, exponent: float) -> None:
    side = 5
    made = Sphere(sphere.rig(), side, nearest)
    maps, (height, width) = made.maps(Averaging(exponent, reweighted=True)), made.texels()
    texels = []
    for camera in made.cameras:
        for row in range(side):
            for column in range(side):
                x, y, z = ray(camera, row, column, side)
                longitude, latitude = atan2(x, -z), atan2(y, hypot(x, z))
                across = int((longitude / (2 * pi) + 0.5) * width) % width
                texels.append((min(int((0.5 - latitude / pi) * height), height - 1), across))
    read = sorted(set(texels))
    same = np.mean([read[one] == texel for one, texel in zip(maps.element, texels, strict=True)])
    assert same > 0.98  # rays between two texels fall on either side
    expected, trusts = np.zeros(maps.average.shape), np.zeros(maps.average.shape)
    for number, (row, column) in enumerate(read):
        latitude, longitude = pi * (0.5 - (row + 0.5) / height), 2 * pi * ((column + 0.5) / width - 0.5)
        middle = cos(latitude) * sin(longitude), sin(latitude), -cos(latitude) * cos(longitude)
        for i, camera in enumerate(made.cameras):
            place = shown(camera, np.array(middle))
            if place is None:
                continue
            trust = float(np.prod([max(sin(pi * one) ** 2, LEAST_TRUST) for one in place]))
            for (down, right), part in weights(place, side, nearest).items():
                pixel = (i * side + down) * side + right
                expected[number, pixel] = trust**exponent * part
                trusts[number, pixel] = trust
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(maps.average.toarray(), expected, rtol=1e-4, atol=1e-5)
    assert maps.confidence is not None
    own = trusts[np.repeat(np.arange(len(read)), np.diff(maps.average.indptr)), maps.average.indices]
    np.testing.assert_allclose(maps.confidence, own, rtol=1e-3, atol=1e-6)


def test_every_direction_lies_well_inside_a_view() -> None:
    random = np.random.default_rng(0).normal(size=(3000, 3))
    many = np.concatenate([random, np.vstack([np.eye(3), -np.eye(3)])])
    least = 1.0
    for direction in many:
        places = [place for camera in sphere.rig() if (place := shown(camera, direction))]
        least = min(least, max(1 - 2 * max(abs(x - 0.5), abs(y - 0.5)) for x, y in places))
    assert least > 0.27
    assert [one.azimuth % 360 for one in sphere.rig()[:8]] == [0, 315, 270, 225, 180, 135, 90, 45]


def smooth(vectors: Doubles) -> Doubles:
    """Colours (..., 2) that go on in all directions."""
    x, y, z = np.moveaxis(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), -1, 0)
    return np.stack([0.5 + 0.3 * np.sin(3 * x + z), 0.5 + 0.4 * np.cos(4 * y - x)], axis=-1)


def test_views_of_a_scene_make_its_panorama() -> None:
    """And f(g(.)) leaves what agrees as it was."""
    side = 32
    rays = np.array(
        [
            [[ray(camera, row, column, side) for column in range(side)] for row in range(side)]
            for camera in sphere.rig()
        ]
    )
    pictures, made = smooth(rays), Sphere(sphere.rig(), side)
    joined = made.joined(pictures.astype(np.float32), 64, 128)
    truth = smooth(rooms.equirectangular(64))
    np.testing.assert_allclose(joined, truth, atol=0.005)
    for nearest in (True, False):
        maps = Sphere(sphere.rig(), side, nearest).maps(Averaging())
        np.testing.assert_allclose(maps.average.sum(axis=1), 1, atol=1e-12)
        own = pictures.reshape(-1, 2)
        assert np.abs((maps.average @ own)[maps.element] - own).mean() < (0.01 if nearest else 0.005)


def test_no_border_of_a_view_shows_and_no_place_is_left_out() -> None:
    """Views that agree on nothing, each of one colour of its own, flow into each other, across the edge and
    at the poles as well."""
    made = Sphere(sphere.rig(), 32)
    colours = np.random.default_rng(1).random((made.count, 1, 1, 1), np.float32)
    joined = made.joined(np.broadcast_to(colours, (made.count, 32, 32, 1)), 128, 256)
    assert np.ptp(joined) > 0.5
    assert joined.min() >= colours.min() - 1e-6
    middle = joined[32:96]  # where columns lie apart
    inner = max(np.abs(np.diff(middle, axis=axis)).max() for axis in (0, 1))
    assert inner < 0.25  # hard borders: nearly 1
    assert np.abs(middle[:, 0] - middle[:, -1]).max() <= inner
    assert pole_error(joined) < 1.5
    black = joined.copy()
    black[:4] = 0
    black[:4, :128] = 1  # a pole with a border through it
    assert pole_error(black) > 20 > wrap_error(joined, (1,))


def test_depth_is_that_of_the_room() -> None:
    """What each view sees, against the formulas for its own rays: depth along its axis, and places."""
    made = DepthSurface.build(rooms.distances(rooms.equirectangular(96)).astype(np.float32), 64)
    low, high = (np.array(corner) for corner in rooms.WALLS)
    middle = (low + high) / 2
    size = float(np.linalg.norm(middle) / np.linalg.norm(made.eye))
    assert size == pytest.approx(np.linalg.norm((high - low) / 2), rel=0.01)  # no ray meets a corner
    for camera, own in zip(sphere.rig(), made.cameras(sphere.rig()), strict=True):
        rays = [ray(camera, row, column, 24) for row in range(24) for column in range(24)]
        lengths = np.linalg.norm(rays, axis=1)
        distance = rooms.distances(np.array(rays) / lengths[:, None]) / lengths
        seen = made.surface.seen(own, 24)
        assert seen.mask.all()
        off = np.abs(seen.fragments.depth * size / distance - 1)
        assert np.median(off) < 0.002
        assert (off > 0.02).mean() < 0.1  # along edges, a pixel of the picture wide
        points = (np.array(rays) * distance[:, None] - middle) / size
        assert np.median(np.abs(made.surface.points(seen.fragments) - points)) < 0.004


def test_controls_are_those_of_the_surface(tmp_path: Path) -> None:
    """As of a mesh; without depth a model that reads positions sees a sphere, others see nothing."""
    layout = Sphere(sphere.rig(), 32)
    path = str(room(tmp_path / "room.exr", 32))
    deep = prepare(ImageRequest("panorama", "x", "o", depth=path), Host(), Clock())
    ahead = deep.shown(layout, ("depth", "position"))[0]
    assert ahead["depth"].max() > 0.95
    assert np.unravel_index(ahead["depth"][0].argmax(), (32, 32))[0] > 16  # a box is nearer than the wall
    assert ahead["position"][2, 16, 16] < 0.2  # the wall ahead lies at -z
    blind = prepare(ImageRequest("panorama", "x", "o"), Host(), Clock())
    assert blind.shown(layout, ("depth",)) == [{}] * 22
    rays = np.array([ray(layout.cameras[9], row, column, 32) for row in range(32) for column in range(32)])
    unit = rays / np.linalg.norm(rays, axis=1)[:, None]
    around = blind.shown(layout, ("depth", "position"))[9]
    assert list(around) == ["position"]
    np.testing.assert_allclose(around["position"].reshape(3, -1).T * 2 - 1, unit, atol=0.01)


def test_what_isnt_there_is_background(tmp_path: Path) -> None:
    """Sky above the horizon, as Blender, others, and broken files say it."""
    depth = rooms.distances(rooms.equirectangular(32))
    depth[:8], depth[8:12], depth[12:14], depth[14], depth[15] = 1e10, np.inf, np.nan, 0, -1
    request = ImageRequest("panorama", "x", "o", depth=str(write(tmp_path / "sky.exr", V=depth)))
    views = prepare(request, Host(), Clock()).shown(Sphere(sphere.rig(), 32), ("depth", "normal", "lines"))
    up, down, front = views[20], views[21], views[0]
    assert not up["depth"].any()
    assert down["depth"].min() >= 0
    assert down["depth"].max() > 0.9
    assert not front["depth"][0, :14].any()
    assert front["depth"][0, 18:].any()
    assert {name: one.shape for name, one in up.items()} == {
        "depth": (1, 32, 32), "normal": (3, 32, 32), "lines": (1, 32, 32)
    }  # fmt: skip


def test_what_is_very_far_leaves_what_is_near_as_it_is(tmp_path: Path) -> None:
    """As a dome around a scene, or a plain to the horizon."""
    layout, shown = Sphere(sphere.rig(), 24), []
    for far in (10.0, 1e8):
        depth = rooms.distances(rooms.equirectangular(32))
        depth[:16] = far
        path = str(write(tmp_path / f"{far}.exr", Z=depth))
        shown.append(
            prepare(ImageRequest("panorama", "x", "o", depth=path), Host(), Clock()).shown(layout, ("depth",))
        )
    for near, beside_dome in zip(*(views[14:20] for views in shown), strict=True):
        assert np.abs(near["depth"] - beside_dome["depth"])[:, 6:].max() < 0.1
        assert np.ptp(beside_dome["depth"][:, 6:]) > 0.3


def channels_of(depth: Doubles) -> dict[str, dict[str, Any]]:
    other = np.zeros_like(depth)
    return {
        "alone": {"V": depth},
        "pass": {
            "ViewLayer__Depth__Z": depth,
            "ViewLayer__Combined__R": other,
            "ViewLayer__Normal__Z": other,
        },
        "z": {"Z": depth, "R": other, "G": other + 1, "B": other},
        "grey": {"R": depth, "G": depth, "B": depth, "A": other + 1},
    }


@pytest.mark.parametrize("names", ["alone", "pass", "z", "grey"])
def test_the_channel_of_depth_is_found(tmp_path: Path, names: str) -> None:
    depth = rooms.distances(rooms.equirectangular(16))
    path = write(tmp_path / "d.exr", **channels_of(depth)[names])
    found = prepare(ImageRequest("panorama", "x", "o", depth=str(path)), Host(), Clock()).depth
    np.testing.assert_allclose(found, depth, rtol=1e-6)


def small(model: Path, out: Path, **fields: Any) -> ImageRequest:
    usual = {"width": 128, "steps": 2, "device": "cpu", "model": str(model), "out": str(out)}
    return ImageRequest("panorama", **{"prompt": "a hall", **usual, **fields})


@pytest.mark.parametrize("method", ["synctweedies", "case5", "syncsde"])
def test_a_whole_job(worker: Worker, tiny_model: Path, tmp_path: Path, method: str) -> None:
    """With depth and preview; without, and attention across views."""
    depth = str(room(tmp_path / "room.exr")) if method == "synctweedies" else None
    how = {"preview": True} if depth else {"attention": "views"}
    result = worker.run(small(tiny_model, tmp_path / "out", method=method, depth=depth, **how), Host())
    assert isinstance(result, Result), result
    with Image.open(result.texture) as image:
        assert (image.size, image.mode) == ((128, 64), "RGB")
        picture = np.asarray(image, np.float32) / 255
    assert picture.std(axis=(0, 1)).min() > 0.01
    report = json.loads(Path(result.report).read_text("utf-8"))
    assert (report["kind"], report["image"]["width"], len(report["views"])) == ("panorama", 128, 22)
    assert report["views"][8] == {"heading": 0.0, "pitch": 48.0, "fov": 72.0}
    assert report["seam_error"] == pytest.approx(wrap_error(picture, (1,)), rel=0.05)
    assert report["pole_error"] == pytest.approx(pole_error(picture), rel=0.05)
    assert report["seam_error"] < 2 > report["pole_error"]
    said = report["image"]["depth"]
    assert said is None or (said["share"], said["farthest"] > 4) == (1.0, True)
    assert str(tmp_path) not in Path(result.report).read_text("utf-8")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["image.png", "report.json"]


def test_what_is_published_for_stable_diffusion() -> None:
    """With depth; and where a view has 512 pixels the picture has the published 2048 x 1024."""
    deep = options.resolve(ImageRequest("panorama", "x", "o", depth="d.exr"), SD15)
    assert (deep.steps, deep.guidance, deep.conditioning_scale, deep.view_size) == (30, 25.0, 0.7, 512)
    assert options.resolve(ImageRequest("panorama", "x", "o"), SD15).guidance == 7.5
    assert options.resolve(ImageRequest("panorama", "x", "o", depth="d.exr"), STARTER).steps == STARTER.steps


def test_the_size_is_twice_as_wide_as_high(tiny_model: Path) -> None:
    denoiser = load_denoiser(str(tiny_model), "cpu", lambda: None)
    for given, size in (({}, (128, 256)), ({"width": 98}, (49, 98)), ({"height": 70}, (70, 140))):
        request = ImageRequest("panorama", "x", "o", **given)
        options.check(request)
        settings = options.resolve(request, denoiser.preset)
        assert prepare(request, Host(), Clock()).canvas(settings, denoiser).size == size


def bad(folder: Path) -> dict[str, list[str]]:
    depth = rooms.distances(rooms.equirectangular(16))
    square = write(folder / "square.exr", Z=depth[:, :16])
    nothing = write(folder / "nothing.exr", Z=np.full((16, 32), 1e10))
    several = write(folder / "several.exr", A=depth, B=depth + 1)
    flat = write(folder / "flat.exr", Z=depth[:8, :16])
    alone = np.full((16, 32), np.nan)
    alone[5, 5] = 1
    cut = folder / "cut.exr"
    cut.write_bytes(square.read_bytes()[:200])
    Image.new("L", (32, 16)).save(folder / "grey.png")
    return {
        "no such file": ["--depth", str(folder / "none.exr")],
        "a folder": ["--depth", str(folder)],
        "a picture of colours": ["--depth", str(folder / "grey.png")],
        "cut off": ["--depth", str(cut)],
        "square": ["--depth", str(square)],
        "nothing in it": ["--depth", str(nothing)],
        "a pixel": ["--depth", str(write(folder / "alone.exr", Z=alone))],
        "which channel": ["--depth", str(several)],
        "too small": ["--depth", str(flat)],
        "odd": ["--width", "101"],
        "another shape": ["--width", "128", "--height", "65"],
        "too high": ["--height", "5000"],
        "depth of a tile": ["--kind", "tile", "--depth", str(square)],
    }  # fmt: skip


def test_bad_input_is_answered_by_one_line(
    tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["image", "--kind", "panorama", "--prompt", "x", "--out", str(out), "--model", str(tiny_model)]
    for name, more in bad(tmp_path).items():
        try:
            status = main([*words, *more])
        except SystemExit as end:
            status = int(end.code or 0)
        said, err = capfd.readouterr()
        assert (name, status, said) == (name, protocol.EXIT_BAD_INPUT, "")
        assert re.fullmatch(r"error: [^\n]+\. [^\n]+\n", err), (name, err)
        assert len(err) < 320 + len(str(tmp_path))
        assert not out.exists() or not list(out.iterdir())
