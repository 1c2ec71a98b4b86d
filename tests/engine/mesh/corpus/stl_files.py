"""STL files in every way that the format can be written."""

from __future__ import annotations

import struct

import numpy as np

from tests.engine.mesh.corpus.solids import Case, Polygon, Random, solids


def write(rng: Random) -> Case:
    """A file, and what it holds."""
    polygons = [Polygon(one.points) for one in solids(rng, triangles=True)]
    if rng.random() < 0.5:
        header = str(rng.choice(["", "solid in name only", "made by a test"])).encode()
        rows = [struct.pack("<12fH", 0, 0, 1, *one.points.ravel(), int(rng.integers(9))) for one in polygons]
        data = header.ljust(80, b" ") + struct.pack("<I", len(rows)) + b"".join(rows)
        return Case({"thing.stl": data}, polygons)
    upper, indent = rng.random() < 0.3, str(rng.choice(["", "  ", "\t"]))
    number = str(rng.choice(["%.6f", "%.7e", "%g"]))
    lines = []
    parts = np.array_split(np.arange(len(polygons)), int(rng.integers(1, 3)))
    for k, part in enumerate(parts):
        lines.append(f"solid part {k}")
        for i in part:
            lines += [f"{indent}facet normal 0 0 1", f"{indent * 2}outer loop"]
            lines += [f"{indent * 3}vertex " + " ".join(number % v for v in p) for p in polygons[i].points]
            lines += [f"{indent * 2}endloop", f"{indent}endfacet"]
        lines.append(f"endsolid part {k}")
    text = str(rng.choice(["\n", "\r\n"])).join(lines) + "\n"
    data = (text.upper() if upper else text).encode()
    return Case({"thing.stl": data}, polygons, "words in capitals" if upper else "")
