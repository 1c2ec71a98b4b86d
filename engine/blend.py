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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .client import guard
from .client.child import last_words, without_python_settings
from .errors import UserError
from .host import Host
from .protocol import Request, Result
from .words import with_article

ENDINGS = (".blend", ".fbx", ".usd", ".usda", ".usdc", ".usdz")
VARIABLE = "BLENDER"
SCRIPT = Path(__file__).resolve().parents[1] / "blender_sync_addon" / "command" / "scene_main.py"
SCENE = "scene.blend"
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


def through_blender(request: Request, host: Host, texture: Callable[[Request], Result]) -> Result:
    """``texture(request)``, with the files of its objects in place of a file that only Blender opens. Raises
    UserError."""
    if not any(map(is_for_blender, request.meshes)):
        if request.objects or request.collection or request.uv_layer:
            raise UserError(
                "only a .blend has objects, collections and UV maps to choose by name", "leave them out"
            )
        return texture(request)
    if len(request.meshes) > 1:
        ending = next(Path(path).suffix.lower() for path in request.meshes if is_for_blender(path))
        what = f"{with_article(ending)} can't be textured together with other files"
        raise UserError(what, "name several of its objects instead, or import the others into it")
    if not Path(request.mesh).is_file():
        raise UserError(f"there is no file '{request.mesh}'", "check the path's spelling")
    with guard.folder("sync_texture_") as folder:
        host.progress("start", 0, 1, None)
        order = {"blend": os.path.abspath(request.mesh), "request": request.as_dict()}
        found = _ask({**order, "action": "read"}, folder, host)
        first, *others = found["meshes"]
        opened = dataclasses.replace(
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
        result = texture(opened)
        warnings = [*found["warnings"], *result.warnings]
        result = dataclasses.replace(result, warnings=warnings, left_out=found["left_out"])
        if request.scene == "none":
            return result
        order |= {"action": "put_back", "objects": found["objects"], "result": result.as_dict()}
        return _saved(order, result, request.scene == "packed", folder, host)


def _saved(order: Mapping[str, Any], result: Result, pack: bool, folder: Path, host: Host) -> Result:
    """The result with a .blend beside its files, textured."""
    host.progress("save", 0, 1, None)
    target = Path(result.report).with_name(SCENE)
    new = target.with_name(f".new-{SCENE}")  # whole or not at all
    try:
        _ask({**order, "save": str(new), "pack": pack}, folder, host)
        os.replace(new, target)
    finally:
        new.unlink(missing_ok=True)
    return dataclasses.replace(result, scene=str(target))


def _ask(order: Mapping[str, Any], folder: Path, host: Host) -> dict[str, Any]:
    """What Blender answers; raises UserError, and Cancelled."""
    (folder / "order.json").write_text(json.dumps(order), encoding="utf-8")
    answer = folder / "answer.json"
    answer.unlink(missing_ok=True)
    own = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))  # Blender leaves a folder of its own in there
    environ = {**without_python_settings(os.environ), **own}
    try:
        status = guard.run([*program(order["blend"]), str(folder)], folder, environ, host.check)
    except OSError as error:
        raise UserError(f"Blender can't be started: {error}", _FIX, blender=None) from error
    if not answer.is_file():
        what = f"Blender ended with status {status} over '{Path(order['blend']).name}'"
        raise UserError(what + last_words(guard.output(folder)), "open the file in Blender and save it again")
    found: dict[str, Any] = json.loads(answer.read_text("utf-8"))
    if "error" in found:
        raise UserError(found["error"], found["fix"] or "correct it")
    return found
