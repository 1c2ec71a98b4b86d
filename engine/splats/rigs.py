"""From where splats are looked at: the published views, or such as show all that can be seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..views.cameras import Camera, even_rig, paper_rig
from ..views.planner import PLAIN, SEED, SHARPNESS, object_views
from ..views.view_order import round_trip
from .shots import Check, Scene

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]

DENSE = 50  # published
SIDE = 64  # pixels of the pictures that views are chosen by
PLACES = 8192  # splats that they are chosen for
SHOWN = 0.05  # pixels: a splat that no picture shows so much of lies inside
SEEN = 0.2  # of the most that any view shows of a splat: less is at the edge, or behind others


def dense_rig() -> list[Camera]:
    """The published fifty views: twice around, up and down between 0 and 60 degrees."""
    steps = 2 * np.pi * np.arange(DENSE) / DENSE
    return [
        Camera(720.0 * i / DENSE, float(30 * (1 - np.cos(step)))) for i, step in enumerate(steps.tolist())
    ]


def cameras(views: str, scene: Scene, check: Check, progress: Progress) -> list[Camera]:
    """Those of ``views``, one of choices.SPLAT_VIEWS or a number."""
    if views == "auto":
        return plan(scene, check, progress)
    if views == "dense":
        return dense_rig()
    return paper_rig() if views == "sparse" else even_rig(int(views))


def plan(scene: Scene, check: Check = lambda: None, progress: Progress = lambda i, n: None) -> list[Camera]:
    """At most 16 cameras of planner.PLAIN, as a round trip: such that most splats that any of these shows are
    shown well by one of them. What a view is worth for a splat is how much of it it shows, next to the most
    that another one shows."""
    shown = np.zeros((len(PLAIN), len(scene.opacity)), np.float32)
    for i, shot in enumerate(scene.seen_by(PLAIN, SIDE, check)):
        shown[i] = np.asarray(shot.weights.sum(axis=0)).reshape(-1)
        progress(i + 1, len(PLAIN))
    outside = np.flatnonzero(shown.max(axis=0) > SHOWN)
    if not len(outside):
        return [PLAIN[0]]
    some = np.random.default_rng(SEED).permutation(outside)[:PLACES]
    share = shown[:, some] / shown[:, some].max(axis=0)
    value = np.where(share < SEEN, 0, 1 - SHARPNESS * (1 - share)).astype(np.float32)
    return round_trip([PLAIN[i] for i in object_views(value, check)])
