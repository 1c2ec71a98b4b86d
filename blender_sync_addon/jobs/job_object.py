"""One object of a job: what was read of it, and how its textures come back to it.

Objects are held by Blender's session-wide number: undo and deletion free pointers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...engine import protocol
from ...engine.options.channels import CHANNELS, Channel, main_channel
from ..datablocks import by_uid, images_by_channel, is_ours, polygon_slots
from ..engine_files import foreign
from ..problem import Problem
from ..read import areas as read_areas
from ..read import beside as read_beside
from ..read import mesh as read_mesh
from ..read import recheck
from ..read import target as read_target
from ..read import texture as read_texture
from ..read.mesh import WantedMesh
from ..read.settings import Settings
from ..read.uv_room import UvRoom
from ..write import displacement
from ..write import image as write_image
from ..write import material as write_material
from ..write import slots as write_slots
from ..write import uv as write_uv
from .received import LoopUvs, Received


@dataclass(frozen=True)
class TexturedObject:
    """What a finished job left on one object, by name; files: what each of the images was made of,
    the first tiles of tiled ones. images: of each material in turn, of each channel."""

    object: str
    materials: tuple[str, ...]
    images: tuple[str, ...]
    uv_layer: str
    files: tuple[Path, ...]


class ResultImages:
    """The textures of one result as image datablocks, each made once, when it is first asked for.

    origin: how they were made, kept with each. pack: into the .blend even where they could lie beside it.
    files: what was copied there, and folders made for it.
    """

    def __init__(self, received: Received, origin: Mapping[str, Any], pack: bool) -> None:
        self.origin = origin
        self.files: list[Path] = []
        self._received = received
        self._pack = pack
        self._made: dict[tuple[int | None, str | None], dict[Channel, Any]] = {}

    @property
    def made(self) -> list[Any]:
        """Those that were asked for, of the channel that people look at."""
        return [images[main_channel()] for images in self._made.values()]

    def sources(self, mesh: int, part: str | None) -> list[Path]:
        """The engine's first file of each channel of ``part``."""
        return [Path(path) for path in self._received.of(mesh, part)[0].files.values()]

    def get(self, mesh: int, part: str | None, name: str) -> dict[Channel, Any]:
        """The images of ``part``, called ``name`` if they aren't there yet. Raises Problem."""
        own = self._received.of(mesh, part)
        key = own[0].mesh, part
        if key not in self._made:
            channels = [CHANNELS[one] for one in own[0].files]
            self._made[key] = {channel: self._make(own, name, channel) for channel in channels}
        return self._made[key]

    def _make(self, own: list[protocol.Texture], name: str, channel: Channel) -> Any:
        said = write_image.called(name, channel), self.origin, self._pack, channel, self.files
        if own[0].tile is None:
            return write_image.write(Path(own[0].files[channel.name]), *said)
        tiles = {one.tile: Path(one.files[channel.name]) for one in own if one.tile is not None}
        return write_image.write_tiles(tiles, *said)


