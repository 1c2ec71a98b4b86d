"""Which views a mesh needs, so that all that can be seen of it from outside is seen well, by few of them.

Candidates are whole-object views: the directions in which coverage is measured, so that none of the outside
is out of their reach, and plain ones, such as those of the published rig. Each is worth 1 at a place that it
sees, a little less where its picture is coarse or slanted; selection.py finds the few worth most together.

All whole-object views have one distance and one field of view: models are trained with the whole object in
the frame, and a pattern then has one scale in all pictures. Only where sixteen of them can't reach all that
is outside (into a bag, through a slit) are there close-ups as well, each from a place on the line between a
camera and something that this camera sees through the opening: where one can get to from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .cameras import Camera, even_rig, towards
from .raster import EmbreeRaster
from .selection import best, select, worth
from .surface_points import POSITIONS, SurfacePoints
from .view_order import round_trip

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Check = Callable[[], None]

MAX_VIEWS = 16
PRICE = 1e-3  # of the outside surface: a view that adds less isn't worth its share of a job's time
EASING = (1.0, 1 / 4, 1 / 16)  # of the price, and of what sharpness counts, until ENOUGH is painted
PLACES = 8_192  # looked at; as many more of a mesh that is hard to see
SEED, MORE_SEED = 1, 2  # not the one coverage is measured with: plans are measured at places they don't know
EASY = 0.998  # painted, of the first places: then the views for these do
ENOUGH = 0.997  # painted, of all: 0.995 of the outside, and room for what lies between
SHARP = 1.0  # as a place at a whole-object view's centre that faces it: finer is no better
SHARPNESS = 0.05  # what it counts, of a view's worth
UNUSUAL = 0.99  # worth of directions that aren't plain ones: of equals, the plain one is taken
CLOSE = 0.9  # worth of close-ups: whole-object views come first
CLOSE_FOV = 90.0
CLOSE_DISTANCES = (0.3, 0.5, 0.8)
OPENINGS = 64  # places out of reach, each looked at from so many distances

SIDES = (*(Camera(90.0 * i, 0.0) for i in range(4)), Camera(0.0, 90.0), Camera(0.0, -90.0))
BETWEEN = tuple(Camera(90.0 * i + 45.0, 0.0) for i in range(4))
SLANTED = tuple(Camera(45.0 * i, elevation) for elevation in (30.0, -30.0) for i in range(8))
PLAIN = (*SIDES, *BETWEEN, *SLANTED)


def plan(
    raster: EmbreeRaster,
    check: Check = lambda: None,
    progress: Callable[[int, int], None] = lambda i, n: None,
    wanted: Bools | None = None,
) -> list[Camera]:
    """At most 16 cameras for the normalised mesh of ``raster``, as a round trip that begins at the front.

    ``check`` is called all along and may raise; ``progress`` is told how many of how many steps are done. The
    same mesh always gets the same plan; one that can't be seen from anywhere gets the front view.
    wanted: (F,) the faces that are to be seen; None: all.
    """
    cameras = [*PLAIN, *even_rig(POSITIONS)]
    progress(0, 2)
    places, value = _outside(raster, cameras, SEED, check, wanted)
    if not value.size:
        return [cameras[0]]
    chosen = object_views(value, check)
    progress(1, 2)
    if painted(value, chosen) < EASY:
        more, more_value = _outside(raster, cameras, MORE_SEED, check, wanted)
        places, value = places.joined(more), np.concatenate([value, more_value], axis=1)
        close = _close_ups(places, cameras, value, best(value, chosen) == 0)
        cameras += close
        value = np.concatenate([value, _values(places, close, CLOSE, check)])
        chosen = _with_close_ups(value, chosen, check)
    progress(2, 2)
    return round_trip([cameras[i] for i in chosen])


def painted(value: Floats, chosen: Sequence[int]) -> float:
    """The share of the places (P of ``value``, (C, P)) that any of the ``chosen`` candidates sees."""
    return float((best(value, chosen) > 0).mean())


def _outside(
    raster: EmbreeRaster, cameras: Sequence[Camera], seed: int, check: Check, wanted: Bools | None
) -> tuple[SurfacePoints, Floats]:
    """The places on ``wanted`` faces that lie outside, P of PLACES, and what each whole-object view is worth
    there (C, P)."""
    places = SurfacePoints.build(raster, PLACES, seed, wanted)
    value = _values(places, cameras, UNUSUAL, check)
    value[: len(PLAIN)] /= np.float32(UNUSUAL)
    outside = np.asarray((value[len(PLAIN) :] > 0).any(axis=0))
    return places.pick(outside), np.ascontiguousarray(value[:, outside])


def _values(places: SurfacePoints, cameras: Sequence[Camera], most: float, check: Check) -> Floats:
    """(C, P): what each camera is worth at each place, 0 where it doesn't see it, else up to ``most``."""
    value = places.sharpness(cameras, check)
    seen = value > 0
    value *= np.float32(SHARPNESS / SHARP)
    np.minimum(value, np.float32(SHARPNESS), out=value)
    value += np.float32(1 - SHARPNESS)
    value *= seen * np.float32(most)
    return value


def object_views(value: Floats, check: Check) -> list[int]:
    """Numbers of whole-object views, of which the SIDES are the first, by what they are worth (C, P): the
    better of two searches, from nothing, and from the six sides, which people think in."""
    found = [select(value, PRICE, MAX_VIEWS, start, check) for start in ((), range(len(SIDES)))]
    return max(found, key=lambda chosen: worth(value, chosen, PRICE))


def _with_close_ups(value: Floats, chosen: list[int], check: Check) -> list[int]:
    """From the whole-object views ``chosen``: as few more as paint enough, sharp ones as long as they do."""
    for ease in EASING:
        eased = value if ease == 1 else np.where(value > 0, 1 - np.float32(ease) * (1 - value), np.float32(0))
        chosen = select(eased, PRICE * ease, MAX_VIEWS, chosen, check)
        if painted(value, chosen) >= ENOUGH:
            break
    return chosen


def _close_ups(
    places: SurfacePoints, cameras: Sequence[Camera], value: Floats, missed: NDArray[np.bool_]
) -> list[Camera]:
    """Cameras that look at some of the ``missed`` (P,) places, along the lines on which each is seen best."""
    found = []
    for place in np.flatnonzero(missed)[:OPENINGS]:  # places come in random order
        point = places.point[place].astype(np.float64)
        azimuth, elevation, _ = towards(cameras[int(value[:, place].argmax())].position - point)
        target = (float(point[0]), float(point[1]), float(point[2]))
        found += [Camera(azimuth, elevation, d, CLOSE_FOV, target) for d in CLOSE_DISTANCES]
    return found
