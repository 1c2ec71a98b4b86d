"""What a process that loads a model doesn't import, and that it is there for those who want it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SPARED = (
    "torch._dynamo",
    "sympy",
    "scipy.stats",
    "torch.distributed.tensor",
    "diffusers.models.transformers",
)
SCRIPT = """
import json, sys
from engine.denoise.denoiser import load_denoiser
denoiser = load_denoiser("starter", "cpu", lambda: None)
denoiser.embed(["bricks", ""])
denoiser.schedule(8)
found = [name for name in json.loads(sys.argv[1]) if type(sys.modules.get(name)).__name__ == "module"]
import torch
import transformers
from diffusers import FluxTransformer2DModel
from diffusers.models.transformers import PixArtTransformer2DModel
from transformers import CLIPVisionModel
compiled = torch.compile(lambda x: 2 * x + 1, backend="eager")
print(json.dumps([found, compiled(torch.ones(1)).item(), torch.distributed.is_available(),
    [one.__name__ for one in (FluxTransformer2DModel, PixArtTransformer2DModel, CLIPVisionModel)]]))
"""


def test_a_model_comes_without_compiler_algebra_and_statistics_which_can_be_had_afterwards() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(SPARED)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    spared, compiled, alone, classes = json.loads(done.stdout.splitlines()[-1])
    assert spared == []
    assert compiled == 3.0
    assert alone
    assert classes == ["FluxTransformer2DModel", "PixArtTransformer2DModel", "CLIPVisionModel"]