class JobObject:
    """An object while its job runs."""

    def __init__(
        self, obj: Any, depsgraph: Any, settings: Settings, in_world: bool, room: UvRoom | None = None
    ) -> None:
        """Read ``obj``; raises Problem. in_world: where it stands among others; room: what those have
        claimed of it."""
        read_mesh.check(obj)
        self.name: str = obj.name
        self.uid: int = obj.session_uid
        self._mesh: int = obj.data.session_uid
        self._slots = polygon_slots(obj.data, len(obj.material_slots))
        faces = read_target.select_faces(obj, settings.target, settings.slot)
        regions, repaint = read_areas.regions(settings.region), read_areas.repainted(settings.repaint)
        begin = read_target.repainted_faces(obj, repaint) or faces
        start = read_target.shown_material(obj, begin) if settings.from_texture else None
        self._start = start.session_uid if start else None
        self.texture = read_texture.read(obj, settings.uv_layer, begin) if settings.from_texture else None
        if settings.repaint and faces is None:  # seen with all that shows the same texture
            faces = read_target.faces_that_show(obj, start)
        uv_layer = self.texture.uv_layer if self.texture else settings.uv_layer
        areas = read_areas.only_blender((*(one.area for one in regions), *repaint))
        looks, beside = read_beside.looks(obj, faces), read_beside.most_shown(obj, faces)
        self._beside = beside.session_uid if beside else None
        wanted = WantedMesh(uv_layer, settings.unwrap, faces, in_world, areas, looks)
        read = read_mesh.read(obj, depsgraph, wanted)
        starts = self.texture is not None or settings.init_texture is not None  # then its UVs stay
        if not starts:
            unwrap = (room or UvRoom()).claim(obj, read.unwrap, read.uv_layer is not None)
            read = dataclasses.replace(read, unwrap=unwrap)
        self.read = read

    def stand_alone(self) -> None:
        """It is textured by itself after all, wherever it stands."""
        self.read = dataclasses.replace(self.read, world=None)

    def object(self) -> Any | None:
        """The object as it is now; None when it is gone."""
        return by_uid(bpy.data.objects, self.uid)

    @property
    def start_material(self) -> Any | None:
        """The material that its texture was started from; None without."""
        return by_uid(bpy.data.materials, self._start)

    @property
    def beside_material(self) -> Any | None:
        """The material that most of the faces show beside those of the job; None without."""
        return by_uid(bpy.data.materials, self._beside)

    @property
    def blocked(self) -> str:
        """Why its result has to wait, in words; "" when it needn't."""
        return busy_mode(self.object())

    def check(self, uvs: LoopUvs | None, parts: Sequence[str | None]) -> None:
        """Raise Problem where the object as it is now can't take the result: new ``uvs`` of its loops, None
        where its own stay, and textures for ``parts``, materials or all of it."""
        obj = self.object()
        if obj is None:
            raise Problem(f"'{self.name}' was deleted while its texture was made")
        read_mesh.check(obj)
        recheck.faces(obj, self.read, self._mesh)
        if any(part is not None for part in parts):
            recheck.materials(obj, self.read, self._slots)
        if uvs is not None:
            self._check_uvs(obj, uvs)
        elif self.read.uv_layer is None:
            raise foreign("The engine returned no UVs for a mesh without a UV map")
        else:
            recheck.uv_layer(obj, self.read)

    def _check_uvs(self, obj: Any, uvs: LoopUvs) -> None:
        if not self.read.on_base:
            raise foreign("The engine made new UVs for a mesh with modifiers")
        write_uv.check_room(obj.data, uvs)

    def show(self, number: int, result: JobResult) -> TexturedObject:
        """Show the ``result`` of the mesh ``number`` on the object; ``check`` has passed, and the images are
        there. Raises Problem."""
        obj = self.object()
        assert obj is not None, "checked"
        uvs, images = result.received.uvs[number], result.images
        uv_layer = self.read.uv_layer or "" if uvs is None else write_uv.write(obj.data, uvs)
        slots = self._own_slots(obj)
        names = read_target.artists_material_names(obj)
        origin = images.origin
        if self.read.selection is not None and len(slots) == 1:
            origin = {**origin, "target": "slot", "slot": slots[0]}
        materials: list[str] = []
        pictures: list[str] = []
        files: list[Path] = []
        for part in result.received.parts(number):
            name = self.title(part, result.prompt)
            own = images.get(number, part, name)
            relief = result.received.relief or displacement.relief(self.start_material)
            material = write_material.make(name, self._with_kept(own), uv_layer, origin, relief)
            write_material.show(obj, material, [i for i in slots if part is None or names[i] == part])
            materials.append(material.name)
            pictures += [image.name for image in own.values()]
            files += images.sources(number, part)
        return TexturedObject(obj.name, tuple(materials), tuple(pictures), uv_layer, tuple(files))

    def _with_kept(self, made: Mapping[Channel, Any]) -> dict[Channel, Any]:
        """The images ``made``, and of channels that the engine left alone those of the texture that it began
        with: what is painted anew in colour keeps its relief."""
        start = self.start_material
        found = {**(images_by_channel(start) if start and is_ours(start) else {}), **made}
        return {channel: found[channel] for channel in CHANNELS.values() if channel in found}

    def title(self, part: str | None, prompt: str) -> str:
        """What its image and material for ``part`` are called."""
        obj = self.object()
        assert obj is not None, "checked"
        return " ".join(filter(None, (obj.name, part, prompt)))[:60]

    def _own_slots(self, obj: Any) -> list[int]:
        """The numbers of the slots that the job is for, which have its faces and no others."""
        if self.read.selection is None:
            return list(range(max(1, len(obj.material_slots))))
        return write_slots.own(obj, self.read.selection.polygons)


def busy_mode(obj: Any | None) -> str:
    """Why a result for the mesh object ``obj`` has to wait, in words; "" when it needn't."""
    if obj is None or not (obj.data.is_editmode or obj.mode == "SCULPT"):
        return ""
    return f"Leave {'Sculpt' if obj.mode == 'SCULPT' else 'Edit'} Mode to finish"


@dataclass(frozen=True)
class JobResult:
    """What the engine made for ``objects``, whose files were looked at. prompt: what it was made from."""

    objects: tuple[JobObject, ...]
    received: Received
    images: ResultImages
    prompt: str

    def check(self) -> None:
        """Raise Problem where one of the objects as they are now can't take it."""
        for number, one in enumerate(self.objects):
            one.check(self.received.uvs[number], self.received.parts(number))

    def make_images(self) -> None:
        """Have all images made, so that nothing is left that can't be read. Raises Problem."""
        for number, one in enumerate(self.objects):
            for part in self.received.parts(number):
                self.images.get(number, part, one.title(part, self.prompt))

    def show(self, number: int) -> TexturedObject:
        """Show it on the object ``number``; ``check`` has passed. Raises Problem."""
        return self.objects[number].show(number, self)
