"""Cameras of one's own as views: a file that lists them, in the mesh file's axes and units.

    {"cameras": [{"position": [0, 1, 4], "forward": [0, 0, -1], "up": [0, 1, 0], "fov": 40, "name": "left"}]}

``position`` and ``forward`` are needed; where they are missing, ``up`` is what is up in the mesh's file, and
``fov``, the angle across the square picture, 60 degrees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..inputs import read_json
from ..mesh.frame import AXES, Axes, turned
from ..options.values import short
from .cameras import FOV, Camera

Doubles = NDArray[np.float64]
FOVS = (1.0, 170.0)
NEAREST = 0.01  # to its target, of the mesh's radius: a camera that looks away from the mesh has one too
_KEYS = frozenset({"position", "forward", "up", "fov", "name"})
_HOW = 'write {"cameras": [{"position": [x, y, z], "forward": [x, y, z], "up": [x, y, z], "fov": 40}, ...]}'


@dataclass(frozen=True)
class Given:
    """One camera of the file. position, forward, up: (3,) float64 in the mesh file's frame, the latter two of
    any length; up needn't be square to forward. fov: degrees."""

    position: Doubles
    forward: Doubles
    up: Doubles
    fov: float
    name: str

    def placed(self, centre: NDArray[np.floating], scale: float, front: float) -> Camera:
        """The camera around the mesh that ``framed`` moved and scaled so, and ``turned`` by front."""
        position = turned((self.position - centre) / scale, front)
        forward, up = turned(self.forward, front), turned(self.up, front)
        forward = forward / np.linalg.norm(forward)
        x, y, z = -forward
        across = np.hypot(x, z)
        azimuth = float(np.degrees(np.arctan2(x, z))) if across > 1e-9 else 0.0
        elevation = float(np.degrees(np.arctan2(y, across)))
        distance = max(float(-position @ forward), NEAREST)
        target = position + distance * forward
        roll = _roll(Camera(azimuth, elevation), up)
        place = (float(target[0]), float(target[1]), float(target[2]))
        return Camera(azimuth, elevation, distance, self.fov, place, roll, self.name)


def _roll(level: Camera, up: Doubles) -> float:
    """Degrees by which ``level`` has to be turned about its axis for ``up`` to be up."""
    right, usual, _ = level.axes.astype(np.float64)
    aside, above = float(up @ right), float(up @ usual)
    seen = np.hypot(aside, above) > 1e-6 * np.linalg.norm(up)  # else it looks straight up or down
    return float(np.degrees(np.arctan2(aside, above))) if seen else 0.0


def read(path: str, most: int, axes: Axes = AXES["y"]) -> list[Given]:
    """The cameras that the JSON file ``path`` lists, at most ``most``. axes: from those of the mesh's
    file to engine axes. Raises UserError."""
    data = read_json(path, fix=_HOW)
    listed = data.get("cameras") if isinstance(data, dict) else None
    if not isinstance(listed, list) or not listed:
        raise UserError(f"'{path}' lists no cameras", _HOW)
    if len(listed) > most:
        raise UserError(f"'{path}' lists {len(listed)} cameras", f"leave at most {most} of them")
    return [_camera(entry, number, axes) for number, entry in enumerate(listed, 1)]


def _camera(entry: Any, number: int, axes: Axes) -> Given:
    if not isinstance(entry, dict) or not entry.keys() <= _KEYS:
        raise UserError(f"camera {number} isn't an object of {', '.join(sorted(_KEYS))}", _HOW)
    name = str(entry.get("name") or f"camera {number}")
    position = _vector(entry, "position", None, name)
    forward = _vector(entry, "forward", None, name)
    usual = axes(np.eye(3))[:, 1]  # what the axes turn into (0, 1, 0)
    up = _vector(entry, "up", usual.tolist(), name)
    for direction, vector in (("forward", forward), ("up", up)):
        if not np.linalg.norm(vector) > 0:
            raise UserError(f"{short(name)} has no direction: {direction} is 0, 0, 0", _HOW)
    position, forward, up = (axes(vector) for vector in (position, forward, up))
    return Given(position, forward, up, _fov(entry.get("fov", FOV), name), name)


def _vector(entry: Mapping[str, Any], key: str, usual: Sequence[float] | None, name: str) -> Doubles:
    value = entry.get(key, usual)
    good = isinstance(value, list | tuple) and len(value) == 3 and all(map(_is_number, value))
    if not good:
        raise UserError(f"{key} of {short(name)} is {short(value)}, not three numbers", _HOW)
    vector = np.asarray(value, np.float64)
    if not (np.abs(vector) < 1e12).all():
        raise UserError(f"{key} of {short(name)} is out of reach: {short(value)}", "choose finite numbers")
    return vector


def _fov(value: Any, name: str) -> float:
    low, high = FOVS
    if not _is_number(value) or not low <= value <= high:
        raise UserError(f"fov of {short(name)} is {short(value)}", f"choose {low:g} to {high:g} degrees")
    return float(value)


def _is_number(value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 1000
    return whole or isinstance(value, float)  # a whole number of JSON may be too long for any other
