"""From a request to what a job really uses: checked, and completed by the model's preset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .denoise.levels import steps_run
from .errors import UserError
from .mesh.frame import AXES, framed
from .mesh.mesh import Mesh, is_z_up
from .models import accelerators
from .models.catalogue import ESTIMATORS
from .models.presets import Preset, for_kind
from .options import areas, controls, values
from .options.areas import Region, read_regions
from .options.channels import COLOR, FULL, Channel, main_channel
from .options.choices import SYNC_SHARES
from .options.image import SURFACES
from .options.request import OPTIONS, by_model
from .options.values import either
from .options.weighted import MOST_REFERENCES, REFERENCE
from .protocol import AnyRequest, ImageRequest, Request, SplatsRequest
from .sync.methods import METHODS
from .views import camera_file
from .views.backends import obstacle
from .views.cameras import Camera, even_rig, paper_rig

SHARES = dict(zip(SYNC_SHARES, (0.8, 1.0, 1.0), strict=True))  # of the steps


@dataclass(frozen=True)
class Settings(Preset):
    """A request with nothing left open: the model's preset with what the request gives in its place.

    method, seed: as in the request. prompt: with the model's prefix. share, fading: of the steps that are
    synchronised, as in :class:`~engine.sync.sampler.Sync`. strength: in (0, 1], how much of the way from
    noise to picture is gone; 1 without a texture to start from. layout: of regular patterns, a seed.
    regions: with the model's prefix, too. delight: as in the request. estimated: the channels that the job's
    estimators tell of finished views.
    """

    method: str
    seed: int
    prompt: str
    share: float
    fading: bool
    strength: float
    layout: int
    regions: tuple[Region, ...] = ()
    delight: bool = False
    estimated: tuple[Channel, ...] = ()

    @property
    def latent_size(self) -> int:
        """Side of the texture that latents are averaged in."""
        return self.texture_size["latent"]

    @property
    def rgb_size(self) -> int:
        """Side of the texture that colours are averaged in."""
        return self.texture_size["rgb"]

    @property
    def steps_run(self) -> int:
        """Of ``steps``, those that ``strength`` leaves."""
        return steps_run(self.steps, self.strength)


def check(request: AnyRequest) -> None:
    """Raise UserError for anything in ``request`` that no model could make sense of."""
    values.check_all(request.table(), request)
    if not request.prompt.strip():
        raise UserError("the prompt is empty", "say what the surface should look like, e.g. 'red bricks'")
    _check_method(request)
    asked_controls(request)
    asked_references(request)
    regions(request)
    if isinstance(request, Request):
        _check_meshes(request)
    elif isinstance(request, ImageRequest):
        _check_picture(request)


def asked_controls(request: AnyRequest) -> tuple[controls.Asked, ...]:
    """What ``request`` wants the model to be steered with. Raises UserError."""
    return () if isinstance(request, ImageRequest) else controls.read_all(request.controls)


def regions(request: AnyRequest) -> tuple[Region, ...]:
    """The areas of ``request`` that have prompts of their own. Raises UserError."""
    return read_regions(request.region) if isinstance(request, Request) else ()


def _check_picture(request: ImageRequest) -> None:
    """Raise UserError for what a picture of another kind has, and for what one of this kind lacks."""
    for name, one in request.table().items():
        other, needed = one.needs or ("", "")
        if other == "kind" and needed != request.kind and getattr(request, name) != one.default:
            raise _of_another_kind(name, needed, request.kind)
    named = [name for name in request.channels if name not in (FULL, COLOR)]
    if named and request.kind not in SURFACES:
        what = f"a picture of the kind {request.kind} shows no surface that could have {values.either(named)}"
        fix = "leave {channels} out, or use {kind} or wide"
        raise UserError(what, fix, channels=None, kind=SURFACES[0])
    if request.kind == "ambiguous":
        _check_ambiguous(request)
    if request.kind == "panorama":
        _check_panorama(request)
    if request.kind == "picture":
        _check_own_picture(request)


def _of_another_kind(name: str, needed: str, kind: str) -> UserError:
    """That the option ``name`` was given, which counts for the kind ``needed`` alone."""
    if name == "other_prompts":  # as the command line doesn't spell it
        what, fix = f"a picture of the kind {kind} has one prompt", "say {prompt} once"
        return UserError(what, f"{fix}, or use {{kind}}", prompt=None, kind=needed)
    what, fix = (
        f"{{{name}}} is given for a picture of the kind {kind}",
        f"use {{kind}}, or leave {{{name}}} out",
    )
    return UserError(what, fix, **{name: None, "kind": needed})


def _check_own_picture(request: ImageRequest) -> None:
    if request.init_image is None:
        raise UserError("there is no picture to paint anew", "name it by {init_image}", init_image=None)
    for name in ("width", "height"):
        if getattr(request, name) is not None:
            what = f"a picture of one's own keeps its size, and {{{name}}} is given"
            raise UserError(what, f"leave {{{name}}} out", **{name: None})


def _check_panorama(request: ImageRequest) -> None:
    width, height = request.width, request.height
    if (width or 0) % 2 or (width and height and width != 2 * height):
        isnt = f"{width} x {height} isn't" if height else f"{width} is odd"
        what = f"a panorama is twice as wide as high, and {isnt}"
        raise UserError(what, "give an even {width} and leave {height} out", width=None, height=None)
    if 2 * (height or 0) > (most := request.table()["width"].limits[1]):
        what = f"a panorama {height} pixels high is {2 * (height or 0)} wide"
        raise UserError(what, f"give {{height}} at most {most // 2:g}", height=None)


def _check_ambiguous(request: ImageRequest) -> None:
    if any(not prompt.strip() for prompt in request.other_prompts):
        raise UserError("a further prompt is empty", "say what that view should show, or leave it out")
    prompts, looks = len(request.prompts), len(request.looks)
    if prompts < 2:
        fix = "give {prompt} twice: for the picture as it is, and for it as {view} looks at it"
        raise UserError("an ambiguous picture has two prompts at least", fix, prompt=None, view=None)
    if prompts != looks:
        what = f"there are {prompts} prompts, but ways to look for {looks} views"
        fix = "give {view} once for each {prompt} after the first"
        raise UserError(what, fix, view=None, prompt=None)
    if request.width and request.height and request.width != request.height:
        what = f"an ambiguous picture is a square, and {request.width} x {request.height} isn't"
        raise UserError(what, "give {width} alone", width=None)


def asked_references(request: AnyRequest) -> tuple[tuple[str, float], ...]:
    """The pictures that what is made is to look like, each with its weight, without those of weight 0. Raises
    UserError."""
    if len(request.reference) > MOST_REFERENCES:
        what = f"there are {len(request.reference)} {{reference}}"
        raise UserError(what, f"give at most {MOST_REFERENCES} pictures", reference=None)
    found = map(REFERENCE.of_file, filter(str.strip, request.reference))
    return tuple((path, weight) for path, weight in found if weight)


def _check_meshes(request: Request) -> None:
    if len(request.unwraps) != len(request.meshes):
        what = f"there are {len(request.meshes)} meshes, but unwrap modes for {len(request.unwraps)}"
        raise UserError(what, "give each mesh one, or one for all")
    if request.raster == "nvdiffrast" and (error := obstacle()):
        raise error
    _check_start(request)
    if request.delight and not any(map(str.strip, request.estimator)):
        what = "{delight} takes an estimator that tells albedo, and none is named"
        fix = f"name it by {{estimator}}, such as {next(iter(ESTIMATORS))}, or leave {{delight}} out"
        raise UserError(what, f"{fix}: the starter paints no light", delight=None, estimator=None)


def _check_method(request: AnyRequest) -> None:
    """Raise UserError for what the method can't do."""
    name = request.method
    if request.sync_space == "rgb" and not averages_x0(name):
        what = f"{name} averages no clean images, only they have an RGB picture"
        raise UserError(what, f"use {{sync_space}}, or {_A_METHOD}", sync_space="latent")
    if request.sync_share == "ramp" and METHODS[name].canonical:
        what = f"{name} denoises the texture: no view has anything of its own to keep more of"
        fix = "use {sync_share} or all, or a method that denoises views"
        raise UserError(what, fix, sync_share="published")
    if request.aggregate not in (None, "mean") and not averages_x0(name):
        what = f"{name} averages no clean views, so none of them can be the {request.aggregate}"
        raise UserError(what, f"leave {{aggregate}} out, or use {_A_METHOD}", aggregate=None)


