"""The normalised mesh in front of a job's cameras."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..controls.depth import depth_picture
from ..controls.position import position_picture
from ..errors import UserError
from ..host import Host
from ..mesh.frame import to_unit_sphere, turned
from ..mesh.mesh import Mesh
from ..views.backends import make_raster
from ..views.cameras import Camera
from ..views.planner import plan
from ..views.raster import EmbreeRaster, Fragments, interpolate, masks

Floats = NDArray[np.float32]

PLANS = 32  # of meshes that were seen last are kept
AT_ONCE = min(os.cpu_count() or 1, 8)  # views drawn: each of 768 x 768 pixels takes some 100 MB meanwhile


@dataclass(frozen=True)
class Scene:
    """uvs: (F, 3, 2) float32 per corner, or (F, 3, 3) with pages. controls: what the ControlNet sees,
    (N, 1 or 3, R, R) float32 in [0, 1], background 0. resolution: R."""

    mesh: Mesh
    uvs: Floats
    raster: EmbreeRaster
    cameras: list[Camera]
    fragments: list[Fragments]
    controls: Floats
    resolution: int


def build_scene(
    mesh: Mesh,
    cameras: list[Camera] | None,
    resolution: int,
    control: str,
    host: Host,
    backend: str = "embree",
    uvs: Floats | None = None,
    front: float = 0.0,
) -> Scene:
    """Rasterise ``mesh``, which has UVs, at ``resolution``^2 from every camera, or where these are None from
    those that it needs; ``control`` is one of models/presets.py's CONTROLS, ``backend`` one that
    views/backends.py chose. uvs: instead of the mesh's own, which have no pages. front: the azimuth of what
    the cameras take for the mesh's front.

    Raises UserError when none of the cameras, all of them given ones, sees the mesh; one that doesn't is left
    out.
    """
    uvs = mesh.uvs if uvs is None else uvs
    assert uvs is not None
    vertices, _, _ = to_unit_sphere(mesh.vertices)
    raster = make_raster(backend, turned(vertices, front), mesh.faces)
    if cameras is None:
        cameras = _planned(raster, host)
    placed = cameras

    def draw(i: int) -> tuple[Fragments, Floats]:
        host.check()
        view = raster.rasterise(placed[i], resolution)
        return view, _CONTROLS[control](raster, view, resolution)

    drawn = []
    with ThreadPoolExecutor(max_workers=AT_ONCE if raster.name == "embree" else 1) as pool:
        for i, views in enumerate(pool.map(draw, range(len(placed)))):
            host.progress("views", i, len(placed), None)
            drawn.append(views)
    seeing = [i for i, (view, _) in enumerate(drawn) if len(view.pixel) or not cameras[i].name]
    if not seeing:
        fix = "point them at it; positions count in the axes and units of the mesh's file"
        raise UserError("none of the cameras sees the mesh", fix)
    fragments, controls = [drawn[i][0] for i in seeing], [drawn[i][1] for i in seeing]
    return Scene(mesh, uvs, raster, [cameras[i] for i in seeing], fragments, np.stack(controls), resolution)


def _planned(raster: EmbreeRaster, host: Host) -> list[Camera]:
    """A plan for the mesh. One of the last meshes gets the plan that it had: another prompt or seed needn't
    wait for it."""
    mesh = hashlib.sha256(raster.corners.tobytes()).digest()
    if mesh not in _plans:
        found = plan(raster, host.check, lambda i, n: host.progress("plan", i, n, None))
        _plans[mesh] = tuple(found)
        while len(_plans) > PLANS:
            del _plans[next(iter(_plans))]
    host.progress("plan", 2, 2, None)
    return list(_plans[mesh])


_plans: dict[bytes, tuple[Camera, ...]] = {}


def _depth(raster: EmbreeRaster, view: Fragments, resolution: int) -> Floats:
    """(1, R, R)"""
    depth = np.ones(resolution**2, np.float32)
    depth[view.pixel] = view.depth
    (inside,) = masks([view], resolution)
    return depth_picture(depth.reshape(resolution, resolution), inside)[None]


def _position(raster: EmbreeRaster, view: Fragments, resolution: int) -> Floats:
    """(3, R, R)"""
    points = interpolate(raster.corners, view.face, view.bary)  # pixels come row by row
    (inside,) = masks([view], resolution)
    return np.moveaxis(position_picture(points, inside), -1, 0)


_CONTROLS = {"depth": _depth, "position": _position}
