"""Results on disk: all or nothing.

Everything is written to a hidden folder inside the output folder and moved into place at the end, so an
interrupted or failed save leaves earlier results as they were.
"""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import disk
from ..errors import UserError
from ..outputs import Outputs

FRAME_MS = 100


def writable_folder(path: Path) -> None:
    """Make ``path`` and check that files can be written there; raises UserError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        if full := disk.failure(error, path, option="out"):
            raise full from error
        what = f"the output folder {path} can't be written ({os.strerror(error.errno or errno.EIO)})"
        raise UserError(what, "give another {out}", out=None) from error


@contextmanager
def staged(outputs: Outputs, need: int | None = None) -> Iterator[Path]:
    """A folder to write into. When the block ends well, its files move to the folder of ``outputs``; else it
    vanishes. need: about how many bytes they take, where that is known.

    Raises UserError where they may not be written there, DiskError when the disk is full or fails. All files
    there are then as before.
    """
    out, stage = outputs.folder, None
    try:
        stage = Path(tempfile.mkdtemp(prefix=".sync_texture-", dir=out))
        new, old = stage / "new", stage / "old"
        new.mkdir()
        old.mkdir()
        yield new
        outputs.check(file.name for file in new.iterdir())
        _exchange(new, out, old)
    except OSError as error:
        if stage:
            shutil.rmtree(stage, ignore_errors=True)  # first: what is told to be free is without it
        raise disk.failure(error, out, need, "out") or _unsaved(out, error) from error
    finally:
        if stage:
            shutil.rmtree(stage, ignore_errors=True)


def _exchange(new: Path, out: Path, old: Path) -> None:
    """Move the files of ``new`` to ``out`` and those that they replace to ``old``; all of them or none."""
    names = sorted(file.name for file in new.iterdir())
    try:
        for name in names:
            if os.path.lexists(out / name):
                (out / name).replace(old / name)
            (new / name).replace(out / name)
    except BaseException:
        for name in names:
            if os.path.lexists(old / name):
                (old / name).replace(out / name)
            elif not (new / name).exists():
                (out / name).unlink()
        raise


def _unsaved(out: Path, error: OSError) -> UserError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    fix = "check the folder or give another {out}"
    return UserError(f"saving to {out} failed ({reason})", fix, out=None)


def png(image: Image.Image, path: Path) -> None:
    """By Pillow and not pictures/png.py: results keep, byte for byte, the files that they have always had.
    Level 2 is a quarter of the default's time for a few per cent more bytes."""
    image.save(path, compress_level=2)


def png_bytes(image: Image.Image) -> bytes:
    """What :func:`png` writes."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=2)
    return file.getvalue()


def gif(frames: list[Image.Image], path: Path) -> None:
    """An endless animation of ``frames`` of one size, all in the 256 colours that suit a sample of them: six
    at half their size."""
    some = frames[:: max(1, len(frames) // 6)]
    width, height = (max(1, side // 2) for side in frames[0].size)
    strip = Image.new("RGB", (width * len(some), height))
    for i, frame in enumerate(some):
        strip.paste(frame.resize((width, height), Image.Resampling.NEAREST), (i * width, 0))
    palette = strip.quantize(method=Image.Quantize.MEDIANCUT)
    first, *rest = [frame.quantize(palette=palette) for frame in frames]
    buffer = io.BytesIO()  # Pillow's own writer forgets why the disk refused
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=FRAME_MS, loop=0)
    path.write_bytes(buffer.getvalue())


def array(values: NDArray[np.float32], path: Path) -> None:
    """An .npy. By way of memory: numpy's own writer forgets why the disk refused."""
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    path.write_bytes(buffer.getvalue())


def whole(path: Path, text: str) -> None:
    """``text`` as the file ``path``, all of it or none, whatever happens meanwhile. Raises OSError."""
    handle, new = tempfile.mkstemp(prefix=".sync_texture-", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise


def report(values: dict[str, Any], path: Path) -> None:
    """``report.json``; strict JSON, so a NaN is an error rather than a file nobody can read."""
    path.write_text(
        json.dumps(values, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8"
    )
