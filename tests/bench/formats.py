"""Mesh files against Blender's importers: `build.py bench formats [--count N] [--folder DIR]`.

500 generated files in every way that OBJ, PLY, STL and glTF can be written; each is read by the engine and by
Blender and compared with what it was made to show: triangles, places, UVs and materials.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.engine.mesh.corpus import compare
from tools import environments

SHARES = {"obj": 0.4, "ply": 0.24, "stl": 0.08, "gltf": 0.28}


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when a reading differs."""
    parser = argparse.ArgumentParser(prog="build.py bench formats", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500, help="how many files")
    parser.add_argument("--folder", type=Path, help="where the files are kept; default: nowhere")
    options = parser.parse_args(arguments)
    python = _bpy()
    with tempfile.TemporaryDirectory() as temporary:
        return measured(options.count, options.folder or Path(temporary), python)


def measured(count: int, folder: Path, python: Path | None) -> int:
    """Print a line for each kind and each file that is read otherwise; how many these are, at most 1."""
    bad = 0
    print(f"{'':6}{'files':>8}{'ours differ':>14}{'Blender reads':>16}{'Blender differs':>18}{'ours, s':>10}")
    for kind, share in SHARES.items():
        cases = {f"{kind}-{seed}": compare.made(kind, seed) for seed in range(round(count * share))}
        start = time.process_time()
        own = {name: _ours(case, folder / name) for name, case in cases.items()}
        seconds = time.process_time() - start
        theirs = compare.blenders(cases, python, folder) if python else {}
        wrong = {f"ours, {name}": apart for name, apart in own.items() if apart}
        other = {f"Blender, {name}": apart for name, apart in theirs.items() if apart}
        counts = f"{len(cases):8}{len(wrong):14}{len(theirs):16}{len(other):18}{seconds:10.1f}"
        print(f"{kind:6}{counts}")
        for name, apart in (wrong | other).items():
            print(f"  {name}: {'; '.join(apart)}")
        bad += len(wrong) + len(other)
    return int(bad > 0)


def _ours(case: compare.Case, folder: Path) -> list[str]:
    try:
        return compare.ours(case, compare.written(case, folder))
    except Exception as error:  # whatever goes wrong is a difference
        return [f"{type(error).__name__}: {error}"]


def _bpy() -> Path | None:
    """A Python with the newest bpy; None where there is none."""
    named = [Path(one) for one in os.environ.get("SYNC_TEXTURE_BPY_PYTHONS", "").split(os.pathsep) if one]
    if named:
        return named[-1]
    found = [python for version in environments.BPY_PYTHON if (python := environments.bpy(version))]
    if not found:
        print("no Python with bpy: only the engine's readings are compared", file=sys.stderr)
    return found[-1] if found else None


if __name__ == "__main__":
    sys.exit(main())
