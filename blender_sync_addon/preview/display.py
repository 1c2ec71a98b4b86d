"""Previews of a running job in the 3D views: read in a thread, drawn by the overlay, gone with the job.

The file isn't touched: nothing to undo, to save or to put back. An object that is moved takes its preview
along; where its shape changes but not its topology, so does the preview's; else it isn't shown any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...engine.protocol import Preview
from ..datablocks import by_uid
from ..read import bulk
from ..read.arrays import MeshReading
from ..read.mesh import MODIFIERS_LEFT_OUT
from .overlay import Overlay
from .pieces import Floats, Piece, Shape, picture, pieces, shape

_workers = ThreadPoolExecutor(1, "sync_texture preview")


@dataclass(frozen=True)
class PreviewedObject:
    """An object as it was read: its name, its session-wide number, and what was read of it."""

    name: str
    uid: int
    read: MeshReading

    def find(self) -> Any | None:
        """The object as it is now; None when it is gone."""
        obj = bpy.data.objects.get(self.name)
        if obj is not None and obj.session_uid == self.uid:
            return obj
        return by_uid(bpy.data.objects, self.uid)


class PreviewDisplay:
    """The previews of one job on its objects."""

    def __init__(self, sources: Sequence[PreviewedObject]) -> None:
        self._sources = sources
        self._seen: Preview | None = None
        self._pieces: list[list[Piece]] | None = None
        self._points = {i: one.read.points for i, one in enumerate(sources)}
        self._reading: Future[_Read] | None = None
        self._shaping: dict[int, Future[Shape]] = {}
        self._changed: set[int] = set()
        self._overlay = Overlay(lambda i: self._sources[i].find())
        bpy.app.handlers.depsgraph_update_post.append(self._note)

    @property
    def visible(self) -> bool:
        """Whether a preview is there to be seen."""
        return self._overlay.complete

    def update(self, preview: Preview | None) -> None:
        """Show ``preview``, the job's last one. Called now and then; takes a few milliseconds."""
        self._look_at_shapes()
        self._take()
        if preview is not None and preview is not self._seen and self._reading is None:
            self._seen = preview
            sources = [one.read for one in self._sources]
            points = self._points if self._pieces is None else {}
            self._reading = _workers.submit(_read, sources, preview, self._pieces, dict(points))

    def close(self) -> None:
        """Show no more."""
        self._overlay.remove()
        if self._note in bpy.app.handlers.depsgraph_update_post:  # loading a file empties the list
            bpy.app.handlers.depsgraph_update_post.remove(self._note)

    def _take(self) -> None:
        """Hand over what the threads have done."""
        if self._reading and self._reading.done():
            reading, self._reading = self._reading, None
            if worked(reading):
                self._take_pictures(reading.result())
        for mesh in [mesh for mesh, shaping in self._shaping.items() if shaping.done()]:
            shaping = self._shaping.pop(mesh)
            if worked(shaping):
                self._overlay.set_shape(mesh, shaping.result())

    def _take_pictures(self, found: _Read) -> None:
        if self._pieces is None:
            self._pieces = found.pieces
            self._overlay.set_pieces(found.pieces)
            for mesh, (points, found_shape) in found.shapes.items():
                if self._points.get(mesh) is points:
                    self._overlay.set_shape(mesh, found_shape)
                elif mesh in self._points:  # it has moved meanwhile
                    self._shape(mesh)
            for mesh in self._points.keys() - found.shapes.keys():
                self._shape(mesh)
        self._overlay.set_pictures(found.pictures)

    def _shape(self, mesh: int) -> None:
        self._shaping[mesh] = _workers.submit(shape, self._sources[mesh].read, self._points[mesh])

    def _note(self, _scene: Any, depsgraph: Any) -> None:
        for update in depsgraph.updates:
            if update.is_updated_geometry:
                self._changed.add(update.id.original.session_uid)

    def _look_at_shapes(self) -> None:
        """Follow the objects whose geometry was evaluated anew since the last time."""
        changed, self._changed = self._changed, set()
        if not changed:
            return
        for mesh, source in enumerate(self._sources):
            obj = source.find()
            if obj is None or obj.mode != "OBJECT" or not changed & {obj.session_uid, obj.data.session_uid}:
                continue
            points = points_now(obj, source.read)
            if points is None:
                self._points.pop(mesh, None)
                self._shaping.pop(mesh, None)
                self._overlay.set_shape(mesh, None)
            elif mesh not in self._points or not np.array_equal(points, self._points[mesh]):
                self._points[mesh] = points
                if self._pieces is not None:
                    self._shape(mesh)


@dataclass(frozen=True)
class _Read:
    """shapes: of the meshes whose points were given, with these."""

    pieces: list[list[Piece]]
    pictures: list[Floats]
    shapes: dict[int, tuple[Floats, Shape]]


def _read(
    readings: Sequence[MeshReading],
    preview: Preview,
    known: list[list[Piece]] | None,
    points: dict[int, Floats],
) -> _Read:
    """No bpy: runs in a thread. Raises OSError, ValueError and EOFError."""
    pictures = [picture(Path(one.path)) for one in preview.textures]
    found = known if known is not None else pieces(readings, preview)
    shapes = {mesh: (own, shape(readings[mesh], own)) for mesh, own in points.items()}
    return _Read(found, pictures, shapes)


def worked(done: Future[Any]) -> bool:
    """Whether it has a result. A preview isn't worth a job, and the next one may be better."""
    if (error := done.exception()) is not None:
        print(f"Sync Texture: a preview was left out: {error!r}")
    return error is None


def points_now(obj: Any, read: MeshReading) -> NDArray[np.float32] | None:
    """The vertices (V, 3) of ``obj`` as it is shown, or below its modifiers where these were left out; None
    where that isn't the topology that was ``read``."""
    left_out = MODIFIERS_LEFT_OUT in read.warnings
    mesh = obj.data if left_out else obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    if len(mesh.vertices) != len(read.points) or len(mesh.loops) != len(read.loop_vertices):
        return None
    if not np.array_equal(bulk.corner_vertices(mesh), read.loop_vertices):
        return None
    return bulk.points(mesh)
