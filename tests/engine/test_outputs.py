"""Nothing of the user's is written over: reports say what is ours, and all else belongs to somebody."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.batch.names import checked_name
from engine.errors import UserError
from engine.export.save import staged
from engine.host import Host
from engine.outputs import REPORT, Outputs, named, safe_name, unportable
from engine.protocol import Request, Result
from engine.worker import Failure, Worker

Make = Callable[..., Request]
NAMES = (
    "texture.png",
    "texture.exr",
    "mesh.glb",
    "uvs.npy",
    "scene.blend",
    "Täxt.png",
)
OURS = {"version": "1", "prompt": "moss", "seconds": {}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from([*NAMES, "..", "a/b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
some = st.sets(st.sampled_from(NAMES))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def write(folder: Path, names: set[str], text: str) -> None:
    for name in names:
        (folder / name).write_text(f"{text} {name}")


def report(names: set[str], left: set[str] | None = None) -> str:
    return json.dumps({**OURS, "files": [REPORT, *names], "earlier_files": [*(left or ())]})


@given(there=some, ours=some, left=some, new=some, read=some, overwrite=st.booleans())
@settings(max_examples=150, deadline=None)
def test_only_what_an_earlier_run_made_is_replaced(
    tmp_path_factory: pytest.TempPathFactory,
    there: set[str],
    ours: set[str],
    left: set[str],
    new: set[str],
    read: set[str],
    overwrite: bool,
) -> None:
    out = tmp_path_factory.mktemp("out")
    write(out, there, "old")
    (out / REPORT).write_text(report(ours, left))
    before = contents(out)
    inputs = tuple(str(out / name) for name in read & there)
    outputs = Outputs(out, inputs, overwrite)
    try:
        with staged(outputs) as stage:
            write(stage, new, "new")
    except UserError as error:
        assert not overwrite
        assert new & there & (read | (there - ours - left))
        said = error.fix
        assert contents(out) == before
        assert "--overwrite" in said
    else:
        assert overwrite or not new & there & (read | (there - ours - left))
        assert contents(out) == {**before, **{name: f"new {name}".encode() for name in new}}
        assert outputs.left(new) == sorted({REPORT} | ((ours | left) & there) - new)
    assert {path.name for path in out.iterdir()} == contents(out).keys()


@given(JSON | st.dictionaries(st.sampled_from([*OURS, "files", "earlier_files"]), JSON))
@settings(max_examples=100, deadline=None)
def test_a_report_of_somebody_else_names_nothing(tmp_path_factory: pytest.TempPathFactory, odd: Any) -> None:
    out = tmp_path_factory.mktemp("out")
    (out / REPORT).write_text(json.dumps(odd))
    assert named(out) == frozenset()  # no report of ours leaves itself out


@pytest.mark.parametrize("data", [b"", b"\xff\xfe{", b"[" * 100_000, b'{"files": ['], ids=range(4))
def test_a_damaged_report_names_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / REPORT).write_bytes(data)
    assert named(tmp_path) == frozenset()


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes among files there")
def test_a_pipe_in_the_place_of_a_report_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / REPORT)
    assert named(tmp_path) == frozenset()
    with pytest.raises(UserError, match="would be written over"):
        Outputs(tmp_path).check([REPORT])


@pytest.mark.skipif(os.name == "nt", reason="not everybody may link there")
@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_an_input_is_known_by_whatever_name(tmp_path: Path, link: Callable[[Path, Path], None]) -> None:
    out, mesh = tmp_path / "out", tmp_path / "precious.glb"
    out.mkdir()
    mesh.write_text("precious")
    link(mesh, out / "mesh.glb")
    (out / REPORT).write_text(report({"mesh.glb"}))
    with pytest.raises(UserError, match=r"mesh.glb' is read by this job"):
        Outputs(out, (str(mesh),)).check(["mesh.glb"])
    Outputs(out, (str(mesh),), overwrite=True).check(["mesh.glb"])


@pytest.mark.skipif(os.name == "nt", reason="not everybody may link there")
def test_a_link_to_nowhere_is_the_users_too(tmp_path: Path) -> None:
    (tmp_path / "mesh.glb").symlink_to("/unplugged/disk")
    with pytest.raises(UserError, match="would be written over"):
        Outputs(tmp_path).check(["mesh.glb"])


def refused(worker: Worker, request: Request, stage: str) -> str:
    """Why ``request`` is refused, with all as it was, before the ``stage``."""
    stages: list[str] = []
    before = contents(Path(request.out))
    outcome = worker.run(request, Host(lambda name, *_: stages.append(name)))
    assert isinstance(outcome, Failure)
    assert stage not in stages
    assert contents(Path(request.out)) == before
    return outcome.error


def run(worker: Worker, request: Request) -> Result:
    outcome = worker.run(request, Host())
    assert isinstance(outcome, Result), outcome
    return outcome


def test_a_job_writes_over_its_own_results_and_nothing_else(worker: Worker, request_for: Make) -> None:
    request = request_for(steps=1)
    out = Path(request.out)
    out.mkdir()
    (out / "mesh.glb").write_text("precious")
    assert "mesh.glb' would be written over" in refused(worker, request, "mesh")
    (out / "mesh.glb").rename(out / "texture.png")
    assert "texture.png' would be written over" in refused(worker, request, "model")
    (out / "texture.png").rename(out / "mine.png")
    first = run(worker, request)
    again = run(worker, replace(request, seed=1))
    assert (out / "mine.png").read_text() == "precious"
    made = json.loads((out / REPORT).read_text("utf-8"))
    assert set(made["files"]) == contents(out).keys() - {"mine.png"}
    assert (made["earlier_files"], first.warnings) == ([], again.warnings)


def test_the_mesh_that_is_read_is_not_written_over(worker: Worker, request_for: Make, tmp_path: Path) -> None:
    made = run(worker, request_for(steps=1))
    onto_itself = request_for(steps=1, mesh=made.mesh)
    assert "mesh.glb' is read by this job" in refused(worker, onto_itself, "mesh")
    start = request_for(steps=1, mesh=made.mesh, init_texture=made.texture, out=str(tmp_path / "b"))
    shutil.copytree(tmp_path / "out", tmp_path / "b")
    onto_itself = replace(start, init_texture=str(tmp_path / "b" / "texture.png"))
    assert "texture.png' is read by this job" in refused(worker, onto_itself, "model")
    liked = replace(
        request_for(steps=1, out=str(tmp_path / "b")), reference=(f"{onto_itself.init_texture}:0.5",)
    )
    with pytest.raises(UserError, match=r"texture\.png' is read by this job"):
        Outputs.of(liked).check(["texture.png"])
    run(worker, replace(onto_itself, overwrite=True))


def test_what_a_smaller_run_leaves_is_told_and_stays_ours(
    worker: Worker, request_for: Make, tmp_path: Path
) -> None:
    trimesh.creation.box().export(tmp_path / "a.ply")
    trimesh.creation.icosphere(subdivisions=1).export(tmp_path / "b.ply")
    both = {"mesh": str(tmp_path / "a.ply"), "other_meshes": (str(tmp_path / "b.ply"),), "steps": 1}
    run(worker, request_for(**both, texture_depth="half"))
    fewer = run(worker, request_for(steps=1))
    left = ["texture.a.exr", "texture.a.png", "texture.b.exr", "texture.b.png"]
    assert fewer.warnings[-1].endswith(f"of an earlier run, which this one didn't write: {', '.join(left)}")
    made = json.loads(Path(fewer.report).read_text("utf-8"))
    assert made["earlier_files"] == left
    assert all((tmp_path / "out" / name).is_file() for name in left)
    back = run(worker, request_for(**both))
    assert "texture.a.exr, texture.b.exr, texture.png" in back.warnings[-1]


def test_a_blend_is_not_written_over_and_blender_not_even_asked(
    worker: Worker, request_for: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLENDER", "/nowhere")
    request = request_for()
    scene = Path(request.out) / "scene.blend"
    scene.parent.mkdir()
    scene.write_bytes(b"BLENDER")
    (scene.parent / REPORT).write_text(report({"scene.blend"}))
    assert "scene.blend' is read by this job" in refused(worker, replace(request, mesh=str(scene)), "mesh")
    other = scene.with_name("other.blend")
    other.write_bytes(b"BLENDER")
    (scene.parent / REPORT).write_text(report(set()))
    assert "scene.blend' would be written" in refused(worker, replace(request, mesh=str(other)), "mesh")
    beside = replace(request, mesh=str(other), scene="none")
    assert "scene.blend" not in refused(worker, beside, "mesh")  # but that there is no Blender


DEVICES = ("CON", "nul.txt", "Aux", "PRN .png", "com1", "LPT¹.x.y", "CONOUT$")
SPECIAL = ("a:b", "a|b", "what?", "*", "<x>", 'a"b', "a\\b", "a\x1bb", "a\x7f", "\x9b2J")
BAD_NAMES = (*DEVICES, *SPECIAL, "a.", "a ", "\ud800", "\udcff", "漢" * 86)
GOOD_NAMES = ("console", "a.b", ".hidden", "com10", "nul-1", "Täxt 漢.png", "aux_", "x" * 255)


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_names_that_not_every_system_holds_are_refused(tmp_path: Path, name: str) -> None:
    for outputs, names in ((Outputs(tmp_path / name / "out"), ()), (Outputs(tmp_path), (name,))):
        with pytest.raises(UserError, match="name") as raised:
            outputs.check(names)
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 160
    if "\\" in name:
        return  # in job files it stands between folders
    with pytest.raises(UserError, match="out"):
        checked_name(f"a/{name}")


@pytest.mark.parametrize("name", GOOD_NAMES, ids=ascii)
def test_other_names_are_taken(tmp_path: Path, name: str) -> None:
    Outputs(tmp_path / name / "out").check((name,))
    assert checked_name(f"a/{name}") == f"a/{name}"


@pytest.mark.skipif(os.name == "nt", reason="there it can't be")
def test_a_folder_that_is_there_is_taken_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "a:b").mkdir()
    Outputs(tmp_path / "a:b" / "new").check(["texture.png"])


@given(st.text(max_size=300) | st.sampled_from(BAD_NAMES))
@settings(max_examples=300, deadline=None)
def test_names_that_come_from_elsewhere_become_such(name: str) -> None:
    found = safe_name(name, 60, "unnamed")
    assert unportable(found) is None
    assert unportable(f"{found}.png") is None
    assert "." not in found
    assert len(found) <= 61
