"""Draws previews over the objects in all 3D views. Nothing of it is in the file.

What is drawn lies on the graphics card and belongs to us; the objects are only asked where they are and
whether they are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bpy
import gpu
import numpy as np
from numpy.typing import NDArray

from . import shader
from .pieces import Floats, Piece, Shape

AMBIENT = 0.45
SHADED = frozenset({"SOLID", "MATERIAL", "RENDERED"})  # shading types that show surfaces


class Overlay:
    """Pieces of the objects that ``find`` gives by their number, None for one that isn't there any more."""

    def __init__(self, find: Callable[[int], Any | None]) -> None:
        self._find = find
        self._pieces: Sequence[Sequence[Piece]] = ()
        self._pictures: list[Any] = []
        self._shapes: dict[int, Shape] = {}
        self._batches: dict[tuple[int, int], Any] = {}
        self._shader: Any = None
        self._handle = bpy.types.SpaceView3D.draw_handler_add(self._draw, (), "WINDOW", "POST_VIEW")

    @property
    def complete(self) -> bool:
        """Whether there is something to draw."""
        return bool(self._pieces and self._pictures and self._shapes)

    def remove(self) -> None:
        """Draw no more."""
        if self._handle is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handle, "WINDOW")
            self._handle = None
            redraw()

    def set_pieces(self, pieces: Sequence[Sequence[Piece]]) -> None:
        """Those of each texture."""
        self._pieces = pieces
        self._batches.clear()

    def set_pictures(self, pictures: Sequence[Floats]) -> None:
        """The textures, (H, W, 4) each."""
        self._pictures = list(pictures)
        redraw()

    def set_shape(self, mesh: int, shape: Shape | None) -> None:
        """The shape that the mesh number ``mesh`` has now; None: don't draw it, it is another one."""
        if shape is None:
            self._shapes.pop(mesh, None)
        else:
            self._shapes[mesh] = shape
        self._batches = {key: batch for key, batch in self._batches.items() if key[1] != mesh}
        redraw()

    def _draw(self) -> None:
        try:
            self._draw_all(bpy.context)
        except Exception as error:  # gpu raises plain ones; better no preview than one complaint a redraw
            print(f"Sync Texture: no previews here: {error}")
            self._shapes.clear()
            self._pieces = ()

    def _draw_all(self, context: Any) -> None:
        space = context.space_data
        objects = {mesh: self._find(mesh) for mesh in self._shapes}
        shown = {mesh: obj for mesh, obj in objects.items() if obj is not None and is_shown(obj, context)}
        if not shown or not self._pictures or space.shading.type not in SHADED:
            return
        self._shader = self._shader or shader.make()
        self._shader.bind()
        ambient = 1.0 if space.shading.type == "SOLID" and space.shading.light == "FLAT" else AMBIENT
        gpu.state.depth_test_set("LESS_EQUAL")
        gpu.state.depth_mask_set(True)
        try:
            for mesh, obj in shown.items():
                world = np.array(obj.matrix_world, np.float64)
                shader.set_view(self._shader, world, context.region_data, ambient)
                self._draw_mesh(mesh)
        finally:
            gpu.state.depth_mask_set(False)
            gpu.state.depth_test_set("NONE")

    def _draw_mesh(self, mesh: int) -> None:
        for number, pieces in enumerate(self._pieces):
            for piece in pieces:
                if piece.mesh == mesh and len(piece.faces):
                    self._shader.uniform_sampler("image", self._texture(number))
                    self._batch(number, piece).draw(self._shader)

    def _texture(self, number: int) -> Any:
        """The picture ``number`` on the card, where it is put when it is first drawn."""
        picture = self._pictures[number]
        if isinstance(picture, np.ndarray):
            picture = self._pictures[number] = texture(picture)
        return picture

    def _batch(self, number: int, piece: Piece) -> Any:
        key = number, piece.mesh
        if key not in self._batches:
            self._batches[key] = batch(piece, self._shapes[piece.mesh])
        return self._batches[key]


def texture(picture: Floats) -> Any:
    """``picture`` (H, W, 4) on the card."""
    height, width, _ = picture.shape
    data = gpu.types.Buffer("FLOAT", picture.size, np.ascontiguousarray(picture).ravel())
    return gpu.types.GPUTexture((width, height), format="RGBA8", data=data)


def batch(piece: Piece, shape: Shape) -> Any:
    """The triangles of ``piece`` on the card."""
    rows: NDArray[np.int32] = np.add.outer(np.int32(3) * piece.faces, np.arange(3, dtype=np.int32)).ravel()
    vertices = gpu.types.GPUVertBuf(shader.vertex_format(), len(rows))
    vertices.attr_fill("position", _rows(shape.corners, rows))
    vertices.attr_fill("normal", _rows(shape.normals, rows))
    vertices.attr_fill("uv", piece.uvs)
    return gpu.types.GPUBatch(type="TRIS", buf=vertices)


def _rows(values: Floats, rows: NDArray[np.int32]) -> Floats:
    return values if len(rows) == len(values) else np.ascontiguousarray(values[rows])


def is_shown(obj: Any, context: Any) -> bool:
    """Whether the 3D view that is drawn shows the surface of ``obj`` as the artist left it."""
    return bool(
        obj.mode == "OBJECT"
        and obj.display_type in {"SOLID", "TEXTURED"}
        and obj.visible_get(view_layer=context.view_layer)
        and obj.visible_in_viewport_get(context.space_data)
    )


def redraw() -> None:
    """Have all 3D views drawn again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()
