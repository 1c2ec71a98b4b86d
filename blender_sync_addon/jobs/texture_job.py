"""One job on one or several objects, from the meshes to what the engine made of them: gather, start, poll.

Operators and the command line both go through here, and through results/recording.py, which shows what was
made. Until then nothing in the .blend is touched, so a job that fails or is cancelled leaves no trace.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...engine import protocol, words
from ...engine.options.request import OPTIONS
from .. import package
from ..preview.display import PreviewDisplay, PreviewedObject
from ..read import cameras as read_cameras
from ..read import masks as read_masks
from ..read import settings as read_settings
from ..read.settings import SCENE, VIEWPORT, Settings
from ..read.uv_room import UvRoom
from ..write import colour_space
from . import durations, engine
from .job import Job, own_out
from .job_files import JobFiles
from .job_object import JobObject, JobResult, ResultImages, TexturedObject
from .received import Received, receive


@dataclass(frozen=True)
class Outcome:
    """What a finished job left in the .blend; ``result``: the engine's own files, until ``close``."""

    objects: tuple[TexturedObject, ...]
    warnings: tuple[str, ...]
    result: protocol.Result

    @property
    def out(self) -> Path:
        """Folder of the engine's files."""
        return Path(self.result.texture).parent

    @property
    def object(self) -> str:
        """The first object's name."""
        return self.objects[0].object

    @property
    def material(self) -> str:
        """That of its first material."""
        return self.objects[0].materials[0]

    @property
    def image(self) -> str:
        """That of the image in it."""
        return self.objects[0].images[0]

    @property
    def uv_layer(self) -> str:
        """That of its UV map."""
        return self.objects[0].uv_layer


class TextureJob(Job):
    """A running job."""

    def __init__(
        self,
        objects: Sequence[Any | JobObject],
        settings: Settings,
        out: Path | None = None,
        preview: bool | None = None,
    ) -> None:
        """Read ``objects``, of which several are textured together where they stand, and start the engine on
        them; returns at once. Objects that have been read with these settings are taken as they are.

        out: folder for the engine's files; None: a private one, removed by ``close``. preview: tell of the
        texture so far; None: in a window. Raises Problem.
        """
        settings.check()
        self.objects = _read(objects, settings)
        settings = self.settings = _laid_out(settings, self.objects[0])
        cameras = _cameras(self.objects, settings.views)
        command = engine.command()
        regions, repaint = read_masks.read_all(settings.region), read_masks.read_repaint(settings.repaint)
        self.show: PreviewDisplay | None = None
        super().__init__(f"Texturing {self.name}")
        try:
            files = JobFiles(self.folder, self.objects, cameras, regions, repaint)
            self._out = out or own_out(self.folder)
            request = files.request(settings, self._out)
            preview = not bpy.app.background if preview is None else preview
            self.begin(command, dataclasses.replace(request, preview=preview, write_uvs=True), files.save)
            self._expect()
        except BaseException:
            self.close()
            raise
        if not bpy.app.background:
            self.show = PreviewDisplay([PreviewedObject(one.name, one.uid, one.read) for one in self.objects])

    @property
    def name(self) -> str:
        """What is textured, in words."""
        first, others = self.objects[0].name, len(self.objects) - 1
        return f"{first} and {others} more" if others else first

    def look_at(self, result: protocol.Result) -> Received:
        meshes, side = [one.read for one in self.objects], self.settings.texture_size
        if self.settings.repaint:
            side = int(OPTIONS["texture_size"].limits[1])  # it keeps its own
        return receive(result, meshes, self._out, side)

    def show_preview(self) -> None:
        if self.show:
            self.show.update(self.state.preview)

    @property
    def blocked(self) -> str:
        """Why the result has to wait, in words; "" when it needn't."""
        return next((one.blocked for one in self.objects if one.blocked), "")

    def result(self, pack: bool = False) -> JobResult:
        """What the ended job made, its files looked at. pack: images belong into the .blend even where they
        could lie beside it. Raises Problem: what the job ended with otherwise."""
        received: Received = self.found()
        images = ResultImages(received, self.settings.origin(), pack)
        return JobResult(self.objects, received, images, self.settings.prompt.strip())

    def outcome(self, objects: tuple[TexturedObject, ...]) -> Outcome:
        """That ``objects`` show the result now; how long it took is remembered."""
        result = self.state.result
        assert result, "it is shown"
        views, own_steps = self.settings.views, self.settings.steps is None
        report = Path(result.report)
        durations.remember(package.user_folder(), self._durations_key(), report, views, own_steps)
        warnings = [text for one in self.objects for text in one.read.warnings]
        images = [bpy.data.images[name, None] for one in objects for name in one.images]
        said = map(words.line, [*dict.fromkeys(warnings), *colour_space.notes(images)])
        return Outcome(objects, (*said, *result.warnings), result)

    def close(self) -> None:
        """Show no more of the job, and remove its folder."""
        if self.show:
            self.show.close()
        super().close()

    def _durations_key(self) -> str:
        return durations.key(self.settings.model, self.settings.device)

    def _expect(self) -> None:
        """Note how many seconds all after painting will take, judged by the last texture; 0 where there was
        none."""
        known = durations.read(package.user_folder(), self._durations_key())
        if known:
            self.state.after_s = known.after * self.settings.texture_size**2
            steps = self.settings.steps or known.steps or 0
            self.state.closer_s = known.closer_seconds(self.settings.detail, steps)


def _laid_out(settings: Settings, first: JobObject) -> Settings:
    """``settings`` with the layout of the texture that the ``first`` object starts from, or shows beside the
    chosen faces, if that is ours."""
    given = first.start_material or first.beside_material
    if settings.layout is not None or given is None:
        return settings
    return dataclasses.replace(settings, layout=read_settings.layout(given))


def _read(objects: Sequence[Any | JobObject], settings: Settings) -> tuple[JobObject, ...]:
    """Those of ``objects`` that haven't been read are. Raises Problem."""
    depsgraph, several = bpy.context.evaluated_depsgraph_get(), len(objects) > 1
    found, room = [], UvRoom()
    for one in objects:
        if not isinstance(one, JobObject):
            one = JobObject(one, depsgraph, settings, several, room)
        found.append(one)
    if not several:
        found[0].stand_alone()
    return tuple(found)


def _cameras(objects: Sequence[JobObject], views: str) -> read_cameras.Cameras | None:
    """As the first of ``objects`` has the scene's cameras, or the 3D view, where ``views`` are these; None
    where they are others. Raises Problem."""
    if views == VIEWPORT:
        return read_cameras.of_viewport(objects[0].object(), len(objects) > 1)
    if views != SCENE:
        return None
    depsgraph = bpy.context.evaluated_depsgraph_get()
    return read_cameras.read(objects[0].object(), depsgraph, len(objects) > 1)
