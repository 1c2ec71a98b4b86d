"""A .blend as a mesh, with a stand-in for Blender."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from engine import blend
from engine.batch import jobs
from engine.errors import Cancelled, UserError
from engine.export.save import staged
from engine.host import Host
from engine.outputs import Outputs
from engine.protocol import EXIT_DISK, EXIT_DONE, EXIT_INCOMPLETE, Request, Result

STAND_IN = f"""#!{sys.executable}
import json, sys, tempfile, time
from pathlib import Path
import numpy as np
folder = Path(sys.argv[-1])
order = json.loads((folder / "order.json").read_text())
said, request = {{}}, order["request"]
tempfile.mkdtemp(prefix="blender_")  # as Blender does, and leaves it there
if request["prompt"] == "crash":
    print("it went up in smoke")
    sys.exit(11)
if request["prompt"] == "slow":
    time.sleep(60)
if request["prompt"].startswith("no room") and order["action"] == "put_back":
    Path(order["save"]).with_name("full").write_bytes(bytes(int(request["prompt"].split()[-1])))
    said = {{"error": "it can't be saved: Error: No such file or directory", "fix": "look", "code": 2}}
elif order["action"] == "put_back":
    Path(order["save"]).write_text(json.dumps([order["objects"], order["pack"], order["result"]["texture"]]))
    said = {{"warnings": ["colours"]}}
elif "nobody" in request["objects"]:
    said = {{"error": "There is no object 'nobody'", "fix": "", "code": 2}}
else:
    names = request["objects"] or ["all"]
    files = [str(folder / (name + ".npz")) for name in names]
    for file in files:
        np.savez(file, vertices=np.eye(3), faces=[[0, 1, 2]])
    meshes = [{{"file": file, "unwrap": "never"}} for file in files]
    left_out = ["Lamp"] if request["prompt"] == "most" else []
    said = {{"meshes": meshes, "objects": names, "warnings": ["modifiers"], "left_out": left_out}}
(folder / "answer.json").write_text(json.dumps(said))
"""


@pytest.fixture(autouse=True)
def blender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "blender"
    program.write_text(STAND_IN, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("BLENDER", str(program))
    return program


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    path = tmp_path / "a room.blend"
    path.write_bytes(b"BLENDER")
    return path


def texture(request: Request, finish: blend.Finish) -> Result:
    """What the pipeline is taken for: one file, which says what it saw."""
    out = Path(request.out)
    out.mkdir(exist_ok=True)
    for mesh in request.meshes:
        assert np.load(mesh, allow_pickle=False)["faces"].shape == (1, 3)
    seen = [Path(mesh).name for mesh in request.meshes]
    with staged(Outputs.of(request)) as stage:
        (stage / "report.json").write_text(repr((seen, request.unwraps, request.objects)), encoding="utf-8")
        made = Result(str(out / "texture.png"), "", "", "", str(out / "report.json"), warnings=["blurred"])
        return finish(made, stage)


def do(blend_file: Path, host: Host | None = None, **fields: object) -> Result:
    asked = {"mesh": str(blend_file), "prompt": "moss", "out": str(blend_file.parent / "out"), **fields}
    return blend.through_blender(Request(**asked), host or Host(), texture)  # type: ignore[arg-type]


def test_objects_are_handed_over_and_put_back(scene: Path) -> None:
    result = do(scene, objects=("a", "b"), scene="packed")
    out = scene.parent / "out"
    assert (out / "report.json").read_text() == "(['a.npz', 'b.npz'], ('never', 'never'), ())"
    assert result.scene == str(out / "scene.blend")
    objects, packed, picture = json.loads((out / "scene.blend").read_text())
    assert (objects, packed) == (["a", "b"], True)
    assert Path(picture).name == "texture.png"
    assert Path(picture).parent.parent.parent == out  # where it lies until all is there
    assert result.warnings == ["modifiers", "blurred", "colours"]
    assert sorted(path.name for path in out.iterdir()) == ["report.json", "scene.blend"]


def test_what_is_left_out_is_named_and_the_exit_status_says_so(scene: Path) -> None:
    result = do(scene, prompt="most")
    assert (result.left_out, result.exit_status) == (["Lamp"], EXIT_INCOMPLETE)
    assert Result.from_dict(result.as_dict()) == result
    assert do(scene, overwrite=True).exit_status == EXIT_DONE


def test_no_scene_is_written_where_none_is_wanted(scene: Path) -> None:
    assert do(scene, scene="none").scene is None
    assert not (scene.parent / "out" / "scene.blend").exists()


@pytest.mark.parametrize("ending", ["done", "failed", "cancelled", "broken"])
def test_nothing_is_left_in_the_temporary_folder(
    ending: str, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setenv("TMPDIR", str(place))
    if ending == "done":
        do(scene)
    elif ending == "failed":
        with pytest.raises(UserError):
            do(scene, prompt="crash")
    elif ending == "cancelled":
        with pytest.raises(Cancelled):
            do(scene, Host(cancelled=lambda: True), prompt="slow")
    else:
        with pytest.raises(ZeroDivisionError):
            blend.through_blender(Request(str(scene), "moss", "out"), Host(), lambda opened, finish: 1 // 0)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("kilobytes", "written", "is_full"), [(100, 0, True), (40, 40, True), (20, 1, False)]
)
def test_a_scene_that_has_no_room_is_the_disk_s_failure(
    scene: Path, tiny_disk: Path, kilobytes: int, written: int, is_full: bool
) -> None:
    """Before Blender starts, and after it couldn't save, of which it tells nothing that is of use."""
    scene.write_bytes(bytes(kilobytes << 10))
    with pytest.raises(UserError) as caught:
        do(scene, out=str(tiny_disk), prompt=f"no room {written << 10}")
    assert (caught.value.code == EXIT_DISK) == is_full, caught.value
    assert str(caught.value).startswith(f"the disk with {tiny_disk} is full: 0.") == is_full