def _check_start(request: Request) -> None:
    """Of the texture to start from, what can be said without looking at it."""
    for said in request.repaint:
        areas.plain(said)
    if request.repaint and request.init_texture is None:
        what = "an area is to be repainted, but there is no texture of which all else stays"
        raise UserError(what, "name it by {init_texture}", init_texture=None)
    if request.repaint and request.detail != "off":
        what = "{detail} is for whole textures, and an area of one is repainted"
        raise UserError(what, "leave {detail} out", detail=None)
    if request.strength is not None and request.init_texture is None:
        what = "a strength is given, but no texture to start from"
        raise UserError(what, "name it by {init_texture}", init_texture=None)
    if request.init_texture is not None and request.unwrap == "always":
        what = "the texture to start from doesn't fit new UVs"
        raise UserError(what, "use {unwrap} to keep the mesh's own UVs", unwrap="never")


def cameras(views: str) -> list[Camera] | None:
    """The rig: "paper" or a number of views; None for "auto", which the mesh decides; raises UserError."""
    values.check(OPTIONS["views"], views)
    if views == "auto":
        return None
    return paper_rig() if views == "paper" else even_rig(int(views))


def own_cameras(request: Request | SplatsRequest) -> list[camera_file.Given] | None:
    """The cameras in the file that ``request`` names, None where it names none; raises UserError."""
    if request.cameras is None:
        return None
    _, most = OPTIONS["views"].limits
    up = request.up
    if isinstance(request, Request):
        up = "z" if is_z_up(request.mesh, up) else "y"
    return camera_file.read(request.cameras, int(most), AXES[up])


