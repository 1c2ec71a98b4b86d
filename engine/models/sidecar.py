"""``sync_texture.json``: what a model's standard files can't say about its use on meshes.

Optional, and unknown to other software. One object of JSON; options/model_file.py, and docs/options.md, list
its keys, each of which may be left out, and of those with a value for each sync space one may be given alone.
Each replaces the model's preset (presets.py says what it means), but for tiny_autoencoder, which names an
AutoencoderTiny or AutoencoderDC for the model's latents (sources.py); what a request gives stands above both.

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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import UserError
from ..inputs import named_file
from ..options import model_file, values
from .files import SIDECAR, read_json
from .presets import Preset

FILE = SIDECAR
KEYS = model_file.keys()
TINY_AUTOENCODER = "tiny_autoencoder"
ITS_OWN = ("control", "precision", TINY_AUTOENCODER)  # never from a model that a part was taken out of
CONTROLNET_KEYS = ("control", "conditioning_scale", "control_end", "precision")


@dataclass(frozen=True)
class Sidecar:
    """What a model says about itself. values: of fields of a Preset, by their names; what is missing, be it
    a single space, stays as it is."""

    values: Mapping[str, Any]

    def over(self, preset: Preset) -> Preset:
        """``preset`` with what is given here in its place."""
        changes = {key: _merged(getattr(preset, key), value) for key, value in self.values.items()}
        return replace(preset, **changes)


def _merged(old: Any, new: Any) -> Any:
    return MappingProxyType({**old, **new}) if isinstance(new, Mapping) else new


def of_model(pipeline: Path, controlnet: Path) -> Sidecar:
    """What the files say of a ``pipeline`` folder used with ``controlnet``, a component folder or a single
    file. Raises UserError that names the file and the key."""
    own = {key: value for key, value in read(pipeline).items() if key not in ITS_OWN}
    return Sidecar(own | _of_controlnet(controlnet))


def of_controlnet(path: Path) -> Sidecar:
    """What the files say of the ControlNet at ``path`` alone; arguments and errors as in :func:`of_model`."""
    return Sidecar(_of_controlnet(path))


def control(controlnet: Path) -> str:
    """The picture that ``controlnet`` was trained on; arguments and errors as in :func:`of_model`."""
    return said_control(controlnet) or "depth"


def said_control(controlnet: Path) -> str | None:
    """The same, None where the files don't say it."""
    return _of_controlnet(controlnet).get("control")


def precision(controlnet: Path) -> str:
    """What a model with ``controlnet`` computes in; arguments and errors as in :func:`of_model`."""
    return str(_of_controlnet(controlnet).get("precision", "half"))


def tiny_autoencoder(pipeline: Path) -> Path | None:
    """The folder of the tiny autoencoder that ``pipeline``'s file names, inside its own folder; None where it
    names none. Raises UserError for a path out of it."""
    named = read(pipeline).get(TINY_AUTOENCODER)
    return None if named is None else named_file(pipeline / FILE, named)


def read(folder: Path, known: Iterable[str] = KEYS) -> dict[str, Any]:
    """The checked contents of ``folder``'s file, {} without one; only ``known`` keys may be in it."""
    path = folder / FILE
    if not os.path.lexists(path):
        return {}
    found = read_json(path, 'write it as {"control": "depth"}, or delete it')
    for key, value in found.items():
        if key not in known:
            raise UserError(f"{path}: unknown key {reprlib.repr(key)}", f"use only {', '.join(known)}")
        if not values.holds(KEYS[key], value):
            fix = f"give {values.allowed(KEYS[key])}, or leave {key} out"
            raise UserError(f"{path}: {key} is {reprlib.repr(value)}", fix)
    return found


def _of_controlnet(path: Path) -> dict[str, Any]:
    folder = path if path.is_dir() else path.parent
    if not (folder / "config.json").is_file():  # a file among others: what lies beside isn't about it
        return {}
    whole = read(folder.parent) if folder.name == "controlnet" else {}
    return {k: v for k, v in whole.items() if k in CONTROLNET_KEYS} | read(folder, CONTROLNET_KEYS)
