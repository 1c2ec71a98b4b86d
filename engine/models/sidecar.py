"""``sync_texture.json``: what a model's standard files can't say about its use on meshes.

Optional, and unknown to other software. One object of JSON; every key may be left out:

    control             what the ControlNet was trained on: "depth", near white, as published (also without a
                        file), or "position", the place in the unit sphere as a colour, (p + 1) / 2
    conditioning_scale  number, 0 to 10          sync_space    "latent" or "rgb"
    control_end         number, 0 to 1           sync_share    {"latent": share, "rgb": share}
    steps               whole number             texture_size  {"latent": pixels, "rgb": pixels}
    guidance            number, 0 to 100         prefix, negative  text
    attention           "views" or "off"         tiny_autoencoder  a folder, from this file's on
    aggregate           "mean" or "best"         precision     "half", or "full" on every device
    autoencoder         "full", or "tiny" where the tiny one makes better last pictures too

A share is a number, 0 to 1, or "published", "all" or "ramp". In sync_share and texture_size one space may be
given alone. tiny_autoencoder names an AutoencoderTiny or AutoencoderDC for the model's latents (sources.py).
Each of the others replaces the model's preset (presets.py says what it means); what a request gives stands
above both.

The file lies beside ``model_index.json``. control, conditioning_scale, control_end and precision are about
the ControlNet: they go with the pipeline's ``controlnet`` folder into any combination, and a file with these
keys alone may lie in any ControlNet's folder, where it wins. So of MODEL+CONTROLNET, CONTROLNET's file
decides these and MODEL's the rest (and the scale and the end where CONTROLNET's says nothing, but never what
the control is or the precision). A single .safetensors file is described by the folder of configs that it
lies in; without one by nothing.
"""

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import UserError
from ..protocol import AGGREGATES, ATTENTIONS, SYNC_SHARES, SYNC_SPACES
from .files import SIDECAR, read_json
from .presets import AUTOENCODERS, CONTROLS, MAX_GUIDANCE, MAX_STEPS, PRECISIONS, Preset

FILE = SIDECAR
TINY_AUTOENCODER = "tiny_autoencoder"
ITS_OWN = ("control", "precision", TINY_AUTOENCODER)  # never from a model that a part was taken out of
CONTROLNET_KEYS = ("control", "conditioning_scale", "control_end", "precision")


@dataclass(frozen=True)
class Sidecar:
    """What a model says about itself; None, or a missing space, where it says nothing. Fields: see Preset."""

    control: str | None = None
    conditioning_scale: float | None = None
    control_end: float | None = None
    precision: str | None = None
    steps: int | None = None
    guidance: float | None = None
    sync_space: str | None = None
    sync_share: Mapping[str, float | str] | None = None
    texture_size: Mapping[str, int] | None = None
    aggregate: str | None = None
    attention: str | None = None
    autoencoder: str | None = None
    prefix: str | None = None
    negative: str | None = None

    def over(self, preset: Preset) -> Preset:
        """``preset`` with what is given here in its place."""
        changes = {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}
        for name in ("sync_share", "texture_size"):
            if name in changes:
                changes[name] = MappingProxyType({**getattr(preset, name), **changes[name]})
        return replace(preset, **changes)


KEYS = (*(f.name for f in fields(Sidecar)), TINY_AUTOENCODER)


def of_model(pipeline: Path, controlnet: Path) -> Sidecar:
    """What the files say of a ``pipeline`` folder used with ``controlnet``, a component folder or a single
    file. Raises UserError that names the file and the key."""
    own = {key: value for key, value in read(pipeline).items() if key not in ITS_OWN}
    return Sidecar(**(own | _of_controlnet(controlnet)))


def of_controlnet(path: Path) -> Sidecar:
    """What the files say of the ControlNet at ``path`` alone; arguments and errors as in :func:`of_model`."""
    return Sidecar(**_of_controlnet(path))


def control(controlnet: Path) -> str:
    """The picture that ``controlnet`` was trained on; arguments and errors as in :func:`of_model`."""
    return str(_of_controlnet(controlnet).get("control", CONTROLS[0]))


def precision(controlnet: Path) -> str:
    """What a model with ``controlnet`` runs in on CUDA; arguments and errors as in :func:`of_model`."""
    return str(_of_controlnet(controlnet).get("precision", PRECISIONS[0]))


def tiny_autoencoder(pipeline: Path) -> Path | None:
    """The folder of the tiny autoencoder that ``pipeline``'s file names, None where it names none."""
    named = read(pipeline).get(TINY_AUTOENCODER)
    return None if named is None else pipeline / Path(named).expanduser()


def read(folder: Path, known: tuple[str, ...] = KEYS) -> dict[str, Any]:
    """The checked contents of ``folder``'s file, {} without one; only ``known`` keys may be in it."""
    path = folder / FILE
    if not os.path.lexists(path):
        return {}
    found = read_json(path, 'write it as {"control": "depth"}, or delete it')
    for key, value in found.items():
        if key not in known:
            raise UserError(f"{path}: unknown key {reprlib.repr(key)}", f"use only {', '.join(known)}")
        if not _RULES[key].holds(value):
            raise UserError(
                f"{path}: {key} is {reprlib.repr(value)}", f"give {_RULES[key].words}, or leave {key} out"
            )
    return found


def _of_controlnet(path: Path) -> dict[str, Any]:
    folder = path if path.is_dir() else path.parent
    if not (folder / "config.json").is_file():  # a file among others: what lies beside isn't about it
        return {}
    whole = read(folder.parent) if folder.name == "controlnet" else {}
    return {k: v for k, v in whole.items() if k in CONTROLNET_KEYS} | read(folder, CONTROLNET_KEYS)


@dataclass(frozen=True)
class _Rule:
    """What a value must be. words: the same for people, after "give"."""

    holds: Callable[[Any], bool]
    words: str


def _number(low: float, high: float) -> _Rule:
    return _Rule(lambda v: type(v) in (int, float) and low <= v <= high, f"a number from {low} to {high}")


def _whole(low: int, high: int) -> _Rule:
    return _Rule(lambda v: type(v) is int and low <= v <= high, f"a whole number from {low} to {high}")


def _one_of(known: tuple[str, ...]) -> _Rule:
    return _Rule(lambda v: type(v) is str and v in known, " or ".join(f'"{name}"' for name in known))


def _by_space(rule: _Rule) -> _Rule:
    return _Rule(
        lambda v: type(v) is dict and set(v) <= set(SYNC_SPACES) and all(map(rule.holds, v.values())),
        f"an object with {' and '.join(SYNC_SPACES)}, each {rule.words}",
    )


def _either(one: _Rule, other: _Rule) -> _Rule:
    return _Rule(lambda v: one.holds(v) or other.holds(v), f"{one.words} or {other.words}")


_TEXT = _Rule(lambda v: type(v) is str, "text")
_RULES = {
    "control": _one_of(CONTROLS),
    "conditioning_scale": _number(0, 10),
    "control_end": _number(0, 1),
    "precision": _one_of(PRECISIONS),
    "steps": _whole(1, MAX_STEPS),
    "guidance": _number(0, MAX_GUIDANCE),
    "sync_space": _one_of(SYNC_SPACES),
    "sync_share": _by_space(_either(_number(0, 1), _one_of(SYNC_SHARES))),
    "aggregate": _one_of(AGGREGATES),
    "attention": _one_of(ATTENTIONS),
    "autoencoder": _one_of(AUTOENCODERS),
    "texture_size": _by_space(_whole(16, 8192)),
    "prefix": _TEXT,
    "negative": _TEXT,
    TINY_AUTOENCODER: _TEXT,
}
