"""Meshes, cameras and their f and g, for several tests."""

from __future__ import annotations

from functools import cache

from engine.canvas.mesh_maps import MeshMaps, mesh_maps
from engine.sync.spaces import Averaging, LinearSpace
from engine.views.cameras import Camera, paper_rig
from engine.views.raster import EmbreeRaster
from tests.engine import brute
from tests.engine.shapes import surface_of

BOX = brute.box((-0.5, -0.4, -0.45), (0.5, 0.4, 0.45))
TORUS = brute.torus(rings=12, around=18)
PAIR = brute.join(
    brute.box((-0.6, -0.5, -0.1), (0.1, 0.5, 0.1)), brute.box((-0.1, -0.3, 0.3), (0.5, 0.3, 0.4))
)
CAMERAS = [Camera(13, 7), Camera(101, -20), Camera(222, 35), Camera(310, 61)]


def raster_of(made: brute.Made) -> EmbreeRaster:
    return EmbreeRaster(made.vertices, made.faces)


def maps_of(
    made: brute.Made,
    cameras: list[Camera],
    resolution: int,
    size: int,
    exponent: float = 1,
    reweighted: bool = False,
) -> MeshMaps:
    surface = surface_of(made)
    return mesh_maps(surface, surface.seen_by(cameras, resolution), size, Averaging(exponent, reweighted))


def space_of(maps: MeshMaps) -> LinearSpace:
    return LinearSpace.build(maps)


def row_of(maps: MeshMaps, k: int) -> dict[int, float]:
    row = maps.average[k].tocoo()
    return dict(zip(row.col.tolist(), row.data.tolist(), strict=True))


@cache
def paper_maps(name: str) -> MeshMaps:
    made = {"sphere": brute.sphere(48, 96), "torus": brute.torus(), "pair": PAIR}[name]
    return maps_of(made, paper_rig(), 48, 384)
