"""The private environments: `.venv` for the engine, `.venv-bpy-X.Y` for each Blender as a Python module.

An environment is made from locks in requirements/ and kept until a lock changes. A stamp file per lock
holds the hash of what was installed, and is written last: an interrupted installation has none.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from .run import ROOT, BuildError, capture, say

SUPPORTED = ((3, 11), (3, 12), (3, 13))
BPY_PYTHON = {"4.2": (3, 11), "4.5": (3, 11), "5.2": (3, 13)}  # a bpy release runs on one Python only

_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
_PRESENT = "import sys, importlib.metadata as m; [m.distribution(name) for name in sys.argv[1:]]"


def check_python() -> None:
    """Raise BuildError when this Python isn't one that the engine's packages exist for."""
    if sys.version_info[:2] in SUPPORTED:
        return
    names = ", ".join(".".join(map(str, v)) for v in SUPPORTED)
    found = [str(p) for v in SUPPORTED if (p := find_python(v))]
    hint = f"run {found[-1]} build.py" if found else "install one of these and run build.py with it"
    raise BuildError(f"Python {names} is needed, this is {sys.version.split()[0]}: {hint}")


def engine(*locks: str) -> Path:
    """The Python of `.venv` with the named locks installed ("engine", "dev"), made or mended as needed."""
    return ensure(ROOT / ".venv", Path(sys.executable), locks)


def bpy(version: str) -> Path | None:
    """The Python of the environment that has bpy ``version`` ("4.5"); None without a Python for it."""
    base = find_python(BPY_PYTHON[version])
    return ensure(ROOT / f".venv-bpy-{version}", base, [f"bpy-{version}"]) if base else None


def bpy_for_demo() -> Path | None:
    """A Python that has bpy: the newest for this very Python, else the newest for any that is found."""
    order = sorted(BPY_PYTHON, key=lambda v: (BPY_PYTHON[v] == sys.version_info[:2], v), reverse=True)
    return next((python for v in order if (python := bpy(v))), None)


def ensure(folder: Path, base: Path, locks: tuple[str, ...] | list[str]) -> Path:
    """The Python of the environment ``folder``, made with ``base`` and holding every lock in ``locks``."""
    python = python_of(folder)
    if not _starts(python, base):
        _make(folder, base)
    for lock in locks:
        if not _is_current(folder, lock) or not _has(python, _unconditional(lock)):
            _install(folder, lock)
    return python


def python_of(folder: Path) -> Path:
    """Where the environment ``folder`` keeps its Python."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find_python(version: tuple[int, int]) -> Path | None:
    """A Python of exactly this ``version`` that starts: this one, on PATH, of pyenv or of the py launcher."""
    if sys.version_info[:2] == version:
        return Path(sys.executable)
    name = ".".join(map(str, version))
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [Path(found)] if (found := shutil.which(f"python{name}")) else []
    candidates += sorted(pyenv.glob(f"{name}.*/bin/python"), reverse=True)
    if os.name == "nt" and (found := capture(["py", f"-{name}", "-c", "import sys; print(sys.executable)"])):
        candidates.append(Path(found))
    return next((c for c in candidates if _version(c) == name), None)  # a pyenv shim may be there and fail


def _version(python: Path) -> str | None:
    return capture([python, "-c", _VERSION])


def _starts(python: Path, base: Path) -> bool:
    """Does ``python`` start, is it of ``base``'s version, and does it have pip?"""
    return python.exists() and _version(python) == _version(base) and _has(python, ["pip"])


def _has(python: Path, packages: list[str]) -> bool:
    return capture([python, "-c", _PRESENT, *packages]) is not None


def _unconditional(lock: str) -> list[str]:
    """The packages that ``lock`` installs on every platform."""
    text = _lock_file(lock).read_text(encoding="utf-8")
    return re.findall(r"^([\w.-]+)==[^;\s]+$", text, re.MULTILINE)


def _make(folder: Path, base: Path) -> None:
    say(f"Making {folder.name} with Python {_version(base)}")
    if folder.exists():
        shutil.rmtree(folder)
    done = subprocess.run([base, "-m", "venv", folder], capture_output=True, text=True)
    if done.returncode:
        raise BuildError(
            f"Python can't make a virtual environment ({_last_line(done.stdout + done.stderr)}): "
            "install its venv module (on Debian and Ubuntu: apt install python3-venv)"
        )


def _install(folder: Path, lock: str) -> None:
    path = _lock_file(lock)
    say(f"Installing {path.relative_to(ROOT)} into {folder.name} (once; a large download)")
    start = time.perf_counter()
    command: list[str | Path] = [python_of(folder), "-m", "pip", "install", "--no-input"]
    command += ["--disable-pip-version-check"]
    command += ["--quiet", "--progress-bar", "on" if sys.stdout.isatty() else "off"]
    command += ["--requirement", path, "--constraint", _lock_file("cuda")]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        reason = lines[-1].removeprefix("ERROR: ") if lines else _last_line(done.stderr)
        raise BuildError(
            f"pip could not install {path.name} ({reason}): check the network connection and free "
            "disk space, then run the same command again"
        )
    _stamp(folder, lock).write_text(_hash(lock), encoding="utf-8")
    say(f"  done in {time.perf_counter() - start:.0f} s")


def _is_current(folder: Path, lock: str) -> bool:
    stamp = _stamp(folder, lock)
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _hash(lock)


def _stamp(folder: Path, lock: str) -> Path:
    return folder / f".installed-{lock}"


def _lock_file(lock: str) -> Path:
    return ROOT / "requirements" / f"{lock}.txt"


def _hash(lock: str) -> str:
    return hashlib.sha256(_lock_file(lock).read_bytes() + _lock_file("cuda").read_bytes()).hexdigest()


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1].strip()
