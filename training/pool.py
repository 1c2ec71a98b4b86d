"""The geometry pool: many views of many shapes, rendered once, painted anew for every training sample.

A view is seen by the engine's own Camera at twice the picture's resolution (colours are averaged down, so
pictures are antialiased); its control pictures, positions and depth, are the engine's own, cast at the
picture's resolution.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from numpy.typing import NDArray

from engine.controls.depth import depth_picture
from engine.controls.position import position_picture
from engine.views.cameras import DISTANCE, Camera
from training.shapes import Mesh, random_shape

SIZE = 256  # pixels of a training picture
FINE = 2 * SIZE  # rays across a view, averaged in 2x2 blocks
NEAREST = 4.0  # times as near as a whole view: close-ups lie between, evenly in the logarithm
CHUNK = 20  # shapes rendered by one worker call

Values = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """One view of one shape. ``points`` and ``normals`` (n, 3) float32 belong to the n true pixels of
    ``mask`` (FINE, FINE) bool, row by row; so do ``seen`` (m, 3) float32 to ``inside`` (SIZE, SIZE) bool.
    ``depth`` (SIZE, SIZE) uint8 is the engine's depth picture. ``zoom``: how many times nearer it is than a
    view of the whole."""

    mask: NDArray[np.bool_]
    points: Values
    normals: Values
    inside: NDArray[np.bool_]
    seen: Values
    depth: NDArray[np.uint8]
    azimuth: float
    elevation: float
    zoom: float = 1.0

    @property
    def camera(self) -> Camera:
        """Of a view of the whole."""
        return Camera(self.azimuth, self.elevation)

    @property
    def places(self) -> Values:
        """(SIZE, SIZE, 3) in [0, 1]: the engine's position map."""
        return position_picture(self.seen, self.inside)

    @property
    def positions(self) -> NDArray[np.uint8]:
        """(SIZE, SIZE, 3): the same in bytes."""
        return np.round(self.places * 255).astype(np.uint8)

    def mirrored(self) -> View:
        """The mirrored object seen by the mirrored camera: left and right change places."""
        mask, inside = self.mask[:, ::-1], self.inside[:, ::-1]
        order, coarse = _flipped(self.mask), _flipped(self.inside)
        flip = np.array([-1, 1, 1], np.float32)
        return replace(
            self,
            mask=mask,
            points=self.points[order] * flip,
            normals=self.normals[order] * flip,
            inside=inside,
            seen=self.seen[coarse] * flip,
            depth=self.depth[:, ::-1],
            azimuth=-self.azimuth,
        )

    def turned(self, degrees: float) -> View:
        """Object and camera turned together about the vertical: the same picture of another side."""
        angle = np.radians(degrees)
        c, s = np.cos(angle), np.sin(angle)
        matrix = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]], np.float32)  # row vectors: x towards z
        return replace(
            self,
            points=self.points @ matrix,
            normals=self.normals @ matrix,
            seen=self.seen @ matrix,
            azimuth=self.azimuth + degrees,
        )


