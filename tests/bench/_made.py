"""What benchmarks of one model's textures share: meshes, a scene for each, views."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray

from engine import settings as options
from engine.canvas.scene import Scene, build_scene
from engine.denoise.denoiser import Denoiser
from engine.generate import Job, generate
from engine.host import Clock, Host
from engine.mesh.mesh import load
from engine.mesh.unwrap import ensure_uvs
from engine.protocol import Request
from engine.views.surface import Surface
from tests.bench import _meshes

PROMPTS = ("weathered red bricks", "tiger stripes")
USUAL = Request(mesh="", prompt="", out="")


def the_meshes(folder: Path) -> list[Path]:
    """A cube and a torus, written to ``folder``, and what is in the folder that SYNC_TEXTURE_MESHES names."""
    made = [folder / "cube.stl", folder / "torus.stl"]
    trimesh.creation.box().export(made[0])
    trimesh.creation.torus(1.0, 0.4, major_sections=48, minor_sections=32).export(made[1])
    return [*made, *_meshes.given()]


def scene_of(path: Path, denoiser: Denoiser) -> Scene:
    """The mesh in the file ``path``, seen by the usual views of ``denoiser``'s size."""
    mesh, _, _ = ensure_uvs(load(str(path)), USUAL.unwrap, USUAL.texture_size, lambda: None)
    assert mesh.uvs is not None
    surface, preset = Surface.build(mesh.vertices, mesh.faces, mesh.uvs), denoiser.preset
    return build_scene(surface, options.cameras(USUAL.views), preset.view_size, preset.control, Host())


def views(request: Request, scene: Scene, denoiser: Denoiser) -> NDArray[np.float32]:
    """(N, R, R, 3) float32 in [0, 1]: what the engine makes of ``request``."""
    options.check(request)
    settings = options.resolve(request, denoiser.preset)
    return generate(Job(request.method, request.seed, settings, scene, denoiser, Clock(), Host()))
