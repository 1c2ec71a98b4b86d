"""PLY files in every way that the format can be written."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np

from tests.engine.mesh.corpus.solids import Case, Polygon, Random, ball, has_hole, solids

_KINDS = {
    **dict.fromkeys(("float", "float32"), "f"),
    **dict.fromkeys(("int", "int32"), "i"),
    **dict.fromkeys(("uchar", "uint8"), "B"),
    **{"double": "d", "uint": "I", "ushort": "H"},
}
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


def write(rng: Random) -> Case:
    """A file, and what it holds."""
    polygons = [replace(one, material="", object="") for one in solids(rng, triangles=rng.random() < 0.3)]
    if rng.random() < 0.3:
        polygons = [replace(one, uvs=None) for one in polygons]
    if rng.random() < 0.15:
        return _strips(rng)
    data = _polygons(rng, polygons)
    unread = "polygons that come to one place twice" if any(map(has_hole, polygons)) else ""
    return Case({"thing.ply": data}, polygons, unread, uvs=b"float s\n" in data or b"float s\r" in data)


def _polygons(rng: Random, polygons: list[Polygon]) -> bytes:
    rows, index = _vertices(rng, polygons)
    names = ["vertex_indices", "vertex_index"][int(rng.integers(2))]
    length = str(rng.choice(["uchar", "uint8", "int", "ushort"]))
    kind = str(rng.choice(["int", "uint", "int32"]))
    extra = rng.random() < 0.3
    faces = [[("list", length, kind, one)] + ([("uchar", 7)] if extra else []) for one in index]
    properties = [f"list {length} {kind} {names}", *(["uchar flags"] if extra else [])]
    return _file(rng, rows, [("face", properties, faces)])


def _vertices(rng: Random, polygons: list[Polygon]) -> tuple[tuple[list[str], list], list[list[int]]]:
    """The properties and rows of vertices, and the numbers of each polygon's."""
    kind = str(rng.choice(["float", "float", "double", "float32"]))
    uv_names = [("s", "t"), ("u", "v"), ("texture_u", "texture_v")][int(rng.integers(3))]
    with_uvs = polygons[0].uvs is not None
    colours, normals = rng.random() < 0.3, rng.random() < 0.3
    properties = [f"{kind} {axis}" for axis in "xyz"]
    if normals:
        properties += [f"float {name}" for name in ("nx", "ny", "nz")]
    if with_uvs:
        properties += [f"float {name}" for name in uv_names]
    if colours:
        properties += [f"uchar {name}" for name in ("red", "green", "blue")]
    known: dict[bytes, int] = {}
    rows, index = [], []
    for one in polygons:
        numbers = []
        for i, point in enumerate(one.points):
            uv = [] if one.uvs is None else list(one.uvs[i])
            key = np.round([*point, *uv], 9).tobytes()
            if key not in known:
                known[key] = len(rows)
                normal, colour = [0.0, 0.0, 1.0] if normals else [], [10, 20, 30] if colours else []
                values = [*point, *normal, *uv, *colour]
                rows.append([(p.split()[0], v) for p, v in zip(properties, values, strict=True)])
            numbers.append(known[key])
        index.append(numbers)
    return (properties, rows), index


def _strips(rng: Random) -> Case:
    """A ball as strips from pole to pole."""
    sectors = int(rng.integers(4, 8))
    rings = int(rng.integers(3, 6))
    polygons = ball(rng, rings, sectors)
    triangles, strips = [], []
    for j in range(sectors):
        column = polygons[j::sectors]
        strip = [column[0].points[0]]
        for quad in column[:-1]:
            strip += [quad.points[1], quad.points[2]]
        strip.append(column[-1].points[1])
        strips.append(strip)
        for k in range(len(strip) - 2):
            three = np.stack(strip[k : k + 3])
            triangles.append(Polygon(three if k % 2 == 0 else three[::-1]))
    points = np.unique(np.concatenate([one.points for one in triangles]), axis=0)
    numbers = [[int(np.abs(points - p).sum(axis=1).argmin()) for p in strip] for strip in strips]
    one_list = rng.random() < 0.5
    if one_list:
        numbers = [[n for s in numbers for n in [*s, -1]][:-1]]
    rows = [[("float", float(v)) for v in point] for point in points]
    properties = [f"float {axis}" for axis in "xyz"]
    lists = [[("list", "int", "int", one)] for one in numbers]
    data = _file(rng, (properties, rows), [("tristrips", ["list int int vertex_indices"], lists)])
    return Case({"thing.ply": data}, triangles, "" if one_list else "strips in several rows")


def _file(rng: Random, vertices: tuple[list[str], list], others: list) -> bytes:
    form = str(rng.choice(list(_ORDERS)))
    end = "\r\n" if form == "ascii" and rng.random() < 0.3 else "\n"
    elements = [("vertex", *vertices), *others]
    if rng.random() < 0.2:
        elements.append(("material", ["uchar red", "float shine"], [[("uchar", 1), ("float", 0.5)]] * 2))
    lines = ["ply", f"format {form} 1.0", "comment made by a test", "obj_info nothing"]
    for name, properties, rows in elements:
        lines += [f"element {name} {len(rows)}", *(f"property {one}" for one in properties)]
    head = (end.join([*lines, "end_header"]) + end).encode()
    rows = [row for _, _, rows in elements for row in rows]
    if form == "ascii":
        return head + (end.join(" ".join(_words(value) for value in row) for row in rows) + end).encode()
    return head + b"".join(_bytes(_ORDERS[form], value) for row in rows for value in row)


def _words(value: tuple) -> str:
    if value[0] == "list":
        return " ".join(map(str, [len(value[3]), *value[3]]))
    return f"{value[1]:.9g}"


def _bytes(order: str, value: tuple) -> bytes:
    if value[0] == "list":
        _, length, kind, numbers = value
        return struct.pack(f"{order}{_KINDS[length]}{len(numbers)}{_KINDS[kind]}", len(numbers), *numbers)
    return struct.pack(order + _KINDS[value[0]], value[1])
