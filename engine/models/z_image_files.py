"""The ControlNets of Z-Image: single files without a config, whose versions differ in layers.

    1     pictures alone, every fifth layer; layers of their own for the noise first
    2.0   room for a mask and a picture, every second layer; the noise goes through the first of them
    2.1   the same, with layers for the noise again, which now add to the transformer's
    lite  2.1 with every tenth layer

A file tells its layers by its keys. 2.0 and 2.1 have the same: that of 2.0 has the layers for the noise, too,
but they were never trained, and what goes into them is zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..options.values import short
from .checks import check_agreement
from .files import read_json
from .header import Listed, header, tensor_bytes

ANOTHER = "choose a ControlNet made for Z-Image, such as alibaba-pai's Fun ControlNet Union"
CLASS = "ZImageControlNetModel"
EMBEDDER = "control_all_x_embedder.2-1.weight"
REFINER = "control_noise_refiner.0.before_proj.weight"
PATCH = 4  # latents in a token
SHARED = ("dim", "n_heads", "n_kv_heads", "n_refiner_layers")


def controlnet_config(path: Path, transformer: Mapping[str, Any]) -> dict[str, Any]:
    """The config of the ControlNet ``path``, a folder or a single file, that fits the ``transformer`` with
    its config. Raises UserError for any other."""
    if path.is_file():
        return _of_file(path, transformer)
    config = read_json(path / "config.json")
    if (kind := config.get("_class_name", CLASS)) != CLASS:
        raise UserError(f"{path} is a {short(kind)}: not for this model", ANOTHER)
    check_agreement(path, config, transformer, SHARED, "transformer", ANOTHER)
    _check_places(path, config, transformer)
    return config


def _check_places(path: Path, config: Mapping[str, Any], transformer: Mapping[str, Any]) -> None:
    """Layers that it adds to must be there, the first of them among these."""
    layers, refiners = (config.get(f"control_{kind}layers_places") for kind in ("", "refiner_"))
    for places, count, kind in (
        (layers, transformer["n_layers"], ""),
        (refiners, transformer["n_refiner_layers"], "refiner_"),
    ):
        if kind and places is None:
            continue
        if not (
            isinstance(places, list)
            and 0 in places
            and all(type(n) is int and 0 <= n < count for n in places)
        ):
            what = f"{path}: control_{kind}layers_places is {short(places)}"
            raise UserError(f"{what}, the model has layers 0 to {count - 1}", ANOTHER)
    width, latents = config.get("control_in_dim"), transformer["in_channels"]
    if type(width) is not int or not latents <= width <= 256:
        raise UserError(f"{path}: its control_in_dim is {short(width)}, the model has {latents}", ANOTHER)


def _of_file(path: Path, transformer: Mapping[str, Any]) -> dict[str, Any]:
    table = header(path)
    layers = {int(found[1]) for key in table if (found := re.match(r"control_layers\.(\d+)\.", key))}
    shape = table[EMBEDDER].shape if EMBEDDER in table else ()
    total = transformer["n_layers"]
    if len(shape) != 2 or not 0 < len(layers) <= total:
        raise UserError(f"{path} isn't a ControlNet for Z-Image", ANOTHER)
    if shape[0] != transformer["dim"]:
        what = f"it is {shape[0]} wide, the transformer {transformer['dim']}"
        raise UserError(f"the ControlNet {path} doesn't fit the model: {what}", ANOTHER)
    newer = shape[1] // PATCH > transformer["in_channels"]
    return {
        "control_layers_places": [i * total // len(layers) for i in range(len(layers))],
        "control_refiner_layers_places": list(range(transformer["n_refiner_layers"])) if newer else None,
        "control_in_dim": shape[1] // PATCH,
        "add_control_noise_refiner": _refiner(path, table.get(REFINER)) if newer else None,
        **{key: transformer[key] for key in SHARED},
    }


def _refiner(path: Path, entrance: Listed | None) -> str:
    """Which layers a newer version's noise goes through. entrance: a weight of those that it may have for
    that."""
    if entrance is None or not tensor_bytes(path, entrance).strip(b"\x00\x80"):  # zeros of either sign
        return "control_layers"
    return "control_noise_refiner"
