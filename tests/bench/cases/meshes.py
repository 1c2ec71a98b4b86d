"""The meshes of benchmarks: some made here, and the files in the folder that SYNC_TEXTURE_MESHES names."""

from __future__ import annotations

import os
from pathlib import Path

import trimesh

SUFFIXES = (".obj", ".glb", ".gltf", ".ply", ".stl")


def usual_meshes(folder: Path) -> list[Path]:
    """A cube and a torus, written to ``folder``, and the files of ``own_meshes``."""
    made = [folder / "cube.stl", folder / "torus.stl"]
    trimesh.creation.box().export(made[0])
    trimesh.creation.torus(1.0, 0.4, major_sections=48, minor_sections=32).export(made[1])
    return [*made, *own_meshes()]


def torus(folder: Path) -> Path:
    """One of 2,048 faces without UVs, written to ``folder``."""
    path = folder / "torus.stl"
    trimesh.creation.torus(1.0, 0.4, major_sections=32, minor_sections=32).export(path)
    return path


def own_meshes() -> list[Path]:
    """The files in the folder of SYNC_TEXTURE_MESHES, by name; none where nothing is named."""
    folder = os.environ.get("SYNC_TEXTURE_MESHES")
    return sorted(p for p in Path(folder).iterdir() if p.suffix in SUFFIXES) if folder else []


def bag() -> Path | None:
    """clutch_bag.obj, the mesh of the published case, where it is one of them."""
    return next((path for path in own_meshes() if path.name == "clutch_bag.obj"), None)
