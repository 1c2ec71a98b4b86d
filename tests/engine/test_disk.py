"""A disk that says no is told from all that is the job's own, whatever library says it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file

from engine import disk, protocol
from engine.errors import DiskError, UserError
from engine.export import room, save
from engine.host import Host
from engine.pictures import exr, png
from engine.worker import Failure, Worker

Make = Callable[..., protocol.Request]
NUMBERS = sorted(errno.errorcode)
WRAPPERS: list[Callable[[OSError], Exception]] = [
    lambda error: error,
    lambda error: RuntimeError(str(error)),
    lambda error: ValueError(f"I/O error: {os.strerror(error.errno or 0)} (os error {error.errno})"),
    lambda error: chained(error, RuntimeError("write failed"), explicit=True),
    lambda error: chained(error, OSError("encoder error -2"), explicit=False),
    lambda error: chained(chained(error, KeyError("x"), explicit=False), RuntimeError("y"), explicit=True),
]


def chained(cause: Exception, error: Exception, explicit: bool) -> Exception:
    """``error`` as it is when it comes up over ``cause``."""
    try:
        try:
            raise cause
        except Exception:
            if explicit:
                raise error from cause
            raise error  # noqa: B904
    except Exception as found:
        return found


@settings(deadline=None)
@given(st.sampled_from(NUMBERS), st.sampled_from(WRAPPERS))
def test_what_wraps_a_disk_s_error_doesn_t_hide_it_and_others_aren_t_taken_for_one(
    number: int, wrap: Callable[[OSError], Exception]
) -> None:
    names = {"ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO", "ENXIO", "ENODEV", "ESTALE"}
    found = disk.failure(wrap(OSError(number, os.strerror(number))), Path("/tmp"))
    assert (found is not None) == (errno.errorcode[number] in names)
    if found is not None:
        assert found.code == protocol.EXIT_DISK
        assert "/tmp" in str(found)
        assert "\n" not in str(found)


@pytest.mark.parametrize(("number", "is_disk"), [(errno.EIO, False), (errno.ENOSPC, True)])
def test_a_file_that_can_t_be_read_is_its_job_s_own_failure(number: int, is_disk: bool) -> None:
    error = chained(OSError(number, "x"), UserError("'m.obj' can't be read", "check it"), explicit=True)
    assert (disk.failure(error) is not None) == is_disk
    assert disk.failure(UserError("'No space left on device.obj' is empty", "export it")) is None


def test_room_is_told_in_one_line() -> None:
    there = disk.free_bytes(Path("/tmp/not/there/yet"))
    assert there is not None
    assert there > 0
    disk.require(Path("/tmp"), 0)
    with pytest.raises(
        DiskError, match=r"is full: [\d,.]+ MB are free, about [\d,]+\.0 MB are needed"
    ) as caught:
        disk.require(Path("/tmp"), 10**18, "out")
    assert caught.value.fix == "free some space or give another --out"


NOISE = np.random.default_rng(0).random((256, 256, 3), np.float32)
PICTURE = Image.fromarray(png.eight_bits(NOISE))
WRITERS: dict[str, Callable[[Path], object]] = {
    "png": lambda folder: save.png(PICTURE, folder / "a.png"),
    "gif": lambda folder: save.gif([PICTURE] * 2, folder / "a.gif"),
    "report": lambda folder: save.report({"x": "y" * 200_000}, folder / "a.json"),
    "array": lambda folder: save.array(np.zeros(50_000, np.float32), folder / "a.npy"),
    "png of 16 bits": lambda folder: png.write(NOISE, folder / "b.png", bits=16),
    "exr": lambda folder: exr.write(NOISE, folder / "a.exr", "float"),
    "safetensors": lambda folder: save_file({"x": torch.zeros(50_000)}, folder / "a.safetensors"),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_writer_s_error_on_a_full_disk_is_known(tiny_disk: Path, kind: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        WRITERS[kind](tiny_disk)
    found = disk.failure(caught.value, tiny_disk)
    assert found is not None, repr(caught.value)
    assert f"the disk with {tiny_disk} is full" in str(found)


def test_a_limit_on_the_size_of_files_is_told(tmp_path: Path, root: Path) -> None:
    resource = pytest.importorskip("resource")
    program = """if True:
        import resource, sys
        from pathlib import Path
        from engine.errors import DiskError
        from engine.export import save
        from engine.outputs import Outputs
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            with save.staged(Outputs(Path(sys.argv[1]))) as stage:
                (stage / "a").write_bytes(bytes(2000))
        except DiskError as error:
            print(error.code, error)
    """
    assert resource
    ran = subprocess.run(
        [sys.executable, "-c", program, tmp_path], cwd=root, capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith(
        f"{protocol.EXIT_DISK} the disk with {tmp_path}, or a limit on the size of files"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("is_mesh", [True, False])
def test_a_job_looks_for_room_before_it_paints(
    request_for: Make, tiny_disk: Path, tiny_model: Path, is_mesh: bool
) -> None:
    size = {"width": 512, "height": 512}
    image = protocol.ImageRequest("tile", "x", str(tiny_disk), model=str(tiny_model), **size)  # type: ignore[arg-type]
    stages: list[str] = []
    request = request_for(out=str(tiny_disk), texture_size=256) if is_mesh else image
    outcome = Worker().run(request, Host(lambda stage, *_: stages.append(stage)))
    assert isinstance(outcome, Failure)
    assert outcome.code == protocol.EXIT_DISK
    assert outcome.error.startswith(f"the disk with {tiny_disk} is full: 0.1 MB are free, about ")
    assert "denoise" not in stages
    assert list(tiny_disk.iterdir()) == []


@pytest.mark.parametrize(("depth", "size"), [("8", 128), ("half", 256)])
def test_the_room_that_is_asked_for_is_about_what_is_written(
    request_for: Make, depth: str, size: int
) -> None:
    request = request_for(texture_depth=depth, texture_size=size, steps=1, views="2")
    outcome = Worker().run(request, Host())
    assert isinstance(outcome, protocol.Result), outcome
    wrote = sum(path.stat().st_size for path in Path(request.out).iterdir())
    assert wrote < room.of_request(request) < 4 * wrote
