"""`build.py test`: ruff, mypy and pytest, with a Blender of every supported release that can be had."""

from __future__ import annotations

import os
from pathlib import Path

from . import blender, environments
from .run import ROOT, call, say

PACKAGE = "sync_texture"  # what the repository's root is called as a package, in Blender and for mypy
MOST_WORKERS = 4  # each may take 3 GB
STRICT = ("-p", f"{PACKAGE}.engine", "-p", f"{PACKAGE}.blender_sync_addon", "-p", "tools", "-m", "build")


def run(pytest_arguments: list[str]) -> int:
    """Run every check, the tests last; returns 0 when all passed, else the status of one that failed."""
    python = environments.engine("engine", "dev", "cluster")
    env = {"SYNC_TEXTURE_PYTHON": str(python), **_blenders()}
    failed = {name: status for name, status in _lint(python).items() if status}
    if failed:
        say(f"FAILED before the tests: {', '.join(failed)} (see above)")
    status = call([python, "-m", "pytest", *_side_by_side(pytest_arguments), *pytest_arguments], env)
    return status or next(iter(failed.values()), 0)


def _side_by_side(pytest_arguments: list[str]) -> list[str]:
    """What lets pytest run tests on all cores, by groups (tests/conftest.py); nothing where the caller says
    how, or looks at one test."""
    said = any(word.startswith(("-n", "--pdb", "--collect-only")) for word in pytest_arguments)
    workers = min(os.cpu_count() or 1, MOST_WORKERS)
    return [] if said or workers == 1 else ["-n", str(workers), "--dist", "loadscope"]


def _lint(python: Path) -> dict[str, int]:
    """The exit status of each static check."""
    say("ruff and mypy")
    return {
        "ruff check": call([python, "-m", "ruff", "check", "--quiet", "."]),
        "ruff format": call([python, "-m", "ruff", "format", "--quiet", "--check", "."]),
        "mypy": _mypy(python),
    }


def _mypy(python: Path) -> int:
    """Check the strict parts. Engine and add-on are checked as parts of the package ``sync_texture``, which
    the relative imports between them need, whatever the checkout's own folder is called."""
    cache = ROOT / ".mypy_cache"
    link = cache / "as_package" / PACKAGE
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT, target_is_directory=True)
    options: list[str | Path] = ["--config-file", ROOT / "pyproject.toml", "--cache-dir", cache]
    return call(
        [python, "-m", "mypy", "--no-error-summary", *options, *STRICT],
        {"MYPYPATH": str(ROOT)},
        cwd=link.parent,
    )


def _blenders() -> dict[str, str]:
    """BLENDER and SYNC_TEXTURE_BPY_PYTHONS for the tests; says which releases are left out and why."""
    found = blender.find()
    say(f"Blender with a window: {found}" if found else "Blender with a window: none (set BLENDER): left out")
    env = {"BLENDER": str(found)} if found else {}
    if "SYNC_TEXTURE_BPY_PYTHONS" in os.environ:  # the caller's own choice; empty means none
        return env
    pythons = []
    for version, needed in environments.BPY_PYTHON.items():
        if python := environments.bpy(version):
            pythons.append(str(python))
        else:
            say(f"bpy {version}: left out, since no Python {needed[0]}.{needed[1]} was found on this machine")
    return {**env, "SYNC_TEXTURE_BPY_PYTHONS": os.pathsep.join(pythons)}
