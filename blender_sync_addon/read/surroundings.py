"""What a scene shows around one place: how far away it is in every direction, measured by Cycles."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..problem import Problem

HEIGHT = 512  # pixels of the depth picture: as many as the engine uses
UPRIGHT = math.pi / 2  # of a camera's first angle, with which it looks level
_SHOWN = {"MESH", "CURVE", "CURVES", "SURFACE", "META", "FONT", "POINTCLOUD", "VOLUME", "EMPTY"}


@dataclass(frozen=True)
class Eye:
    """Whence it is looked, and where to the middle of the panorama does: radians to the left of +Y."""

    location: tuple[float, float, float]
    heading: float

    @classmethod
    def of(cls, scene: Any, where: str) -> Eye:
        """The ``scene``'s active camera or its 3D cursor (``where``, choices.EYES). Raises Problem."""
        if where == "cursor":
            return cls(tuple(scene.cursor.location), 0.0)
        if scene.camera is None:
            raise Problem("The scene has no active camera to look from", "Add one, or choose the 3D cursor.")
        matrix = scene.camera.matrix_world
        ahead, up = -matrix.col[2].xyz, matrix.col[1].xyz
        level = (
            ahead if math.hypot(ahead.x, ahead.y) > 1e-3 * ahead.length else up * -math.copysign(1, ahead.z)
        )
        return cls(tuple(matrix.translation), math.atan2(-level.x, level.y))


def check(scene: Any) -> None:
    """Raise Problem where nothing of the ``scene`` can be seen. Cheap enough to draw a panel."""
    if not any(obj.type in _SHOWN and not obj.hide_render for obj in scene.objects):
        raise Problem("The scene has nothing to paint a world around", "Add objects, or switch Depth off.")


def depth(scene: Any, view_layer: Any, eye: Eye, file: Path) -> None:
    """Write to ``file`` how far along each ray from the ``eye`` it is to what renders of the ``scene`` show:
    an equirectangular OpenEXR picture. All is as it was before then. Raises Problem."""
    with _copy(scene, eye) as copy:
        for layer in copy.view_layers:
            layer.use = layer.name == view_layer.name
            layer.use_pass_z = True
        _set_render(copy.render, file)
        _set_cycles(copy)
        try:
            done = bpy.ops.render.render("EXEC_DEFAULT", write_still=True, scene=copy.name)
        except RuntimeError as error:
            fix = "Wait for other renders to end, and see that Cycles is enabled in Preferences > Add-ons."
            raise Problem(f"The scene's depth can't be rendered: {error}".strip(), fix) from error
    if "FINISHED" not in done or not file.is_file():
        raise Problem("The scene's depth can't be rendered", "Look whether a render (F12) by Cycles works.")


@contextlib.contextmanager
def _copy(scene: Any, eye: Eye) -> Iterator[Any]:
    """A copy of the ``scene`` with a panoramic camera at the ``eye``, gone afterwards; the objects are its
    own."""
    rendered = {image.session_uid for image in bpy.data.images if image.type == "RENDER_RESULT"}
    copy, data = scene.copy(), bpy.data.cameras.new("Sync Texture")
    camera = bpy.data.objects.new("Sync Texture", data)
    try:
        copy.animation_data_clear()  # it could change what is set here
        copy.timeline_markers.clear()  # they could bind other cameras
        copy.collection.objects.link(camera)
        camera.location, camera.rotation_euler = eye.location, (UPRIGHT, 0, eye.heading)
        data.type = "PANO"
        panorama = data if hasattr(data, "panorama_type") else data.cycles  # from Blender 4.x on its own
        panorama.panorama_type = "EQUIRECTANGULAR"
        data.clip_start, data.clip_end = 1e-6, 1e8
        copy.camera = camera
        yield copy
    finally:
        bpy.data.scenes.remove(copy)
        bpy.data.cameras.remove(data)  # and the object with it
        for image in [one for one in bpy.data.images if one.type == "RENDER_RESULT"]:
            if image.session_uid not in rendered:
                bpy.data.images.remove(image)


def _set_render(render: Any, file: Path) -> None:
    """Nothing but the picture, and of it nothing but depth."""
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = 2 * HEIGHT, HEIGHT, 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1
    for name in (
        *("use_border", "use_compositing", "use_sequencer", "use_motion_blur", "use_multiview"),
        *("use_freestyle", "use_stamp", "use_persistent_data", "use_file_extension"),
    ):
        setattr(render, name, False)
    settings = render.image_settings
    if hasattr(settings, "media_type"):  # from Blender 5 on
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.color_depth = "OPEN_EXR_MULTILAYER", "32"
    render.filepath = str(file)


def _set_cycles(scene: Any) -> None:
    """One ray a pixel, no light."""
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.max_bounces = "CPU", 1, 0
    for name in ("use_adaptive_sampling", "use_denoising"):
        setattr(cycles, name, False)
