"""Where the time of a whole run goes: `build.py bench run [--model NAME|DIR] [--mesh FILE]`.

One texture by the command line with the model's own defaults. Everything that isn't the network, the
autoencoder or loading is to take at most a twentieth of the run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.cases import meshes

SHARE_TARGET = 0.05
GIVEN = ("load", "denoise", "decode")  # the model's own
OURS = ("geometry", "sync", "bake", "measure", "save")


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when the target is missed."""
    parser = argparse.ArgumentParser(prog="build.py bench run", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="starter")
    parser.add_argument("--mesh", type=Path, help="default: a torus of 2,048 faces without UVs")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        mesh = options.mesh or meshes.torus(Path(folder))
        report = _run(mesh, options.model, Path(folder))
    seconds = report["seconds"]
    for part in (*GIVEN, *OURS):
        print(f"{part:10} {seconds[part]:8.2f} s {seconds[part] / seconds['total']:7.1%}")
    ours = sum(seconds[part] for part in OURS) / seconds["total"]
    print(f"{'total':10} {seconds['total']:8.2f} s, at most {report['peak_memory_mb']:.0f} MB")
    print(f"sync       {report['sync_ms_per_step']:8.2f} ms a step")
    print(f"all that isn't the model's own: {ours:.1%} (target: at most {SHARE_TARGET:.0%})")
    return 0 if ours <= SHARE_TARGET else 1


def _run(mesh: Path, model: str, folder: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "engine", "texture", "--mesh", str(mesh), "--prompt", "red bricks"]
    subprocess.run(
        [*command, "--model", model, "--views", "paper", "--out", str(folder / "out"), "--quiet"], check=True
    )
    return json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
