"""docs/sharpness.png: the same views of what each way of agreeing made."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from engine.export.render import to_image
from tests.bench.pages.sharpness import Floats, SharpnessRow

SHOWN = (4, 5, 3, 8)  # of the paper's ten views: front, right, left, front from above
EXAMPLES = 3  # meshes and prompts in the picture
CELL, GAP, HEAD = 160, 8, 18


def shown(pictures: Floats) -> Floats:
    """Those of a job's views that the picture is made of."""
    return pictures[[view for view in SHOWN if view < len(pictures)]]


def sheet(rows: Sequence[SharpnessRow], arms: Sequence[str]) -> Image.Image:
    """``arms`` side by side, blocks of different meshes and prompts below each other: some views of each."""
    blocks = _examples(rows)
    found = {(row.block, row.arm): row.pictures for row in rows}
    wide = CELL * len(found[blocks[0], arms[0]])
    size = (len(arms) * (wide + GAP) - GAP, HEAD + len(blocks) * CELL)
    picture = Image.new("RGB", size, (24, 24, 24))
    draw = ImageDraw.Draw(picture)
    for i, arm in enumerate(arms):
        left = i * (wide + GAP)
        draw.text((left + 4, 3), arm, fill=(220, 220, 220))
        for j, block in enumerate(blocks):
            for k, view in enumerate(found[block, arm]):
                cell = to_image(view).resize((CELL, CELL), Image.Resampling.LANCZOS)
                picture.paste(cell, (left + k * CELL, HEAD + j * CELL))
    return picture


def _examples(rows: Sequence[SharpnessRow]) -> list[tuple[str, str, int]]:
    """The last blocks, of another mesh each and in turn of other prompts: the most interesting shapes."""
    blocks = list(dict.fromkeys(row.block for row in rows))
    prompts = list(dict.fromkeys(prompt for _, prompt, _ in blocks))
    meshes = list(dict.fromkeys(mesh for mesh, _, _ in blocks))[-EXAMPLES:]
    wanted = [(mesh, prompts[i % len(prompts)]) for i, mesh in enumerate(meshes)]
    return [next(block for block in blocks if block[:2] == pair) for pair in wanted]
