"""Mesh files of every kind that is read, through a whole job."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.bench.fuzz import mutate, odd, one_job, samples
from tests.bench.fuzz.case import Case, Ended

ENDINGS = ("obj", "ply", "plyb", "stl", "stlb", "glb", "glb", "gltf", "gltf", "npz")
SPECIAL, DAMAGED = 0.06, 0.45
"""Shares of the cases where it is no ordinary file, and where its bytes are changed blindly."""

SETS, UNWRAPS = ("auto", "auto", "one", "object", "material"), ("auto", "auto", "auto", "always", "never")

_model = ""


def prepare(shared: Path) -> None:
    global _model
    _model = str(one_job.prepare(shared))


def make(case: Case) -> dict[str, Any]:
    """The fields of the job."""
    rng, ending = case.rng, case.rng.choice(ENDINGS)
    case.write("box.mtl", samples.mtl())
    case.write("box.png", samples.pictures()["png"])
    (case.inputs / "link_out").symlink_to(case.outside.parent)
    name = case.odd_name(f"box.{ending.removesuffix('b') if ending in ('plyb', 'stlb') else ending}")
    blind = rng.random() < DAMAGED
    data = (_plain if blind else _MADE[ending])(case, ending)
    if blind:
        data = mutate.damaged(rng, data, case.notes)
    path = case.write(name, data)
    if rng.random() < SPECIAL:
        beside = [one for one in case.inputs.iterdir() if one.is_file()]
        mutate.plant(rng, rng.choice([path, path, *sorted(beside)]), case.outside, case.notes)
    case.given.add(str(path))
    case.notes.insert(0, ending)
    more = {"other_meshes": (str(path),)} if rng.random() < 0.05 else {}
    return {"mesh": str(path), "texture_sets": rng.choice(SETS), "unwrap": rng.choice(UNWRAPS), **more}


def act(case: Case, made: dict[str, Any]) -> Ended:
    return one_job.run(case, _model, **made)


def _plain(case: Case, ending: str) -> bytes:
    """A valid file, and what belongs beside it."""
    if ending in ("glb", "gltf"):
        header, body = samples.gltf()
        if ending == "gltf":
            case.write("box.bin", body)
            return samples.json_bytes(header)
        del header["buffers"][0]["uri"]
        return samples.glb(samples.json_bytes(header), body)
    if ending == "npz":
        return samples.npz(samples.arrays(), packed=case.rng.random() < 0.5)
    return {
        "obj": samples.obj,
        "ply": lambda: samples.ply(False),
        "plyb": lambda: samples.ply(True),
        "stl": lambda: samples.stl(False),
        "stlb": lambda: samples.stl(True),
    }[ending]()


def _gltf(case: Case, ending: str) -> bytes:
    """Its JSON changed: counts, offsets, kinds, paths; its buffer now and then, too."""
    rng = case.rng
    header, body = samples.gltf()
    way = rng.random()
    if ending == "glb" and way < 0.8:
        del header["buffers"][0]["uri"]
    elif way < 0.5:
        where = rng.choice(("buffers", "buffers", "images"))
        header[where][0]["uri"] = rng.choice(
            (*odd.PATHS, "data:;base64,AAAA", "data:,x", "data:;base64," + "A" * 9999)
        )
        case.notes.append(f"{where}.0.uri is {odd.shown(header[where][0]['uri'])}")
    elif way < 0.6:
        _deepen(rng, header, case.notes)
    if way > 0.3:
        header = odd.faulty(rng, header, case.notes)
    if rng.random() < 0.3:
        body = mutate.damaged(rng, body, case.notes, 1)
    written = odd.dumped(rng, header, str(case.outside))
    if ending == "gltf":
        case.write("box.bin", body)
        return written
    return samples.glb(written, body)


def _deepen(rng: Random, header: dict[str, Any], notes: list[str]) -> None:
    """Nodes in each other: a chain, a circle, or as many instances as one can name."""
    way, count = rng.choice(("chain", "circle", "tree", "wide")), rng.choice((40, 3000))
    if way == "chain":
        header["nodes"] = [{"children": [i + 1], "scale": [0.5, 0.5, 0.5]} for i in range(count)] + [
            {"mesh": 0}
        ]
    elif way == "circle":
        header["nodes"] = [{"mesh": 0, "children": [1]}, {"mesh": 0, "children": [0]}]
    elif way == "tree":
        header["nodes"] = [{"children": [i + 1] * 2} for i in range(40)] + [{"mesh": 0}]
    else:
        header["nodes"] = [{"mesh": 0}] * count
        header["scenes"] = [{"nodes": list(range(count))}]
    if way != "wide":
        header["scenes"] = [{"nodes": [0]}]
    notes.append(f"nodes: a {way} of {len(header['nodes'])}")


def _obj(case: Case, _ending: str) -> bytes:
    """Its lines: of many materials, long, far, or none that anybody knows."""
    rng = case.rng
    lines = samples.obj().decode().splitlines()
    extra: dict[str, Callable[[], list[str]]] = {
        "materials": lambda: [f"usemtl m{i % rng.choice((2, 3000))}\nf 1/1 2/2 3/3" for i in range(3000)],
        "objects": lambda: [f"o o{i}\nf 1 2 3" for i in range(3000)],
        "a long polygon": lambda: ["f " + " ".join(f"{1 + i % 8}/{1 + i % 24}" for i in range(20_000))],
        "odd corners": lambda: [f"f {_index(rng)} {_index(rng)} {_index(rng)}" for _ in range(9)],
        "odd vertices": lambda: ["v " + " ".join(str(odd.number(rng)) for _ in range(rng.randint(0, 7)))],
        "odd words": lambda: [
            f"{rng.choice(('mtllib', 'usemtl', 'o', 'g', 'call', 'maplib'))} {odd.text(rng)}"
        ],
        "a line that goes on": lambda: ["f 1 2 \\"] * 500,
        "no numbers": lambda: ["v nan inf 1e999", "vt nan nan", "f 9 9 9"],
        "a long line": lambda: ["#" + "x" * 3_000_000],
        "steps back": lambda: ["f -1 -2 -3", "f -1/-1/-1 -99/-2 0", "l 1 2 3", "p 1", "curv 0 1 1 2"],
    }
    for _ in range(rng.randint(1, 2)):
        name = rng.choice(tuple(extra))
        at = rng.randrange(len(lines) + 1)
        lines[at:at] = extra[name]()
        case.notes.append(name)
    end = rng.choice(("\n", "\n", "\r\n", "\r"))
    return end.join(lines).replace(odd.OUTSIDE, str(case.outside)).encode("utf-8", "replace")


def _index(rng: Random) -> str:
    number = rng.choice((0, 1, -1, 9, 10**9, 2**31, 2**63, -(10**9), "x", "1.5", "", "1//", "1/2/3/4"))
    return f"{number}{rng.choice(('', '/1', '/0', '//1', '/-99', '/99999999'))}"


def _ply(case: Case, ending: str) -> bytes:
    """Its header: counts and kinds that the body doesn't hold."""
    rng = case.rng
    head, mark, body = samples.ply(ending == "plyb").partition(b"end_header\n")
    lines = head.decode().splitlines()
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(1, len(lines))
        words = lines[at].split()
        extra = (
            f"element vertex {odd.number(rng)}",
            f"element face {odd.number(rng)}",
            "element other 99999999",
            "property list uchar int vertex_indices",
            "property list double float x",
            "property float",
            "property list int int vertex_indices",
            "property quad x",
            f"comment {odd.text(rng)}",
            f"format {rng.choice(('ascii', 'binary_big_endian', 'binary_little_endian', 'x'))} 1.0",
        )
        way = rng.choice(("replace", "insert", "word", "drop"))
        if way == "word" and words:
            words[rng.randrange(len(words))] = rng.choice(
                (str(odd.number(rng)), "list", "int", "uchar", "face")
            )
            lines[at] = " ".join(words)
        elif way == "drop":
            del lines[at]
        else:
            lines[at : at + (way == "replace")] = [rng.choice(extra)]
        case.notes.append(f"header line {at}: {way}")
    return ("\n".join(lines) + "\n").encode("utf-8", "replace") + mark + body