def test_other_meshes_go_by(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLENDER", "/nowhere")
    seen = []

    def note(request: Request, finish: blend.Finish) -> Result:
        seen.append(request)
        return Result("", "", "", "", "")

    request = Request("a.obj", "moss", "out")
    blend.through_blender(request, Host(), note)
    assert seen == [request]
    with pytest.raises(UserError, match=r"only a \.blend has objects"):
        blend.through_blender(Request("a.obj", "moss", "out", objects=("a",)), Host(), note)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"prompt": "crash"}, "status 11 over 'a room.blend'; its last words: it went up in smoke"),
        ({"objects": ("nobody",)}, "no object 'nobody'"),
        ({"other_meshes": ("b.obj",)}, "together with other files"),
        ({"mesh": "nowhere.blend"}, "no file 'nowhere.blend'"),
    ],
)
def test_what_goes_wrong_is_told(scene: Path, fields: dict[str, object], words: str) -> None:
    with pytest.raises(UserError) as error:
        do(scene, **fields)
    assert words in str(error.value)
    assert error.value.fix
    assert not (scene.parent / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="there a program is known by its name")
def test_a_blender_that_cant_be_started_is_told(scene: Path, blender: Path) -> None:
    blender.write_bytes(b"no program")
    with pytest.raises(UserError, match=r"Blender can't be started: .*Exec format error") as error:
        do(scene)
    assert error.value.fix.startswith("give it by --blender")


def test_a_cancel_ends_blender(scene: Path) -> None:
    with pytest.raises(Cancelled):
        do(scene, Host(cancelled=lambda: True), prompt="slow")


def test_which_blender(blender: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert blend.program()[0] == str(blender)
    assert blend.program()[-1] == "--"
    monkeypatch.setenv("BLENDER", sys.executable)  # a Python, which is to have bpy
    assert blend.program() == [sys.executable, str(blend.SCRIPT)]
    assert blend.SCRIPT.is_file()
    monkeypatch.delenv("BLENDER")
    monkeypatch.setenv("PATH", str(blender.parent))
    assert blend.program()[0] == str(blender)
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(UserError, match="none was found here") as error:
        blend.program()
    assert "--blender" in error.value.fix


def lines(scene: Path, text: str) -> tuple[list[jobs.JobLine], list[jobs.RefusedLine]]:
    path = scene.parent / ("jobs.csv" if text.startswith("mesh") else "jobs.jsonl")
    path.write_text(text, encoding="utf-8")
    return jobs.read(path, {})


def test_in_a_job_file(scene: Path) -> None:
    found, refused = lines(
        scene,
        '{"mesh": "a room.blend", "object": "Chair", "prompt": "oak"}\n'
        '{"mesh": "a room.blend", "object": ["Chair", "Table"], "prompt": "oak", "scene": "packed"}\n'
        '{"mesh": "a room.blend", "collection": "Garden", "prompt": "oak"}\n'
        '{"mesh": "a room.blend", "prompt": "oak", "scene": "elsewhere"}\n',
    )
    asked = [(job.request.objects, job.request.collection, job.request.scene) for job in found]
    assert asked == [
        (("Chair",), None, "beside"),
        (("Chair", "Table"), None, "packed"),
        ((), "Garden", "beside"),
    ]
    assert [job.name[:17] for job in found] == ["a-room-Chair-oak-", "a-room-Chair-oak-", "a-room-Garden-oak"]
    assert len({job.name for job in found} | {job.fingerprint for job in found}) == 6
    assert [one.error for one in refused] == ["scene is 'elsewhere'"]
    found, refused = lines(scene, "mesh,object,prompt\na room.blend,Chair; Table,oak\n")
    assert not refused
    assert found[0].request.objects == ("Chair", "Table")


def test_a_job_file_without_blender(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLENDER", "/nowhere")
    found, (refused,) = lines(scene, '{"mesh": "a room.blend", "prompt": "oak"}\n')
    assert not found
    assert "only Blender can open a .blend" in refused.error
    assert "blender -b --command sync_texture" in refused.fix
