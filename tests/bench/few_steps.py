"""Do views agree in a few steps? `build.py bench few_steps [--steps N,N] [--seeds N] [--write] [MESH ...]`.

A model textures each mesh in so few steps, with clean views averaged by the mean or by the best view in a
share of the steps, as colours or as latents, and with fresh noise after each step as LCM has it. Each texture
is compared with the views of `--method independent`, as in bench sharpness, with as many steps. The starter
wasn't distilled: this tells how soon views agree, not how good distilled weights are. Without a MESH: a cube,
a torus, and the files in the folder that SYNC_TEXTURE_MESHES names in the environment. With --write, the
table and the picture of docs/few-steps.md are made of it. Fails where views agree better in another way than
in that of accelerators, and are about as sharp.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.canvas.mesh import MeshCanvas
from engine.denoise.denoiser import Denoiser, load_denoiser
from tests.bench.cases.meshes import usual_meshes
from tests.bench.cases.scenes import PROMPTS, USUAL, asked, canvas_of, views
from tests.bench.pages import few_steps as pages
from tests.bench.pages.markdown import DOCS, put
from tests.bench.pages.sharpness import SharpnessRow
from tests.bench.plots.sharpness import sheet
from tests.bench.sharpness import measure

SLACK = 0.5  # dB: by so much another way may be better


@dataclass(frozen=True)
class Arm:
    """One way. share: of the steps in which views agree; None: less and less."""

    space: str = "rgb"
    aggregate: str = "best"
    share: float | None = 1.0
    accelerator: str = "none"
    method: str = "synctweedies"

    @property
    def name(self) -> str:
        if self.method == "independent":
            return self.method
        share = "ramp" if self.share is None else f"{self.share:.0%}"
        noise = "" if self.accelerator == "none" else ", fresh noise"
        return f"{self.space}, {self.aggregate}, {share}{noise}"


ALONE = Arm(method="independent")
CHOSEN = Arm()  # as presets.accelerated has it, but for the space, which stays the model's
SHARES = (1.0, 0.75, 0.5, None)
ARMS = (
    ALONE,
    *(Arm(aggregate=aggregate, share=share) for aggregate in ("best", "mean") for share in SHARES),
    *(Arm("latent", aggregate, share) for aggregate in ("best", "mean") for share in (1.0, 0.75)),
    *(Arm(space, accelerator="lcm") for space in ("rgb", "latent")),
    Arm(aggregate="mean", accelerator="lcm"),
)


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; 1 when another way wins."""
    given = _parser().parse_args(arguments)
    denoiser = load_denoiser(given.model, "auto", lambda: None)
    rows: list[SharpnessRow] = []
    with tempfile.TemporaryDirectory() as folder:
        meshes = given.meshes or usual_meshes(Path(folder))
        for row in measured(denoiser, meshes, given.steps, given.seeds):
            print(pages.row_line(row), flush=True)
            rows.append(row)
    table = pages.table_of(rows, given.steps, [arm.name for arm in ARMS], CHOSEN.name)
    print(f"\n{table}")
    if given.write:
        put(DOCS / "few-steps.md", {"table": f"{_said(given, denoiser, rows)}\n\n{table}"})
        first, last = given.steps[0], given.steps[-1]
        shown = ((first, ALONE), (first, CHOSEN), (last, CHOSEN))
        sheet(rows, [pages.label(steps, arm.name) for steps, arm in shown]).save(
            DOCS / "few-steps.png", optimize=True
        )
    return 0 if wins(rows, given.steps) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py bench few_steps", description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="*", type=Path, metavar="MESH")
    parser.add_argument("--steps", type=_counts, default=[4, 8], metavar="N,N", help="usually 4,8")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--model", default=USUAL.model)
    parser.add_argument("--write", action="store_true", help="put the table and the picture in docs")
    return parser


def _counts(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def _said(given: argparse.Namespace, denoiser: Denoiser, rows: Sequence[SharpnessRow]) -> str:
    """What the page says about where its numbers come from."""
    counts, own = ",".join(map(str, given.steps)), "".join(f" {path.name}" for path in given.meshes)
    command = f"python3 build.py bench few_steps{own} --steps {counts} --seeds {given.seeds} --write"
    size, meshes = denoiser.preset.view_size, ", ".join(dict.fromkeys(row.block[0] for row in rows))
    blocks = len({row.block for row in rows})
    model = f"`{Path(given.model).name}` (views of {size} x {size} pixels)"
    return f"Made by `{command}`: {model}; means over {blocks} of mesh, prompt and seed: {meshes}."


def measured(
    denoiser: Denoiser, meshes: Sequence[Path], counts: Sequence[int], seeds: int, arms: Sequence[Arm] = ARMS
) -> Iterator[SharpnessRow]:
    """A row for every mesh, prompt, seed, number of steps and arm, as they come; the first arm is ALONE."""
    for path in meshes:
        canvas = canvas_of(replace(USUAL, mesh=str(path)), denoiser)
        for prompt, seed, steps in itertools.product(PROMPTS, range(seeds), counts):
            request = replace(USUAL, mesh=str(path), prompt=prompt, steps=steps, seed=seed)
            single = None
            for arm in arms:
                own = _as(arm, asked(replace(request, method=arm.method), canvas, denoiser))
                painted = own.finish(views(own, denoiser))
                single = painted.pictures if single is None else single
                yield measure(painted, single, (path.stem, prompt, seed), pages.label(steps, arm.name))


def _as(arm: Arm, canvas: MeshCanvas) -> MeshCanvas:
    """The ``canvas``, whose settings no request can ask for."""
    if arm == ALONE:
        return canvas
    settings = replace(
        canvas.settings,
        sync_space=arm.space,
        aggregate=arm.aggregate,
        fading=arm.share is None,
        share=1.0 if arm.share is None else arm.share,
        accelerator=arm.accelerator,
    )
    return replace(canvas, settings=settings)


def wins(rows: Sequence[SharpnessRow], counts: Sequence[int]) -> bool:
    """Whether views agree best, to within SLACK, in the chosen way among those as sharp as it."""
    for steps in counts:
        chosen = pages.means(rows, steps, CHOSEN.name)
        others = [pages.means(rows, steps, arm.name) for arm in ARMS if arm != ALONE]
        sharp = [other for other in others if other.sharpness >= 0.9 * chosen.sharpness]
        if any(other.view_psnr > chosen.view_psnr + SLACK for other in sharp):
            return False
    return True


if __name__ == "__main__":
    raise SystemExit(main())
