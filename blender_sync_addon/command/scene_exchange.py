"""A .blend, .fbx or .usd for the engine: its objects as files that it reads, and their textures put back.

The engine runs Blender with scene_main.py and a folder with order.json in it, where answer.json is to be:

read:     {action, blend, request} -> {meshes: [{file, unwrap}], objects, left_out: [name], warnings: [text]}
put_back: {action, blend, request, objects, result, save, pack} -> {warnings: [text]}
either:   {error, fix, code} where it can't be done
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy

from ...engine import protocol, words
from ..jobs.job_files import file_names
from ..jobs.job_object import JobObject, JobResult, ResultImages, TexturedObject
from ..jobs.received import receive
from ..problem import Problem
from ..read import objects as read_objects
from ..read.settings import Settings
from ..read.uv_room import UvRoom
from ..results import recording
from ..write import colour_space
from ..write import image as write_image
from . import choice

ORDER, ANSWER = "order.json", "answer.json"
Order = Mapping[str, Any]


def answer(folder: Path) -> None:
    """Do what ``folder`` orders."""
    order = json.loads((folder / ORDER).read_text("utf-8"))
    try:
        reply = {"read": _read, "put_back": _put_back}[order["action"]](order, folder)
    except Problem as problem:
        what, fix = problem.wording.by(protocol.flag)
        reply = {"error": what, "fix": fix, "code": problem.code}
    (folder / ANSWER).write_text(json.dumps(reply), "utf-8")


def _read(order: Order, folder: Path) -> dict[str, Any]:
    request = order["request"]
    _open(order["blend"])
    objects = choice.named(request["objects"], request["collection"]) or read_objects.visible()
    several = len(objects) > 1
    room = UvRoom()
    found = choice.sort(objects, lambda obj: _read_one(obj, request, several, room), bool(request["objects"]))
    names = [one.name for one in found.found]
    meshes = []
    for one, name in zip(found.found, file_names(names), strict=True):
        one.read.arrays().save(folder / f"{name}.npz")
        meshes.append({"file": str(folder / f"{name}.npz"), "unwrap": one.read.unwrap})
    said = dict.fromkeys(text for one in found.found for text in one.read.warnings)
    warnings = [*found.warnings, *said]
    return {"meshes": meshes, "objects": names, "left_out": found.left_out, "warnings": warnings}


def _put_back(order: Order, _folder: Path) -> dict[str, Any]:
    _open(order["blend"])
    objects = [read_objects.named(name) for name in order["objects"]]
    job_objects = read(objects, order["request"])
    result = protocol.Result.from_dict(order["result"])
    bpy.ops.file.make_paths_absolute()  # the new file lies elsewhere, and may be moved
    done = show(job_objects, order["request"], result, pack=True)
    files = {name: file for one in done for name, file in zip(one.images, one.files, strict=True)}
    for name, file in files.items() if not order["pack"] else ():
        write_image.lay_beside(bpy.data.images[name], file)
    _save(Path(order["save"]))
    said = colour_space.notes(bpy.data.images[name] for name in files)
    return {"warnings": [*map(words.line, said)]}


def read(objects: Sequence[Any], request: Order) -> tuple[JobObject, ...]:
    """``objects`` as the request (as a dict) wants them; raises Problem."""
    room = UvRoom()
    return tuple(_read_one(obj, request, len(objects) > 1, room) for obj in objects)


def _read_one(obj: Any, request: Order, several: bool, room: UvRoom) -> JobObject:
    return JobObject(obj, bpy.context.evaluated_depsgraph_get(), settings(request), several, room)


def show(
    objects: Sequence[JobObject], request: Order, result: protocol.Result, pack: bool
) -> tuple[TexturedObject, ...]:
    """Put ``result``, whose files lie in one folder, on the objects. Raises Problem."""
    chosen = settings(request)
    meshes, out = [one.read for one in objects], Path(result.texture).parent
    received = receive(result, meshes, out, chosen.texture_size)
    images = ResultImages(received, chosen.origin(), pack)
    return recording.show(JobResult(tuple(objects), received, images, chosen.prompt.strip()))


def settings(request: Order) -> Settings:
    """The request's own words as those of an artist."""
    known = {field.name for field in dataclasses.fields(Settings)}
    return Settings(**{name: value for name, value in request.items() if name in known})


def _open(path: str) -> None:
    """A .blend as it is; another file's objects, in Blender's axes and units, in a scene of their own."""
    try:
        if Path(path).suffix.lower() == ".blend":
            bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=False)
            choice.to_object_mode()
        else:
            bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
            _import(path)
    except RuntimeError as error:
        why = " ".join(str(error).replace("Error:", "").split())
        what = f"'{Path(path).name}' can't be opened by Blender {bpy.app.version_string}: {why[-300:]}"
        raise Problem(what, "Open it in Blender and save it again.") from error


def _import(path: str) -> None:
    """Raises RuntimeError."""
    if Path(path).suffix.lower() != ".fbx":
        if not hasattr(bpy.types, "WM_OT_usd_import"):  # as some distributions' are
            raise RuntimeError("it was built without USD")
        bpy.ops.wm.usd_import(filepath=path, import_textures_mode="IMPORT_NONE", import_cameras=False)
    elif bpy.app.version >= (5, 0, 0):
        bpy.ops.wm.fbx_import(filepath=path)
    else:
        import addon_utils  # of Blender, found once bpy is

        addon_utils.enable("io_scene_fbx")
        bpy.ops.import_scene.fbx(filepath=path, use_image_search=False)


def _save(path: Path) -> None:
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, relative_remap=False)
    except RuntimeError as error:
        raise Problem(f"'{path}' can't be saved: {error}", "Make room on the disk.") from error
