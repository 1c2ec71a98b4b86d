"""How good every method's textures are: `build.py bench quality [--quick] [--methods A,B] [--model DIR]`.

Six meshes or more (the files in the folder that SYNC_TEXTURE_MESHES names in the environment, and
primitives), six prompts, three seeds, every method. Each result is kept in out/bench/quality as soon as it is
there, so a run that was stopped goes on where it was; other weights or settings have a folder of their own.
At the end a page and a picture are written: docs/quality.md and docs/quality.png for the whole grid, else
beside the results.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import shlex
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from engine.denoise import device as devices
from engine.denoise.denoiser import load_denoiser
from engine.errors import UserError
from engine.models.presets import Preset
from engine.protocol import Request
from tests.bench.cases import quality as texture
from tests.bench.cases import quality_grid as grid
from tests.bench.cases.quality_grid import Arm, Cell, GridSettings, Store
from tests.bench.pages import quality as report
from tests.bench.pages.quality_findings import Block, Data
from tests.bench.plots import quality as plot
from training.judge import examples

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "out/bench/quality"
JUDGE = ROOT / "training/runs/judge"
USUAL = Request(mesh="", prompt="", out=".", views="paper")
QUICK = {"meshes": 2, "prompts": 2, "seeds": 1, "steps": 4}
# Options that make another comparison than the one in docs/:
NARROWING = (
    *("quick", "methods", "meshes", "prompts", "seeds", "minutes"),
    *("model", "steps", "views", "texture_size"),
)
QUIET = ("--jobs", "--minutes", "--out", "--results", "--judge")


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing, write the page; 1 when a texture failed."""
    arguments = sys.argv[1:] if arguments is None else arguments
    given = _parser().parse_args(arguments)
    given.command = shlex.join(["python3", "build.py", "bench", "quality", *_telling(arguments)])
    try:
        return run(given)
    except UserError as error:
        print(f"{error}: {error.fix}", file=sys.stderr)
        return 1


def _telling(arguments: list[str]) -> list[str]:
    """``arguments`` without those that only say where and how fast."""
    places = [i for i, word in enumerate(arguments) if word in QUIET]
    return [word for i, word in enumerate(arguments) if i not in places and i - 1 not in places]


