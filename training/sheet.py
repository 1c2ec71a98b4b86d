"""Sample sheets: prompts down, held-out views across. ``python -m training.sheet MODEL OUT.png``"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from diffusers import StableDiffusionControlNetPipeline
from PIL import Image, ImageDraw

from training.data import control
from training.pool import Pool

PROMPTS = (
    "weathered red bricks",
    "mossy cobblestone",
    "polished gold",
    "blue denim",
    "tiger stripes",
    "blue and orange checkerboard",
    "oak wood planks",
    "white marble",
    "rusty metal",
    "brown leather",
    "red and white stripes",
    "green plastic",
    "yellow polka dots on blue",
    "lava",
    "grey cobblestone",
    "leopard spots",
)
VIEWS = (4, 19, 40, 64, 86, 110)
LABEL, CELL = 130, 160  # pixels


def draw(
    model: Path,
    pool: Pool,
    out: Path,
    prompts: tuple[str, ...] = PROMPTS,
    steps: int = 15,
    guidance: float = 3.0,
) -> None:
    """Sample every prompt on six views of the pool with the stock pipeline and write one picture."""
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(
        model, dtype=torch.float32, safety_checker=None
    )
    pipeline.set_progress_bar_config(disable=True)
    views = [pool[i % len(pool)] for i in VIEWS]
    shown = [Image.fromarray(view.positions) for view in views]
    told = pipeline.controlnet.config.conditioning_channels
    controls = torch.stack([control(view, by_depth=False)[:told] for view in views])
    sheet = Image.new("RGB", (2 * (LABEL + len(VIEWS) * CELL), ((len(prompts) + 1) // 2 + 1) * CELL))
    pen = ImageDraw.Draw(sheet)
    for half in (0, 1):
        _row(sheet, half, 0, shown)
    for i, prompt in enumerate(prompts):
        seeds = [torch.Generator().manual_seed(j) for j in range(len(VIEWS))]
        pictures = pipeline(
            [prompt] * len(VIEWS),
            controls,
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=seeds,
        ).images
        row, half = i // 2 + 1, i % 2
        _row(sheet, half, row, pictures)
        pen.multiline_text(
            (half * (LABEL + len(VIEWS) * CELL) + 4, row * CELL + 40), prompt.replace(" ", "\n")
        )
    sheet.save(out)


def _row(sheet: Image.Image, half: int, row: int, pictures: list[Image.Image]) -> None:
    left = half * (LABEL + len(pictures) * CELL) + LABEL
    for column, picture in enumerate(pictures):
        sheet.paste(picture.resize((CELL, CELL)), (left + column * CELL, row * CELL))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pool", type=Path, default=Path("training/runs/starter/held_out"))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--prompts", nargs="+", default=PROMPTS)
    args = parser.parse_args()
    draw(args.model, Pool(args.pool), args.out, tuple(args.prompts), args.steps, args.guidance)
