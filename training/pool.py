"""The geometry pool: many views of many shapes, rendered once, painted anew for every training sample.

A view is seen by the engine's own Camera at twice the picture's resolution (colours are averaged down, so
pictures are antialiased); its depth picture is the engine's own, cast at the picture's resolution.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from numpy.typing import NDArray

from engine.depth.depth import depth_picture
from engine.views.cameras import Camera
from training.shapes import Mesh, random_shape

SIZE = 128  # pixels of a training picture
FINE = 2 * SIZE  # rays across a view, averaged in 2x2 blocks
CHUNK = 20  # shapes rendered by one worker call

Values = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """One view of one shape. ``points`` and ``normals`` (n, 3) float32 belong to the n true pixels of
    ``mask`` (FINE, FINE) bool, row by row; ``depth`` (SIZE, SIZE) uint8 is the engine's depth picture."""

    mask: NDArray[np.bool_]
    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    depth: NDArray[np.uint8]
    azimuth: float
    elevation: float

    @property
    def camera(self) -> Camera:
        return Camera(self.azimuth, self.elevation)


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
    coarse = cast(mesh, camera, SIZE)[0].reshape(SIZE, SIZE)
    inside = np.isfinite(coarse)
    picture = depth_picture(np.where(inside, coarse, 1).astype(np.float32), inside)
    pixels = np.round(picture * 255).astype(np.uint8)
    mask_image = mask.reshape(FINE, FINE)
    return View(mask_image, points[mask], normals[mask], pixels, camera.azimuth, camera.elevation)


class Pool:
    """``count`` views on disk, opened without loading them: ``pool[i]`` is a :class:`View`."""

    def __init__(self, folder: Path) -> None:
        read = {
            f: np.load(folder / f"{f}.npy", mmap_mode="r", allow_pickle=False)
            for f in ("mask", "points", "normals", "depth", "angles")
        }
        self._mask, self._points, self._normals = read["mask"], read["points"], read["normals"]
        self._depth, self._angles = read["depth"], read["angles"]
        pixels = np.unpackbits(self._mask, axis=1).sum(1, dtype=np.int64)
        self._start = np.concatenate([[0], np.cumsum(pixels)])

    def __len__(self) -> int:
        return len(self._depth)

    def __getitem__(self, index: int) -> View:
        part = slice(self._start[index], self._start[index + 1])
        mask = np.unpackbits(self._mask[index]).reshape(FINE, FINE).astype(bool)
        points = self._points[part].astype(np.float32)
        normals = self._normals[part].astype(np.float32) / 127
        azimuth, elevation = (float(a) for a in self._angles[index])
        return View(mask, points, normals, np.array(self._depth[index]), azimuth, elevation)


def build(folder: Path, shapes: int, views: int, seed: int, workers: int = 2) -> Pool:
    """Render ``views`` views of each of ``shapes`` shapes into ``folder`` (unless done) and open the pool."""
    if not (folder / "angles.npy").exists():
        folder.mkdir(parents=True, exist_ok=True)
        jobs = [(seed, start, min(CHUNK, shapes - start), views) for start in range(0, shapes, CHUNK)]
        if workers == 1:
            _save(folder, [view for job in jobs for view in _chunk(job)])
        else:
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                _save(folder, [view for chunk in pool.map(_chunk, jobs) for view in chunk])
    return Pool(folder)


def _chunk(job: tuple[int, int, int, int]) -> list[View]:
    seed, start, count, views = job
    found = []
    for index in range(start, start + count):
        rng = np.random.default_rng([seed, index])
        mesh = random_shape(rng)
        found += [render(mesh, random_camera(rng)) for _ in range(views)]
    return [view for view in found if len(view.points) > 3000]  # thin things seen end-on teach nothing


def _save(folder: Path, found: list[View]) -> None:
    np.save(folder / "mask.npy", np.stack([np.packbits(view.mask) for view in found]))
    np.save(folder / "points.npy", np.concatenate([view.points.astype(np.float16) for view in found]))
    np.save(
        folder / "normals.npy",
        np.concatenate([np.round(view.normals * 127).astype(np.int8) for view in found]),
    )
    np.save(folder / "depth.npy", np.stack([view.depth for view in found]))
    np.save(folder / "angles.npy", np.array([(view.azimuth, view.elevation) for view in found], np.float32))
