"""Pictures to start from, of every kind that is read and some that aren't, and files of cameras."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from random import Random
from typing import Any

from tests.bench.fuzz import mutate, odd, one_job, samples
from tests.bench.fuzz.case import Case, Ended

SIDES = (0, 1, 2, 65_535, 65_536, 100_000, 2**31 - 1, 2**31, 2**32 - 1, 20_000)
SIZES = {"bmp": (18, "<i"), "gif": (6, "<H"), "tga": (12, "<H")}
"""Where a format says its width and then its height, and how."""

_model = ""


def prepare(shared: Path) -> None:
    global _model
    _model = str(one_job.prepare(shared))
    samples.pictures()


def make(case: Case) -> dict[str, Any]:
    """The fields of the job."""
    rng = case.rng
    mesh = case.write("box.obj", samples.obj())
    if rng.random() < 0.2:
        return {"mesh": str(mesh), "cameras": str(_cameras(case))}
    ending = rng.choice((*samples.pictures(), "png", "png", "exr", "exr"))
    case.notes.append(ending)
    path = case.write(case.odd_name(f"old.{ending}"), _picture(case, ending))
    if rng.random() < 0.06:
        mutate.plant(rng, path, case.outside, case.notes)
    if rng.random() < 0.05:  # it says what it is by its contents alone
        path = path.rename(path.with_suffix(rng.choice((".png", ".exr", ".jpg", ".txt"))))
    case.given.add(str(path))
    sets = rng.choice(("auto", "auto", "one", "material"))
    return {"mesh": str(mesh), "init_texture": str(path), "strength": 0.5, "texture_sets": sets}


def act(case: Case, made: dict[str, Any]) -> Ended:
    return one_job.run(case, _model, **made)


def _cameras(case: Case) -> Path:
    rng = case.rng
    data = odd.dumped(rng, odd.faulty(rng, samples.cameras(), case.notes), str(case.outside))
    case.notes.insert(0, "cameras")
    if rng.random() < 0.3:
        data = mutate.damaged(rng, data, case.notes)
    path = case.write(case.odd_name("cameras.json"), data)
    if rng.random() < 0.06:
        mutate.plant(rng, path, case.outside, case.notes)
    case.given.add(str(path))
    return path


def _picture(case: Case, ending: str) -> bytes:
    rng, kind = case.rng, ending.rpartition(".")[2]
    data = samples.pictures()[ending]
    way = rng.random()
    if kind == "png" and way < 0.55:
        return _png(rng, case.notes)
    if kind in SIZES and way < 0.4:
        at, how = SIZES[kind]
        width, height = (rng.choice(SIDES) & (0xFFFF if how == "<H" else 0x7FFFFFFF) for _ in range(2))
        case.notes.append(f"it says {width} x {height}")
        length = struct.calcsize(how)
        return data[:at] + struct.pack(how, width) + struct.pack(how, height) + data[at + 2 * length :]
    if kind == "ppm" and way < 0.4:
        return (
            b"P6 %d %d %d\n" % (rng.choice(SIDES), rng.choice(SIDES), rng.choice((0, 255, 65535))) + data[13:]
        )
    if kind == "exr" and way < 0.6:
        return _exr(rng, data, case.notes)
    return mutate.damaged(rng, data, case.notes)


def _png(rng: Random, notes: list[str]) -> bytes:
    """Sizes, depths and kinds that its pixels don't have, and pixels without end in a few bytes."""
    way = rng.choice(("size", "bomb", "kind", "chunk", "text", "palette"))
    notes.append(way)
    width, height, depth, colours = 16, 16, 8, 6
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in samples.pixels()))
    more: list[bytes] = []
    if way == "size":
        width, height = rng.choice(SIDES), rng.choice(SIDES)
    elif way == "bomb":
        side = rng.choice((2000, 8192, 12_000, 30_000))
        width, height, depth, colours = side, side, rng.choice((1, 8)), 0
        body = _zeros(min(height * (1 + width * depth // 8), 150_000_000))
    elif way == "kind":
        depth, colours = rng.choice((0, 1, 2, 3, 4, 8, 16, 255)), rng.choice((0, 1, 2, 3, 4, 5, 6, 255))
    elif way == "chunk":
        kind = rng.choice(
            (b"iCCP", b"eXIf", b"tRNS", b"gAMA", b"acTL", b"fcTL", b"PLTE", b"IHDR", b"xxxx", b"sBIT")
        )
        more = [samples.png_chunk(kind, rng.randbytes(rng.choice((0, 1, 4, 300))))] * rng.choice((1, 2, 2000))
    elif way == "text":
        more = [samples.png_chunk(b"zTXt", b"a\0\0" + _zeros(100_000_000))]
    else:
        colours, more = 3, [samples.png_chunk(b"PLTE", bytes(rng.choice((0, 1, 3, 768, 771))))]
    notes.append(f"{width} x {height}, depth {depth}, kind {colours}")
    return samples.png(width, height, depth, colours, body, *more)


def _zeros(count: int) -> bytes:
    """So many of them, packed."""
    packer, piece = zlib.compressobj(1), bytes(1 << 20)
    return b"".join(packer.compress(piece) for _ in range(count >> 20)) + packer.flush()


def _exr(rng: Random, data: bytes, notes: list[str]) -> bytes:
    """The windows, the channels or the table of lines."""
    name = rng.choice((b"dataWindow", b"displayWindow", b"channels", b"compression", b"lineOrder", b"type"))
    at = data.find(name + b"\0")
    start = data.find(b"\0", at + len(name) + 1) + 1
    size = int.from_bytes(data[start : start + 4], "little")
    body = bytearray(data[start + 4 : start + 4 + size])
    if name.endswith(b"Window"):
        low, high = rng.choice((0, -1, -(2**31), 5)), rng.choice((15, 99_999, 10**6, 2**31 - 1, -5))
        body = bytearray(struct.pack("<4i", low, low, high, rng.choice((15, high))))
    elif body:
        for _ in range(3):
            body[rng.randrange(len(body))] = rng.choice((0, 1, 2, 9, 255))
    notes.append(f"{name.decode()} is {odd.shown(bytes(body[:16]))}")
    return data[: start + 4] + bytes(body) + data[start + 4 + size :]
