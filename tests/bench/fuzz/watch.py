"""A process and all that it starts, watched from outside: time of its own, memory, and what it leaves behind.

Linux only: reads /proc, and takes in orphans.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
SAMPLES_S = (0.02, 0.2)  # between two looks, the longer the case takes
SUBREAPER, DEATH_SIGNAL = 36, 1  # of prctl
LEFT_S = 3.0  # in which what a case has started has to be gone


@dataclass(frozen=True)
class Limits:
    """own_s: seconds that it may compute, or wait without need of a processor. wall_s: by the clock, on a
    machine however busy. mb: memory of all its processes together, above what there was before."""

    own_s: float = 10.0
    wall_s: float = 180.0
    mb: float = 3072.0


@dataclass
class Watched:
    """status: as of os.waitstatus_to_exitcode, None where it lives. killed_for: "time" or "memory", "" where
    it came to its end by itself. busy_s, idle_s: in which it computed, and in which it waited for something
    else than a processor. left: the command lines of processes that were still there afterwards."""

    status: int | None
    busy_s: float
    idle_s: float
    wall_s: float
    mb: float
    killed_for: str
    left: list[str]

    @property
    def own_s(self) -> float:
        """What it takes on a machine that does nothing else."""
        return self.busy_s + self.idle_s


class Meter:
    """Measures what the process ``pid`` and those below it take from now on."""

    def __init__(self, pid: int, limits: Limits, base_mb: float) -> None:
        """base_mb: memory that isn't counted: each process that is a fork of this one has it, too."""
        self._pid, self._limits, self._base = pid, limits, base_mb
        self._start = self._last = time.monotonic()
        self._before = self._seen = sum(map(_seconds, tree(pid)))
        self.busy = self.idle = self.peak = 0.0

    def sample(self) -> str:
        """Look; "time" or "memory" where a limit is passed, else ""."""
        pids = tree(self._pid)
        now, spent = time.monotonic(), sum(map(_seconds, pids))
        if spent <= self._seen and not any(map(_wants_processor, pids)):
            self.idle += now - self._last
        self._seen, self._last = max(self._seen, spent), now
        self.busy = max(self.busy, self._seen - self._before)
        self.peak = max(self.peak, self._memory(pids))
        if self.peak > self._limits.mb:
            return "memory"
        late = max(self.busy, self.idle) > self._limits.own_s or now - self._start > self._limits.wall_s
        return "time" if late else ""

    @property
    def pause_s(self) -> float:
        """Until the next look: looking takes time, too."""
        shortest, longest = SAMPLES_S
        return min(longest, max(shortest, (self._last - self._start) / 20))

    def _memory(self, pids: Iterable[int]) -> float:
        return sum(max(0.0, resident(one) - (self._base if self._shares(one) else 0)) for one in pids)

    def _shares(self, pid: int) -> bool:
        return pid == self._pid or command(pid) == command(os.getpid())

    def found(self, status: int | None, killed_for: str, left: list[str]) -> Watched:
        wall = time.monotonic() - self._start
        return Watched(status, self.busy, self.idle, wall, self.peak, killed_for, left)


def adopt_orphans() -> None:
    """From now on processes whose parents end become children of this one."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def end_with_parent() -> None:
    """The calling process is killed when its parent ends."""
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def watch(pid: int, limits: Limits) -> Watched:
    """Watch the child ``pid``, a fork of this process, to its end, or to that of its limits; whatever it
    started ends with it."""
    base, whole = resident(os.getpid()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    meter = Meter(pid, limits, base)
    while True:
        ended, code, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            meter.busy = max(meter.busy, usage.ru_utime + usage.ru_stime)
            meter.peak = max(meter.peak, usage.ru_maxrss / 1024 - whole)
            return meter.found(os.waitstatus_to_exitcode(code), "", end_all(os.getpid(), reap=True))
        if why := meter.sample():
            kill(tree(pid))
            os.waitpid(pid, 0)
            end_all(os.getpid(), reap=True)
            return meter.found(None, why, [])
        time.sleep(meter.pause_s)


def end_all(pid: int, reap: bool = False) -> list[str]:
    """Wait until nothing is left below ``pid``, and kill what isn't gone in time; the command lines of that.
    reap: ``pid`` is this process, whose ended children nobody else waits for."""
    deadline = time.monotonic() + LEFT_S
    while True:
        if reap:
            _reap()
        found = [one for one in tree(pid) if one != pid]
        if not found:
            return []
        if time.monotonic() > deadline:
            names = [command(one) for one in found]
            kill(found)
            return names
        time.sleep(0.05)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def command(pid: int) -> str:
    """The command line of a process."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(300).replace(b"\0", b" ").decode("ascii", "replace").strip()
    except OSError:
        return ""


def tree(pid: int) -> list[int]:
    """``pid`` and all below it that live."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdecimal() and (entry := _stat(int(name))) and entry[0] != "Z":
            parents[int(name)] = int(entry[1])
    found, new = [], [pid]
    while new:
        found += new
        new = [child for child, parent in parents.items() if parent in new]
    return found


def _stat(pid: int, task: str = "") -> list[str]:
    """The fields of /proc/PID/stat from the state on; [] when it is gone."""
    try:
        with open(f"/proc/{pid}{task}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def _seconds(pid: int) -> float:
    """Of processor, its ended children's included."""
    entry = _stat(pid)
    return sum(map(int, entry[11:15])) / TICKS if entry else 0.0


def _wants_processor(pid: int) -> bool:
    """Whether one of its threads runs, could run, or waits for a disk."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return False
    return any((_stat(pid, f"/task/{task}") or "S")[0] in "RD" for task in tasks)


def resident(pid: int) -> float:
    """MiB of memory, without what is mapped from files."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            _, resident, shared, *_ = map(int, file.read().split())
            return (resident - shared) * PAGE / 2**20
    except (OSError, IndexError):
        return 0.0


def kill(pids: Iterable[int]) -> None:
    """At once."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


Until = Callable[[float], bool]


def watch_until(pid: int, limits: Limits, until: Until, poll: Callable[[], int | None]) -> Watched:
    """Watch ``pid``, which lives on, until ``until(seconds)``, which may wait so long, says that what it does
    is done. poll: its exit status once it has ended. Past its limits it is killed; what it started in any
    case."""
    meter = Meter(pid, limits, resident(pid))
    while not until(meter.pause_s):
        if (status := poll()) is not None:
            return meter.found(status, "", [])
        if why := meter.sample():
            kill(tree(pid))
            return meter.found(poll(), why, [])
    meter.sample()
    return meter.found(None, "", end_all(pid))
