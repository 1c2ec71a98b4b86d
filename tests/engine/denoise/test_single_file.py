"""Single files of Stable Diffusion's first and second generation, against the same weights in folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.errors import UserError
from tests.engine.denoise.checkpoints import open_clip, original_checkpoint
from tests.engine.denoise.loaded import estimate, load


def test_single_file_equals_the_folder(eps_model: Path, tmp_path: Path) -> None:
    for part in ("tokenizer", "scheduler", "controlnet"):
        shutil.copytree(eps_model / part, tmp_path / part)
    for part in ("unet", "vae", "text_encoder"):
        (tmp_path / part).mkdir()
        shutil.copy(eps_model / part / "config.json", tmp_path / part)
    save_file(original_checkpoint(eps_model), tmp_path / "mine.safetensors")
    mine = load(f"{tmp_path / 'mine.safetensors'}+{eps_model}")
    torch.testing.assert_close(estimate(mine), estimate(load(eps_model)))


def test_single_file_of_the_second_generation(eps_model: Path, copy: Path) -> None:
    state = {k: v for k, v in original_checkpoint(eps_model).items() if "cond_stage_model" not in k}
    state |= open_clip(load_file(eps_model / "text_encoder" / "model.safetensors"))
    save_file(state, copy / "mine.safetensors")
    mine = load(f"{copy / 'mine.safetensors'}+{eps_model}")
    torch.testing.assert_close(estimate(mine), estimate(load(eps_model)))


def test_single_file_without_a_part(eps_model: Path, copy: Path) -> None:
    state = {k: v for k, v in original_checkpoint(eps_model).items() if not k.startswith("first_stage")}
    save_file(state, copy / "mine.safetensors")
    with pytest.raises(UserError, match="vae"):
        load(f"{copy / 'mine.safetensors'}+{eps_model}")
