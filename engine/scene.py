"""The normalised mesh in front of a job's cameras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .depth.depth import depth_picture
from .host import Host
from .mesh.frame import to_unit_sphere
from .mesh.mesh import Mesh
from .views.cameras import Camera
from .views.raster import EmbreeRaster, Fragments

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """uvs: (F, 3, 2) float32 per corner. depths: (N, R, R) float32 in [0, 1]. resolution: R."""

    mesh: Mesh
    uvs: Floats
    raster: EmbreeRaster
    cameras: list[Camera]
    fragments: list[Fragments]
    depths: Floats
    resolution: int


def build_scene(mesh: Mesh, cameras: list[Camera], resolution: int, host: Host) -> Scene:
    """Rasterise ``mesh``, which has UVs, from every camera at ``resolution``^2."""
    assert mesh.uvs is not None
    vertices, _, _ = to_unit_sphere(mesh.vertices)
    raster = EmbreeRaster(vertices, mesh.faces)
    fragments, depths = [], []
    for i, camera in enumerate(cameras):
        host.check()
        host.progress("views", i, len(cameras), None)
        view = raster.rasterise(camera, resolution)
        fragments.append(view)
        depths.append(_depth(view, resolution))
    return Scene(mesh, mesh.uvs, raster, cameras, fragments, np.stack(depths), resolution)


def _depth(view: Fragments, resolution: int) -> Floats:
    depth = np.ones(resolution**2, np.float32)
    inside = np.zeros(resolution**2, bool)
    depth[view.pixel], inside[view.pixel] = view.depth, True
    return depth_picture(depth.reshape(resolution, resolution), inside.reshape(resolution, resolution))
