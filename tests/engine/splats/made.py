"""Splats made from meshes, whose colours are known, files of them, and a judge that draws them one by one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray

from engine.options.splats import DC
from engine.splats.cloud import Splats
from engine.views.cameras import Camera

Array = NDArray[np.float64]

NAMES = (
    *("x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"),
    *(f"f_rest_{i}" for i in range(9)),
    *("opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"),
)


def waves(place: Array) -> Array:
    """Colours (n, 3) in [0, 1] of places (n, 3), some of each on an object."""
    return np.asarray(0.5 + 0.4 * np.sin(8 * place + np.array([0.0, 2.0, 4.0])))


def on_mesh(
    mesh: trimesh.Trimesh, count: int, colour: Callable[[Array], Array] = waves, seed: int = 0
) -> Splats:
    """Flat, nearly opaque splats that cover ``mesh``."""
    place, face = trimesh.sample.sample_surface(mesh, count, seed=seed)
    side = 0.8 * np.sqrt(mesh.area / count)
    return Splats(
        np.asarray(place, np.float64),
        np.tile([side, side, 0.1 * side], (count, 1)),
        facing(np.asarray(mesh.face_normals)[face]),
        np.full(count, 0.92, np.float32),
        colour(np.asarray(place)).astype(np.float32),
    )


def facing(normals: Array) -> Array:
    """(n, 4) quaternions that turn +Z to unit ``normals`` (n, 3)."""
    half = np.column_stack([1 + normals[:, 2], -normals[:, 1], normals[:, 0], np.zeros(len(normals))])
    half[half[:, 0] < 1e-6] = (0, 1, 0, 0)
    return np.asarray(half / np.linalg.norm(half, axis=1, keepdims=True))


def scattered(count: int, seed: int = 0) -> Splats:
    """All kinds of splats, some behind others, some half transparent."""
    chance = np.random.default_rng(seed)
    turn = chance.normal(size=(count, 4))
    return Splats(
        chance.normal(size=(count, 3)) * 0.4,
        np.exp(chance.normal(size=(count, 3)) * 0.7 - 2),
        turn / np.linalg.norm(turn, axis=1, keepdims=True),
        chance.uniform(0, 1, count).astype(np.float32),
        chance.uniform(0, 1, (count, 3)).astype(np.float32),
    )


def rows_of(splats: Splats, tint: float = 0.0) -> NDArray[np.float32]:
    """(n, NAMES): as a file has them; tint: how much f_rest says."""
    count, chance = len(splats), np.random.default_rng(1)
    columns = (
        *(splats.position, chance.normal(size=(count, 3)), (splats.colour - 0.5) / DC),
        *(tint * chance.normal(size=(count, 9)), np.log(splats.opacity / (1 - splats.opacity))[:, None]),
        *(np.log(splats.scale), 1.7 * splats.rotation),
    )
    return np.concatenate(columns, axis=1).astype(np.float32)


def write(
    path: Path, rows: NDArray[np.float32], kind: str = "binary_little_endian", names: tuple[str, ...] = NAMES
) -> Path:
    """``rows`` (n, names) as the PLY file ``path`` of a ``kind``."""
    listed = "".join(f"property float {name}\n" for name in names)
    head = f"ply\nformat {kind} 1.0\ncomment made\nelement vertex {len(rows)}\n{listed}end_header\n"
    if kind == "ascii":
        body = "".join(" ".join(f"{value:.9g}" for value in row) + "\n" for row in rows).encode()
    else:
        body = rows.astype("<f4" if "little" in kind else ">f4").tobytes()
    path.write_bytes(head.encode() + body)
    return path


def drawn(splats: Splats, camera: Camera, size: int) -> Array:
    """(size^2, n): how much each pixel shows of each splat. A loop over splats, nearest first, and pixels."""
    found, left = np.zeros((size * size, len(splats))), np.ones(size * size)
    axes, focal = camera.axes.astype(np.float64), size / (2 * np.tan(np.radians(camera.fov) / 2))
    for k in np.argsort((splats.position - camera.position) @ axes[2]):
        x, y, z = axes @ (splats.position[k] - camera.position)
        if z <= 0.05:
            continue
        most = 1.3 * np.tan(np.radians(camera.fov) / 2)
        slope = np.clip([x / z, y / z], -most, most)
        bend = focal / z * np.array([[1, 0, -slope[0]], [0, -1, slope[1]]])
        flat = bend @ axes @ splats.covariance[k] @ axes.T @ bend.T
        wide = flat + 0.3 * np.eye(2)
        strength = splats.opacity[k] * np.sqrt(np.linalg.det(flat) / np.linalg.det(wide))
        middle = np.array([size / 2 + focal * x / z, size / 2 - focal * y / z])
        for pixel in range(size * size):
            away = np.array([pixel % size + 0.5, pixel // size + 0.5]) - middle
            alpha = min(0.99, strength * np.exp(-0.5 * away @ np.linalg.solve(wide, away)))
            if alpha >= 1 / 255:
                found[pixel, k] = alpha * left[pixel] * (left[pixel] > 1e-4)
                left[pixel] *= 1 - alpha
    return found
