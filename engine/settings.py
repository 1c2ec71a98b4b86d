"""From a request to what a job really uses: checked, and completed by the model's preset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from . import protocol
from .denoise.levels import steps_run
from .errors import UserError
from .mesh.frame import to_unit_sphere
from .models.presets import MAX_GUIDANCE, MAX_STEPS, Preset
from .sync.methods import METHODS
from .views import camera_file
from .views.backends import obstacle
from .views.cameras import Camera, even_rig, paper_rig

MAX_VIEWS = 64
TEXTURE_SIZES = range(64, 8193)
MAX_SEED = 2**63 - 1
SHARES = {"published": 0.8, "all": 1.0, "ramp": 1.0}  # of the steps, by protocol.SYNC_SHARES
STRENGTH = 0.5  # colours turn to the prompt's, large shapes stay recognisable


@dataclass(frozen=True)
class Settings:
    """A request with nothing left open. share, fading: of the steps that are synchronised, as in
    :class:`~engine.sync.sampler.Sync`. aggregate: one of sync/methods.py's AGGREGATES. latent_size, rgb_size:
    side of the texture that x0 is averaged in. strength: in (0, 1], how much of the way from noise to picture
    is gone; 1 without a texture to start from.
    """

    steps: int
    guidance: float
    prompt: str
    negative: str
    sync_space: str
    attention: str
    share: float
    fading: bool
    aggregate: str
    latent_size: int
    rgb_size: int
    strength: float

    @property
    def steps_run(self) -> int:
        """Of ``steps``, those that ``strength`` leaves."""
        return steps_run(self.steps, self.strength)


def check(request: protocol.Request) -> None:
    """Raise UserError for anything in ``request`` that no model could make sense of."""
    if not request.prompt.strip():
        raise UserError("the prompt is empty", "say what the surface should look like, e.g. 'red bricks'")
    _one_of("method", request.method, protocol.METHODS)
    for unwrap in request.unwraps:
        _one_of("unwrap mode", unwrap, protocol.UNWRAPS)
    if len(request.unwraps) != len(request.meshes):
        what = f"there are {len(request.meshes)} meshes, but unwrap modes for {len(request.unwraps)}"
        raise UserError(what, "give each mesh one, or one for all")
    _one_of("device", request.device, protocol.DEVICES)
    _one_of("rasteriser", request.raster, protocol.RASTERS)
    if request.raster == "nvdiffrast" and (error := obstacle()):
        raise error
    _one_of("fill", request.fill, protocol.FILLS)
    _one_of("choice of texture sets", request.texture_sets, protocol.TEXTURE_SETS)
    _one_of("choice of scene", request.scene, protocol.SCENES)
    _one_of("texture depth", request.texture_depth, protocol.TEXTURE_DEPTHS)
    if request.sync_space is not None:
        _one_of("sync space", request.sync_space, protocol.SYNC_SPACES)
        if request.sync_space == "rgb" and not averages_x0(request.method):
            raise UserError(
                f"{request.method} averages no clean images, only they have an RGB picture",
                f"use --sync-space latent, or a method that averages x0: {_names_averaging_x0()}",
            )
    if request.attention is not None:
        _one_of("attention", request.attention, protocol.ATTENTIONS)
    if request.sync_share is not None:
        _one_of("share of steps", request.sync_share, protocol.SYNC_SHARES)
        if request.sync_share == "ramp" and METHODS[request.method].canonical:
            what = f"{request.method} denoises the texture: no view has anything of its own to keep more of"
            raise UserError(what, "use --sync-share published or all, or a method that denoises views")
    _check_aggregate(request)
    _between("texture size", request.texture_size, TEXTURE_SIZES.start, TEXTURE_SIZES.stop - 1)
    _between("number of steps", request.steps, 1, MAX_STEPS)
    _between("seed", request.seed, 0, MAX_SEED)
    _between("guidance", request.guidance, 0.0, MAX_GUIDANCE)
    _between("front's azimuth", request.front, -360.0, 360.0)
    _check_start(request)
    cameras(request.views)


def _check_aggregate(request: protocol.Request) -> None:
    if request.aggregate is None:
        return
    _one_of("aggregate", request.aggregate, protocol.AGGREGATES)
    if request.aggregate != "mean" and not averages_x0(request.method):
        raise UserError(
            f"{request.method} averages no clean views, so none of them can be the {request.aggregate}",
            f"leave --aggregate out, or use a method that averages x0: {_names_averaging_x0()}",
        )


def _check_start(request: protocol.Request) -> None:
    """Of the texture to start from, what can be said without looking at it."""
    if request.strength is not None:
        if request.init_texture is None:
            raise UserError("a strength is given, but no texture to start from", "name it by --init-texture")
        if not 0 < request.strength <= 1:
            raise UserError(f"the strength is {request.strength}", "choose more than 0, at most 1")
    if request.init_texture is not None and request.unwrap == "always":
        what = "the texture to start from doesn't fit the new UVs that --unwrap always makes"
        raise UserError(what, "use --unwrap never to keep the mesh's own UVs")


def cameras(views: str) -> list[Camera] | None:
    """The rig: "paper" or a number of views; None for "auto", which the mesh decides; raises UserError."""
    if views == "auto":
        return None
    if views == "paper":
        return paper_rig()
    if len(views) > 9 or not views.isdecimal() or not 1 <= int(views) <= MAX_VIEWS:
        raise UserError(
            f"views {views[:40]!r} isn't a rig", f"use paper, auto, or a number from 1 to {MAX_VIEWS}"
        )
    return even_rig(int(views))


def own_cameras(request: protocol.Request) -> list[camera_file.Given] | None:
    """The cameras in the file that ``request`` names, None where it names none; raises UserError."""
    return None if request.cameras is None else camera_file.read(request.cameras, MAX_VIEWS)


def placed(
    request: protocol.Request, own: list[camera_file.Given] | None, vertices: NDArray[np.float32]
) -> list[Camera] | None:
    """The job's views, its ``own`` cameras where it has any, of the mesh with these ``vertices`` (V, 3); None
    where the mesh decides which it needs. Raises UserError."""
    if own is None:
        return cameras(request.views)
    _, centre, scale = to_unit_sphere(vertices)
    return [one.placed(centre, scale, request.front) for one in own]


def averages_x0(method: str) -> bool:
    """Whether ``method`` averages clean estimates, which can be decoded."""
    return METHODS[method].averages == "x0"


def _names_averaging_x0() -> str:
    return ", ".join(name for name in protocol.METHODS if averages_x0(name))


def resolve(request: protocol.Request, preset: Preset) -> Settings:
    """``request`` completed by the model's ``preset``."""
    space = request.sync_space or (preset.sync_space if averages_x0(request.method) else "latent")
    return Settings(
        steps=preset.steps if request.steps is None else request.steps,
        guidance=preset.guidance if request.guidance is None else request.guidance,
        prompt=preset.prefix + request.prompt.strip(),
        negative=preset.negative if request.negative is None else request.negative.strip(),
        sync_space=space,
        attention=request.attention or preset.attention,
        **_share(request, preset.sync_share[space]),
        aggregate=_aggregate(request, preset),
        latent_size=preset.texture_size["latent"],
        rgb_size=preset.texture_size["rgb"],
        strength=_strength(request),
    )


class _Share(TypedDict):
    share: float
    fading: bool


def _share(request: protocol.Request, usual: float | str) -> _Share:
    """Of the settings; ``usual``: the preset's, a number or one of protocol.SYNC_SHARES."""
    wanted = request.sync_share or usual
    if wanted == "ramp" and METHODS[request.method].canonical:  # a preset's: it can't know the method
        wanted = "published"
    return {"share": SHARES[wanted] if isinstance(wanted, str) else wanted, "fading": wanted == "ramp"}


def _aggregate(request: protocol.Request, preset: Preset) -> str:
    """The preset's where neither the request nor the method says how views are weighted."""
    method = METHODS[request.method]
    usual = preset.aggregate if averages_x0(request.method) and not method.ramped else "mean"
    return request.aggregate or usual


def _strength(request: protocol.Request) -> float:
    if request.init_texture is None:
        return 1.0
    return STRENGTH if request.strength is None else request.strength


def _one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UserError(f"unknown {what} {value!r}", f"use one of {', '.join(known)}")


def _between(what: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise UserError(f"the {what} is {value}", f"choose {low} to {high}")
