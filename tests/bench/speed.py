"""What synchronising costs: `build.py bench speed [--sweep] [--times N] [--keep FILE]`.

Set-up, a step of f(g(.)), the finish (bake and fill) and peak memory, each measured in a process of its own,
against the targets: for the case that was published (clutch_bag.obj from the folder that SYNC_TEXTURE_MESHES
names in the environment, else a torus), with 40,000 and a million faces. With --sweep also against faces,
views and texture size, one at a time: writes docs/speed.md and docs/speed.png.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.bench.cases.meshes import bag
from tests.bench.pages.speed import Figures, Sweep, Target, growth, page, table
from tests.bench.plots.speed import draw

ROOT = Path(__file__).parents[2]
SWEEPS: dict[str, tuple[int, ...]] = {
    "faces": (1_000, 6_000, 40_000, 200_000, 1_000_000),
    "views": (4, 6, 10, 16, 32),
    "texture": (512, 1024, 1536, 2048, 4096),
}
COMMON = {"faces": 40_000, "views": 10, "texture": 1536}  # the case's defaults
LARGEST, FULL, MILLION = 8192, 4096, 1_000_000
PAINTED = (3, 1, 1, 1, 3)  # colour, roughness, metal, height, emission: numbers a texel, beside the normals
DOCS = ROOT / "docs"


def main(arguments: list[str] | None = None) -> int:
    """Print, or write, the figures; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="build.py bench speed", description=__doc__.splitlines()[0])
    parser.add_argument("--sweep", action="store_true", help="all sizes; writes docs/speed.md and .png")
    parser.add_argument("--times", type=int, default=2, help="processes for each figure; the best counts")
    parser.add_argument("--keep", type=Path, help="file of figures: those in it aren't measured again")
    options = parser.parse_args(arguments)
    bench = Bench(options.times, options.keep)
    published, found = bench.targets()
    if options.sweep:
        sweeps = [Sweep(name, values, bench.sweep(name, values)) for name, values in SWEEPS.items()]
        found += growth(sweeps)
        extremes = [bench.measure(texture=LARGEST), bench.measure(faces=MILLION, unwrap=True)]
        text = page(sweeps, published, found, extremes)
        (DOCS / "speed.md").write_text(text, encoding="utf-8")
        draw(sweeps, DOCS / "speed.png")
    print("\n".join(table(found)))
    return 0 if all(target.met for target in found) else 1


class Bench:
    """Measures cases, each once, as the best of ``times`` processes; what it finds it keeps in ``keep``."""

    def __init__(self, times: int, keep: Path | None = None) -> None:
        self.times, self.keep = times, keep
        self.found: dict[str, Figures] = {}
        if keep and keep.is_file():
            self.found = json.loads(keep.read_text(encoding="utf-8"))

    def measure(self, **case: object) -> Figures:
        """The figures of the cases.speed.Case with these fields."""
        key = json.dumps(case)
        if key not in self.found:
            print(f"measuring {key}", file=sys.stderr, flush=True)
            self.found[key] = best([_child(key) for _ in range(self.times)])
            if self.keep:
                self.keep.write_text(json.dumps(self.found, indent=1), encoding="utf-8")
        return self.found[key]

    def sweep(self, name: str, values: tuple[int, ...]) -> list[Figures]:
        return [self.measure(**({} if value == COMMON[name] else {name: value})) for value in values]

    def targets(self) -> tuple[Figures, list[Target]]:
        """The published case, and what is asked for."""
        mesh = bag()
        published = self.measure(**({"mesh": str(mesh)} if mesh else {"faces": 4_484}))
        common, million = self.measure(), self.measure(faces=MILLION)
        large, full = self.measure(texture=LARGEST), self.measure(texture=FULL, widths=PAINTED, relief=True)
        return published, [
            Target("a step of f(g(.)), the published case, one core", published["step_ms"], 1.0, "ms"),
            Target("set-up, 40,000 faces", common["setup_s"], 4.0, "s"),
            Target("set-up, a million faces", million["setup_s"], 30.0, "s"),
            Target("peak memory, a million faces, set-up", million["setup_mb"] / 1024, 4.0, "GB"),
            Target("peak memory, a million faces, to the end", million["peak_mb"] / 1024, 4.0, "GB"),
            Target("finish, 8192 x 8192, colour alone", large["finish_s"], 30.0, "s"),
            Target("peak memory, 8192 x 8192, colour alone", large["peak_mb"] / 1024, 4.0, "GB"),
            Target("finish, 4096 x 4096, six channels", full["finish_s"], 15.0, "s"),
            Target("peak memory, 4096 x 4096, six channels", full["peak_mb"] / 1024, 3.0, "GB"),
        ]


def best(found: list[Figures]) -> Figures:
    """The least of each figure: whatever else a machine does only ever adds."""
    return {name: min(figures[name] for figures in found) for name in found[0]}


def _child(case: str) -> Figures:
    command = [sys.executable, "-m", "tests.bench.cases.speed", case]
    single = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **single}, stdout=subprocess.PIPE, check=True, text=True
    )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


if __name__ == "__main__":
    sys.exit(main())
