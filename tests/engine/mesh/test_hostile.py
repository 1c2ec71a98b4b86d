"""Files of the corpus with something changed: read or refused in a line, soon and in little memory."""

from __future__ import annotations

import json
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import UserError
from engine.mesh.mesh import load
from tests.engine.mesh.corpus import compare
from tests.engine.mesh.corpus.solids import Case, Random

FILES = 80  # of each kind
SECONDS = 5.0  # a file; 0.1 alone
BYTES, A_BYTE = 30e6, 100.0  # of memory: for any file, and for each byte of it
WORDS = (
    *(
        b"0",
        b"-1",
        b"4294967295",
        b"999999999999",
        b"1e999",
        b"nan",
        b"#",
        b"\\\n",
        b"/",
        b"//",
        b"\0",
        b"\xff",
    ),
    *(
        b"f 1 1 1\n",
        b"v\n",
        b"list",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"null",
        b"1.5",
        b"end_header",
        b" ",
        b"\n",
    ),
    *(
        b"element face 99999999\n",
        b"property list char char x\n",
        b"solid\n",
        b"endsolid",
        b"vertex ",
        b"[[[[[[[",
    ),
)
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2, 3, 7, 255, 5126, 5121, 5123, 1 << 31, 1 << 62, 10**30, 1e300, -0.5),
    *("", "a", "VEC3", "SCALAR", "../x", [], {}, [1], [[1]], {"a": 1}),
)


def changed(rng: Random, data: bytes) -> bytes:
    """``data`` with one to five changes, most of them near its beginning, where headers are."""
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        at = int(rng.integers(min(len(found), 3000) if rng.random() < 0.6 else len(found)))
        word = WORDS[int(rng.integers(len(WORDS)))]
        kind = int(rng.integers(5))
        if kind == 0:
            found[at] = int(rng.integers(256))
        elif kind == 1:
            del found[at : at + int(rng.integers(1, 40))]
        elif kind == 2:
            found[at : at + len(word)] = word
        elif kind == 3:
            found[at:at] = word
        else:
            found[at:at] = found[at // 2 : at // 2 + int(rng.integers(1, 200))]
        found = found or bytearray(b" ")
    return bytes(found)


def changed_header(rng: Random, data: bytes) -> bytes:
    """The JSON ``data`` with one to three other values somewhere, or without some."""
    header = json.loads(data)
    for _ in range(int(rng.integers(1, 4))):
        places = _places(header)
        owner, key = places[int(rng.integers(len(places)))]
        if isinstance(owner, dict) and rng.random() < 0.2:
            del owner[key]
        elif type(owner[key]) is int and rng.random() < 0.3:
            owner[key] += int(rng.integers(-2, 3))
        else:
            owner[key] = VALUES[int(rng.integers(len(VALUES)))]
    return json.dumps(header).encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [(value, key) for key in keys] + [place for key in keys for place in _places(value[key])]


def read(path: Path, by: str, size: int) -> bool:
    """Whether the file is read; refusals must be one line with a way out, and all this soon and small."""
    tracemalloc.start()
    start, refused = time.process_time(), None
    try:
        load(path, by)
    except UserError as error:
        refused = error
    seconds, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < SECONDS
    assert peak < BYTES + A_BYTE * size
    if refused is not None:
        assert refused.fix
        assert "\n" not in str(refused)
        assert len(str(refused)) < 400
    return refused is None


@pytest.mark.parametrize("kind", ["obj", "ply", "stl", "gltf", "header"])
def test_changed_files_are_read_or_refused(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    outcomes = []
    for number in range(FILES):
        case = _case(kind, int(rng.integers(60)))
        change = changed_header if kind == "header" else changed
        path = compare.written(case, tmp_path)
        path.write_bytes(change(rng, case.files[case.name]))
        size = sum(map(len, case.files.values()))
        outcomes.append(read(path, ("", "material", "object")[number % 3], size))
    assert True in outcomes
    assert False in outcomes


def _case(kind: str, seed: int) -> Case:
    while True:
        case = compare.made("gltf" if kind == "header" else kind, seed)
        if kind != "header" or case.name.endswith(".gltf"):
            return case
        seed += 1


@pytest.mark.parametrize("kind", ["obj", "ply", "stl", "gltf"])
def test_files_that_end_early_are_refused_or_read(kind: str, tmp_path: Path) -> None:
    case = compare.made(kind, 7)
    path = compare.written(case, tmp_path)
    data = path.read_bytes()
    for length in range(0, len(data), max(1, len(data) // 60)):
        path.write_bytes(data[:length])
        read(path, "", len(data))
