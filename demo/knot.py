"""A trefoil knot with a round cross-section as an OBJ file without UVs. Standard library only."""

from __future__ import annotations

import math
from pathlib import Path

Vector = tuple[float, float, float]


def write(path: Path, around: int = 192, across: int = 24, radius: float = 0.52) -> None:
    """Write the closed tube (``around`` x ``across`` quads) to ``path``, about 6 x 6 x 3 units in size."""
    rings = [_ring(2 * math.pi * i / around, across, radius) for i in range(around)]
    lines = ["# trefoil knot", *("v {:.6f} {:.6f} {:.6f}".format(*v) for ring in rings for v in ring)]
    for i in range(around):
        for j in range(across):
            here, there = i * across, (i + 1) % around * across
            beside = (j + 1) % across
            lines.append(f"f {here + beside + 1} {there + beside + 1} {there + j + 1} {here + j + 1}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _centre(t: float) -> Vector:
    """The trefoil in the plane of x and y, its loops weaving along z."""
    return math.sin(t) + 2 * math.sin(2 * t), math.cos(t) - 2 * math.cos(2 * t), -math.sin(3 * t)


def _ring(t: float, across: int, radius: float) -> list[Vector]:
    """A circle about the curve at ``t``, in the plane across it. The first axis of that plane leans on z,
    which the trefoil is never parallel to, so that neighbouring rings line up and the tube closes."""
    centre, ahead, behind = _centre(t), _centre(t + 1e-4), _centre(t - 1e-4)
    along = _unit((ahead[0] - behind[0], ahead[1] - behind[1], ahead[2] - behind[2]))
    side = _unit(_cross((0.0, 0.0, 1.0), along))
    up = _cross(along, side)
    ring = []
    for j in range(across):
        a, b = (radius * f(2 * math.pi * j / across) for f in (math.cos, math.sin))
        x, y, z = (c + a * s + b * u for c, s, u in zip(centre, side, up, strict=True))
        ring.append((x, y, z))
    return ring


def _unit(v: Vector) -> Vector:
    length = math.hypot(*v)
    return v[0] / length, v[1] / length, v[2] / length


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
