"""report.json: what was asked for, what was done, and how good it measures."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .. import memory
from ..canvas.scene import Scene
from ..generate import Job
from ..measure.quality import covered, view_psnr
from ..measure.seams import seam_error
from ..measure.sharpness import sharpness
from ..mesh.sets import Layout
from ..options.channels import Channel, main_channel
from ..pictures.channels import ByChannel
from ..protocol import VERSION, Request
from ..settings import reported
from ..views.prompts import direction
from ..views.surface import masks
from .files import page_file

Floats = NDArray[np.float32]
PARTS = ("load", "geometry", "denoise", "sync", "decode", "preview", "bake", "save", "measure", "total")


def measures(
    job: Job, layout: Layout, images: ByChannel, pictures: Floats, rendered: Floats
) -> dict[str, Any]:
    """How good the texture ``images`` (T, T, k), or of pages, is: what people look at of it, made from
    ``pictures`` (N, R, R, 3) and ``rendered`` as they show it."""
    scene, image = job.scene, images[main_channel()]
    face, painted = covered(scene.surface.raster, scene.cameras, job.host.check)
    return {
        "textures": [
            _page(layout, i, list(images), painted[layout.page[face] == i]) for i in range(len(layout.pages))
        ],
        "coverage": _share(painted) or 0.0,
        "seam_error": seam_error(scene.surface, image),
        "view_psnr": view_psnr(rendered, scene.views, pictures),
        "detail_kept": _detail_kept(scene, pictures, rendered),
    }


def _detail_kept(scene: Scene, pictures: Floats, rendered: Floats) -> float | None:
    """How much fine detail of the ``pictures`` the texture, ``rendered``, still has: their power's share."""
    kept = sharpness(rendered, pictures, masks(scene.views))
    return kept if np.isfinite(kept) else None


def _page(layout: Layout, number: int, channels: list[Channel], painted: NDArray[np.bool_]) -> dict[str, Any]:
    """What the report says of one of several textures; ``painted``: of its points (n,)."""
    page = layout.pages[number]
    others = {channel.name: page_file(page, channel) for channel in channels if channel != main_channel()}
    return {
        "file": page_file(page),
        **({"others": others} if others else {}),
        "mesh": None if page.mesh is None else layout.names[page.mesh],
        "part": page.part,
        "tile": page.tile,
        "faces": int((layout.page == number).sum()),
        "unwrapped": bool(layout.unwrapped[layout.page == number].any()),
        "coverage": _share(painted),
    }


def _share(painted: NDArray[np.bool_]) -> float | None:
    return float(painted.mean()) if len(painted) else None


def values(
    request: Request, job: Job, layout: Layout, warnings: list[str], measured: dict[str, Any]
) -> dict[str, Any]:
    """The report, as the contract lists it."""
    scene, settings, seconds = job.scene, job.settings, job.clock.seconds
    return {
        "version": VERSION,
        **reported(request, settings),
        "control": job.denoiser.preset.control,
        "sync_autoencoder": _sync_autoencoder(job),
        "device": str(job.denoiser.device),
        "raster": scene.surface.raster.name,
        "mesh": {
            "vertices": len(layout.mesh.vertices),
            "faces": len(layout.mesh.faces),
            "unwrapped": bool(layout.unwrapped.any()),
            "warnings": warnings,
        },
        "views": [dataclasses.asdict(c) | {"direction": direction(c)} for c in scene.cameras],
        **measured,
        "seconds": {part: round(seconds.get(part, 0.0), 4) for part in PARTS},
        "sync_ms_per_step": round(1000 * seconds.get("sync", 0.0) / settings.steps_run, 4),
        "peak_memory_mb": round(memory.peak_mb(), 1),
        **_gpu(job.denoiser.device),
    }


def _sync_autoencoder(job: Job) -> str | None:
    """Which autoencoder synchronisation in RGB went through; None in latents."""
    if job.settings.sync_space == "latent":
        return None
    return "tiny" if job.denoiser.tiny else "full"


def _gpu(device: torch.device) -> dict[str, float]:
    if device.type != "cuda":
        return {}
    return {"peak_gpu_memory_mb": round(torch.cuda.max_memory_allocated(device) / 2**20, 1)}
