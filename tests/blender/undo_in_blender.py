"""Run inside Blender or bpy by test_in_blender.py: what an engine returns is put on all objects or on none.

Results are changed by seeds, objects are changed while their texture is made, and errors are raised at lines
taken by chance out of those that change the file. After each failure the whole file is as it was before.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import everything
import helper
import meanwhile
import numpy as np

ADDON = helper.enable()
sys.path.append(str(helper.ROOT))

from sync_texture.blender_sync_addon.jobs import engine  # noqa: E402
from sync_texture.blender_sync_addon.jobs.job_files import JobFiles  # noqa: E402
from sync_texture.blender_sync_addon.jobs.job_object import JobObject, JobResult, ResultImages  # noqa: E402
from sync_texture.blender_sync_addon.jobs.received import receive  # noqa: E402
from sync_texture.blender_sync_addon.problem import Problem  # noqa: E402
from sync_texture.blender_sync_addon.read.settings import Settings  # noqa: E402
from sync_texture.blender_sync_addon.results import history, recording  # noqa: E402
from sync_texture.engine import protocol  # noqa: E402

from tests.bench.fuzz import odd  # noqa: E402

SETTINGS = {
    "one": {},
    "sets": {"texture_sets": "material"},
    "unwrapped": {"unwrap": "always"},
    "faces": {"target": "faces"},
    "slot": {"target": "slot", "slot": 1, "unwrap": "always"},
}
FOLDER = Path(tempfile.mkdtemp())
RAISED = (MemoryError, RuntimeError, KeyError, KeyboardInterrupt)


class FakeJob:
    """A job whose engine has ended: its objects, and what it returned, which a test may change."""

    def __init__(self, objects: list[Any], **settings: Any) -> None:
        self.settings = Settings(prompt="bricks", **settings)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        self.objects = tuple(JobObject(o, depsgraph, self.settings, len(objects) > 1) for o in objects)
        self.folder = Path(tempfile.mkdtemp(dir=FOLDER))
        files = JobFiles(self.folder, self.objects, None)
        files.save()
        request = dataclasses.replace(files.request(self.settings, self.folder / "out"), write_uvs=True)
        self.result = helper.fake_engine.Engine().result(request, "works").as_dict()

    def show(self) -> None:
        """As TextureJob and recording.finish do it."""
        recording.show(self.received())

    def received(self) -> JobResult:
        """What was returned, looked at."""
        try:
            result = protocol.Result.from_dict(self.result)
        except ValueError as error:
            raise Problem(str(error)) from error
        meshes = [one.read for one in self.objects]
        received = receive(result, meshes, self.folder / "out", self.settings.texture_size)
        images = ResultImages(received, self.settings.origin(), False)
        return JobResult(self.objects, received, images, "bricks")


def scene(saved: bool = False, textured: bool = False) -> Any:
    """everything.scene with some faces selected; saved: as a .blend; textured: with a result already."""
    helper.empty_scene()
    obj = everything.scene()
    obj.data.polygons.foreach_set("select", [True, False, True, False, True, True])
    if saved:
        folder = Path(tempfile.mkdtemp(dir=FOLDER))
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    if textured:
        FakeJob([obj]).show()
    return obj


def on_disk() -> list[str]:
    """What lies beside the .blend."""
    folder = Path(bpy.data.filepath).parent
    return sorted(str(path) for path in folder.rglob("*")) if bpy.data.filepath else []


def check_all_or_none(show: Callable[[], None], *words: str) -> Problem | None:
    """``show`` changes nothing where it raises a Problem, which is given back."""
    before, files = everything.snapshot(), on_disk()
    try:
        show()
    except (Problem, KeyboardInterrupt) as error:
        helper.check_same(before, everything.snapshot())
        assert on_disk() == files, (on_disk(), files)
        problem = error if isinstance(error, Problem) else Problem("interrupted")
    else:
        problem = None
        assert not (wrong := meanwhile.wrong(bpy.context.view_layer.objects.active)), wrong
    for word in words:
        assert problem, f"nothing raised, wanted {words}"
        assert word in str(problem), problem
    assert problem is None or str(problem).isprintable()
    return problem


def test_results_changed_by_chance():
    refused = 0
    for seed in range(20):
        rng = Random(f"undo-{seed}")
        job = FakeJob([scene(saved=seed % 2 == 0)], **SETTINGS[rng.choice(tuple(SETTINGS))])
        job.result = odd.faulty(rng, job.result, [])
        refused += check_all_or_none(job.show) is not None
    assert refused > 5


def test_files_that_cannot_be_used():
    def lying(path: Path) -> None:  # 90 kB that ask for 40 GB
        path.write_bytes(path.read_bytes()[:16] + b"\0\1\x86\xa0" * 2 + path.read_bytes()[24:])

    def of_huge_shape(path: Path) -> None:
        path.write_bytes(path.read_bytes().replace(b"(12, 3, 2), ", b"(2147483647, 3, 2), ")[:2000])

    def saved_as(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
        return lambda path: np.save(path, change(np.load(path)))

    def pipe(path: Path) -> None:
        path.unlink()
        os.mkfifo(path)

    def outside(path: Path) -> None:
        path.rename(FOLDER / path.name)
        path.symlink_to(FOLDER / path.name)

    cut = [lambda path, n=n: path.write_bytes(path.read_bytes()[:n]) for n in (0, 30, 150, -30)]
    for harm in (lying, pipe, outside, lambda path: path.write_bytes(b"GIF89a" * 99), *cut):
        for saved in (False, True):
            job = FakeJob([scene(saved)])
            harm(Path(job.result["texture"]))
            check_all_or_none(job.show, "The engine", "Generate again")
    halves = (
        lambda old: old[:-1],
        lambda old: old * np.nan,
        lambda old: old * 1e30,
        lambda old: old.astype("f8"),
    )
    strange = (
        lambda old: old.astype("U9"),
        lambda old: old.astype(object),
        lambda old: np.asfortranarray(old),
    )
    for harm in (of_huge_shape, pipe, outside, *map(saved_as, (*halves, *strange)), *cut):
        job = FakeJob([scene()], unwrap="always")
        harm(Path(job.result["uvs"]))
        check_all_or_none(job.show, "The engine", "Generate again")
    job = FakeJob([scene()], texture_size=32)
    check_all_or_none(job.show, "64 x 64", "32 x 32")


def test_a_contact_sheet_that_is_none_costs_no_result():
    for data in (b"", b"GIF89a" * 9, None):
        obj = scene()
        job = FakeJob([obj])
        sheet = Path(job.result["views"])
        sheet.write_bytes(sheet.read_bytes()[:60] if data is None else data)
        assert check_all_or_none(job.show) is None
        assert len(history.of(obj)) == 1
        assert not [image.name for image in bpy.data.images if image.name.startswith("views")]


def test_objects_changed_while_their_texture_is_made():
    fine = {"the object is renamed", "the mesh is a copy"}
    rng = Random("meanwhile")
    for change, make in meanwhile.CHANGES.items():
        for name in ("one", rng.choice([one for one in SETTINGS if one != "one"])):
            obj = scene()
            job = FakeJob([obj], **SETTINGS[name])
            make(obj)
            problem = check_all_or_none(job.show)
            assert not (change in fine and problem), (change, name, problem)
            if "UV maps are r" in change and name == "one":
                assert "'UVMap' was renamed or removed. Generate again" in str(problem), problem
            if "faces are" in change:
                assert problem, (change, name)
    for change in ("materials are renamed", "materials are removed", "slots have no faces"):
        obj = scene()
        job = FakeJob([obj], texture_sets="material")
        meanwhile.CHANGES[change](obj)
        check_all_or_none(job.show, "others" if "are" in change else "other materials")


def test_of_several_objects_all_or_none():
    for change, make in Random("several").sample([*meanwhile.CHANGES.items()], 6):
        first = scene()
        second = helper.cube(location=(4, 0, 0))
        second.data.materials.append(bpy.data.materials.new("glass"))
        job = FakeJob([first, second], texture_sets="material")
        make(second)
        bpy.context.view_layer.objects.active = first
        problem = check_all_or_none(job.show)
        assert bool(problem) or change.split()[-1] in ("renamed", "copy", "map") or "slots" in change, change
        assert len(history.of(first)) == (0 if problem else 1)


@contextlib.contextmanager
def raising(error: type[BaseException], line: int) -> Iterator[list[int]]:
    """``error`` is raised at the ``line``-th line that our code runs inside, but for what puts things back;
    gives the number of lines."""
    count = [0]

    def trace(frame: Any, event: str, _argument: object) -> Any:
        path = frame.f_code.co_filename
        if "blender_sync_addon" not in path or path.endswith("all_or_none.py"):
            return None
        if path.endswith("recording.py") and frame.f_code.co_name == "show":  # where it is begun
            return None
        if event == "line":
            count[0] += 1
            if count[0] == line:
                sys.settrace(None)
                raise error("it can't")
        return trace

    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(None)


def test_an_error_at_any_line_leaves_the_file_as_it_was():
    for name, options in SETTINGS.items():
        rng = Random(f"lines-{name}")
        saved, textured = rng.random() < 0.5, rng.random() < 0.5
        result = FakeJob([scene(saved, textured)], **options).received()
        with raising(MemoryError, -1) as lines:
            recording.show(result)
        for error in rng.sample(RAISED * 2, 6):
            result = FakeJob([scene(saved, textured)], **options).received()
            with raising(error, rng.randrange(1, lines[0])):
                assert check_all_or_none(lambda result=result: recording.show(result)), (name, error)


helper.main(dict(globals()), ADDON, engine.supervisor.abandon)
