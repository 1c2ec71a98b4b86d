"""A .blend, .fbx or .usd as a mesh: Blender opens it, hands its objects over as files, and puts their
textures back.

Blender is a program of its own, which the environment variable BLENDER names or PATH has; a Python with bpy
does as well. What is said to it, and what it answers, stands in blender_sync_addon/command/scene_exchange.py.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import disk
from .client import guard
from .client.child import last_words, without_python_settings
from .errors import UserError
from .host import Host
from .outputs import SCENE
from .protocol import Request, Result, moved
from .words import with_article

ENDINGS = (".blend", ".fbx", ".usd", ".usda", ".usdc", ".usdz")
VARIABLE = "BLENDER"
SCRIPT = Path(__file__).resolve().parents[1] / "blender_sync_addon" / "command" / "scene_main.py"
Finish = Callable[[Result, Path], Result]
"""Adds to the files of a result, which lie in the given folder until all are there; the result with them, as
it will be once they are in the request's."""
_FIX = "give it by {blender}, or run this in Blender: blender -b --command sync_texture ..."


def is_for_blender(path: str) -> bool:
    """Whether only Blender can open such a file."""
    return Path(path).suffix.lower() in ENDINGS


def program(path: str = SCENE) -> list[str]:
    """The command line that opens files like ``path`` in Blender, but for the folder with the order. Raises
    UserError."""
    named = os.environ.get(VARIABLE, "")
    found = shutil.which(named or "blender")
    if found is None:
        what = f"{VARIABLE} names {named!r}, which is no program" if named else "none was found here"
        ending = Path(path).suffix.lower()
        raise UserError(f"only Blender can open {with_article(ending)}, and {what}", _FIX, blender=None)
    if Path(found).name.startswith("python"):
        return [found, str(SCRIPT)]
    options = ["-b", "--factory-startup", "--disable-autoexec", "--python-exit-code", "1"]
    return [found, *options, "--python", str(SCRIPT), "--"]


def unfinished(result: Result, _stage: Path) -> Result:
    """Nothing is added to its files."""
    return result


def files(request: Request) -> tuple[str, ...]:
    """The names of what Blender adds to a job's files."""
    return (SCENE,) if request.scene != "none" and any(map(is_for_blender, request.meshes)) else ()


def through_blender(request: Request, host: Host, texture: Callable[[Request, Finish], Result]) -> Result:
    """``texture(request, finish)``, with the files of its objects in place of a file that only Blender opens,
    and with what is to finish its results. Raises UserError, DiskError among them."""
    if not any(map(is_for_blender, request.meshes)):
        if request.objects or request.collection or request.uv_layer:
            raise UserError(
                "only a .blend has objects, collections and UV maps to choose by name", "leave them out"
            )
        return texture(request, unfinished)
    if len(request.meshes) > 1:
        ending = next(Path(path).suffix.lower() for path in request.meshes if is_for_blender(path))
        what = f"{with_article(ending)} can't be textured together with other files"
        raise UserError(what, "name several of its objects instead, or import the others into it")
    if not Path(request.mesh).is_file():
        raise UserError(f"there is no file '{request.mesh}'", "check the path's spelling")
    _require_room(request)
    with guard.folder("sync_texture_") as folder:
        host.progress("start", 0, 1, None)
        blender = _Scene(request, folder, host)
        found = blender.ask(action="read")
        result = texture(_opened(request, found["meshes"]), partial(blender.put_back, found["objects"]))
        warnings = [*found["warnings"], *result.warnings]
        return dataclasses.replace(result, warnings=warnings, left_out=found["left_out"])


def _require_room(request: Request) -> None:
    """Raise DiskError where the disk has no room for the scene that is to be saved, as large as it is now."""
    if request.scene != "none":
        disk.require(Path(request.out), os.path.getsize(request.mesh), "out")


def _opened(request: Request, meshes: Sequence[Mapping[str, str]]) -> Request:
    """``request`` with ``meshes``, files and how they are to be unwrapped, in place of a file for Blender."""
    first, *others = meshes
    return dataclasses.replace(
        request,
        mesh=first["file"],
        other_meshes=tuple(one["file"] for one in others),
        unwrap=first["unwrap"],
        other_unwraps=tuple(one["unwrap"] for one in others),
        write_uvs=True,
        objects=(),
        collection=None,
        uv_layer="",
    )


@dataclass(frozen=True)
class _Scene:
    """The file of a ``request`` in Blender, which is spoken to by way of ``folder``."""

    request: Request
    folder: Path
    host: Host

    def put_back(self, objects: Sequence[str], result: Result, stage: Path) -> Result:
        """The ``result``, whose files lie in ``stage``, with a .blend beside them that shows it."""
        if self.request.scene == "none":
            return result
        out, stage = Path(self.request.out), stage.absolute()
        here = moved(result.as_dict(), out, stage)
        pack, save = self.request.scene == "packed", str(stage / SCENE)
        said = self.ask(action="put_back", objects=objects, result=here, pack=pack, save=save)["warnings"]
        return dataclasses.replace(result, scene=str(out / SCENE), warnings=[*result.warnings, *said])

    def ask(self, **order: Any) -> dict[str, Any]:
        """What Blender answers to an ``order``; raises UserError, and Cancelled."""
        blend = os.path.abspath(self.request.mesh)
        asked = {"blend": blend, "request": self.request.as_dict(), **order}
        (self.folder / "order.json").write_text(json.dumps(asked), encoding="utf-8")
        answer = self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        own = dict.fromkeys(
            ("TMPDIR", "TEMP", "TMP"), str(self.folder)
        )  # it leaves a folder of its own there
        environ = {**without_python_settings(os.environ), **own}
        try:
            status = guard.run([*program(blend), str(self.folder)], self.folder, environ, self.host.check)
        except OSError as error:
            raise UserError(f"Blender can't be started: {error}", _FIX, blender=None) from error
        if not answer.is_file():
            what = f"Blender ended with status {status} over '{Path(blend).name}'"
            fix = "open the file in Blender and save it again"
            raise UserError(what + last_words(guard.output(self.folder)), fix)
        found: dict[str, Any] = json.loads(answer.read_text("utf-8"))
        if "error" in found:
            if full := disk.failure(RuntimeError(found["error"]), Path(self.request.out), option="out"):
                raise full  # Blender tells the system's words and no more
            _require_room(self.request)  # or others: it doesn't look why a file couldn't be saved
            raise UserError(found["error"], found["fix"] or "correct it")
        return found
