"""The ControlNets of transformers: copies of a transformer's first layers, with a config or without."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..options.values import short
from .checks import check_agreement
from .files import read_json
from .header import header

ANOTHER = "choose a ControlNet made for this model"
LAYERS = {"num_layers": "transformer_blocks", "num_single_layers": "single_transformer_blocks"}


def controlnet_config(
    path: Path, kind: str, transformer: Mapping[str, Any], shared: Sequence[str]
) -> dict[str, Any]:
    """The config of the ControlNet ``path``, a folder or a single file, of the class ``kind``.

    transformer: the config that it must agree with in the ``shared`` keys; a single file, which tells its
    layers by its keys, has them from there. Raises UserError for any other.
    """
    if path.is_file():
        return _of_file(path, transformer, shared)
    config = read_json(path / "config.json")
    if (found := config.get("_class_name", kind)) != kind:
        raise UserError(f"{path} is a {short(found)}: not for this model", ANOTHER)
    check_agreement(path, config, transformer, shared, "transformer", ANOTHER)
    layers = config.get("num_layers")
    if type(layers) is not int or not 1 <= layers <= transformer["num_layers"]:
        raise UserError(f"{path}: its num_layers is {short(layers)}", ANOTHER)
    return config


def _of_file(path: Path, transformer: Mapping[str, Any], shared: Sequence[str]) -> dict[str, Any]:
    table = header(path)
    if "controlnet_x_embedder.weight" not in table or "controlnet_blocks.0.weight" not in table:
        raise UserError(f"{path} isn't a ControlNet for this model", ANOTHER)
    counts = {
        key: len({found[1] for name in table if (found := re.match(rf"{blocks}\.(\d+)\.", name))})
        for key, blocks in LAYERS.items()
        if key in transformer
    }
    modes = table.get("controlnet_mode_embedder.weight")  # of a union for FLUX, which has to be told
    return {
        **{key: transformer[key] for key in shared},
        **counts,
        "num_mode": modes.shape[0] if modes and modes.shape else None,
        "guidance_embeds": any("guidance_embedder" in key for key in table),
    }
