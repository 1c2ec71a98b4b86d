"""What benchmarks of one model's textures share: a canvas for each mesh, and views of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine import settings as options
from engine.canvas import mesh
from engine.canvas.mesh import MeshCanvas
from engine.canvas.mesh_prompts import ViewPrompts
from engine.denoise.denoiser import Denoiser
from engine.generate import generate
from engine.host import Clock, Host
from engine.painter import Painter
from engine.protocol import Request

PROMPTS = ("weathered red bricks", "tiger stripes")
USUAL = Request(mesh="", prompt="", out=".", views="paper")


def canvas_of(request: Request, denoiser: Denoiser) -> MeshCanvas:
    """The mesh of ``request``, seen as it says by views of ``denoiser``'s size."""
    options.check(replace(request, prompt="any"))
    settings = options.resolve(request, denoiser.preset)
    return mesh.prepare(request, Host(), Clock()).canvas(settings, denoiser)


def asked(request: Request, canvas: MeshCanvas, denoiser: Denoiser) -> MeshCanvas:
    """The ``canvas``, from the same views, for another ``request``."""
    options.check(request)
    job, settings = replace(canvas.job, request=request), options.resolve(request, denoiser.preset)
    prompts = ViewPrompts.build(canvas.surface, canvas.shots, settings, job.areas)
    return replace(canvas, job=job, settings=settings, asked=prompts)


def views(canvas: MeshCanvas, denoiser: Denoiser) -> NDArray[np.float32]:
    """(N, R, R, 3) float32 in [0, 1]: what the engine paints."""
    return generate(canvas, Painter(denoiser, canvas.settings, Clock(), Host()))
