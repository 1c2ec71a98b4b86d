"""One batch a folder: a lock of the operating system's, which ends with the process, however that ends."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from ..errors import UserError

_FAR = 1 << 30  # Windows locks bytes, and nobody may read those that are: one beyond what is written


@contextlib.contextmanager
def held(path: Path, folder: Path, shared: bool = False) -> Iterator[None]:
    """Inside, no other process gets past here with the same ``path``, a file in the batch's ``folder``; those
    that share it let each other. Raises UserError when one is there already.

    The file stays behind: removing it would let two processes lock two files of one name.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            _lock(file, shared)
        except (BlockingIOError, PermissionError):
            who = path.read_text(encoding="utf-8", errors="replace").strip() or "another process"
            fix = "wait for its end, or give another {out}"
            raise UserError(f"another batch works in {folder}: {who}", fix, out=None) from None
        os.ftruncate(file, 0)
        os.write(file, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        yield
    finally:
        os.close(file)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int, shared: bool) -> None:
        if shared:  # it has no such locks
            return
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(file: int, shared: bool) -> None:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
