"""What a job reads is stamped whole: whatever of it changes, the job is done anew; what it doesn't, isn't."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.batch import jobs
from engine.models import links

Fields = dict[str, object]


def fingerprint(place: Path, **fields: object) -> str:
    path = place / "jobs.jsonl"
    path.write_text(json.dumps({"prompt": "x", "out": "x", **fields}) + "\n", encoding="utf-8")
    found, refused = jobs.read(path, {})
    assert not refused, refused
    return found[0].fingerprint


@contextmanager
def made(files: dict[str, bytes]) -> Iterator[Path]:
    """A folder with ``files``."""
    with tempfile.TemporaryDirectory() as name:
        for file, data in files.items():
            path = Path(name) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        yield Path(name)


def gltf(*names: str) -> bytes:
    buffers = [{"uri": name} for name in (*names[:1], "data:,x")]
    return json.dumps({"buffers": buffers, "images": [{"uri": name} for name in names[1:]]}).encode()


def blend(*paths: str) -> bytes:
    return b"BLENDER-v500" + bytes(20) + b"".join(b"\0" + path.encode() + b"\0\0" for path in paths)


KINDS: dict[str, tuple[Fields, Callable[..., dict[str, bytes]]]] = {
    "gltf": ({"mesh": "m.gltf"}, lambda *names: {"m.gltf": gltf(*names)}),
    "obj": (
        {"mesh": "m.obj"},
        lambda *names: {"m.obj": b"v 0 0 0\n" + b"".join(f"mtllib {name}\n".encode() for name in names)},
    ),
    "usda": (
        {"mesh": "m.usda"},
        lambda *names: {"m.usda": b"#usda 1.0\n" + b" ".join(f"@./{name}@".encode() for name in names)},
    ),
    "blend": (
        {"mesh": "m.blend"},
        lambda *names: {"m.blend": blend(*(f"//{name}.blend" for name in names))},
    ),
    "model": ({"mesh": "m.obj", "model": "{}/mine"}, lambda *_: {"m.obj": b"v 0 0 0\n"}),
    "controlnet": ({"mesh": "m.obj", "model": "sd15+{}/mine"}, lambda *_: {"m.obj": b"v 0 0 0\n"}),
    "controls": ({"mesh": "m.obj", "controls": "depth={}/mine:0.5"}, lambda *_: {"m.obj": b"v 0 0 0\n"}),
}
NAME = st.from_regex(r"[a-z][a-z0-9_]{1,9}(/[a-z][a-z0-9_]{0,9})?", fullmatch=True)
NAMES = st.lists(NAME, min_size=1, max_size=5, unique=True)
QUICK = settings(deadline=None, max_examples=25)


def placed(kind: str, names: list[str]) -> list[str]:
    """Where the files that ``names`` stand for lie."""
    if kind == "blend":
        return [f"{name}.blend" for name in names]
    return [
        f"mine/{name}.safetensors" if kind in ("model", "controlnet", "controls") else name for name in names
    ]


@pytest.fixture(autouse=True)
def blender(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any program will do: nothing is opened."""
    monkeypatch.setenv("BLENDER", "true")


@pytest.mark.parametrize("kind", KINDS)
@QUICK
@given(data=st.data(), names=NAMES)
def test_whatever_a_job_reads_changes_its_fingerprint(
    kind: str, data: st.DataObject, names: list[str]
) -> None:
    names = [name for name in names if not any(other.startswith(f"{name}/") for other in names)]
    fields, file = KINDS[kind]
    there = placed(kind, names)
    with made({**file(*names), **dict.fromkeys(there, b"data"), "other.bin": b"data"}) as place:
        asked = {key: str(value).format(place) for key, value in fields.items()}
        before = fingerprint(place, **asked)
        assert fingerprint(place, **asked) == before
        (place / "other.bin").write_bytes(b"something else")
        assert fingerprint(place, **asked) == before
        changed = place / data.draw(st.sampled_from(there))
        how = data.draw(st.sampled_from(("size", "time", "gone")))
        if how == "size":
            changed.write_bytes(b"more data")
        elif how == "time":
            os.utime(changed, ns=(1, 1))
        else:
            changed.unlink()
        assert fingerprint(place, **asked) != before


def test_a_library_of_a_library_counts_and_circles_end(tmp_path: Path) -> None:
    (tmp_path / "m.blend").write_bytes(blend("//a.blend", str(tmp_path / "m.blend")))
    (tmp_path / "a.blend").write_bytes(blend("//b.blend", "//m.blend"))
    (tmp_path / "b.blend").write_bytes(blend("//a.blend", "//cache.abc"))
    before = fingerprint(tmp_path, mesh="m.blend")
    (tmp_path / "cache.abc").write_bytes(b"x")
    with_cache = fingerprint(tmp_path, mesh="m.blend")
    (tmp_path / "b.blend").write_bytes(blend("//a.blend"))
    assert len({before, with_cache, fingerprint(tmp_path, mesh="m.blend")}) == 3


def test_a_path_across_two_pieces_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.batch.stamps.PIECE", 37)
    (tmp_path / "m.blend").write_bytes(bytes(30) + blend("//a.blend", "//sub/b.blend"))
    before = fingerprint(tmp_path, mesh="m.blend")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.blend").write_bytes(b"x")
    assert fingerprint(tmp_path, mesh="m.blend") != before


def test_the_folder_that_a_linked_name_means_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(links.VARIABLE, str(tmp_path / "links.json"))
    (tmp_path / "m.obj").write_text("v 0 0 0\n")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model_index.json").write_text(name)
    links.add("mine", tmp_path / "one")
    before = fingerprint(tmp_path, mesh="m.obj", model="mine")
    links.add("mine", tmp_path / "two")
    assert fingerprint(tmp_path, mesh="m.obj", model="mine") != before


@QUICK
@given(st.binary(max_size=300))
def test_files_that_make_no_sense_cost_nothing(data: bytes) -> None:
    for name in ("m.gltf", "m.obj", "m.usda", "m.blend"):
        with made({name: data}) as place:
            assert fingerprint(place, mesh=name) == fingerprint(place, mesh=name)