def _flipped(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where the pixels of the mirrored mask, row by row, stand among the mask's own."""
    number = np.zeros(mask.shape, np.int64)
    number[mask] = np.arange(mask.sum())
    return number[:, ::-1][mask[:, ::-1]]


def random_camera(rng: np.random.Generator) -> Camera:
    """Mostly the published rig (azimuths at multiples of 45 degrees, elevations 0 and 30), else anywhere."""
    kind = rng.choice(4, p=[0.4, 0.2, 0.22, 0.18])
    if kind == 0:
        elevation = 0.0
    elif kind == 1:
        elevation = 30.0
    elif kind == 2:
        elevation = rng.uniform(-30, 40)
    else:
        elevation = (
            90.0 * rng.choice([-1, 1]) if rng.random() < 0.25 else np.degrees(np.arcsin(rng.uniform(-1, 1)))
        )
    azimuth = 45.0 * rng.integers(-4, 4) if rng.random() < 0.65 else rng.uniform(-180, 180)
    return Camera(0.0 if abs(elevation) > 80 else float(azimuth), float(elevation))


def close_up(mesh: Mesh, camera: Camera, rng: np.random.Generator, least: float = 1.0) -> Camera:
    """A camera ``least`` to NEAREST times as near, on a place that ``camera`` sees, looking half way between
    as that does and straight down on the surface; ``camera`` itself where it sees nothing."""
    depth, points, normals = cast(mesh, camera, 32)
    seen = np.flatnonzero(np.isfinite(depth))
    if not len(seen):
        return camera
    place = rng.choice(seen)
    x, y, z = normals[place] - camera.axes[2]
    return Camera(
        float(np.degrees(np.arctan2(x, z))),
        float(np.degrees(np.arctan2(y, np.hypot(x, z)))),
        DISTANCE / (least * (NEAREST / least) ** rng.random()),
        target=tuple(points[place].tolist()),
    )


def cast(mesh: Mesh, camera: Camera, resolution: int) -> tuple[Values, Values, Values]:
    """Nearest hits through the pixel centres: depth (R*R,) float32 (inf where missed), points and unit
    geometric normals (R*R, 3) float32, the normals turned towards the camera."""
    scene = rtcore_scene.EmbreeScene()
    vertices, faces = mesh
    TriangleMesh(scene, vertices.astype(np.float32), faces.astype(np.int32))
    rays = camera.rays(resolution)
    origin = np.broadcast_to(camera.position, rays.shape).astype(np.float32).copy()
    hits = scene.run(origin, rays, query="INTERSECT", output=1)
    depth = np.where(hits["geomID"] != -1, hits["tfar"], np.inf).astype(np.float32)
    points = origin + rays * np.where(np.isfinite(depth), depth, 0)[:, None]
    normals = hits["Ng"] / np.maximum(np.linalg.norm(hits["Ng"], axis=1, keepdims=True), 1e-12)
    normals *= np.where((normals * rays).sum(1, keepdims=True) > 0, -1, 1)
    return depth, points, normals.astype(np.float32)


def render(mesh: Mesh, camera: Camera) -> View:
    """The pool's record of ``mesh`` seen by ``camera``."""
    depth, points, normals = cast(mesh, camera, FINE)
    mask = np.isfinite(depth)
    coarse, seen, _ = cast(mesh, camera, SIZE)
    inside = np.isfinite(coarse)
    shape = (SIZE, SIZE)
    picture = depth_picture(np.where(inside, coarse, 1).reshape(shape), inside.reshape(shape))
    return View(
        mask.reshape(FINE, FINE),
        points[mask],
        normals[mask],
        inside.reshape(shape),
        seen[inside],
        np.round(picture * 255).astype(np.uint8),
        camera.azimuth,
        camera.elevation,
        DISTANCE / camera.distance,
    )


Packed = dict[str, NDArray[np.generic]]
_RAGGED = ("points", "normals", "seen")  # of one length per view, stored one after another
_LAST = "zoom"  # of the files: it tells that the pool is whole


def _packed(view: View) -> Packed:
    """The view as it is stored: bits, half floats and bytes."""
    return {
        "mask": np.packbits(view.mask),
        "points": view.points.astype(np.float16),
        "normals": np.round(view.normals * 127).astype(np.int8),
        "inside": np.packbits(view.inside),
        "seen": np.round(view.seen * 32767).astype(
            np.int16
        ),  # half floats aren't even near enough for close-ups
        "depth": view.depth,
        "angles": np.array((view.azimuth, view.elevation), np.float32),
        "zoom": np.array(view.zoom, np.float32),
    }


class Pool:
    """``count`` views on disk, opened without loading them: ``pool[i]`` is a :class:`View`."""

    def __init__(self, folder: Path) -> None:
        names = ("mask", "points", "normals", "inside", "seen", "depth", "angles", _LAST)
        self._arrays = {f: np.load(folder / f"{f}.npy", mmap_mode="r", allow_pickle=False) for f in names}
        self._fine = _starts(self._arrays["mask"])
        self._coarse = _starts(self._arrays["inside"])

    def __len__(self) -> int:
        return len(self._arrays["angles"])

    def __getitem__(self, index: int) -> View:
        read = self._arrays
        fine = slice(self._fine[index], self._fine[index + 1])
        coarse = slice(self._coarse[index], self._coarse[index + 1])
        azimuth, elevation = (float(a) for a in read["angles"][index])
        return View(
            np.unpackbits(read["mask"][index]).reshape(FINE, FINE).astype(bool),
            read["points"][fine].astype(np.float32),
            read["normals"][fine].astype(np.float32) / 127,
            np.unpackbits(read["inside"][index]).reshape(SIZE, SIZE).astype(bool),
            read["seen"][coarse].astype(np.float32) / 32767,
            np.array(read["depth"][index]),
            azimuth,
            elevation,
            float(read["zoom"][index]),
        )


def _starts(bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where each view's pixels begin among all views' pixels; one more for the end."""
    pixels = [int(np.unpackbits(row).sum()) for row in bits]
    return np.concatenate([[0], np.cumsum(pixels, dtype=np.int64)])


def build(folder: Path, shapes: int, views: int, seed: int, workers: int = 2, close_ups: float = 0.0) -> Pool:
    """Render ``views`` views of each of ``shapes`` shapes into ``folder`` (unless done), a share of them
    ``close_ups``, and open the pool."""
    if not (folder / f"{_LAST}.npy").exists():
        folder.mkdir(parents=True, exist_ok=True)
        starts = range(0, shapes, CHUNK)
        jobs = [(seed, start, min(CHUNK, shapes - start), views, close_ups) for start in starts]
        if workers == 1:
            _save(folder, [view for job in jobs for view in _chunk(job)])
        else:
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                _save(folder, [view for chunk in pool.map(_chunk, jobs) for view in chunk])
    return Pool(folder)


def _chunk(job: tuple[int, int, int, int, float]) -> list[Packed]:
    seed, start, count, views, close_ups = job
    found = []
    for index in range(start, start + count):
        rng = np.random.default_rng([seed, index])
        mesh = random_shape(rng)
        cameras = [random_camera(rng) for _ in range(views)]
        near = np.random.default_rng([seed, index, 1])  # of its own: the others stay as they are without any
        found += [
            render(mesh, close_up(mesh, camera, near) if near.random() < close_ups else camera)
            for camera in cameras
        ]
    # thin things seen end-on teach nothing
    return [_packed(view) for view in found if len(view.points) > 0.05 * FINE**2]


def _save(folder: Path, found: list[Packed]) -> None:
    """The file _LAST comes last."""
    for name in found[0]:
        parts = [view[name] for view in found]
        np.save(folder / f"{name}.npy", np.concatenate(parts) if name in _RAGGED else np.stack(parts))
