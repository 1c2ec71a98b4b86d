"""Whether meshes have room for the UV maps that a job would add to them: asked before anything is generated.

Blender holds eight UV maps of a mesh. Objects that share one, each with textures of its own, each add theirs.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..datablocks import MAX_UV_MAPS, OUR_UV_MAP
from ..problem import Problem


class UvRoom:
    """How many UV maps the objects of one job have claimed, by mesh."""

    def __init__(self) -> None:
        self._claimed: Counter[int] = Counter()

    def claim(self, obj: Any, unwrap: str, has_uvs: bool = True) -> str:
        """What the engine may do about the UVs of ``obj``, for which ``unwrap`` is wanted: where there is no
        room for a new UV map, "keep" instead of "auto" for what has UVs, so that the engine generates nothing
        where they are no good. Raises Problem for what would get a new one in any case. Cheap enough to draw
        a panel."""
        if unwrap not in ("auto", "always"):
            return unwrap
        mesh = obj.data.session_uid
        if self._claimed[mesh] < _room(obj.data):
            self._claimed[mesh] += 1
            return unwrap
        if unwrap == "auto" and has_uvs:
            return "keep"
        raise _no_room(obj, shared=self._claimed[mesh] > 0)


def _room(mesh: Any) -> int:
    """For how many new UV maps there is room. One of ours may be used again, so none counts here."""
    others = [layer for layer in mesh.uv_layers if not layer.name.startswith(OUR_UV_MAP)]
    return MAX_UV_MAPS - len(others)


def _no_room(obj: Any, shared: bool) -> Problem:
    count = len(obj.data.uv_layers)
    if shared:
        what = f"'{obj.name}' shares a mesh whose UV maps, {count} now, would become more than {MAX_UV_MAPS}"
        own = "Give it a mesh of its own (Object > Relations > Make Single User)"
        return Problem(what, f"{own}, or unwrap the mesh yourself and use {{unwrap}}.", unwrap="auto")
    what = f"'{obj.name}' needs a new UV map, and has {count}, as many as Blender allows"
    return Problem(what, "Remove one, or choose a usable one and use {unwrap}.", unwrap="auto")
