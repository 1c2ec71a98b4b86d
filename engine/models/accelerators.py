"""Few steps: the ways in which weights were distilled for them, by the names that --accelerator gives them.

Such weights, a LoRA or a network of its own, are of use only at the levels that they were trained at, mostly
without guidance: with it their pictures burn. What is known about each stands here alone; denoise/ddim.py and
denoise/flow.py make levels of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..errors import UserError
from ..options import weighted
from ..options.values import either
from . import presets
from .files import LORA, SIDECAR, read_json
from .presets import Preset
from .sidecar import Sidecar

NONE = "none"
SELLABLE = "textures may be sold"
OPENRAIL = f"CreativeML OpenRAIL++-M: {SELLABLE}"
ASK = "see the model's own page"


@dataclass(frozen=True)
class Accelerator:
    """One way.

    families: of the models that it was made for, keys of families.PARTS. steps: the numbers of them that it
    is good for, the usual one first. guidance: from where to where it may be, 1 is one pass without; usual:
    what it is where nothing is given, None for the least. told: the network is told it, in one pass. licence:
    in words. weights: where they are to be had. known: what the names of its files and folders contain, as a
    pattern; "" where they say nothing.

    Of variance-preserving models: times: "trailing" or "lcm", the list of timesteps. last: where the last
    step ends: "clean" at the picture, "own" as DDIM does by the model's scheduler, "first" at the first
    timestep's noise. renoises: each step ends with fresh noise over the estimate, which the network's output
    makes with consistency models' scalings. latents: across a view, where that isn't the family's. Of flows:
    shift: in place of the model's own, None leaves it.
    """

    families: tuple[str, ...]
    steps: tuple[int, ...]
    guidance: tuple[float, float] = (1.0, 1.0)
    usual: float | None = None
    told: bool = False
    licence: str = OPENRAIL
    weights: str = ""
    known: str = ""
    times: Literal["trailing", "lcm"] = "trailing"
    last: Literal["clean", "own", "first"] = "clean"
    renoises: bool = False
    latents: int | None = None
    shift: float | None = None


_XL, _SD = ("sdxl",), ("sd15", "sdxl")
_UP_TO_8 = (4, 1, 2, 3, 5, 6, 7, 8)


def _lightning(steps: int) -> Accelerator:
    return Accelerator(
        ("sdxl", "qwen-image"),
        (steps,),
        licence=f"{OPENRAIL}; for Qwen-Image Apache-2.0: {SELLABLE}",
        weights="ByteDance/SDXL-Lightning, lightx2v/Qwen-Image-Lightning",
        known=rf"lightning[-_. ]?(v[\d.]+[-_])?{steps}[-_]?steps?",
        shift=3.0,
    )


def _hyper(steps: tuple[int, ...], marks: str, guidance: tuple[float, float] = (1.0, 1.0)) -> Accelerator:
    return Accelerator(
        _SD,
        steps,
        guidance,
        licence="openly licensed at first, none is stated now: ask before you sell textures",
        weights="ByteDance/Hyper-SD",
        known=rf"hyper[-_]?sd(xl|15)?[-_]?({marks})",
        last="own",
    )


TABLE: Mapping[str, Accelerator] = {
    "lightning-4": _lightning(4),
    "lightning-8": _lightning(8),
    "hyper-sd-4": _hyper((4,), "4[-_]?steps?(?!.*cfg)"),
    "hyper-sd-8": _hyper((8,), "8[-_]?steps?(?!.*cfg)"),
    "hyper-sd-cfg": _hyper((8, 12), r"(8|12)[-_]?steps?[-_]?cfg", (5.0, 8.0)),
    "lcm": Accelerator(
        _SD,
        _UP_TO_8,
        (1.0, 2.0),
        weights="latent-consistency/lcm-lora-sdv1-5, latent-consistency/lcm-lora-sdxl",
        known=r"(?<![a-z])lcm(?![a-z])",
        times="lcm",
        renoises=True,
    ),
    "lcm-model": Accelerator(
        _SD,
        _UP_TO_8,
        (1.0, 14.0),
        usual=8.0,
        told=True,
        licence=ASK,
        weights="SimianLuo/LCM_Dreamshaper_v7, latent-consistency/lcm-sdxl",
        times="lcm",
        renoises=True,
    ),
    "tcd": Accelerator(
        ("sd15", "sd21", "sdxl"),
        _UP_TO_8,
        licence=ASK,
        weights="h1t/TCD-SD15-LoRA, h1t/TCD-SDXL-LoRA",
        known=r"(?<![a-z])tcd(?![a-z])",
        times="lcm",
        last="first",
    ),
    "dmd2": Accelerator(
        _XL,
        (4,),
        licence="CC-BY-NC-4.0: textures may not be sold",
        weights="tianweiy/DMD2",
        known=r"dmd2",
        renoises=True,
    ),
    "turbo": Accelerator(
        ("sd21", "sdxl"),
        (4, 1, 2, 3),
        licence="Stability AI's: ask before you sell textures",
        weights="stabilityai/sd-turbo, stabilityai/sdxl-turbo",
        known=r"sd(xl)?[-_]turbo|sd_xl_turbo",
        latents=64,
    ),
    "distilled": Accelerator(
        ("z-image-turbo", "flux-schnell"), (), licence=ASK, weights="Z-Image-Turbo, FLUX.1-schnell"
    ),
}
"""By name; of "distilled" any number of steps is good, and the model's preset has the usual one."""

