"""One job on one object, from the mesh to the material: gather, start, poll, finish.

Operators and the command line both go through here. Until ``finish`` nothing in the .blend is touched, so
a job that fails or is cancelled leaves no trace.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..engine import protocol
from . import preferences
from .job import folder as job_folder
from .job.process import Supervisor
from .job.state import State
from .problem import Problem
from .read import mesh as read_mesh
from .read import texture as read_texture
from .read.settings import Settings
from .write import image as write_image
from .write import material as write_material
from .write import uv as write_uv

supervisor = Supervisor()
POLL_S = 0.02
_workers = ThreadPoolExecutor(1, "sync_texture")


@dataclass(frozen=True)
class Outcome:
    """What a finished job left in the .blend, by name; ``out``: the engine's own files, until ``close``."""

    object: str
    material: str
    image: str
    uv_layer: str
    warnings: tuple[str, ...]
    out: Path


class Task:
    """A running job. Objects are held by Blender's session-wide number: undo and deletion free pointers."""

    def __init__(self, obj: Any, depsgraph: Any, settings: Settings, out: Path | None = None) -> None:
        """Read ``obj`` and start the engine on it; returns at once.

        out: folder for the engine's files; None: a private one, removed by ``close``. Raises Problem.
        """
        read_mesh.check(obj)
        settings.check()
        command = preferences.command(["serve"])
        self.settings = settings
        self.name: str = obj.name
        self._object_uid: int = obj.session_uid
        self._texture = read_texture.read(obj, settings.uv_layer) if settings.from_texture else None
        uv_layer = self._texture.uv_layer if self._texture else settings.uv_layer
        self._read = read_mesh.read(obj, depsgraph, uv_layer, settings.unwrap)
        self._uvs: Future[NDArray[np.float32]] | None = None
        self.folder = job_folder.make(bpy.app.tempdir or None)
        try:
            self.state: State = self._start(command, out or self.folder / "out")
        except BaseException:
            self.close()
            raise

    def _start(self, command: list[str], out: Path) -> State:
        folder, path = self.folder, self.folder / "mesh.npz"
        reading, texture = self._read, self._texture

        def prepare() -> None:
            reading.arrays().save(path)
            if texture:
                texture.save(folder)

        start = texture.path(folder) if texture else None
        request = self.settings.request(path, out, reading.unwrap, start)
        return supervisor.start(command, request, prepare)

    def poll(self) -> bool:
        """Look at what the engine said; True once the job has ended. Takes less than 10 ms."""
        if not supervisor.poll():
            return False
        if self.state.result and self.state.result.uvs and self._uvs is None:
            self._uvs = _workers.submit(self._load_uvs, self.state.result.uvs)
        return self._uvs is None or self._uvs.done()

    def cancel(self) -> None:
        """Stop the job, also when it is done and waits for ``finish``."""
        if self.state.ended:
            self.state.discard()
        else:
            supervisor.cancel()

    def wait(self, watch: Callable[[State], None] | None = None) -> None:
        """Block until the job has ended, calling ``watch`` with its state now and then."""
        while not self.poll():
            if watch:
                watch(self.state)
            time.sleep(POLL_S)

    @property
    def blocked(self) -> str:
        """Why ``finish`` has to wait, in words; "" when it needn't."""
        obj = self._object()
        if obj is None or not (obj.data.is_editmode or obj.mode == "SCULPT"):
            return ""
        return f"Leave {'Sculpt' if obj.mode == 'SCULPT' else 'Edit'} Mode to finish"

    def finish(self, pack: bool = False) -> Outcome:
        """Put the result into the .blend. Everything that can fail comes before the first change.

        pack: put the image into the .blend even where it could lie beside it. Raises Problem.
        """
        result = self._result()
        obj = self._object()
        if obj is None:
            raise Problem(f"'{self.name}' was deleted while its texture was made")
        read_mesh.check(obj)
        new_uvs = self._new_uvs(obj, result)
        uv_layer = self._read.uv_layer or "" if new_uvs is None else write_uv.write(obj.data, new_uvs)
        name = f"{obj.name} {self.settings.prompt.strip()}"[:60]
        origin = self._origin()
        image = write_image.write(Path(result.texture), name, origin, pack)
        material = write_material.make(name, image, uv_layer, origin)
        write_material.show(obj, material)
        warnings = (*self._read.warnings, *result.warnings)
        return Outcome(obj.name, material.name, image.name, uv_layer, warnings, Path(result.texture).parent)

    def close(self) -> None:
        """Remove the job's folder."""
        job_folder.remove(self.folder)

    def _result(self) -> protocol.Result:
        """The engine's result, its files checked; raises what the job ended with otherwise."""
        if self.state.problem:
            raise self.state.problem
        assert self.state.result, "finish is for ended jobs"
        texture = Path(self.state.result.texture)
        if not texture.is_file() or texture.stat().st_size == 0:
            raise Problem(f"The engine left no texture at {texture}", code=protocol.EXIT_BUG)
        return self.state.result

    def _new_uvs(self, obj: Any, result: protocol.Result) -> NDArray[np.float32] | None:
        """The engine's UVs per loop of the mesh, None when it kept the given ones; all checked."""
        if result.uvs is None:
            if self._read.uv_layer is None:
                raise Problem(
                    "The engine returned no UVs for a mesh without a UV map", code=protocol.EXIT_BUG
                )
            return None
        if not self._read.on_base:
            raise Problem("The engine made new UVs for a mesh with modifiers", code=protocol.EXIT_BUG)
        if not read_mesh.has_topology(obj.data, self._read.topology):
            what = f"'{obj.name}' was changed while its texture was made, so that its new UV map doesn't fit"
            raise Problem(what, "Generate again.")
        assert self._uvs, "poll has seen the result"
        uvs = self._uvs.result()
        write_uv.check_room(obj.data, uvs)
        return uvs

    def _load_uvs(self, path: str) -> NDArray[np.float32]:
        """The engine's UVs per loop; no bpy, since it runs in a thread. Raises Problem."""
        try:
            corner_uvs = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise Problem(f"The engine's UVs can't be read: {error}", code=protocol.EXIT_BUG) from error
        return write_uv.per_loop(corner_uvs, self._read.corners, len(self._read.loop_vertices))

    def _object(self) -> Any | None:
        return next((o for o in bpy.data.objects if o.session_uid == self._object_uid), None)

    def _origin(self) -> dict[str, Any]:
        """How the texture was made: what was chosen, without what was left to the model."""
        chosen = dataclasses.asdict(self.settings)
        return {**{k: v for k, v in chosen.items() if v not in (None, "")}, "version": protocol.VERSION}
