"""The meshes of one's own that benchmarks take: the files in the folder that SYNC_TEXTURE_MESHES names."""

from __future__ import annotations

import os
from pathlib import Path

SUFFIXES = (".obj", ".glb", ".gltf", ".ply", ".stl")


def given() -> list[Path]:
    """All of them, by name; none where nothing is named."""
    folder = os.environ.get("SYNC_TEXTURE_MESHES")
    return sorted(p for p in Path(folder).iterdir() if p.suffix in SUFFIXES) if folder else []


def bag() -> Path | None:
    """clutch_bag.obj, the mesh of the published case, where it is one of them."""
    return next((path for path in given() if path.name == "clutch_bag.obj"), None)
