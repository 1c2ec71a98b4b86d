"""Where the engine's private environment lies, and what state it is in. No bpy.

Everything is in one folder of the extension's own, which Blender keeps when the extension is upgraded and
deletes when it is removed:

    environment/        a virtual environment; STAMP in it is written last
    environment.part/   one that is being made; renamed to the above when it has been tried
    trash-*/            one that is being deleted
    packages/           what was downloaded; linked into the environment, so that it takes no room of its own
    python/             a Python of its own, where Blender's can't be used
    uv                  the program that makes it all
    setup.log           what happened the last time
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .. import package
from ..problem import Problem

STAMP = "sync_texture.json"
_TRIES = 20  # to rename on Windows, where a virus scanner may hold a new file open for a while


@dataclass(frozen=True)
class EngineFolder:
    """The folder described above. locks: requirements/setup of this version of the extension."""

    root: Path
    locks: Path

    @property
    def environment(self) -> Path:
        return self.root / "environment"

    @property
    def part(self) -> Path:
        return self.root / "environment.part"

    @property
    def packages(self) -> Path:
        return self.root / "packages"

    @property
    def log(self) -> Path:
        return self.root / "setup.log"

    def python(self, environment: Path | None = None) -> Path:
        """The Python of the (or another) environment; it needn't exist."""
        return (environment or self.environment) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def lock_files(self, build: str) -> list[Path]:
        """The locks that ``build`` is installed from."""
        return [self.locks / "engine.txt", self.locks / f"torch-{build}.txt"]

    def fingerprint(self, build: str) -> str:
        """A hash of what ``build`` consists of in this version of the extension."""
        return hashlib.sha256(b"".join(path.read_bytes() for path in self.lock_files(build))).hexdigest()


def own() -> EngineFolder:
    """This Blender's own."""
    return EngineFolder(package.user_folder(), package.LOCKS)


@dataclass(frozen=True)
class Stamp:
    """What an environment is. build: a Build's lock. fingerprint: of its locks. python, torch: versions."""

    build: str
    fingerprint: str
    python: str
    torch: str


def write_stamp(environment: Path, stamp: Stamp) -> None:
    """Declare ``environment`` whole. Raises OSError."""
    (environment / STAMP).write_text(json.dumps(vars(stamp)), encoding="utf-8")


def read_stamp(folder: EngineFolder) -> Stamp | None:
    """What the environment is; None when there is none, or none that was finished."""
    try:
        return Stamp(**json.loads((folder.environment / STAMP).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def state(folder: EngineFolder) -> tuple[str, Stamp | None]:
    """("none" | "broken" | "outdated" | "ready", what it is)."""
    stamp = read_stamp(folder)
    if stamp is None:
        return ("broken" if folder.environment.exists() else "none"), None
    if not folder.python().exists():
        return "broken", stamp
    try:
        current = folder.fingerprint(stamp.build) == stamp.fingerprint
    except OSError:
        current = False
    return ("ready" if current else "outdated"), stamp


def in_use(folder: EngineFolder) -> Path | None:
    """The Python of a finished environment; None without. Two looks at the disk: cheap enough for a panel."""
    python = folder.python()
    return python if (folder.environment / STAMP).is_file() and python.exists() else None


@contextlib.contextmanager
def locked(folder: EngineFolder) -> Iterator[None]:
    """Keep a second Blender from setting up in the same folder. Raises Problem when one does just now."""
    folder.root.mkdir(parents=True, exist_ok=True)
    with (folder.root / "setup.lock").open("a+b") as stream:
        if not _lock(stream):
            raise Problem("Another Blender is setting up the engine just now", "Wait for it.")
        yield


def _lock(stream: IO[bytes]) -> bool:
    """Take a lock that the system gives back when this process ends, however it ends."""
    try:
        if os.name == "nt":
            import msvcrt

            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def check_room(folder: EngineFolder, megabytes: int) -> None:
    """Raise Problem unless the disk has room for ``megabytes`` more than what is there already."""
    there = size(folder.packages) // 10**6
    needed = max(300, megabytes - there)
    free = shutil.disk_usage(folder.root).free // 10**6
    if free < needed:
        what = f"The disk is too full: {needed / 1000:.1f} GB are needed, {free / 1000:.1f} GB are free"
        raise Problem(what, f"Make room on the disk of {folder.root}.")


def size(folder: Path, check: Callable[[], None] = lambda: None) -> int:
    """The bytes of all files below ``folder``; 0 when it isn't there. check: called often; may raise."""
    total = 0
    folders = [str(folder)]
    while folders:
        check()
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:  # things vanish meanwhile
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def put_in_place(folder: EngineFolder, pause: float = 0.25) -> None:
    """Make the part the environment; the old one goes. Raises OSError."""
    discard(folder.environment)
    for attempt in range(_TRIES):
        try:
            folder.part.rename(folder.environment)
            return
        except OSError:
            if attempt == _TRIES - 1:
                raise
            time.sleep(pause)


def discard(folder: Path) -> None:
    """Have ``folder`` gone at once, by another name, for ``empty_trash`` to delete. Raises OSError."""
    if folder.exists():
        folder.rename(Path(tempfile.mkdtemp(prefix="trash-", dir=folder.parent)) / "it")


def empty_trash(folder: EngineFolder) -> None:
    """Delete what was discarded: thousands of files, seconds."""
    for trash in folder.root.glob("trash-*"):
        shutil.rmtree(trash, ignore_errors=True)


def clear_leftovers(folder: EngineFolder) -> None:
    """Delete what a killed set-up left, but for what it had downloaded; returns before all of it is gone."""
    discard(folder.part)
    threading.Thread(target=empty_trash, args=(folder,), daemon=True).start()


def remove(folder: EngineFolder) -> None:
    """Delete the environment and everything that belongs to it, but the log. Raises Problem."""
    with locked(folder):
        try:
            for part in (folder.environment, folder.part, folder.packages, folder.root / "python"):
                discard(part)
            for path in folder.root.glob("uv-*"):
                path.unlink()
            empty_trash(folder)
        except OSError as error:
            fix = "End whatever uses it (a texture being made, another Blender), and remove again."
            raise Problem(f"The engine's environment can't be deleted: {error}", fix) from error
