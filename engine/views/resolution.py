"""How much of a surface is too small or too thin for the pixels of its views."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .surface import Surface, View
from .surface_points import COSINE, SurfacePoints

POINTS = 4096
SEED = 2
MUCH = 0.5  # of what is seen: less is a thin part of something larger


def unresolved(surface: Surface, views: Sequence[View], check: Callable[[], None] = lambda: None) -> float:
    """The share of what any of ``views`` sees of ``surface`` that none of their pixels shows: rays through
    pixel centres pass by what is narrower than a pixel."""
    points = SurfacePoints.build(surface.raster, POINTS, SEED)
    seen, shown = np.zeros((2, len(points.point)), bool)
    for view in views:
        check()
        visible, _ = surface.raster.visible(view.camera, points.point, points.normal, COSINE)
        pixel, _ = view.camera.project(points.point, view.resolution)
        column, row = np.clip(pixel, 0, view.resolution - 1).astype(int).T
        seen |= visible
        shown |= visible & view.mask[row, column]
    return float(1 - shown.sum() / seen.sum()) if seen.any() else 0.0


def warning(surface: Surface, views: Sequence[View], check: Callable[[], None] = lambda: None) -> list[str]:
    """What to say where most of a surface is unresolved."""
    share = unresolved(surface, views, check)
    if share < MUCH:
        return []
    return [f"{share:.0%} of the surface is narrower than a pixel in every view; its texture shows little"]