def placed(request: Request, own: list[camera_file.Given] | None, mesh: Mesh) -> list[Camera] | None:
    """The job's views of ``mesh``, its ``own`` cameras where it has any; None where the mesh decides which it
    needs. Raises UserError."""
    if own is None:
        return cameras(request.views)
    beside = None if mesh.beside is None else mesh.beside.corners
    _, _, centre, scale = framed(mesh.vertices, mesh.faces, beside)
    return [one.placed(centre + np.array(mesh.origin), scale, request.front) for one in own]


def averages_x0(method: str) -> bool:
    """Whether ``method`` averages clean estimates, which can be decoded."""
    return METHODS[method].averages == "x0"


_A_METHOD = f"a method that averages x0: {', '.join(filter(averages_x0, METHODS))}"


def resolve(request: AnyRequest, preset: Preset, estimated: Iterable[Channel] = ()) -> Settings:
    """``request`` completed by the model's ``preset``. estimated: what its estimators tell. Raises UserError
    for another model's accelerator, and where none of them tells what the base colour is without light."""
    if request.accelerator not in (None, preset.accelerator):
        accelerators.require_fit(request.accelerator, preset.family)
    how = request.accelerator or accelerators.of_loras(preset.family, request.lora)
    preset = accelerators.accelerated(preset, how)
    asked = {name: value for name in by_model() if (value := getattr(request, name)) is not None}
    deep = isinstance(request, ImageRequest) and request.depth is not None
    kind = {} if isinstance(request, Request) else for_kind(preset, request.kind, deep)
    usual = {**vars(preset), **kind}
    used = {**usual, **_for_method(request.method), **asked}
    name, steps, guidance = (used[key] for key in ("accelerator", "steps", "guidance"))
    used["steps"] = accelerators.fitted_steps(name, steps)
    used["guidance"] = accelerators.fitted_guidance(name, guidance)
    share = asked.get("sync_share", usual["sync_share"][used["sync_space"]])
    return Settings(
        **{**used, "sync_share": preset.sync_share, "negative": used["negative"].strip()},
        **_share(request.method, share),
        method=request.method,
        seed=request.seed,
        prompt=used["prefix"] + request.prompt.strip(),
        strength=_strength(request),
        layout=_layout(request),
        regions=tuple(_completed(one, used["prefix"], name) for one in regions(request)),
        **_estimates(request, tuple(dict.fromkeys(estimated))),
    )


