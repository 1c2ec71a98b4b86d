"""A model in its true size, with random weights: `build.py bench true_size [FAMILY] [--count]`.

Writes the model to a folder that is deleted at the end (a disk as for a download), textures a torus with it
by the command line, and says how the engine kept it, what memory it took and how long. With --count nothing
runs: what a pass of its networks costs is counted, and what its weights take (engine/models/figures.py).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from engine.models.figures import BY_FAMILY
from tests.bench.cases import meshes, network_cost, true_sizes


def main(arguments: list[str] | None = None) -> int:
    """Print what it took; the engine's exit status."""
    parser = argparse.ArgumentParser(prog="build.py bench true_size", description=__doc__.splitlines()[0])
    parser.add_argument("family", nargs="?", default="sdxl", choices=sorted(true_sizes.FAMILIES))
    parser.add_argument("--count", action="store_true", help="count; run nothing")
    parser.add_argument("--folder", type=Path, help="where the model is, or is to be written and stay")
    parser.add_argument("--views", default="2", help="as of the command line")
    parser.add_argument("--steps", default="2", help="the same")
    options = parser.parse_args(arguments)
    if options.count:
        return count(options.family)
    with tempfile.TemporaryDirectory() as out, _place(options.folder) as folder:
        model = Path(folder) / options.family if options.folder is None else options.folder
        if not (model / "model_index.json").is_file():
            print(f"writing {options.family} to {model}", file=sys.stderr, flush=True)
            true_sizes.write(options.family, model)
        return run(model, Path(out), ["--views", options.views, "--steps", options.steps, "--guidance", "1"])


def _place(folder: Path | None) -> AbstractContextManager[object]:
    return tempfile.TemporaryDirectory() if folder is None else nullcontext(folder)


def run(model: Path, out: Path, options: Sequence[str]) -> int:
    """Texture a torus with the ``model``, in a process of its own."""
    mesh = meshes.torus(out)
    command = [sys.executable, "-m", "engine", "texture", "--mesh", str(mesh), "--prompt", "red bricks"]
    done = subprocess.run([*command, "--model", str(model), "--out", str(out / "out"), *options], check=False)
    if done.returncode:
        return done.returncode
    report = json.loads((out / "out" / "report.json").read_text(encoding="utf-8"))
    for part, seconds in report["seconds"].items():
        print(f"{part:10} {seconds:8.1f} s")
    for name in ("steps", "guidance", "view_size", "views", "device", "memory", "peak_memory_mb"):
        print(f"{name:15} {report.get(name)}")
    return 0


def count(family: str) -> int:
    """Print what a model of the ``family`` takes and costs."""
    for name in true_sizes.FAMILIES[family].networks:
        whole, some, most = (n / 1e9 for n in true_sizes.weights(family, name))
        print(f"{name:15} {whole:.3f} billion weights, {some:.3f} may rest in 8 bits, {most:.3f} in a layer")
    found = {**network_cost.network(family), **network_cost.autoencoder(family, BY_FAMILY[family].side)}
    for name, cost in found.items():
        print(f"{name:15} {cost.tflop:.2f} TFLOP, at most {cost.peak / 1e9:.2f} GB alive in bfloat16")
    return 0


if __name__ == "__main__":
    sys.exit(main())
