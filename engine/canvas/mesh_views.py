"""A surface in front of a job's cameras: which these are, and what each of them shows a model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..controls import depth, lines, normal, placement, position
from ..errors import UserError
from ..host import Host
from ..views.cameras import Camera
from ..views.planner import plan
from ..views.raster import EmbreeRaster
from ..views.surface import Surface, View

Floats = NDArray[np.float32]
Draw = Callable[[Surface, View], Floats]

PLANS = 32  # of meshes that were seen last are kept
AT_ONCE = min(os.cpu_count() or 1, 8)  # views drawn: each of 768 x 768 pixels takes some 100 MB meanwhile


def take_views(
    surface: Surface,
    cameras: Sequence[Camera] | None,
    resolution: int,
    controls: Sequence[str],
    host: Host,
    wanted: NDArray[np.bool_] | None = None,
    layout: int = 0,
) -> list[View]:
    """What every one of ``cameras`` sees of ``surface`` in ``resolution``^2 pixels, or where these are None
    those that it needs, each with its pictures for ControlNets, of the kinds ``controls`` (choices.CONTROLS).
    wanted: (F,) the faces for whose sake views are chosen; None: all. layout: a seed of where the surface
    lies among the places of a model that reads positions (controls/placement.py).

    Raises UserError when none of the cameras, all of them given ones, sees the surface; one that doesn't is
    left out.
    """
    placed = _planned(surface.raster, host, wanted) if cameras is None else cameras
    place = placement.placed(surface.raster.corners.reshape(-1, 3), layout)
    shown: Mapping[str, Draw] = {**_CONTROLS, "position": partial(position.control, placement=place)}

    def draw(i: int) -> View:
        host.check()
        view = surface.seen(placed[i], resolution)
        return replace(view, controls={kind: shown[kind](surface, view) for kind in controls})

    views = []
    with ThreadPoolExecutor(max_workers=AT_ONCE if surface.raster.name == "embree" else 1) as pool:
        for i, view in enumerate(pool.map(draw, range(len(placed)))):
            host.progress("views", i, len(placed), None)
            views.append(view)
    seeing = [view for view in views if len(view.fragments.pixel) or not view.camera.name]
    if not seeing:
        fix = "point them at it; positions count in the axes and units of the mesh's file"
        raise UserError("none of the cameras sees the mesh", fix)
    return seeing


def _planned(raster: EmbreeRaster, host: Host, wanted: NDArray[np.bool_] | None) -> list[Camera]:
    """A plan for the mesh. One of the last meshes gets the plan that it had: another prompt or seed needn't
    wait for it."""
    faces = b"" if wanted is None else wanted.tobytes()
    mesh = hashlib.sha256(raster.corners.tobytes() + faces).digest()
    if mesh not in _plans:
        found = plan(raster, host.check, lambda i, n: host.progress("plan", i, n, None), wanted)
        _plans[mesh] = tuple(found)
        while len(_plans) > PLANS:
            del _plans[next(iter(_plans))]
    host.progress("plan", 2, 2, None)
    return list(_plans[mesh])


_plans: dict[bytes, tuple[Camera, ...]] = {}


_CONTROLS: Mapping[str, Draw] = {
    "depth": depth.control,
    "normal": normal.control,
    "lines": lines.control,
}