def _npz(case: Case, _ending: str) -> bytes:
    """Its arrays: of other shapes and kinds, such as run code, or far larger than the file."""
    rng, arrays = case.rng, samples.arrays()
    name = rng.choice((*arrays, "faces", "vertices", "unused"))
    way = rng.choice(("shape", "kind", "values", "objects", "header", "bomb", "missing", "names", "twice"))
    case.notes.append(f"{name}: {way}")
    old = arrays.get(name, samples.CORNERS)
    if way == "shape":
        arrays[name] = rng.choice((old[:0], old[None], old.ravel(), old[..., None], old[:1], np.array(3)))
    elif way == "kind":
        arrays[name] = (
            np.asarray(old).astype(
                rng.choice(("f8", "i8", "u1", "c8", "?", "S5", "U5", "M8[s]", "f2")), casting="unsafe"
            )
            if old.dtype.kind != "U"
            else np.arange(3)
        )
    elif way == "values" and old.dtype.kind != "U":
        arrays[name] = np.full_like(old, rng.choice((0, 1, 7, 100))) - rng.choice((0, 1))
    elif way == "objects":
        arrays[name] = np.array([_Marker(str(case.root / "ran"))], object)
    elif way == "missing":
        arrays.pop(name, None)
    elif way == "names":
        arrays["material_names"] = np.array([odd.text(rng).replace("\x00", "") or "x", "iron"])
    data = samples.npz(arrays, packed=rng.random() < 0.5)
    if way in ("header", "bomb", "twice"):
        data = _rezipped(rng, data, f"{name}.npy", way)
    return data


