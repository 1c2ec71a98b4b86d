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
from ..controls.normal import TOWARDS
from ..errors import UserError
from ..host import Host
from ..options.choices import OF_PLACES
from ..views.cameras import Camera
from ..views.neighbours import beside, beside_crops
from ..views.planner import plan
from ..views.surface import Surface, View
from .canvas import CanvasView, Prompt

Floats = NDArray[np.float32]
Draw = Callable[[Surface, View], Floats]

SPHERE = 1.001  # radii, with rounding
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
    those that it needs, each with its pictures for ControlNets, of the kinds ``controls`` (choices.CONTROLS),
    which show what stands beside, too. wanted: (F,) the faces for whose sake views are chosen; None: all.
    layout: a seed of where the object lies among the places of a model that reads positions
    (controls/placement.py).

    Raises UserError when none of the cameras, all of them given ones, sees the surface; one that doesn't is
    left out.
    """
    placed = _planned(surface, host, wanted) if cameras is None else cameras
    whole = surface.whole
    shown: dict[str, Draw] = {**_CONTROLS}
    if set(OF_PLACES) & set(controls):
        place = placement.placed(in_object(whole), layout)
        shown["position"] = partial(position.control, placement=place)
        shown["place"] = partial(position.place, placement=place)

    def draw(i: int) -> View:
        host.check()
        view = surface.seen(placed[i], resolution)
        all_seen = view if whole is surface else whole.seen(placed[i], resolution)
        return replace(view, controls={kind: shown[kind](whole, all_seen) for kind in controls})

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


def in_object(whole: Surface) -> Floats:
    """(n, 3) the corners of the ``whole`` object in its unit sphere, without those of faces far away from
    all others (mesh/frame.py)."""
    places = whole.corners.reshape(-1, 3) * np.float32(whole.scale) + whole.centre
    found: Floats = places[np.linalg.norm(places, axis=1) <= SPHERE]
    return found


def canvas_views(shots: Sequence[View], asked: Sequence[tuple[Prompt, ...]]) -> list[CanvasView]:
    """The ``shots`` as views of a canvas, with what each is ``asked`` for; neighbours look from beside."""
    cameras, found = [one.camera for one in shots], []
    others_of = beside_crops(cameras) if any(one.crop for one in shots) else beside(cameras)
    for shot, prompts_of, others in zip(shots, asked, others_of, strict=True):
        assert shot.controls, "what a model paints has a control picture"
        side = shot.resolution
        axes = shot.camera.axes * TOWARDS
        found.append(CanvasView(side, side, prompts_of, shot.controls, shot.mask, others, axes))
    return found


def _planned(surface: Surface, host: Host, wanted: NDArray[np.bool_] | None) -> list[Camera]:
    """A plan for the mesh. One of the last meshes gets the plan that it had: another prompt or seed needn't
    wait for it."""
    known = [one.tobytes() for one in (surface.corners, wanted, surface.beside) if one is not None]
    mesh = hashlib.sha256(b"".join(known)).digest()
    if mesh not in _plans:
        found = plan(surface.raster, host.check, lambda i, n: host.progress("plan", i, n, None), wanted)
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
