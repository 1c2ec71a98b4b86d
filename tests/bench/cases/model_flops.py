"""How many operations the networks of a family take in their published sizes, counted as the engine calls
them on torch's meta device: no weights, no memory.

    python -m tests.bench.cases.model_flops sdxl

prints them as one line of JSON, in TFLOP: a multiplication and an addition are two operations.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.denoise import build
from engine.denoise.families.family import Control, Family
from engine.denoise.loading import FAMILIES
from engine.models import presets, sources
from engine.models.presets import Preset
from engine.models.sources import Sources
from tests.bench.cases import true_sizes

PROMPT = "weathered red bricks, with moss in the joints"


def main(family: str) -> None:
    """Print those of ``family``, a key of true_sizes.FAMILIES."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(counted(*empty(family, Path(folder)))))


def empty(family: str, folder: Path, dtype: torch.dtype = torch.float32) -> tuple[Family[Any], Preset]:
    """A model of a ``family`` without weights, whose configs are written into ``folder``; its defaults."""
    with mock.patch.object(build, "physical_bytes", return_value=None):  # it may be larger than this machine
        found = sources.find(str(true_sizes.write(family, folder, weights=False)), lambda: None)
        return without_weights(found, dtype)


def without_weights(found: Sources, dtype: torch.dtype = torch.float32) -> tuple[Family[Any], Preset]:
    """The model that was ``found``, in ``dtype`` but for what its family computes in another; the family's
    defaults."""
    model = FAMILIES[found.family](found, torch.device("meta"), dtype)
    for part in model.parts.values():
        network, part._empty = part._empty.to("meta", part.dtype).eval(), None
        for name in part._exact:
            network.get_submodule(name).float()
        part._finish(network)
        part._network = network
    return model, presets.of_family(found.family, model.latent.side, model.latent.pixels)


def counted(model: Family[Any], preset: Preset) -> dict[str, float]:
    """TFLOP of reading a prompt, of a row of the network alone and with its ControlNet at the size of the
    preset's views, and of a picture through the autoencoder in both directions."""
    picture, coder = torch.zeros(1, 3, *[preset.view_size] * 2), model.autoencoder(tiny=False)
    text, _ = _count(lambda: model.condition(PROMPT, lambda: None))
    steering, shown = _count(lambda: model.steer(picture, 1))
    encode, latents = _count(lambda: coder.encode([picture]))
    decode, _ = _count(lambda: coder.decode([latents]))
    return {
        "view": float(preset.view_size),
        "text": text,
        "control picture": steering,
        "network": of_row(model, preset),
        "row": of_row(model, preset, [Control(shown, 1.0, None, preset.control)]),
        "encode": encode,
        "decode": decode,
    }


def of_row(model: Family[Any], preset: Preset, controls: Sequence[Control[Any]] = ()) -> float:
    """TFLOP of a row in one pass."""
    return _count(row(model, preset, controls))[0]


def row(
    model: Family[Any], preset: Preset, controls: Sequence[Control[Any]] = ()
) -> Callable[[], torch.Tensor]:
    """A row in one pass at the size of the preset's views, to be run."""
    x = torch.zeros(1, model.latent.channels, *[preset.latent_view_size] * 2)
    read, _ = model.condition(PROMPT, lambda: None)
    (rows,), level = model.passes(read, read, [1.0]), model.levels(4).levels[1]
    return lambda: model.predict(x, level, rows, controls)


def _count(run: Callable[[], Any]) -> tuple[float, Any]:
    with FlopCounterMode(display=False) as counter:
        result = run()
    return counter.get_total_flops() / 1e12, result


if __name__ == "__main__":
    main(sys.argv[1])
