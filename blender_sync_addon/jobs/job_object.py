"""One object of a job: what was read of it, and how its textures come back to it.

Objects are held by Blender's session-wide number: undo and deletion free pointers.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...engine import protocol
from ..problem import Problem
from ..read import mesh as read_mesh
from ..read import target as read_target
from ..read import texture as read_texture
from ..read.settings import Settings
from ..results import history, thumbnail
from ..results.slot_numbers import followed
from ..write import image as write_image
from ..write import material as write_material
from ..write import slots as write_slots
from ..write import uv as write_uv


@dataclass(frozen=True)
class TexturedObject:
    """What a finished job left on one object, by name; files: what the images were made of, the first tiles
    of tiled ones."""

    object: str
    materials: tuple[str, ...]
    images: tuple[str, ...]
    uv_layer: str
    files: tuple[Path, ...]


class ResultImages:
    """The textures of one result as image datablocks, each made once, when it is first asked for."""

    def __init__(self, result: protocol.Result, origin: Mapping[str, Any], pack: bool) -> None:
        self.textures = result.textures or [protocol.Texture(result.texture)]
        self.job = uuid.uuid4().hex
        self._sheet = Path(result.views)
        self._origin, self._pack = origin, pack
        self._made: dict[tuple[int | None, str | None], Any] = {}

    def parts(self, mesh: int) -> list[str | None]:
        """The materials of the mesh number ``mesh`` that have textures of their own; [None]: one for all."""
        return list(dict.fromkeys(one.part for one in self.textures if one.mesh in (mesh, None)))

    def file(self, mesh: int, part: str | None) -> Path:
        """The first file of ``part``."""
        return Path(self._of(mesh, part)[0].path)

    def _of(self, mesh: int, part: str | None) -> list[protocol.Texture]:
        return [one for one in self.textures if one.mesh in (mesh, None) and one.part == part]

    def get(self, mesh: int, part: str | None, name: str) -> Any:
        """The image of ``part``, called ``name`` if it isn't there yet. Raises Problem."""
        own = self._of(mesh, part)
        key = own[0].mesh, part
        if key not in self._made:
            if own[0].tile is None:
                path = Path(own[0].path)
                self._made[key] = write_image.write(path, name, self._origin, self._pack)
            else:
                tiles = {one.tile: Path(one.path) for one in own if one.tile is not None}
                self._made[key] = write_image.write_tiles(tiles, name, self._origin, self._pack)
            thumbnail.keep(self._made[key], self._sheet)
        return self._made[key]