class _Marker:
    """Unpickled it would make a folder."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        import os

        return os.mkdir, (self.path,)


def _rezipped(rng: Random, data: bytes, name: str, way: str) -> bytes:
    """The archive ``data`` with an array ``name`` whose header lies, or that is zeros without end."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            if entry != name or way == "twice":
                new.writestr(entry, old.read(entry))
        count = rng.choice((10**6, 10**9, 2**31, 2**40, 2**62, -1))
        kind = rng.choice(("'<f4'", "'<i4'", "'|O'", "'<U99999999'", "[('a', '<f4')]"))
        shape = rng.choice((f"({count}, 3)", f"({count},)", "(1,) * 99", f"(12, {count}, 2)", "()"))
        text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".encode()
        head = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
        body = bytes(20_000_000 if way == "bomb" else 64)
        new.writestr(name, head + body)
    return buffer.getvalue() if rng.random() < 0.9 else _lying_sizes(rng, buffer.getvalue())


def _lying_sizes(rng: Random, data: bytes) -> bytes:
    """The archive says other sizes in its directory."""
    at = data.find(b"PK\x01\x02", rng.randrange(len(data)))
    at = data.find(b"PK\x01\x02") if at < 0 else at
    return data[: at + 20] + mutate.words(*rng.choices(mutate.WORDS, k=2)) + data[at + 28 :]


def _stl(case: Case, ending: str) -> bytes:
    """Its count of triangles, or its words."""
    rng, data = case.rng, samples.stl(ending == "stlb")
    if ending == "stlb":
        count = rng.choice((*mutate.WORDS, 11, 13))
        case.notes.append(f"it says {count} triangles")
        return data[:80] + mutate.words(count) + data[84:]
    word = rng.choice((b"vertex", b"facet", b"endloop", b"solid", b"normal"))
    other = rng.choice((b"", b"vertex 1e999", b"vertex", b"\xff\xfe", zlib.compress(data)))
    case.notes.append(f"{word.decode()} is {odd.shown(other)}")
    return data.replace(word, other, rng.choice((1, -1)))


_MADE: dict[str, Callable[[Case, str], bytes]] = {
    "obj": _obj,
    "ply": _ply,
    "plyb": _ply,
    "stl": _stl,
    "stlb": _stl,
    "glb": _gltf,
    "gltf": _gltf,
    "npz": _npz,
}
