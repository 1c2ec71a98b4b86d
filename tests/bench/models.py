"""What models in their published sizes cost: `build.py bench models [--family NAME ...] [--write]`.

Operations of every family's networks, counted without weights; and a whole texture by a model with random
weights, on the processor or a graphics card: its time against the network's own, and what else took it. On a
card the whole run is to take at most 1.1 times the network's time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.cases import true_sizes
from tests.bench.pages import models as page
from tests.bench.pages.markdown import DOCS

ROOT = Path(__file__).parents[2]
SMALL = {"views": 2, "steps": 2, "view_size": 256}  # what a processor is asked for
WHOLE = {"views": 10, "steps": 8, "view_size": None}


def main(arguments: list[str] | None = None) -> int:
    """Print, or write, the figures; 1 when a card misses the target."""
    options = _options(arguments)
    figures = json.loads(options.keep.read_text()) if options.keep and options.keep.is_file() else {}
    for family in true_sizes.FAMILIES:
        if family not in figures.setdefault("operations", {}):
            figures["operations"][family] = _child("model_flops", family)
            _keep(figures, options.keep)
    for family in options.family:
        key = f"{family} on {options.device}{' compiled' if options.compile else ''}"
        if key not in figures.setdefault("runs", {}):
            figures["runs"][key] = _measured(family, options)
            _keep(figures, options.keep)
    runs = {name: page.Run(**found) for name, found in figures["runs"].items()}
    print("\n".join(page.tables(figures["operations"], runs)))
    if options.write:
        (DOCS / "models-speed.md").write_text(page.page(figures["operations"], runs), encoding="utf-8")
    return 1 if any(run.misses for run in runs.values()) else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="build.py bench models", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--family", nargs="*", default=["starter", "sd15"], choices=[*true_sizes.FAMILIES, "starter"]
    )
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--compile", action="store_true", help="repeated blocks, on a card")
    parser.add_argument("--folder", type=Path, help="where models are kept, each in a folder of its name")
    parser.add_argument("--keep", type=Path, help="file of figures: those in it aren't measured again")
    parser.add_argument("--write", action="store_true", help="docs/models-speed.md")
    return parser.parse_args(arguments)


def _keep(figures: dict[str, Any], place: Path | None) -> None:
    if place:
        place.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def _measured(family: str, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of a run of ``family``, written for it where it isn't there."""
    with tempfile.TemporaryDirectory() as own:
        folder = (options.folder or Path(own)) / family
        if family == "starter":
            folder = Path(family)
        elif not folder.is_dir():
            true_sizes.write(family, folder)
        size = WHOLE if options.device == "cuda" else SMALL
        case = {"folder": str(folder), "device": options.device, "compiled": options.compile, **size}
        return _child("models", json.dumps(case))


def _child(module: str, *words: str) -> dict[str, Any]:
    print(f"measuring {' '.join(words)}", file=sys.stderr, flush=True)
    command: Sequence[str] = [sys.executable, "-W", "ignore", "-m", f"tests.bench.cases.{module}", *words]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())
