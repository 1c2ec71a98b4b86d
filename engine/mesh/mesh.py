"""The triangle mesh that every other part works on, and how a file becomes one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import clean, frame, read
from .areas import Areas
from .beside import Beside
from .raw import Bools, Check, UVSet, never

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh in engine axes (see frame.py), in the file's units.

    vertices: (V, 3) float32, finite, from ``origin``; every one is a corner of some face.
    faces: (F, 3) int32 indices into ``vertices``, F >= 1.
    uvs: (F, 3, 2) float32 per triangle corner, origin at the bottom left; None when the file has none.
        Finite; zero where only some parts of the file have UVs, or where the file's were not finite.
    polygons: (F,) int32, the polygon that each triangle is part of; None where triangles are polygons.
    warnings: one line each, for people.
    name: the file's name without its ending.
    part: (F,) int32 number among ``parts``, their names, of the object or material of each face; None where
        all are of one.
    bare: (F,) the faces that the file gives no usable UVs, zero in ``uvs``; None where all have some.
    others: further UV sets of the file, for where ``uvs`` can't carry a texture.
    origin: where the vertices' zero lies in the file: zero, but for an object so far away from that that
        float32 wouldn't hold its shape.
    areas: what the file calls its faces.
    beside: what else of the object views see; None where the faces are all of it.
    """

    vertices: Floats
    faces: Ints
    uvs: Floats | None = None
    polygons: Ints | None = None
    warnings: tuple[str, ...] = ()
    name: str = "mesh"
    part: Ints | None = None
    parts: tuple[str, ...] = ()
    bare: Bools | None = None
    others: tuple[UVSet, ...] = ()
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    areas: Areas = field(default_factory=Areas)
    beside: Beside | None = None


def is_z_up(path: str | Path, up: str) -> bool:
    """Whether +Z is up in the file ``path``, by ``up``, one of options/choices.py's UPS: glTF's axes are the
    engine's, and so are the add-on's arrays."""
    ending = Path(path).suffix.lower()
    return ending in (".stl", ".ply") if up == "auto" else up == "z" and ending in (".obj", ".stl", ".ply")


def load(path: str | Path, by: str = "", check: Check = never, up: str = "y") -> Mesh:
    """The mesh in ``path``: .obj .glb .gltf .ply .stl, or the add-on's .npz (see protocol.Request).

    Parts and instances of a scene become one mesh with their transforms applied. Faces are neither merged
    nor reordered; faces that touch a NaN or infinite vertex are dropped from files with a warning, while an
    .npz, whose face order is a contract, is refused. Raises UserError for anything that can't be textured.
    by: "object" or "material", what to tell parts by. up: see is_z_up. ``check`` is called all along and may
    raise.
    """
    path = Path(path)
    raw = read.read(path, by, check)
    if is_z_up(path, up):
        raw.vertices = frame.from_z_up(raw.vertices)
    cleaned = clean.clean(raw, _text(read.title(path)), keep_faces=path.suffix.lower() == ".npz")
    first = cleaned.uv_sets[0] if cleaned.uv_sets else None
    beside, origin = raw.beside, np.array(cleaned.origin)
    return Mesh(
        cleaned.vertices,
        cleaned.faces,
        None if first is None else first.uvs,
        cleaned.polygons,
        tuple(cleaned.warnings),
        _text(path.stem),
        cleaned.part,
        tuple(map(_text, raw.parts)),
        None if first is None else first.bare,
        tuple(cleaned.uv_sets[1:]),
        cleaned.origin,
        cleaned.areas.of_file(_text(path.stem), len(cleaned.faces)),
        None if beside is None else Beside.of(beside, raw.vertices, origin, path),
    )


def _text(name: str) -> str:
    """``name`` as files of ours can hold it: on Linux a path may be any bytes."""
    return name.encode("utf-8", "replace").decode("utf-8")