def _estimates(request: AnyRequest, estimated: tuple[Channel, ...]) -> dict[str, Any]:
    """Of the settings."""
    if not isinstance(request, Request):
        return {}
    if request.delight and main_channel() not in estimated:
        what = "{delight} takes an estimator that tells albedo, and those named tell "
        what += either([one.name for one in estimated])
        fix = "use {estimator}, or leave {delight} out"
        raise UserError(what, fix, delight=None, estimator=next(iter(ESTIMATORS)))
    return {"delight": request.delight, "estimated": estimated}


def _completed(region: Region, prefix: str, accelerator: str) -> Region:
    """``region`` as a model with such a ``prefix`` and ``accelerator`` is to be asked."""
    guidance = region.guidance
    fitted = None if guidance is None else accelerators.fitted_guidance(accelerator, guidance)
    return replace(region, prompt=prefix + region.prompt, guidance=fitted)


def notes(request: AnyRequest, settings: Settings) -> list[str]:
    """What was asked for, but isn't done, and what is done unasked: warnings."""
    name, said = settings.accelerator, []
    if not request.accelerator and accelerators.of_loras(settings.family, request.lora) == name != "none":
        said = [f"a LoRA is for few steps by its name, so they are those of {name}"]
    return said + accelerators.notes(name, request.steps, request.guidance, request.negative)


def reported(request: AnyRequest, settings: Settings) -> dict[str, Any]:
    """The options' values by name, as the job used them, for its report."""
    names = [name for name, one in request.table().items() if one.reported]
    said = {name: getattr(settings if name in by_model() else request, name) for name in names}
    said["sync_share"] = "ramp" if settings.fading else settings.share
    said["strength"] = None if _start(request) is None else settings.strength
    return said


def _for_method(method: str) -> dict[str, Any]:
    """What ``method`` uses of its own instead of the preset's: some average no clean views, or weigh them."""
    if not averages_x0(method):
        return {"sync_space": "latent", "aggregate": "mean"}
    return {"aggregate": "mean"} if METHODS[method].ramped else {}


def _share(method: str, share: float | str) -> dict[str, Any]:
    """Of the settings; ``share``: a number or one of SHARES."""
    if share == "ramp" and METHODS[method].canonical:  # a preset's: it can't know the method
        share = "published"
    return {"share": SHARES[share] if isinstance(share, str) else share, "fading": share == "ramp"}


def _start(request: AnyRequest) -> str | None:
    """The picture that it starts from."""
    if isinstance(request, SplatsRequest):
        return None
    return request.init_texture if isinstance(request, Request) else request.init_image


def _layout(request: AnyRequest) -> int:
    given = request.layout if isinstance(request, Request) else None
    return request.seed if given is None else given


def _strength(request: AnyRequest) -> float:
    if isinstance(request, SplatsRequest) or _start(request) is None:
        return 1.0
    return OPTIONS["strength"].instead if request.strength is None else request.strength
