"""The scene's cameras as views, in the frame in which the engine gets the mesh."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...engine.mesh.frame import from_z_up
from ..problem import Problem
from .mesh import scale

Doubles = NDArray[np.float64]
MAX_CAMERAS = 64  # the engine takes no more
FOVS = (1.0, 170.0)  # nor others, degrees
ORTHO_FOV = 20.0  # of a view in parallel projection


@dataclass(frozen=True)
class Cameras:
    """Views as the engine's --cameras file lists them: engine/views/camera_file.py."""

    entries: tuple[dict[str, Any], ...]

    def save(self, path: Path) -> None:
        """Write them to ``path``. No bpy: any thread may call it. Raises OSError."""
        path.write_text(json.dumps({"cameras": self.entries}), encoding="utf-8")


def view_cameras(scene: Any, view_layer: Any) -> list[Any]:
    """The selected cameras of ``scene``, all of them where none is selected. Cheap enough to draw a panel."""
    cameras = [obj for obj in scene.objects if obj.type == "CAMERA"]
    return [obj for obj in cameras if obj.select_get(view_layer=view_layer)] or cameras


def check(cameras: Sequence[Any]) -> None:
    """Raise Problem where the objects ``cameras`` can't be views. Cheap enough to draw a panel."""
    if not cameras:
        raise Problem(
            "The scene has no camera to look from", "Add one, or choose other Views under Advanced."
        )
    if len(cameras) > MAX_CAMERAS:
        raise Problem(
            f"The scene has {len(cameras)} cameras", f"Select those to look from, at most {MAX_CAMERAS}."
        )
    for camera in cameras:
        if camera.data.type != "PERSP":
            fix = "Make it a perspective one, or select those to look from."
            raise Problem(f"'{camera.name}' is no perspective camera", fix)


def read(obj: Any, depsgraph: Any, in_world: bool) -> Cameras:
    """The chosen cameras of the depsgraph's scene as views of ``obj``; in_world: of where it stands among
    others. Raises Problem."""
    cameras = view_cameras(depsgraph.scene, depsgraph.view_layer)
    check(cameras)
    inward = np.eye(4) if in_world else _inward(obj)
    return Cameras(tuple(_entry(one.evaluated_get(depsgraph), depsgraph.scene, inward) for one in cameras))


def of_viewport(obj: Any, in_world: bool) -> Cameras:
    """What the 3D view shows as a view of ``obj``; in_world: of where it stands among others. Raises Problem
    where none is open."""
    view = bpy.context.region_data or next(_open_views(), None)
    if view is None:
        raise Problem("No 3D view is open to look from", "Open one, or look from the views that it needs.")
    return seen_in(view, obj, in_world)


def seen_in(view: Any, obj: Any, in_world: bool) -> Cameras:
    """The camera of a 3D ``view``: the square around what it shows of ``obj``. Without perspective it stands
    as far away as shows as much."""
    half = max(1 / abs(view.window_matrix[0][0]), 1 / abs(view.window_matrix[1][1]))
    matrix = np.array(view.view_matrix.inverted(), np.float64)
    fov = min(max(2 * math.degrees(math.atan(half)), FOVS[0]), FOVS[1])
    if not view.is_perspective:
        fov = ORTHO_FOV
        away = half / math.tan(math.radians(fov) / 2)
        matrix[:3, 3] = np.array(view.view_location) + away * matrix[:3, 2]
    inward = np.eye(4) if in_world else _inward(obj)
    return Cameras(({"name": "3D View", **_pose(inward @ matrix), "fov": fov},))


def _open_views() -> Iterator[Any]:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                yield area.spaces.active.region_3d


def _inward(obj: Any) -> Doubles:
    """(4, 4): from the world to the object's axes with its scale applied, in which mesh.py reads it."""
    world = np.array(obj.matrix_world, np.float64)
    inward = np.eye(4)
    inward[:3, :3] = np.diag(scale(obj)) @ np.linalg.pinv(world[:3, :3])
    inward[:3, 3] = -inward[:3, :3] @ world[:3, 3]
    return inward


def _entry(camera: Any, scene: Any, inward: Doubles) -> dict[str, Any]:
    matrix = inward @ np.array(camera.matrix_world, np.float64)
    return {"name": camera.name, **_pose(matrix), "fov": _fov(camera.data, scene)}


def _pose(matrix: Doubles) -> dict[str, Any]:
    """Where a camera with the ``matrix`` (4, 4) stands, and how, in the engine's axes."""
    _, up, back, position = from_z_up(matrix[:3].T)
    return {"position": position.tolist(), "forward": (-back).tolist(), "up": up.tolist()}


def _fov(camera: Any, scene: Any) -> float:
    """Degrees across the square around the axis that holds the whole frame, shifted as it may be."""
    corners = camera.view_frame(scene=scene)
    half = max(max(abs(corner.x), abs(corner.y)) / -corner.z for corner in corners)
    return min(max(2 * math.degrees(math.atan(half)), FOVS[0]), FOVS[1])
