"""A case in a process of its own, forked from one that has everything imported: with limits, and a witness of
all that it opens, starts and connects to."""

from __future__ import annotations

import errno
import os
import resource
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from tests.bench.fuzz import case as cases
from tests.bench.fuzz import odd, watch
from tests.bench.fuzz.case import Case, Ended, Kind, Outcome
from tests.bench.fuzz.watch import Limits, Watched

COMPUTER_MB = 2048
"""Memory that the computer seems to have: what is bounded by it is bounded alike on every machine."""

MOST_SAID = 2000
RAISED = 70  # the exit status of a case out of which an exception came
_SHARED_FILES = ("/dev/null", "/dev/tty", "/proc/", "/dev/shm/")
_NAMED = {path for path in odd.PATHS if path.startswith(("/dev/", "/proc/"))}
_NETWORK = {f"socket.{name}" for name in ("connect", "bind", "getaddrinfo", "gethostbyname", "sendto")}
_WRITING = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate"}


def run(kind: Kind, case: Case, limits: Limits) -> Outcome:
    """Run ``case`` in a child process, and look at what is left of it."""
    case.lay_out()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _child(kind, case, limits)
    return judged(case, watch.watch(pid, limits))


def _child(kind: Kind, case: Case, limits: Limits) -> None:
    """Never returns."""
    try:
        watch.end_with_parent()
        os.setsid()
        _redirect(case.root / "log")
        _settle(case, limits)
        made = kind.make(case)
        cases.save(case.root / "log" / "before.json", cases.snapshot(case.root))
        cases.save(case.root / "log" / "notes.json", case.notes)
        _witness(case)
        ended = kind.act(case, made)
        cases.save(case.root / "log" / "ended.json", ended.as_dict())
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(RAISED)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _redirect(log: Path) -> None:
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(log / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)


def _settle(case: Case, limits: Limits) -> None:
    """Folders of the case's own for all that programs keep, limits of the system, a small computer."""
    home, temporary = str(case.root / "home"), str(case.root / "tmp")
    os.environ.update(HOME=home, TMPDIR=temporary, HF_HOME=f"{home}/hf", XDG_CONFIG_HOME=f"{home}/config")
    os.environ.update(SYNC_TEXTURE_LINKS=f"{home}/models.json", HF_HUB_OFFLINE="1")
    tempfile.tempdir = temporary
    os.chdir(case.root / "cwd")
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    data = int(Path("/proc/self/statm").read_text().split()[5]) * watch.PAGE
    for what, most in (
        (resource.RLIMIT_DATA, data + int(1.25 * limits.mb) * 2**20),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 64 << 30),
    ):
        resource.setrlimit(what, (most, most))
    real, pages = os.sysconf, COMPUTER_MB * 2**20 // watch.PAGE
    os.sysconf = lambda name: pages if name == "SC_PHYS_PAGES" else real(name)  # type: ignore[assignment]


def _witness(case: Case) -> None:
    """From now on all that is opened where it shouldn't be, started or connected to is noted."""
    log = os.open(case.root / "log" / "reached", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    root, outside = str(case.root), str(case.outside.parent)

    def note(text: str) -> None:
        os.write(log, text.encode("utf-8", "backslashreplace")[:300].replace(b"\n", b" ") + b"\n")

    def refuse(text: str) -> None:
        note(text)
        raise PermissionError(errno.EACCES, "a case writes nothing outside of its folder")

    def inside(path: Any) -> bool:
        if not isinstance(path, str | bytes):
            return True
        path = os.path.abspath(os.fsdecode(path))
        return path.startswith((f"{root}/", *_SHARED_FILES))

    def look(event: str, values: tuple[Any, ...]) -> None:
        if case.unwatched:
            return
        if event == "open" and isinstance(values[0], str | bytes):
            path, mode, flags = values
            name = os.fsdecode(path)
            real = os.path.abspath(name) if name in case.given else os.path.realpath(name)
            if real.startswith(outside) or (case.names_files and name in _NAMED):
                note(f"opened {name}")
            writes = flags & (os.O_WRONLY | os.O_RDWR) if isinstance(flags, int) else set("wax+") & set(mode)
            if writes and not inside(name):
                refuse(f"wrote {name}")
        elif event in _WRITING and not all(map(inside, values)):
            refuse(f"{event} {values}")
        elif event in _NETWORK:
            note(f"{event} {values[1:]}")
        elif event == "subprocess.Popen" and not Path(str(values[0])).name.startswith("python"):
            note(f"started {values[0]}")
        elif event == "pickle.find_class":
            note(f"unpickled {values}")

    sys.addaudithook(look)


def judged(case: Case, watched: Watched) -> Outcome:
    """What became of ``case``, by what it said, left and reached, and how its process ended."""
    log = case.root / "log"
    said = cases.load(log / "ended.json")
    ended = Ended(**said) if said else Ended("", _tail(log / "stderr"))
    problems = [*ended.problems, *_of_process(watched, bool(said))]
    texts = [ended.said, *_of_files(case, problems), *_of_reached(log, problems)]
    if watched.left:
        texts.append(f"left: {'; '.join(watched.left)}")
    return Outcome(
        kind=case.kind,
        seed=case.seed,
        ending=ended.ending,
        problems=list(dict.fromkeys(problems)),
        own_s=round(watched.own_s, 2),
        wall_s=round(watched.wall_s, 2),
        mb=round(watched.mb, 1),
        notes=cases.load(log / "notes.json") or [],
        said=" | ".join(filter(None, texts))[:MOST_SAID],
    )


def _of_process(watched: Watched, ended: bool) -> list[str]:
    found = [cases.LEFT_PROCESSES] if watched.left else []
    if watched.killed_for:
        return [*found, cases.HUNG if watched.killed_for == "time" else cases.MEMORY]
    if ended and watched.status in (None, 0):
        return found
    return [*found, cases.TRACEBACK if watched.status in (None, RAISED) else cases.CRASHED]


def _of_files(case: Case, problems: list[str]) -> list[str]:
    """What lies about that wasn't there before, and what isn't as it was, in words."""
    before = cases.load(case.root / "log" / "before.json")
    if before is None:
        return ["the inputs could not be made"]
    new, changed = cases.changes(before, cases.snapshot(case.root))
    problems += [cases.LEFT_FILES] * bool(new) + [cases.CHANGED] * bool(changed)
    return [
        f"{what}: {', '.join(names[:5])}" for what, names in (("new", new), ("changed", changed)) if names
    ]


def _of_reached(log: Path, problems: list[str]) -> list[str]:
    found = (log / "reached").read_text("utf-8").splitlines() if (log / "reached").exists() else []
    problems += [cases.REACHED] * bool(found)
    return list(dict.fromkeys(found))[:5]


def _tail(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")[-MOST_SAID:]
    except OSError:
        return ""