_SCHEDULERS = {"LCMScheduler": "lcm", "TCDScheduler": "tcd"}  # that only such models have


def named(name: str) -> Accelerator | None:
    """The accelerator of ``name``, a key of choices.ACCELERATORS; None for NONE."""
    return None if name == NONE else TABLE[name]


def recognised(family: str, pipeline: Path, weights: Path | None = None) -> str | None:
    """What a model of ``family`` was distilled as, by the configs of its UNet and of its scheduler, else by
    the name of its folder, or of its file of ``weights``; None where nothing says so. Raises UserError for a
    config that can't be read."""
    if weights is None and _read(pipeline / "unet" / "config.json").get("time_cond_proj_dim"):
        return "lcm-model"
    kind = _read(pipeline / "scheduler" / "scheduler_config.json").get("_class_name")
    if weights is None and (found := _SCHEDULERS.get(str(kind))):
        return found
    return _by_name(family, _name(weights or pipeline))


def of_loras(family: str, asked: Iterable[str]) -> str | None:
    """What the first of the LoRAs ``asked`` for, FILE[:WEIGHT] each, that is known by its name as published
    was distilled as, for models of ``family``; None where none is."""
    found = (_by_name(family, _of_lora(text)) for text in asked)
    return next((name for name in found if name), None)


def _of_lora(text: str) -> str:
    """The name of the LoRA FILE[:WEIGHT], that of its folder or repository where it has none of its own."""
    parts = re.split(r"[/\\:]", weighted.LORA.as_written(text)[0])
    return next((part for part in reversed(parts) if part and part != LORA), "")


def _by_name(family: str, said: str) -> str | None:
    """Of files and folders that were called so."""
    known = (n for n, one in TABLE.items() if one.known and re.search(one.known, said, re.IGNORECASE))
    return next((name for name in known if family in TABLE[name].families), None)


def _read(config: Path) -> dict[str, Any]:
    """{} where there is none."""
    return read_json(config) if config.is_file() else {}


def _name(place: Path) -> str:
    """Of a file or a folder; of the hub's cache the repository's."""
    return next((part for part in place.parts if part.startswith("models--")), place.name)


# Measured on the starter at 4 and 8 steps: docs/few-steps.md.
_AGREEING: Mapping[str, Any] = {"sync_share": {"latent": 1.0, "rgb": 1.0}, "aggregate": "best"}


