"""xatlas behind one function: meshes in, packed UVs out, in a process that can be killed."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..client import guard
from ..errors import UserError

_CHILD = Path(__file__).with_name("xatlas_child.py")
_ENLARGED = np.float32(1000)  # xatlas takes triangles below an absolute area, 1e-7, for nothing

Check = Callable[[], None]


class Failed(Exception):
    """xatlas crashed, failed or took too long; str() says which."""


@dataclass(frozen=True)
class Atlas:
    """uvs: (F, 3, 2) float32 in [0, 1], texels square; charts: (F,) int32, -1 for faces without uvs."""

    uvs: NDArray[np.float32]
    charts: NDArray[np.int32]


def unwrap(
    vertices: NDArray[np.float32],
    faces: NDArray[np.int32],
    parts: NDArray[np.int32],
    texture_size: int,
    check: Check,
    max_cost: float = 2.0,
    seconds: float = 600.0,
) -> Atlas:
    """Cut the mesh into charts and pack them for a texture of ``texture_size``.

    vertices (V, 3) with one vertex per position, in the unit sphere; faces (F, 3); parts (F,) >= 0: no chart
    crosses from one part into another; max_cost: xatlas' limit for growing a chart. ``check`` is called
    twenty times a second and may raise; the processes are gone when it did. Raises Failed.
    """
    order = np.argsort(parts, kind="stable")
    edges = np.flatnonzero(np.diff(parts[order])) + 1
    arrays = {
        "vertices": vertices.astype(np.float32) * _ENLARGED,
        "faces": faces[order].astype(np.uint32),
        "starts": np.concatenate([[0], edges, [len(faces)]]).astype(np.int64),
    }
    texels, charts = _child(arrays, {"max_cost": max_cost}, texture_size, check, seconds)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return Atlas(_to_square(texels)[back], charts[back])


def pack(
    uvs: NDArray[np.float32],
    charts: NDArray[np.int64],
    texture_size: int,
    check: Check,
    seconds: float = 600.0,
) -> Atlas:
    """``uvs`` (F, 3, 2) in [0, 1] without overlaps: the charts (F,), 0 to K - 1, moved, turned and all scaled
    alike. Slivers may be left out. Raises as :func:`unwrap`."""
    first, index = _distinct(uvs.reshape(-1, 2), np.repeat(charts, 3))
    arrays = {
        "vertices": uvs.reshape(-1, 2)[first] * _ENLARGED,
        "faces": index.reshape(-1, 3).astype(np.uint32),
        "materials": charts.astype(np.uint32)[:, None],
    }
    texels, found = _child(arrays, {}, texture_size, check, seconds)
    return Atlas(_to_square(texels), found)


def _distinct(
    uvs: NDArray[np.float32], charts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of one corner for each different (chart, UV), and which of them each of the corners (n,) is."""
    bits = np.ascontiguousarray(uvs, np.float32).view(np.uint64)[:, 0]
    order = np.lexsort((bits, charts))
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(bits[order]) != 0) | (np.diff(charts[order]) != 0)
    index = np.empty(len(order), np.int64)
    index[order] = np.cumsum(new) - 1
    return order[new], index


def _child(
    arrays: dict[str, NDArray[Any]],
    charts: dict[str, float],
    texture_size: int,
    check: Check,
    seconds: float,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """The child's UVs in texels and charts for its input ``arrays`` and xatlas' chart options."""
    packing = {"resolution": texture_size, "padding": max(2, round(texture_size / 256)), "bilinear": True}
    job = {"path": [entry for entry in sys.path if entry], "charts": charts, "packing": packing}
    with _temporary_folder() as folder:
        for array, values in arrays.items():
            np.save(folder / f"{array}.npy", values)
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        _run(folder, check, seconds)
        uvs = np.load(folder / "uvs.npy", allow_pickle=False)
        return uvs, np.load(folder / "charts.npy", allow_pickle=False)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder that vanishes; UserError where none can be made or filled."""
    try:
        with tempfile.TemporaryDirectory(prefix="sync-texture-") as name:
            yield Path(name)
    except OSError as error:
        raise UserError(
            f"temporary files can't be written to {tempfile.gettempdir()} ({error.strerror or error})",
            "free some space there, or set TMPDIR to another folder",
        ) from error


def _run(folder: Path, check: Check, seconds: float) -> None:
    """Run the child on ``folder`` to its end; Failed when it doesn't succeed within ``seconds``."""
    command = [sys.executable, "-I", "-S", str(_CHILD), str(folder)]
    try:
        status = guard.run(command, folder, os.environ, check, seconds)
    except TimeoutError as error:
        raise Failed("it took too long") from error
    if status or not (folder / "uvs.npy").exists():
        lines = guard.output(folder) if status == 1 else []
        raise Failed(lines[-1] if lines else f"it crashed (status {status})")


def _to_square(texels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Atlas texels to [0, 1]. An oblong atlas is stretched to the square by at most a quarter, so that texels
    stay about as wide as high on the surface."""
    size = np.maximum(texels.max(axis=(0, 1)), 1e-6) + 1
    return np.asarray(np.clip(texels / np.maximum(size, size.max() / 1.25), 0.0, 1.0), np.float32)
