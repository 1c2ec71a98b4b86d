"""Texture Suzanne with the installed extension: what `blender --command sync_texture` does; needs bpy.

Started by `build.py demo`, which installs the extension into a Blender profile of its own. Writes
suzanne.blend, suzanne.glb and render.png to the folder --out, with the engine's own files beside them.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy

EXTENSION = "bl_ext.user_default.sync_texture"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--model", required=True)
    options = parser.parse_args(arguments)

    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module=EXTENSION)
    _add_suzanne()
    out = options.out
    job = ["--prompt", options.prompt, "--model", options.model, "--out", str(out)]
    files = ["--save", str(out / "suzanne.blend"), "--glb", str(out / "suzanne.glb")]
    # A bpy module has no command line to be called by, so the command's own function is.
    command = importlib.import_module(f"{EXTENSION}.blender_sync_addon.command.main")
    if status := command.run(["texture", *job, *files]):
        sys.exit(status)
    _render(out / "render.png")


def _add_suzanne() -> None:
    """Suzanne, smooth, with a Subdivision modifier that stays a modifier."""
    bpy.ops.mesh.primitive_monkey_add(size=2)
    bpy.ops.object.shade_smooth()
    bpy.context.object.modifiers.new("Subdivision", "SUBSURF").levels = 1


def _render(path: Path) -> None:
    """A picture by Cycles on the CPU, which needs no graphics card."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location = (2.0, -3.9, 0.9)
    camera.rotation_euler = (-camera.location).to_track_quat("-Z", "Y").to_euler()
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.rotation_euler, sun.data.energy = (0.8, 0.2, 0.6), 3.0
    for added in (camera, sun):
        scene.collection.objects.link(added)
    scene.world = bpy.data.worlds.new("World")
    scene.world.color = (0.4, 0.4, 0.4)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 32, False
    scene.render.resolution_x = scene.render.resolution_y = 512
    scene.render.filepath = str(path)
    with quiet():
        bpy.ops.render.render(write_still=True)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Cycles' report of every sample, which Blender itself writes, off the terminal."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:])
