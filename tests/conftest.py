"""Shared by all tests.

In Blender the repository's root is the package of the extension (``bl_ext.user_default.sync_texture``), and
the add-on reaches the engine's protocol by a relative import. Here the root is importable as
``sync_texture`` in the same way, without its ``__init__.py``, which is for Blender:
``from sync_texture.blender_sync_addon.job import process`` works in any Python.
"""

from __future__ import annotations

import os
import signal
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


# A shell's background jobs begin with Ctrl-C ignored, and pass that on to the programs under test.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_extension = types.ModuleType("sync_texture")
_extension.__path__ = [str(ROOT)]
sys.modules.setdefault("sync_texture", _extension)


# What is held against diffusers is computed in 32 bits, by tests and by the engines that they start, so that
# verdicts are the same on any processor. 16 bits have tests of their own.
os.environ.setdefault("SYNC_TEXTURE_PRECISION", "full")

WINDOWS = {"gui", "test_installed_zip.py", "test_build.py"}
"""Parts of paths of tests that build the extension, or that look at what is on a screen: one at a time."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of tests that run side by side (pytest-xdist), those of one file stay together and in order, since they
    share what takes long to make. Scripts in Blender share nothing: each runs wherever there is room."""
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.split("::")[0]
            parts = {*path.split("/")}
            if "test_in_blender.py" in parts:
                return nodeid
            return "windows" if WINDOWS & parts else path

    return Together(config, log)


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """Commands called in this process heed signals in their own way; what ends pytest's workers isn't for
    them."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root folder."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def _settings_of_nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What programs remember of a user, linked models and the machine, is that of the tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNC_TEXTURE_LINKS", str(tmp_path_factory.mktemp("settings") / "models.json"))
        yield


@pytest.fixture(scope="session")
def engine_python() -> Path:
    """The Python that has the engine's packages."""
    return Path(os.environ.get("SYNC_TEXTURE_PYTHON") or sys.executable)


@pytest.fixture(scope="session")
def bpy_pythons() -> list[Path]:
    """Pythons that have bpy, one for each Blender release at hand; skips the test when there is none."""
    pythons = [Path(p) for p in os.environ.get("SYNC_TEXTURE_BPY_PYTHONS", "").split(os.pathsep) if p]
    if not pythons:
        pytest.skip("no Python with bpy: run the tests by `build.py test`, or set SYNC_TEXTURE_BPY_PYTHONS")
    return pythons


@pytest.fixture(scope="session")
def blender() -> Path:
    """The real Blender; skips the test when there is none."""
    if not (named := os.environ.get("BLENDER")):
        pytest.skip("no real Blender: set BLENDER to its executable")
    return Path(named)


@pytest.fixture(scope="session")
def example_meshes() -> Path:
    """A folder of well-known meshes (clutch_bag.obj, teapot.obj, ...); skips the test when there is none."""
    if not (named := os.environ.get("SYNC_TEXTURE_MESHES")):
        pytest.skip("no example meshes: set SYNC_TEXTURE_MESHES to a folder of them")
    return Path(named)
