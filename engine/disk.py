"""When the disk says no: the one place that knows such errors, whatever wraps them, and how full a disk is.

It is nobody's input that is wrong then. Whoever writes calls :func:`failure`, or lets the error pass to
worker.py or cli.py, which do.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from .errors import DiskError, UserError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
WRITING = FULL | {errno.EFBIG, errno.EROFS}  # only who writes is told so
FAILING = WRITING | {errno.EIO, errno.ENXIO, errno.ENODEV, getattr(errno, "ESTALE", errno.EIO)}
_WINDOWS = {19: errno.EROFS, 39: errno.ENOSPC, 112: errno.ENOSPC, 1295: errno.EDQUOT}
_WRAPPED = {os.strerror(number).lower(): number for number in WRITING}
_NUMBER = re.compile(r"\(os error (\d+)\)|\[Errno (\d+)\]")  # as Rust and Python say it in a text


def failure(
    error: BaseException, folder: Path | None = None, need: int | None = None, option: str | None = None
) -> DiskError | None:
    """What ``error`` says of the disk, in one line; None where it is of another kind.

    folder: where was written, None for the place that the error itself names. need: bytes that are needed
    there, where that is known. option: the one that chose the folder.
    """
    if isinstance(error, DiskError):
        return error
    found = _found(error)
    if found is None:
        return None
    number, path = found
    where = folder or (path if path is None or path.is_dir() else path.parent)
    fix = "free some space" if number in FULL else "mend that"
    if option is None:
        return DiskError(_said(number, where, need), fix)
    return DiskError(_said(number, where, need), f"{fix} or give another {{{option}}}", **{option: None})


def require(folder: Path, need: int, option: str | None = None) -> None:
    """Raise DiskError unless ``need`` bytes are free where ``folder`` is, or will be."""
    free = free_bytes(folder)
    if free is not None and free < need:
        error = failure(OSError(errno.ENOSPC, ""), folder, need, option)
        assert error is not None
        raise error


def free_bytes(folder: Path) -> int | None:
    """How many bytes are free where ``folder`` is, or will be; None where the system doesn't say. A quota
    may leave less."""
    for place in (folder, *folder.absolute().parents):
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            return None
    return None


def _found(error: BaseException) -> tuple[int, Path | None] | None:
    """The number of the disk's error that ``error`` is or comes from, and the file that it names."""
    for one in _chain(error):
        number = _number(one)
        # A file that can't be read is its own fault, which inputs.py has said: only who writes isn't heard.
        if number in (WRITING if isinstance(error, UserError) else FAILING):
            name = getattr(one, "filename", None)
            return number, Path(os.fsdecode(name)) if isinstance(name, str | bytes) else None
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what it comes from."""
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and not any(following is one for one in seen):
        seen.append(following)
        yield following
        following = following.__cause__ or following.__context__


def _number(error: BaseException) -> int:
    """As of errno; 0 for none. Some libraries keep nothing but the system's text."""
    if isinstance(error, UserError):
        return 0  # its text may quote anything
    if isinstance(error, OSError) and error.errno is not None:
        return _WINDOWS.get(getattr(error, "winerror", None) or 0, error.errno)
    text = str(error)
    if told := _NUMBER.search(text):
        return int(told[1] or told[2])
    return next((number for words, number in _WRAPPED.items() if words in text.lower()), 0)


def _said(number: int, where: Path | None, need: int | None) -> str:
    disk = f"the disk with {where}" if where else "a disk"
    if number == errno.ENOSPC:
        return f"{disk} is full{_room(where, need)}"
    if number == errno.EDQUOT:
        return f"{disk} has no room left for you (its quota is used up){_room(None, need)}"
    if number == errno.EFBIG:
        return f"{disk}, or a limit on the size of files (ulimit -f), takes no file as large as this one"
    reason = os.strerror(number)
    return f"{disk} can't be written ({reason})" if number == errno.EROFS else f"{disk} fails ({reason})"


def _room(where: Path | None, need: int | None) -> str:
    free = None if where is None else free_bytes(where)
    parts = [] if free is None else [f"{megabytes(free)} are free"]
    parts += [] if need is None else [f"about {megabytes(need)} are needed"]
    return f": {', '.join(parts)}" if parts else ""


def megabytes(size: float) -> str:
    """``size`` bytes in words."""
    return f"{size / 1e6:,.1f} MB"
