"""What f and g alone lose: `build.py bench roundtrip [--write] [MESH ...]`.

Ten views of one smooth texture on each mesh go to the texture and back, f(g(.)): in dB, and the largest error
of any pixel, with colours carried as far as the engine does (REACH) and without a limit. Without a MESH: the
files in the folder that SYNC_TEXTURE_MESHES names in the environment. Fails where the limit doesn't help, or
where a texel that a view sees gets nothing of any.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from engine.canvas import mesh_maps
from engine.mesh.mesh import load
from engine.mesh.unwrap import ensure_uvs
from engine.sync.spaces import LinearSpace
from engine.views.cameras import paper_rig
from engine.views.surface import Surface, View
from tests.bench.cases.meshes import own_meshes
from tests.bench.pages.markdown import DOCS, put, table

SIZES = ((96, 1536), (128, 512), (32, 512), (256, 1024))  # pixels of a view, texels of the texture, a side
WAVES = 4.0  # radians of the colours' waves for each radius of the mesh
ENGINE, UNLIMITED = mesh_maps.REACH, float("inf")
HEAD = ("mesh", "views", "texture", "without a limit", "largest error", "within reach", "largest error")


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when the limit loses anywhere."""
    parser = argparse.ArgumentParser(prog="build.py bench roundtrip", description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="*", type=Path, metavar="MESH")
    parser.add_argument("--write", action="store_true", help="put the table in docs/methods.md")
    given = parser.parse_args(arguments)
    rows, good = [], True
    for path in given.meshes or own_meshes():
        surface = _surface(path)
        for resolution, size in SIZES:
            views = surface.seen_by(paper_rig(), resolution)
            (far, far_worst, kept), (near, near_worst, left) = (
                measure(surface, views, size, reach) for reach in (UNLIMITED, ENGINE)
            )
            good &= near > far - 0.1 and left >= kept
            shown = f"{far:.1f} dB", f"{far_worst:.2f}", f"{near:.1f} dB", f"{near_worst:.2f}"
            rows.append((path.stem, str(resolution), str(size), *shown))
            print(*rows[-1], flush=True)
    if given.write:
        put(DOCS / "methods.md", {"roundtrip": table(HEAD, rows)})
    return 0 if good else 1


def measure(surface: Surface, views: list[View], size: int, reach: float) -> tuple[float, float, float]:
    """(dB, largest error of a pixel, share of the texels that some view paints)."""
    with _reaching(reach):
        maps = mesh_maps.mesh_maps(surface, views, size)
    side = views[0].resolution
    w = np.zeros((len(views), side**2, 3), np.float32)
    for view, picture in zip(views, w, strict=True):
        waves = WAVES * surface.points(view.fragments) + np.arange(3, dtype=np.float32)
        picture[view.fragments.pixel] = 0.5 + 0.5 * np.sin(waves)
    before = torch.from_numpy(w.reshape(len(views), side, side, 3)).permute(0, 3, 1, 2)
    after = LinearSpace.build(maps).roundtrip(before)
    error = (after - before).permute(0, 2, 3, 1).reshape(-1, 3)[torch.from_numpy(maps.pixel)]
    power = float(error.square().mean())
    return -10 * float(np.log10(max(power, 1e-12))), float(error.abs().max()), float(maps.seen.mean())


@contextmanager
def _reaching(reach: float) -> Iterator[None]:
    """Inside, colours are carried ``reach`` sides of a pixel."""
    mesh_maps.REACH = reach
    try:
        yield
    finally:
        mesh_maps.REACH = ENGINE


def _surface(path: Path) -> Surface:
    mesh, _, _ = ensure_uvs(load(path), "auto", 1024, lambda: None)
    assert mesh.uvs is not None
    return Surface.build(mesh.vertices, mesh.faces, mesh.uvs)


if __name__ == "__main__":
    raise SystemExit(main())
