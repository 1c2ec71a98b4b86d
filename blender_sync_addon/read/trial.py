"""Whether a result would show on an object, tried on a copy of it.

Modifiers may drop UV maps (Remesh), give them no area (Wireframe), or put materials over those of the slots
(geometry nodes). Which do what, only evaluating them tells. So a copy of the object, in a scene of its own,
gets a UV map and a material as a result would give them, and is looked at. The artist's scene isn't touched,
and the copy is gone afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..datablocks import MAX_UV_MAPS, SLOT_INDEX, is_faithful
from . import bulk

NAME = "sync_texture_trial"
MUCH = 0.5  # of the surface


@dataclass(frozen=True)
class Trial:
    """What came of it. carries: whether most of the surface behind the modifiers has a place on a UV map that
    is made below them. shown: (P,) whether each polygon there shows the material of a slot, None: all do.
    instead: what others show, in words."""

    carries: bool = True
    shown: NDArray[np.bool_] | None = None
    instead: str = ""

    @property
    def hides_all(self) -> bool:
        return self.shown is not None and not self.shown.any()

    def of(self, polygons: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
        """(F,) whether triangles of these ``polygons``, of ``count`` in all, show a result."""
        if self.shown is None or len(self.shown) != count:  # a simulation that a copy hasn't gone through
            return np.ones(len(polygons), bool)
        return self.shown[polygons]


def try_out(obj: Any, scene: Any, placed: Callable[[Any, Any, str], float]) -> Trial:
    """How a result would come out on ``obj`` in ``scene``. placed(object, evaluated mesh, UV map): the share
    of its surface that has an area on that."""
    if is_faithful(obj):
        return Trial()
    with _copied(obj, scene) as (copy, evaluated):
        mesh = evaluated.data
        if not len(mesh.polygons):
            return Trial(carries=False)
        carries = NAME in mesh.uv_layers and placed(copy, mesh, NAME) > MUCH
        names = [slot.material.name if slot.material else "" for slot in evaluated.material_slots]
        index = np.zeros(len(mesh.polygons), np.int32)
        if SLOT_INDEX in mesh.attributes:
            mesh.attributes[SLOT_INDEX].data.foreach_get("value", index)
        shows = np.array([name == copy[NAME] for name in names])[np.clip(index, 0, len(names) - 1)]
        others = {names[i] for i in np.unique(np.clip(index[~shows], 0, len(names) - 1))}
        instead = ", ".join(f"'{name}'" for name in sorted(others) if name) or "no material"
        return Trial(carries, None if shows.all() else shows, instead)


@contextmanager
def _copied(obj: Any, scene: Any) -> Iterator[tuple[Any, Any]]:
    """A copy of ``obj`` with what a result adds, and that evaluated at the time of ``scene``. copy[NAME]: the
    name of its material."""
    copy, material = obj.copy(), bpy.data.materials.new(NAME)
    own = bpy.data.scenes.new(NAME)
    try:
        copy.data = obj.data.copy()
        copy[NAME] = material.name
        _add_uv_map(copy.data)
        _show(copy, material)
        own.frame_current, own.frame_subframe = scene.frame_current, scene.frame_subframe
        own.collection.objects.link(copy)
        copy.hide_viewport = False
        layer = own.view_layers[0]
        layer.update()
        yield copy, copy.evaluated_get(layer.depsgraph)
    finally:
        mesh = copy.data
        bpy.data.objects.remove(copy)
        bpy.data.scenes.remove(own)
        bpy.data.materials.remove(material)
        if mesh != obj.data:
            bpy.data.meshes.remove(mesh)


def _add_uv_map(mesh: Any) -> None:
    """Let ``mesh`` have a UV map on which each polygon has an area: its corners lie around a circle."""
    if len(mesh.uv_layers) == MAX_UV_MAPS:
        mesh.uv_layers.remove(mesh.uv_layers[0])
    layer = mesh.uv_layers.new(name=NAME, do_init=False)
    starts, totals = bulk.polygon_starts(mesh), bulk.polygon_sizes(mesh)
    place = np.arange(len(mesh.loops)) - np.repeat(starts, totals)
    angle = 2 * np.pi * place / np.repeat(totals, totals)
    uvs = np.stack([0.5 + 0.4 * np.cos(angle), 0.5 + 0.4 * np.sin(angle)], axis=-1).astype(np.float32)
    layer.uv.foreach_set("vector", uvs.ravel())


def _show(obj: Any, material: Any) -> None:
    """Let all slots of ``obj`` show ``material``, as write/material.py does it."""
    if not obj.material_slots:
        obj.data.materials.append(None)
    for slot in obj.material_slots:
        slot.link = "OBJECT"
        slot.material = material
