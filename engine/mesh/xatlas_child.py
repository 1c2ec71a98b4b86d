"""Runs xatlas in a process of its own, as a script: xatlas holds Python's lock until it is done, can't be
interrupted, and crashes on some meshes.

    python -I -S xatlas_child.py FOLDER

FOLDER holds job.json (paths for sys.path, options) and faces.npy (F, 3) uint32, and either
    vertices.npy (V, 3) float32 and starts.npy (K + 1,) int64: make charts for K meshes, which no chart
        crosses, of the faces starts[k] to starts[k + 1], and pack them; or
    vertices.npy (V, 2) float32 and materials.npy (F, 1) uint32: pack the charts that are there.
It adds uvs.npy (F, 3, 2) float32 in atlas texels and charts.npy (F,) int32, -1 for faces that xatlas
left out.
"""

import itertools
import json
import os
import sys
from typing import Any


def work(folder: str) -> None:
    """Unwrap and pack the job in ``folder``."""
    with open(os.path.join(folder, "job.json"), encoding="utf-8") as file:
        job = json.load(file)
    sys.path[:0] = job["path"]
    import numpy as np
    import xatlas

    def load(name: str) -> Any:
        return np.load(os.path.join(folder, name + ".npy"), allow_pickle=False)

    atlas = xatlas.Atlas()
    vertices, faces = load("vertices"), load("faces")
    if vertices.shape[1] == 2:
        starts = np.array([0, len(faces)])
        atlas.add_uv_mesh(vertices, faces, load("materials"))
    else:
        starts = load("starts")
        for start, stop in itertools.pairwise(starts):
            used, local = np.unique(faces[start:stop], return_inverse=True)
            atlas.add_mesh(vertices[used], local.reshape(-1, 3).astype(np.uint32))
    charts, packing = xatlas.ChartOptions(), xatlas.PackOptions()
    for options, name in ((charts, "charts"), (packing, "packing")):
        for key, value in job[name].items():
            setattr(options, key, value)
    atlas.generate(charts, packing)
    uvs = np.zeros((*faces.shape, 2), np.float32)
    chart = np.full(len(faces), -1, np.int32)
    for k, (start, stop) in enumerate(itertools.pairwise(starts)):
        _, indices, uv = atlas.get_mesh(k)
        _, chart_of = atlas.get_mesh_vertex_assignment(k)
        uvs[start:stop] = uv[indices] * (atlas.width, atlas.height)
        chart[start:stop] = chart_of[indices].astype(np.int32).min(axis=1)  # 2^32 - 1, left out, becomes -1
    np.save(os.path.join(folder, "charts.npy"), chart)
    np.save(os.path.join(folder, "uvs.npy"), uvs)


if __name__ == "__main__":
    work(sys.argv[1])
