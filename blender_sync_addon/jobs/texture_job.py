"""One job on one or several objects, from the meshes to the materials: gather, start, poll, finish.

Operators and the command line both go through here. Until ``finish`` nothing in the .blend is touched, so
a job that fails or is cancelled leaves no trace.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...engine import protocol
from .. import package
from ..preview.display import PreviewDisplay, PreviewedObject
from ..problem import Problem
from ..read import cameras as read_cameras
from ..read.settings import SCENE, Settings
from . import durations, engine
from . import folder as job_folder
from .job_object import JobObject, ResultImages, TexturedObject, file_names, put_back
from .state import State

POLL_S = 0.02
_workers = ThreadPoolExecutor(1, "sync_texture")
Uvs = NDArray[np.float32]


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


class TextureJob:
    """A running job."""

    def __init__(
        self,
        obj: Any,
        depsgraph: Any,
        settings: Settings,
        out: Path | None = None,
        others: Sequence[Any] = (),
        frugal: bool = False,
        preview: bool | None = None,
    ) -> None:
        """Read ``obj`` and the ``others``, which are textured together with it where they stand, and start
        the engine on them; returns at once.

        out: folder for the engine's files; None: a private one, removed by ``close``. frugal: one view at a
        time, in less memory. preview: tell of the texture so far; None: in a window. Raises Problem.
        """
        settings.check()
        self._preview = not bpy.app.background if preview is None else preview
        self._subjects = [JobObject(one, depsgraph, settings, bool(others)) for one in (obj, *others)]
        in_scene = settings.views == SCENE
        self._cameras = read_cameras.read(obj, depsgraph, bool(others)) if in_scene else None
        command = engine.command(frugal)
        self.settings = settings
        first = self._subjects[0].name
        self.name = f"{first} and {len(others)} more" if others else first
        self._uvs: Future[list[Uvs | None]] | None = None
        self.show: PreviewDisplay | None = None
        self.folder = job_folder.make(bpy.app.tempdir or None)
        try:
            self.state: State = self._start(command, out or self.folder / "out")
            self.state.after_s = self._after_painting()
        except BaseException:
            self.close()
            raise
        if not bpy.app.background:
            self.show = PreviewDisplay(
                [PreviewedObject(one.name, one.uid, one.read) for one in self._subjects]
            )

    def _start(self, command: list[str], out: Path) -> State:
        folder, subjects = self.folder, self._subjects
        several = len(subjects) > 1
        cameras = folder / "cameras.json" if self._cameras else None
        names = file_names([one.name for one in subjects]) if several else ["mesh"]
        paths = [folder / f"{name}.npz" for name in names]
        starts = [f"start.{name}" if several else "start" for name in names]

        def prepare() -> None:
            for subject, path, start in zip(subjects, paths, starts, strict=True):
                subject.read.arrays().save(path)
                if subject.texture:
                    subject.texture.save(folder, start, several, several and tiled)
            if self._cameras and cameras:
                self._cameras.save(cameras)

        first, texture = subjects[0].texture, None
        tiled = any(one.texture and one.texture.tiled for one in subjects)
        if first and several:
            texture = str(folder / ("start.<SET>.<UDIM>.png" if tiled else "start.<SET>.png"))
        elif first:
            texture = str(first.path(folder))
        unwraps = [one.read.unwrap for one in subjects]
        request = self.settings.request(paths, out, unwraps, texture, cameras)
        request = dataclasses.replace(request, preview=self._preview)
        return engine.supervisor.start(command, request, prepare)

    def poll(self) -> bool:
        """Look at what the engine said; True once the job has ended. Takes less than 10 ms."""
        if not engine.supervisor.poll():
            if self.show:
                self.show.update(self.state.preview)
            return False
        result = self.state.result
        if result and any(result.mesh_uvs) and self._uvs is None:
            self._uvs = _workers.submit(self._load_uvs, result.mesh_uvs)
        return self._uvs is None or self._uvs.done()

    def cancel(self) -> None:
        """Stop the job, also when it is done and waits for ``finish``."""
        if self.state.ended:
            self.state.discard()
        else:
            engine.supervisor.cancel()

    def wait(self, watch: Callable[[State], None] | None = None) -> None:
        """Block until the job has ended, calling ``watch`` with its state now and then."""
        while not self.poll():
            if watch:
                watch(self.state)
            time.sleep(POLL_S)

    @property
    def blocked(self) -> str:
        """Why ``finish`` has to wait, in words; "" when it needn't."""
        return next((one.blocked for one in self._subjects if one.blocked), "")

    def finish(self, pack: bool = False) -> Outcome:
        """Put the result into the .blend. Everything that can fail comes before the first change.

        pack: put the image into the .blend even where it could lie beside it. Raises Problem.
        """
        result = self._result()
        uvs = self._uvs.result() if self._uvs else [None] * len(self._subjects)
        origin = self.settings.origin()
        images = ResultImages(result, origin, pack)
        objects = put_back(self._subjects, uvs, images, self.settings.prompt.strip(), origin)
        self._remember_durations(Path(result.report))
        said = [text for subject in self._subjects for text in subject.read.warnings]
        return Outcome(objects, (*dict.fromkeys(said), *result.warnings), result)

    def _remember_durations(self, report: Path) -> None:
        views, own_steps = self.settings.views, self.settings.steps is None
        durations.remember(package.user_folder(), self._durations_key(), report, views, own_steps)

    def _durations_key(self) -> str:
        return durations.key(self.settings.model, self.settings.device)

    def _after_painting(self) -> float:
        """How many seconds the rest will take, judged by the last texture; 0 where there was none."""
        known = durations.read(package.user_folder(), self._durations_key())
        return known.after * self.settings.texture_size**2 if known else 0.0

    def close(self) -> None:
        """Show no more of the job, and remove its folder."""
        if self.show:
            self.show.close()
        job_folder.remove(self.folder)

    def _result(self) -> protocol.Result:
        """The engine's result, its files checked; raises what the job ended with otherwise."""
        if self.state.problem:
            raise self.state.problem
        assert self.state.result, "finish is for ended jobs"
        textures = self.state.result.textures or [protocol.Texture(self.state.result.texture)]
        for texture in (Path(one.path) for one in textures):
            if not texture.is_file() or texture.stat().st_size == 0:
                raise Problem(f"The engine left no texture at {texture}", code=protocol.EXIT_BUG)
        return self.state.result

    def _load_uvs(self, paths: Sequence[str | None]) -> list[Uvs | None]:
        """The engine's UVs for each object, per loop; runs in a thread. Raises Problem."""
        pairs = zip(self._subjects, paths, strict=True)
        return [None if path is None else subject.load_uvs(path) for subject, path in pairs]