def run(given: argparse.Namespace) -> int:
    """The whole benchmark as ``given`` on the command line. Raises UserError."""
    arms = grid.chosen(given.methods)
    device = str(devices.resolve(given.device))
    preset = load_denoiser(given.model, device, lambda: None).preset
    settings = GridSettings(
        given.model,
        device,
        given.steps or (QUICK["steps"] if given.quick else preset.steps),
        preset.guidance,
        given.texture_size,
        given.views,
        given.judge,
    )
    _prepare_judge(given.judge)
    key = grid.fingerprint(settings, preset)
    store = Store(given.results / key)
    (store.folder / "settings.json").write_text(json.dumps(asdict(settings), default=str), encoding="utf-8")
    cells = _cells(given, arms)
    failed = _fill(cells, settings, store, given)
    data = Data.complete(arms, _results(cells, store))
    if not data.blocks:
        raise UserError("no combination has results of all methods yet", "run the command again, for longer")
    _write(
        _described(given, settings, preset, len(cells) // len(arms)), data, cells, store, _out(given, store)
    )
    return 1 if failed else 0


def _cells(given: argparse.Namespace, arms: list[Arm]) -> list[Cell]:
    meshes = given.meshes or grid.meshes(given.results / "meshes")
    prompts = list(grid.PROMPTS)[: given.prompts]
    seeds = 3 if given.seeds is None else given.seeds
    if given.quick:
        meshes = meshes if given.meshes else meshes[-QUICK["meshes"] :]  # the primitives: small
        prompts, seeds = prompts[: QUICK["prompts"]], given.seeds or QUICK["seeds"]
    return list(grid.cells(meshes, prompts, seeds, arms))


def _prepare_judge(folder: Path) -> None:
    """Train the classifier here rather than in every worker."""
    examples.classifier(folder, examples.fields(folder), lambda text: print(text, flush=True))


def _fill(cells: list[Cell], settings: GridSettings, store: Store, given: argparse.Namespace) -> int:
    """Make what is missing; how many textures failed."""
    missing = [cell for cell in cells if (found := store.read(cell)) is None or (given.again and _old(found))]
    taken: dict[Arm, list[float]] = {}
    for cell in cells:
        if found := store.read(cell):
            taken.setdefault(cell.arm, []).append(found["cpu_s"])
    print(f"{len(cells) - len(missing)} of {len(cells)} textures are there; {store.folder}", flush=True)
    progress = Progress(len(missing), given.jobs, time.monotonic(), taken, missing)
    failed = 0
    for cell, outcome in _made(missing, settings, store.folder, given):
        if isinstance(outcome, float):
            progress.done(cell, outcome)
        else:
            failed += 1
            print(f"FAILED {cell.block}, {cell.arm.name}: {outcome!r}", file=sys.stderr, flush=True)
    return failed


def _old(result: dict[str, object]) -> bool:
    return result["engine"] != texture.engine_hash()


def _made(
    missing: list[Cell], settings: GridSettings, folder: Path, given: argparse.Namespace
) -> Iterator[tuple[Cell, float | BaseException]]:
    """Each cell as it is done, with its CPU seconds or what went wrong, from ``given.jobs`` processes."""
    end = time.monotonic() + 60 * (float("inf") if given.minutes is None else given.minutes)
    if given.jobs == 1:  # here
        for cell in itertools.takewhile(lambda _: time.monotonic() < end, missing):
            yield cell, _tried(cell, settings, folder)
        return
    waiting, running = iter(missing), dict[Future[float], Cell]()
    threads = max(1, (os.cpu_count() or 1) // given.jobs)
    spawn = multiprocessing.get_context("spawn")  # torch's threads don't survive a fork
    with ProcessPoolExecutor(min(given.jobs, len(missing)) or 1, spawn, texture.begin, (threads,)) as pool:
        while True:
            while len(running) < given.jobs and time.monotonic() < end and (cell := next(waiting, None)):
                running[pool.submit(texture.run, cell, settings, folder)] = cell
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.exception() or future.result()


def _tried(cell: Cell, settings: GridSettings, folder: Path) -> float | BaseException:
    try:
        return texture.run(cell, settings, folder)
    except Exception as error:  # one texture that can't be made doesn't stop the others
        return error


@dataclass
class Progress:
    """Tells what is done and how long the rest takes, by what each method took so far."""

    count: int
    jobs: int
    start: float
    taken: dict[Arm, list[float]]
    missing: list[Cell]
    n: int = 0
    cpu: float = 0.0

    def done(self, cell: Cell, seconds: float) -> None:
        """Print a line about ``cell``, which took ``seconds`` of CPU."""
        self.n += 1
        self.cpu += seconds
        self.taken.setdefault(cell.arm, []).append(seconds)
        words = f"{cell.mesh.stem}, {cell.prompt.text}, seed {cell.seed}, {cell.arm.name}"
        print(f"[{self.n}/{self.count}] {words}: {seconds:.0f} s; {self._left()} left", flush=True)

    def _left(self) -> str:
        """Wall-clock time for the rest at the rate of CPU time so far."""
        known = [sum(values) / len(values) for values in self.taken.values()]
        usual = sum(known) / len(known)
        rest = self.missing[self.n :]
        seconds = sum(
            sum(self.taken[c.arm]) / len(self.taken[c.arm]) if c.arm in self.taken else usual for c in rest
        )
        wall = seconds * (time.monotonic() - self.start) / self.cpu
        return f"{wall / 3600:.1f} h" if wall >= 5400 else f"{wall / 60:.0f} min"


def _results(cells: list[Cell], store: Store) -> Iterator[tuple[Block, Arm, dict[str, object]]]:
    for cell in cells:
        if (found := store.read(cell)) is not None:
            yield cell.block, cell.arm, found


def _described(given: argparse.Namespace, settings: GridSettings, preset: Preset, planned: int) -> report.Run:
    assert settings.steps is not None
    views = {"paper": "the published ten views", "auto": "views as each mesh needs them"}
    return report.Run(
        command=given.command,
        model=Path(given.model).name,
        digest=grid.weights(given.model),
        steps=settings.steps,
        guidance=preset.guidance,
        views=views.get(given.views, f"{given.views} views"),
        planned=planned,
        picture="quality.png",
    )


def _out(given: argparse.Namespace, store: Store) -> Path:
    if given.out is not None:
        return Path(given.out)
    usual = vars(_parser().parse_args([]))
    whole = all(getattr(given, name) == usual[name] for name in NARROWING)
    return ROOT / "docs" if whole else store.folder


def _write(run: report.Run, data: Data, cells: list[Cell], store: Store, out: Path) -> None:
    """The page and its picture."""
    by_place = {(cell.block, cell.arm): cell for cell in cells}

    def picture(block: Block, arm: Arm) -> Image.Image:
        with Image.open(store.path(by_place[block, arm]).with_suffix(".png")) as image:
            return image.convert("RGB")

    out.mkdir(parents=True, exist_ok=True)
    text = report.page(run, data)
    (out / "quality.md").write_text(text, encoding="utf-8")
    plot.draw(data, picture, out / run.picture)
    print(f"\n{text}\nWritten: {out / 'quality.md'}, {out / run.picture}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _positive(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py bench quality", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--quick", action="store_true", help="two meshes, two prompts, one seed, four steps")
    add("--methods", type=_names, help=f"of {', '.join(arm.name for arm in grid.arms())}")
    add("--meshes", type=Path, nargs="+", help="files instead of the usual meshes")
    add("--prompts", type=_positive, help="how many of the prompts")
    add("--seeds", type=_positive, help="default: 3")
    add("--model", default=USUAL.model)
    add("--steps", type=_positive, help="default: the model's")
    add("--views", default=USUAL.views)
    add("--texture-size", type=_positive, default=USUAL.texture_size)
    add("--device", default="auto")
    add(
        "--jobs",
        type=_positive,
        default=os.cpu_count() or 1,
        help="processes (%(default)s); 1: only this one",
    )
    add("--minutes", type=float, help="begin no texture after this long; what is there is reported")
    add("--again", action="store_true", help="also what other sources of the engine made")
    add("--out", type=Path, help="where the page is written")
    add("--results", type=Path, default=RESULTS, help=argparse.SUPPRESS)
    add("--judge", type=Path, default=JUDGE, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
