"""What the commands leave on disk: the textured .blend, and objects of it as glTF."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from ...engine import protocol
from ...engine.outputs import Outputs
from ..datablocks import channel, our_image_nodes
from ..jobs.job_object import TexturedObject
from ..problem import Problem
from ..write.colour_space import DATA, set_space

PLAIN = ".png"  # what the engine leaves beside whatever the depth asks for


def prepare(save: str | None, glb: str | None, overwrite: bool) -> None:
    """Make the folders of the files ``save`` and ``glb``: better to fail before the work than after. Raises
    Problem, also where one is there and nobody means to ``overwrite`` it."""
    for option, name in {"save": save, "glb": glb}.items():
        if name:
            path, inputs = Path(name).absolute(), tuple(filter(None, [bpy.data.filepath]))
            if found := Outputs(path.parent, inputs, overwrite, option=option).obstacle([path.name]):
                raise Problem(found.error, found.fix, protocol.EXIT_BAD_INPUT, **found.options)
            _make_parent(name)


def _make_parent(name: str) -> None:
    try:
        Path(name).absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(f"'{name}' can't be written: {error}", "Choose another folder.") from error


def packs(save: str | None, wanted: bool) -> bool:
    """Whether images belong into the .blend ``save``: if ``wanted``, or if they couldn't lie beside it."""
    here = bpy.data.filepath and save and Path(save).absolute().parent == Path(bpy.data.filepath).parent
    return wanted or bool(save and not here)


def save_and_export(
    objects: Sequence[Any], textured: Sequence[TexturedObject], save: str | None, glb: str | None
) -> None:
    """Save the file as ``save`` and ``objects`` as ``glb``, where given; textured: what they show. Raises
    Problem."""
    if save:
        _save(Path(save).absolute())
    if glb:
        with plain(textured):
            export(objects, Path(glb).absolute())


def _save(path: Path) -> None:
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    except RuntimeError as error:
        what = f"'{path}' can't be saved: {_reason(error)}"
        raise Problem(what, "Choose another place with --save.") from error


def _reason(error: Exception) -> str:
    """One line of what an operator raised, which may be a whole trace: what went wrong comes last there."""
    lines = [line.strip() for line in str(error).splitlines()]
    return [line for line in lines if line and not line.startswith("Location:")][-1].removeprefix("Error: ")


@contextlib.contextmanager
def _window() -> Iterator[None]:
    """Inside, there is a window in the context, also in a command about a file, where Blender leaves it out:
    the glTF exporter asks for one."""
    here, context = bpy.context.scene, bpy.context
    windows = sorted(context.window_manager.windows, key=lambda one: one.scene != here)
    if context.window is not None or not windows:
        yield
        return
    with context.temp_override(window=windows[0], scene=here, view_layer=context.view_layer):
        yield


@contextlib.contextmanager
def plain(textured: Sequence[TexturedObject]) -> Iterator[None]:
    """Inside, our materials show their textures in 8 bits where they are float ones: those Blender's exporter
    writes into a PNG as they are, linear, hence too dark."""
    changed = []
    for one in textured:
        files = dict(zip(one.images, one.files, strict=True))
        for node in [n for name in one.materials for n in our_image_nodes(bpy.data.materials[name])]:
            image = node.image
            path = files[image.name].with_suffix(PLAIN) if image.name in files else None
            if path and image.is_float and image.source == "FILE" and path.is_file():
                node.image = eight = bpy.data.images.load(str(path))
                eight.name = image.name
                if not channel(image).colour:
                    set_space(eight, DATA)
                changed.append((node, image, eight))
    try:
        yield
    finally:
        for node, image, eight in changed:
            node.image = image
            bpy.data.images.remove(eight)


def export(objects: Sequence[Any], path: Path) -> None:
    """Write ``objects`` alone, hidden ones too, into the .glb ``path``; the selection stays as it is. Raises
    Problem."""
    layer = bpy.context.view_layer
    selected = [o for o in layer.objects if o.select_get()]
    hidden = [(o, o.hide_get(), o.hide_viewport, o.hide_select) for o in objects]
    try:
        for other in selected:
            other.select_set(False)
        for obj in objects:
            _hide(obj, False, False, False)  # else it can't be selected, and isn't written
            obj.select_set(True)
        with _window():
            bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB", use_selection=True)
    except (RuntimeError, OSError, AttributeError) as error:
        fix = "Choose another place with --glb; Blender's glTF add-on must be enabled."
        raise Problem(f"'{path}' can't be exported: {_reason(error)}", fix) from error
    finally:
        for obj in objects:
            obj.select_set(False)
        for other in selected:
            other.select_set(True)
        for now in hidden:
            _hide(*now)


def _hide(obj: Any, here: bool, everywhere: bool, select: bool) -> None:
    obj.hide_viewport = everywhere
    obj.hide_select = select
    obj.hide_set(here)
