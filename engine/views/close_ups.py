"""Cameras that move in on a surface, so that its texture gets more pixels than views of the whole have.

Wanted is one density everywhere: ``factor`` times the pixels per length that the first pass had, at the
middle of all places that it saw. A close-up stands off one place as far as a view of the whole does, and sees
less: its field of view is narrower. So nothing comes between it and the surface that didn't before, and its
picture is nearly free of perspective. Where something does, it is a crop of the view that saw the place best.

A close-up is worth at a place what it adds of the way from the first pass' density to the wanted one;
selection.py finds the few worth most together. It costs what WORTH of a frame full of new detail would be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .cameras import DISTANCE, Camera, towards
from .raster import EmbreeRaster
from .selection import best, select
from .surface_points import OBJECT_EXTENT, SurfacePoints

Floats = NDArray[np.float32]
Check = Callable[[], None]

PLACES = 6_144  # looked at
CANDIDATES = 512
SEED = 3  # neither that of plans of whole-object views nor that of what is measured
MOST = 128  # close-ups, however large the surface is
WORTH = 0.07  # of a frame that is full of places without detail: a view that adds less isn't worth its time
MARGIN = 1 / 16  # of a picture's side, around: what lies there another close-up had better show
WIDEST = 90.0  # degrees, field of view
LEAST = 1e-3  # of the wanted density: what lacks less is there
REACHED = 0.7  # of the wanted density: a place that faces its camera at 45 degrees


@dataclass(frozen=True)
class Looked:
    """At what the first pass saw. places: seen by one of its ``cameras`` at least; had: (n,) pixels along the
    surface for each that a whole-object view has at its centre; source: (n,) the camera that had most.
    area: of the surface that they stand for."""

    cameras: tuple[Camera, ...]
    places: SurfacePoints
    had: Floats
    source: NDArray[np.int64]
    area: float

    @classmethod
    def at(cls, raster: EmbreeRaster, cameras: Sequence[Camera], check: Check = lambda: None) -> Self:
        """At the normalised mesh of ``raster``, which ``cameras`` see. The same always gives the same."""
        places = SurfacePoints.build(raster, PLACES, SEED)
        sharp = places.sharpness(cameras, check)
        had = best(sharp, range(len(cameras)))
        some = had > 0
        edge = raster.corners[:, 1:] - raster.corners[:, :1]
        area = np.linalg.norm(np.cross(edge[:, 0], edge[:, 1]).astype(np.float64), axis=1).sum() / 2
        share = float(some.mean()) if len(some) else 0.0
        return cls(tuple(cameras), places.pick(some), had[some], sharp.argmax(axis=0)[some], area * share)

    @property
    def density(self) -> float:
        """What it had at the middle of all places; 0 where it saw none."""
        return float(np.median(self.had)) if len(self.had) else 0.0

    def pixel(self, resolution: int, factor: float) -> float:
        """The side on the surface of a pixel of a close-up of ``resolution``^2 that faces it."""
        return frame(factor * self.density) / resolution


@dataclass(frozen=True)
class ClosePlan:
    """density: as in Looked.had, that is wanted. reached: the share of places that get REACHED of it."""

    cameras: tuple[Camera, ...]
    density: float
    reached: float

    def groups(self, most: int) -> list[tuple[Camera, ...]]:
        """The cameras in as few groups of neighbours as have at most so many each."""
        if not self.cameras:
            return []
        return [tuple(part) for part in _halved(list(self.cameras), -(-len(self.cameras) // most))]


def frame(density: float) -> float:
    """The side on the surface of what a view with this ``density`` shows."""
    return 2 * DISTANCE * OBJECT_EXTENT / density


def plan_close_ups(looked: Looked, factor: float, check: Check = lambda: None) -> ClosePlan:
    """For ``factor`` times the density that there was; no cameras where nothing was seen. ``check`` is called
    all along and may raise. The same always gets the same plan."""
    density, places, had = factor * looked.density, looked.places, looked.had
    if not density:
        return ClosePlan((), 0.0, 0.0)
    candidates = _candidates(looked, density, check)
    sharp = places.sharpness([_inner(one) for one in candidates], check) * np.float32(1 - 2 * MARGIN)
    missing = np.maximum(density - had, np.float32(LEAST * density))
    value = np.clip((sharp - had) / missing, 0, 1)
    price = WORTH * min(1.0, frame(density) ** 2 / looked.area)
    chosen = select(value, price, MOST, (), check)
    reached = np.maximum(best(sharp, chosen), had) >= REACHED * density
    return ClosePlan(tuple(candidates[i] for i in chosen), density, float(reached.mean()))


def _candidates(looked: Looked, density: float, check: Check) -> list[Camera]:
    """A close-up for each of the first places: along its normal where it is seen from there, else from where
    the view stands that saw it best."""
    found = []
    for number, source in enumerate(looked.source[:CANDIDATES]):
        check()
        place = looked.places.pick(np.array([number]))
        point, normal = place.point[0].astype(np.float64), place.normal[0].astype(np.float64)
        back = looked.cameras[source].position - point
        side = normal if normal @ back > 0 else -normal
        facing = _close_up(point, side * DISTANCE, density)
        seen, _ = place.raster.visible(facing, place.point, place.normal)
        found.append(facing if seen[0] else _close_up(point, back, density))
    return found


def _close_up(point: NDArray[np.float64], back: NDArray[np.float64], density: float) -> Camera:
    """A camera at ``point`` + ``back`` that sees the point, facing it, at ``density``."""
    azimuth, elevation, distance = towards(back)
    half_extent = OBJECT_EXTENT * DISTANCE / (density * distance)
    fov = min(_fov(half_extent), WIDEST)
    return Camera(azimuth, elevation, distance, fov, (float(point[0]), float(point[1]), float(point[2])))


def _inner(camera: Camera) -> Camera:
    """``camera`` without its picture's margin."""
    half_extent = camera.half_extent * (1 - 2 * MARGIN)
    return replace(camera, fov=_fov(half_extent))


def _fov(half_extent: float) -> float:
    """Degrees, of a camera with this Camera.half_extent."""
    return 2 * float(np.degrees(np.arctan(half_extent)))


def _halved(cameras: list[Camera], parts: int) -> list[list[Camera]]:
    """``cameras`` in so many groups of neighbours: cut across where the places that they look at lie farthest
    apart, and each half again."""
    if parts <= 1:
        return [cameras]
    place = np.array([one.target for one in cameras])
    axis = int(np.ptp(place, axis=0).argmax())
    order = np.argsort(place[:, axis], kind="stable")
    first = parts // 2
    cut = round(len(cameras) * first / parts)
    halves = [[cameras[i] for i in sorted(part)] for part in (order[:cut], order[cut:])]
    return [*_halved(halves[0], first), *_halved(halves[1], parts - first)]