def accelerated(preset: Preset, name: str | None) -> Preset:
    """``preset`` of a model whose weights were distilled as ``name``, a key of ACCELERATORS: with the number
    of steps and the guidance that they are good for, and views agreeing as suits few steps. None, and what
    the preset has already, change nothing."""
    if name in (None, preset.accelerator):
        return preset
    usual, how = presets.PUBLISHED.get(preset.family, presets.STARTER), named(name)
    if how is None or name == usual.accelerator:
        mine = {key: getattr(usual, key) for key in ("steps", "guidance", *_AGREEING)}
    else:
        mine = {"steps": how.steps[0], "guidance": how.usual or how.guidance[0], **_AGREEING}
    if how and how.latents:
        mine |= presets.sized(preset, how.latents)
    return replace(preset, accelerator=name, **mine)


def completed(preset: Preset, own: Sidecar, pipeline: Path, weights: Path | None = None) -> Preset:
    """The ``preset`` of a family as a model of it has it: ``own`` is what its file says; the others, and
    errors, as of :func:`recognised`. Raises UserError for an accelerator of other models."""
    name = own.values.get("accelerator")
    if name and not _fits(name, preset.family):
        what = f"{pipeline / SIDECAR}: the accelerator {name} isn't for models of the family {preset.family}"
        raise UserError(what, "take it out of the file")
    return own.over(accelerated(preset, name or recognised(preset.family, pipeline, weights)))


def _fits(name: str, family: str) -> bool:
    return name == NONE or family in TABLE[name].families


def require_fit(name: str, family: str) -> None:
    """Raise UserError where weights of the accelerator ``name`` can't be put into a model of ``family`` that
    wasn't made as it."""
    if name != NONE and TABLE[name].told:
        what = "only a whole consistency model is told the guidance, and this model isn't one"
        raise UserError(what, "use {accelerator} for a LoRA, or leave it out", accelerator="lcm")
    if _fits(name, family):
        return
    fitting = [each for each, one in TABLE.items() if family in one.families and not one.told]
    theirs = either(TABLE[name].families)
    what = f"{{accelerator}} was made for {theirs}, and the model is of the family {family}"
    choices = f"use {either(fitting)}, or " if fitting else ""
    raise UserError(what, f"{choices}leave {{accelerator}} out", accelerator=name)


def fitted_steps(name: str, steps: int) -> int:
    """The number of steps nearest to ``steps`` that the accelerator ``name`` is good for."""
    one = named(name)
    return min(one.steps, key=lambda n: (abs(n - steps), -n)) if one and one.steps else steps


def fitted_guidance(name: str, guidance: float) -> float:
    """``guidance``, within what doesn't burn pictures made with the accelerator ``name``."""
    one = named(name)
    return min(max(guidance, one.guidance[0]), one.guidance[1]) if one else guidance


def notes(name: str, steps: int | None, guidance: float | None, negative: str | None) -> list[str]:
    """What a job with the accelerator ``name`` leaves of what was asked for, and what its licence forbids, in
    sentences; arguments None where nothing was given."""
    one = named(name)
    if one is None:
        return []
    good = either([str(n) for n in sorted(one.steps)])
    ran = steps and fitted_steps(name, steps)
    used = None if guidance is None else fitted_guidance(name, guidance)
    found = {
        f"{name} was made for {good} steps: {ran} were run, not {steps}": ran != steps,
        f"pictures by {name} burn with so much guidance: it was {used:g}, not {guidance:g}"
        if used is not None and guidance is not None
        else "": used != guidance,
        f"{name} works without guidance, so the negative prompt wasn't read": bool(negative)
        and (one.told or one.guidance[1] == 1.0),
        f"{name}'s licence is {one.licence}": "may not be sold" in one.licence,
    }
    return [words for words, holds in found.items() if holds]
