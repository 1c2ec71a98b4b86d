"""Checks that turn what a file says into a mesh that can be textured, or into a line that says why not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from . import frame
from .areas import Areas
from .raw import Bools, Doubles, Raw, UVSet

LARGEST_UV = 1e6  # numbers beyond overflow texel arithmetic


@dataclass(frozen=True)
class Clean:
    """Arrays as in mesh.Mesh; uv_sets: all UV sets, the one to try first first."""

    vertices: NDArray[np.float32]
    origin: tuple[float, float, float]
    faces: NDArray[np.int32]
    uv_sets: list[UVSet]
    polygons: NDArray[np.int32] | None
    part: NDArray[np.int32] | None
    areas: Areas
    warnings: list[str]


def clean(raw: Raw, name: str, keep_faces: bool) -> Clean:
    """``raw`` checked. ``name`` is for messages; ``keep_faces``: refuse rather than drop a face.

    Raises UserError for no vertices, no faces, faces that point nowhere, vertices that aren't finite (all of
    them, or any with ``keep_faces``), and meshes without extent or area.
    """
    _require_faces(raw, name)
    warnings = list(raw.warnings)
    with np.errstate(over="ignore"):
        vertices = raw.vertices.astype(np.float32)
    finite = np.asarray(np.isfinite(vertices).all(axis=1))
    keep = np.asarray(finite[raw.faces].all(axis=1))
    if not keep.all():
        warnings.append(_drop_warning(vertices, keep, name, keep_faces))
    points, faces = _used_only(raw.vertices, raw.faces[keep])
    origin = frame.origin_of(points)
    vertices = (points - origin if origin.any() else points).astype(np.float32)
    warnings += _area_warnings(vertices, faces, name)
    uv_sets, bad = _uv_sets(raw, keep)
    return Clean(
        vertices,
        (float(origin[0]), float(origin[1]), float(origin[2])),
        faces.astype(np.int32),
        uv_sets,
        None if raw.polygons is None else raw.polygons[keep],
        None if raw.part is None else raw.part[keep],
        raw.areas.pick(keep),
        warnings + bad,
    )


def _require_faces(raw: Raw, name: str) -> None:
    """UserError unless there are vertices, faces, and faces only refer to vertices that exist."""
    if not len(raw.vertices):
        raise UserError(f"'{name}' has no vertices", "choose a file or an object with a surface")
    if not len(raw.faces):
        raise UserError(
            f"'{name}' has no faces, only points or lines",
            "give it a surface: fill faces in Blender, or export a mesh, not a point cloud or curve",
        )
    if raw.faces.min() < 0 or raw.faces.max() >= len(raw.vertices):
        raise UserError(
            f"'{name}' is damaged: faces refer to vertices that are not there",
            "export it again; in Blender, Mesh > Clean Up mends some such meshes",
        )


def _drop_warning(vertices: NDArray[np.float32], keep: Bools, name: str, keep_faces: bool) -> str:
    """What to say about faces at vertices that aren't finite; UserError when they can't be dropped."""
    bad = int((~np.isfinite(vertices).all(axis=1)).sum())
    what = f"{bad:,} of {len(vertices):,} vertices are not finite numbers (NaN or infinite)"
    if keep_faces or not keep.any():
        raise UserError(
            f"'{name}': {what}",
            "delete these vertices, and look for a modifier or script that divides by zero",
        )
    return f"{what}; the {int((~keep).sum()):,} faces that touch them were left out"


def _used_only(vertices: Doubles, faces: NDArray[np.int64]) -> tuple[Doubles, NDArray[np.int64]]:
    """Without vertices that no face uses, so that stray ones don't shrink the object in its frame."""
    used = np.zeros(len(vertices), bool)
    used[faces] = True
    if used.all():
        return vertices, faces
    return vertices[used], (np.cumsum(used) - 1)[faces]


def _area_warnings(vertices: NDArray[np.float32], faces: NDArray[np.int64], name: str) -> list[str]:
    """Warnings about zero-area faces; UserError when there is nothing else."""
    points = vertices.astype(np.float64)
    extent = float(np.ptp(points, axis=0).max())
    a, b, c = (points[faces[:, i]] for i in range(3))
    doubled = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    flat = doubled <= 1e-14 * extent**2  # rounding of float32 positions, relative to the object
    if flat.all():
        raise UserError(
            f"'{name}' has no surface: all {len(faces):,} faces have no area",
            "check its scale: all corners of each face lie on one line or point",
        )
    count = int(flat.sum())
    return [f"{count:,} of {len(faces):,} faces have no area"] if count else []


def _uv_sets(raw: Raw, keep: Bools) -> tuple[list[UVSet], list[str]]:
    """The UV sets of the faces to ``keep`` (F,), and warnings about the first."""
    found: list[UVSet] = []
    warnings: list[str] = []
    own = [] if raw.uvs is None else [UVSet("its UVs", raw.uvs, raw.bare)]
    for number, one in enumerate([*own, *raw.others]):
        finite, bad = _finite_uvs(one.pick(keep))
        warnings += bad if number == 0 else []
        found += [] if finite is None else [finite]
    return found, warnings


def _finite_uvs(own: UVSet) -> tuple[UVSet | None, list[str]]:
    """UVs with NaN and infinity replaced by zero and a warning; None when none is left."""
    uvs: Doubles = own.uvs
    bad = np.asarray(~(np.abs(uvs) < LARGEST_UV).all(axis=(1, 2)))
    if not bad.any():
        return UVSet(own.name, uvs.astype(np.float32), own.bare), []
    if bad.all():
        return None, ["the UVs are not finite numbers and were ignored"]
    kept = np.where(bad[:, None, None], 0.0, uvs).astype(np.float32)
    said = f"the UVs of {int(bad.sum()):,} of {len(uvs):,} faces are not finite numbers and were ignored"
    return UVSet(own.name, kept, bad if own.bare is None else bad | own.bare), [said]
