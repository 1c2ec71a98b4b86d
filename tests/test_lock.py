"""requirements/setup: the locks by which Preferences set up the engine say what engine.txt says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import lock

PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)


def pins(path: Path) -> dict[str, str]:
    return dict(PIN.findall(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("build", ["linux-cpu", "linux-cuda", "windows-cpu", "windows-cuda", "macos"])
def test_a_build_is_what_the_engine_was_tested_with(root: Path, build: str) -> None:
    folder = root / "requirements/setup"
    found = {**pins(folder / "engine.txt"), **pins(folder / f"torch-{build}.txt")}
    plain = {name: version.partition("+")[0] for name, version in found.items()}
    wanted = pins(root / "requirements/engine.txt")
    cuda = pins(root / "requirements/cuda.txt") if build == "linux-cuda" else {}
    assert plain == wanted | cuda, "engine.txt changed: run `python3 -m tools.lock`"


def test_every_package_has_a_hash(root: Path) -> None:
    for path in (root / "requirements/setup").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        for block in re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]:
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), (path.name, block)
            assert "@" not in block, "from an index, not from an address"


def test_torch_from_its_own_index_is_pinned_for_each_python(root: Path) -> None:
    for name, hashes in (("linux-cpu", lock.LINUX_CPU), ("windows-cuda", lock.WINDOWS_CUDA)):
        text = (root / f"requirements/setup/torch-{name}.txt").read_text(encoding="utf-8")
        assert all(digest in text for digest in hashes.values())