class JobObject:
    """An object while its job runs."""

    def __init__(self, obj: Any, depsgraph: Any, settings: Settings, in_world: bool) -> None:
        """Read ``obj``; raises Problem. in_world: where it stands among others."""
        read_mesh.check(obj)
        self.name: str = obj.name
        self.uid: int = obj.session_uid
        chosen = read_target.select_faces(obj, settings.target, settings.slot)
        start = read_target.shown_material(obj, chosen) if settings.from_texture else None
        self._start = start.session_uid if start else None
        self.texture = read_texture.read(obj, settings.uv_layer, chosen) if settings.from_texture else None
        uv_layer = self.texture.uv_layer if self.texture else settings.uv_layer
        self.read = read_mesh.read(obj, depsgraph, uv_layer, settings.unwrap, in_world, chosen)

    def object(self) -> Any | None:
        """The object as it is now; None when it is gone."""
        return next((o for o in bpy.data.objects if o.session_uid == self.uid), None)

    @property
    def blocked(self) -> str:
        """Why its result has to wait, in words; "" when it needn't."""
        obj = self.object()
        if obj is None or not (obj.data.is_editmode or obj.mode == "SCULPT"):
            return ""
        return f"Leave {'Sculpt' if obj.mode == 'SCULPT' else 'Edit'} Mode to finish"

    def load_uvs(self, path: str) -> NDArray[np.float32]:
        """The engine's UVs per loop; no bpy, since it runs in a thread. Raises Problem."""
        try:
            corner_uvs = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise Problem(f"The engine's UVs can't be read: {error}", code=protocol.EXIT_BUG) from error
        return write_uv.per_loop(corner_uvs, self.read.corners, len(self.read.loop_vertices))

    def check(self, uvs: NDArray[np.float32] | None) -> None:
        """Raise Problem where the object, or the new ``uvs`` of its loops, can't take the result."""
        obj = self.object()
        if obj is None:
            raise Problem(f"'{self.name}' was deleted while its texture was made")
        read_mesh.check(obj)
        if self.read.chosen and not read_mesh.has_topology(obj.data, self.read.topology):
            what = f"'{obj.name}' was changed while its texture was made, so that its faces are others"
            raise Problem(what, "Generate again.")
        if uvs is None:
            if self.read.uv_layer is None:
                what = "The engine returned no UVs for a mesh without a UV map"
                raise Problem(what, code=protocol.EXIT_BUG)
            return
        if not self.read.on_base:
            raise Problem("The engine made new UVs for a mesh with modifiers", code=protocol.EXIT_BUG)
        if not read_mesh.has_topology(obj.data, self.read.topology):
            what = f"'{obj.name}' was changed while its texture was made, so that its new UV map doesn't fit"
            raise Problem(what, "Generate again.")
        write_uv.check_room(obj.data, uvs)

    def finish(
        self,
        number: int,
        uvs: NDArray[np.float32] | None,
        images: ResultImages,
        prompt: str,
        origin: Mapping[str, Any],
    ) -> TexturedObject:
        """Show the ``images`` of the mesh ``number`` on the object; ``check`` has passed, and its slots are
        followed. Raises Problem."""
        obj = self.object()
        assert obj is not None, "checked"
        before = history.look(obj)
        uv_layer = self.read.uv_layer or "" if uvs is None else write_uv.write(obj.data, uvs)
        made: list[tuple[Any, Any]] = []
        files = []
        names, chosen = read_target.artists_material_names(obj), self.read.chosen
        slots = list(range(max(1, len(names))))
        if chosen is not None:
            slots = write_slots.own(obj, chosen.polygons)
            names = read_target.artists_material_names(obj)
            origin = {**origin, "target": "slot", "slot": slots[0]} if len(slots) == 1 else origin
        for part in images.parts(number):
            words = (obj.name, prompt) if part is None else (obj.name, part, prompt)
            name = " ".join(word for word in words if word)[:60]
            image = images.get(number, part, name)
            material = write_material.make(name, image, uv_layer, origin)
            write_material.show(obj, material, [i for i in slots if part is None or names[i] == part])
            made.append((material, image))
            files.append(images.file(number, part))
        start = next((m for m in bpy.data.materials if m.session_uid == self._start), None)
        history.add(obj, prompt, made[0][0], before, images.job, number, start)
        materials, pictures = (tuple(block.name for block in blocks) for blocks in zip(*made, strict=True))
        return TexturedObject(obj.name, materials, pictures, uv_layer, tuple(files))


def put_back(
    subjects: Sequence[JobObject],
    uvs: Sequence[NDArray[np.float32] | None],
    images: ResultImages,
    prompt: str,
    origin: Mapping[str, Any],
) -> tuple[TexturedObject, ...]:
    """Show a result on its objects. uvs: of the loops of each, None where its own stay. Everything that can
    fail comes before the first change. Raises Problem."""
    for subject, own in zip(subjects, uvs, strict=True):
        subject.check(own)
    with followed(*(subject.object() for subject in subjects)):
        return tuple(
            subject.finish(i, own, images, prompt, origin)
            for i, (subject, own) in enumerate(zip(subjects, uvs, strict=True))
        )


def file_names(names: Sequence[str]) -> list[str]:
    """A name for a file for each of the objects' ``names``, all different, also where case doesn't count. The
    engine calls the textures by them."""
    found: list[str] = []
    for name in names:
        stem = re.sub(r"[^\w-]+", "_", name).strip("_")[:50] or "object"
        number, one = 1, stem
        while one.lower() in (taken.lower() for taken in found):
            number += 1
            one = f"{stem}-{number}"
        found.append(one)
    return found
