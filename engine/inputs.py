"""Files that come in: the one way to open them, to bound what they take, and to follow what they name.

Nothing that comes in is trusted. What isn't a regular file is refused before it can block or flow for ever;
sizes are known before anything is read; a path that a file names stays inside that file's own folder.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .errors import OutOfMemory, UserError

PIECE = 1 << 24  # bytes between two looks at whether the job is cancelled
MOST_JSON = 1 << 24  # bytes; decoded it may take thirty times as many
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def _never() -> None:
    pass


def open_input(path: str | os.PathLike[str]) -> tuple[BufferedReader, int]:
    """The regular file ``path``, open for reading, and its size in bytes. Never blocks.

    Raises UserError when it isn't there, isn't a regular file or can't be opened.
    """
    name = os.fspath(path)
    try:
        _require_regular(name, os.stat(name).st_mode)
        number = os.open(name, os.O_RDONLY | _flags())
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise _unopened(name, error) from error
    file = os.fdopen(number, "rb")
    try:
        found = os.fstat(number)  # another file may have come in its place since the first look
        _require_regular(name, found.st_mode)
    except BaseException:
        file.close()
        raise
    return file, found.st_size


def read_input(
    path: str | os.PathLike[str],
    check: Callable[[], None] = _never,
    most: int | None = None,
    copies: float = 1.0,
) -> bytes:
    """All of the regular file ``path``; ``check`` is called between pieces and may raise.

    most: bytes that such a file can have at all. copies: how often what it holds is in memory while it is
    read. Raises UserError as :func:`open_input`, for an empty file and for one that is too large.
    """
    file, size = open_input(path)
    name = Path(path).name
    with file:
        if size == 0:
            raise UserError(f"'{name}' is empty (0 bytes)", "export it again, or check that it was copied")
        if most is not None and size > most:
            what = f"'{name}' has {size:,} bytes, and no file of its kind has more than {most:,}"
            raise UserError(what, "check that it is the file you mean")
        require_room(size * copies, f"'{name}'")
        pieces = []
        while size > 0:
            check()
            try:
                piece = file.read(min(PIECE, size))
            except OSError as error:
                raise _unopened(os.fspath(path), error) from error
            if not piece:
                raise UserError(f"'{name}' became shorter while it was read", "try again when it is complete")
            pieces.append(piece)
            size -= len(piece)
    return b"".join(pieces)


def read_json(path: str | os.PathLike[str], most: int = MOST_JSON, fix: str = "correct it") -> Any:
    """What the JSON file ``path`` holds, with or without a byte order mark. Raises UserError as
    :func:`read_input`, and for what isn't JSON: ``fix`` is how to mend that."""
    data = read_input(path, most=most)
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        why = "it nests too deeply" if isinstance(error, RecursionError) else str(error)
        raise UserError(f"{_shown(os.fspath(path))} isn't JSON: {why}", fix) from error


def require_room(
    need: float,
    what: str,
    fix: str = "use a smaller one, or a computer with more memory",
    **options: str | None,
) -> None:
    """Raise OutOfMemory unless ``need`` bytes for ``what`` fit into this computer's memory. fix, options: as
    in UserError."""
    there = physical_bytes()
    if there is not None and need > there:
        text = f"{what} takes about {need / 2**30:,.1f} GiB of memory, and this computer has"
        raise OutOfMemory(f"{text} {there / 2**30:.0f}", fix, **options)


def physical_bytes() -> int | None:
    """How much memory the computer has; None where it doesn't say."""
    if sys.platform == "win32":
        return _windows_bytes("physical")
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def available_bytes() -> int | None:
    """How much of it programs can have now without pushing others out; all of it where the computer doesn't
    say."""
    if sys.platform == "win32":
        return _windows_bytes("available")
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            (line,) = (line for line in file if line.startswith("MemAvailable:"))
        return int(line.split()[1]) << 10
    except (OSError, ValueError):  # no Linux
        return physical_bytes()


def _windows_bytes(what: str) -> int | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            ("physical", ctypes.c_ulonglong),
            ("available", ctypes.c_ulonglong),
            *((name, ctypes.c_ulonglong) for name in ("a", "b", "c", "d", "e")),
        ]

    status = Status(length=ctypes.sizeof(Status))
    windows = ctypes.windll  # type: ignore[attr-defined]
    return int(getattr(status, what)) if windows.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else None


def named_file(owner: Path, reference: str) -> Path:
    """The file that ``owner``, itself a file, names by ``reference``, a relative path as in a URI.

    Raises UserError unless it lies in the owner's own folder or below, links followed; it need not be there.
    """
    if why := _outside(reference):
        what = f"'{owner.name}' names the file {_shown(reference)}, which {why}"
        raise UserError(what, f"put that file beside '{owner.name}', and name it by its relative path")
    folder = owner.parent.resolve()
    try:
        found = (folder / unquote(reference)).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle
        what = f"'{owner.name}' names the file {_shown(reference)}, which leads nowhere"
        raise UserError(what, f"put that file beside '{owner.name}'") from error
    if not found.is_relative_to(folder):
        what = f"'{owner.name}' names the file {_shown(reference)}, a link out of its folder"
        raise UserError(what, f"put the file itself beside '{owner.name}'")
    return found


def _outside(reference: str) -> str | None:
    """Why ``reference`` can't be a path inside a folder, however often it is %-encoded; None where it can."""
    for _ in range(4):
        if not reference.strip():
            return "is no name"
        if _CONTROL.search(reference):
            return "has control characters in it"
        if "\\" in reference:
            return "has a backslash in it"
        if reference.startswith(("/", "~")):
            return "is an absolute path"
        if _SCHEME.match(reference) or ":" in reference:
            return "has a scheme or a drive"
        if ".." in reference.split("/"):
            return "leads out of its folder"
        reference, before = unquote(reference), reference
        if reference == before:
            return None
    return "is encoded over and over"


def _flags() -> int:
    """Of os.open: don't wait for a pipe's other end, don't become a terminal's process, no text."""
    names = ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")
    return sum(getattr(os, name, 0) for name in names)


def _require_regular(name: str, mode: int) -> None:
    for is_kind, kind in _KINDS:
        if is_kind(mode):
            raise UserError(f"{_shown(name)} is {kind}, not a file", "name a file")
    if not stat.S_ISREG(mode):
        raise UserError(f"{_shown(name)} is not a regular file", "name a file")


def _unopened(name: str, error: OSError | ValueError) -> UserError:
    if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
        return UserError(f"there is no file {_shown(name)}", "check the path's spelling")
    if isinstance(error, PermissionError):
        return UserError(f"{_shown(name)} may not be read", "check the file's permissions")
    return UserError(f"{_shown(name)} can't be read: {error.strerror}", "check the disk and the path")


def _shown(name: str) -> str:
    """``name`` in quotes for one line of a message."""
    text = _CONTROL.sub("?", name).encode("utf-8", "replace").decode("utf-8")
    return f"'{text}'" if len(text) <= 120 else f"'...{text[-117:]}'"
