"""Whether seams of normal maps show: `build.py bench normals [--write] [MESH ...]`.

A relief that is the same function of the place everywhere goes into textures of two sizes, and the engine
makes its normal map. Degrees, the median and the 95th percentile: between what both sides of borders of
charts say of one place; between places inside charts a texel apart; from the truth at borders and inside; and
how far the relief tilts the surface at all. Read in MikkTSpace's tangents. Without a MESH: the files in the
folder that SYNC_TEXTURE_MESHES names in the environment. Fails where a median of seams is beyond 3 degrees.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from engine.mesh.mesh import load
from engine.mesh.unwrap import ensure_uvs
from engine.views.surface import Surface
from tests.bench.cases.meshes import own_meshes
from tests.bench.pages.markdown import DOCS, put, table
from tests.engine.normal_seams import borders

SIZES = (1024, 2048)
MOST = 3.0
HEAD = ("mesh", "texture", "seams", "a texel apart", "wrong at borders", "wrong inside", "tilts")


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 where seams show."""
    parser = argparse.ArgumentParser(prog="build.py bench normals", description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="*", type=Path, metavar="MESH")
    parser.add_argument("--write", action="store_true", help="put the table in docs/materials.md")
    given = parser.parse_args(arguments)
    rows, good = [], True
    for path in given.meshes or own_meshes():
        for size in SIZES:
            mesh, _, _ = ensure_uvs(load(path), "auto", size, lambda: None)
            assert mesh.uvs is not None
            found = borders(Surface.build(mesh.vertices, mesh.faces, mesh.uvs), size, smooth=True)
            good &= bool(np.median(found.seams) < MOST)
            rows.append((path.stem, str(size), *found.line()))
            print(*rows[-1], sep="  ", flush=True)
    if given.write:
        put(DOCS / "materials.md", {"normals": table(HEAD, rows)})
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
