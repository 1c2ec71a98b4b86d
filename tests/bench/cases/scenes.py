"""What benchmarks of one model's textures share: a scene for each mesh, and views of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from engine.canvas.scene import Scene, build_scene
from numpy.typing import NDArray

from engine import settings as options
from engine.denoise.denoiser import Denoiser
from engine.generate import Job, generate
from engine.host import Clock, Host
from engine.mesh.mesh import load
from engine.mesh.unwrap import ensure_uvs
from engine.protocol import Request
from engine.views.surface import Surface

PROMPTS = ("weathered red bricks", "tiger stripes")
USUAL = Request(mesh="", prompt="", out="")


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
