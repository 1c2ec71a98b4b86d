"""report.json: what was asked for, what was done, and how good it measures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from .. import memory
from ..denoise.denoiser import Denoiser
from ..outputs import REPORT, Outputs
from ..protocol import VERSION, AnyRequest
from ..relative import Folders
from ..settings import Settings, asked_references, reported

PARTS = (
    *("load", "geometry", "denoise", "sync", "decode", "preview", "estimate"),
    *("bake", "save", "measure", "total"),
)
TEXTS = ("prompt", "negative")  # what they say is said as it is


def values(
    request: AnyRequest,
    settings: Settings,
    denoiser: Denoiser,
    found: Mapping[str, Any],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """The report, as the contract lists it. found: what the canvas says of itself and of how good it is;
    seconds: by PARTS. What lies on this computer is named without saying where."""
    said = {
        "version": VERSION,
        **reported(request, settings),
        "control": denoiser.kinds[0],
        "controls": [
            {"kind": one.kind, "source": one.source, "scale": one.scale, "end": one.end}
            for one in denoiser.controls
        ],
        "references": [{"image": path, "weight": weight} for path, weight in asked_references(request)],
        "ip_adapter": denoiser.adapter,
        "sync_autoencoder": _sync_autoencoder(settings, denoiser),
        "device": str(denoiser.device),
        "memory": denoiser.household.words,
        **found,
        "seconds": {part: round(seconds.get(part, 0.0), 4) for part in PARTS},
        "sync_ms_per_step": round(1000 * seconds.get("sync", 0.0) / _steps(settings, found), 4),
        "peak_memory_mb": round(memory.peak_mb(), 1),
        **_gpu(denoiser.device),
    }
    texts = {name: said[name] for name in TEXTS if name in said}
    return {**Folders.of(request, [], [request.out]).without(said), **texts}


def _steps(settings: Settings, found: Mapping[str, Any]) -> int:
    """All that were run: of the first pass, and of each group of close-ups."""
    near = found.get("close_ups")
    return settings.steps_run + (near["groups"] * near["steps"] if near else 0)


def files(outputs: Outputs, written: Iterable[str]) -> dict[str, list[str]]:
    """What of a folder is ours, by name: files that this run has ``written``, the report too, and those that
    earlier runs left."""
    names = sorted({*written, REPORT})
    return {"files": names, "earlier_files": outputs.left(names)}


def _sync_autoencoder(settings: Settings, denoiser: Denoiser) -> str | None:
    """Which autoencoder synchronisation in RGB went through; None in latents."""
    if settings.sync_space == "latent":
        return None
    return "tiny" if denoiser.tiny else "full"


def _gpu(device: torch.device) -> dict[str, float]:
    if device.type != "cuda":
        return {}
    return {"peak_gpu_memory_mb": round(torch.cuda.max_memory_allocated(device) / 2**20, 1)}
