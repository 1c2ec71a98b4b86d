"""build.py: environments from locks, wheels by hash, the zip, and one clear line when something is wrong."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from demo import knot
from engine import protocol
from tools import blender, environments, package
from tools import tests as checks
from tools.run import BuildError

PURE = "py3-none-any"
ELSEWHERE = "cp313-cp313-win_arm64"  # no machine that runs these tests installs such a wheel


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, and from nowhere else."""
    folder = tmp_path / "links"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


# Environments


def test_an_environment_is_made_kept_mended_and_updated(
    tmp_path: Path, links: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    wheel(links, "1.0", PURE)
    wheel(links, "2.0", PURE)
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    lock(tmp_path, "tiny==1.0")
    folder = tmp_path / ".venv"

    def ensured() -> str:
        environments.ensure(folder, Path(sys.executable), ["tiny"])
        return capfd.readouterr().out

    assert "Making" in ensured()
    assert version_in(folder) == "1.0"
    assert ensured() == "", "nothing changed, so nothing is to be done"

    lock(tmp_path, "tiny==2.0")
    assert "Making" not in ensured()
    assert version_in(folder) == "2.0"

    for left in folder.glob("lib*/**/tiny*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    assert "Installing" in ensured(), "a package is gone"
    assert version_in(folder) == "2.0"

    lock(tmp_path, "tiny==3.0")
    with pytest.raises(BuildError, match=r"pip could not install tiny.txt .*tiny==3.0"):
        ensured()
    lock(tmp_path, "tiny==2.0")
    ensured()
    assert version_in(folder) == "2.0"


def test_an_environment_that_does_not_start_is_known(tmp_path: Path) -> None:
    broken = environments.python_of(tmp_path)
    broken.parent.mkdir()
    broken.write_text("#!/nowhere/python\n", encoding="utf-8")
    broken.chmod(0o755)
    assert not environments._starts(broken, Path(sys.executable))
    assert not environments._starts(tmp_path / "missing", Path(sys.executable))


def test_a_pyenv_shim_that_fails_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "bin/python3.99"
    real = tmp_path / "versions/3.99.1/bin/python"
    for path, script in ((shim, "exit 127"), (real, "echo 3.99")):
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(shim.parent), prepend=os.pathsep)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert environments.find_python((3, 99)) == real
    real.unlink()
    assert environments.find_python((3, 99)) is None


def test_every_lock_is_exact(root: Path) -> None:
    for path in (root / "requirements").glob("*.txt"):
        lines = path.read_text(encoding="utf-8").splitlines()
        loose = [line for line in lines if not re.match(r"#|[\w.-]+==[\w.]+( ; .+)?$", line)]
        assert loose == [], path.name


def test_every_bpy_has_a_lock(root: Path) -> None:
    locks = {p.stem.removeprefix("bpy-") for p in (root / "requirements").glob("bpy-*.txt")}
    assert locks == set(environments.BPY_PYTHON)


# One clear line


@pytest.mark.parametrize("version", [(3, 10, 1), (3, 14, 0)])
def test_another_python_is_refused(version: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(BuildError, match=r"Python 3.11, 3.12, 3.13 is needed"):
        environments.check_python()


def test_an_older_python_can_say_that_it_is_too_old(root: Path) -> None:
    python = next((p for minor in (8, 9, 10) if (p := environments.find_python((3, minor)))), None)
    if not python:
        pytest.skip("no Python 3.8, 3.9 or 3.10 on this machine")
    assert_one_line(build(root, "zip", python=python), "Python 3.11, 3.12, 3.13 is needed")


def test_what_does_not_exist_is_named(root: Path) -> None:
    assert_one_line(build(root, "validate", "nothing.zip"), "no such file")
    assert_one_line(build(root, "bench", "nothing"), "no benchmark is called nothing")
    assert_one_line(
        build(root, "zip", BLENDER="/nowhere/blender"), "BLENDER=/nowhere/blender is not a program"
    )


def test_an_unknown_option_is_refused(root: Path) -> None:
    done = build(root, "zip", "--nothing")
    assert done.returncode == 2
    assert "unrecognised: --nothing" in done.stderr


# Tests


@pytest.mark.parametrize(("lint", "pytest_status", "expected"), [(0, 0, 0), (1, 0, 1), (0, 3, 3), (1, 3, 3)])
def test_any_failure_fails_the_run(
    lint: int, pytest_status: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[object]] = []

    def call(command: list[object], *_: object, **__: object) -> int:
        commands.append(command)
        return pytest_status

    monkeypatch.setattr(environments, "engine", lambda *locks: Path("python"))
    monkeypatch.setattr(checks, "_blenders", lambda: {})
    monkeypatch.setattr(checks, "_lint", lambda python: {"ruff check": 0, "mypy": lint})
    monkeypatch.setattr(checks, "call", call)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert checks.run(["-k", "name"]) == expected
    assert commands == [[Path("python"), "-m", "pytest", "-k", "name"]]


@pytest.mark.parametrize(
    ("cores", "asked", "first"),
    [(2, [], ["-n", "2"]), (64, ["-q"], ["-n", "4"]), (2, ["-n", "1"], []), (2, ["--collect-only"], [])],
)
def test_all_cores_test_unless_told_otherwise(
    cores: int, asked: list[str], first: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert checks._side_by_side(asked)[:2] == first


# Wheels


@pytest.mark.parametrize("tags", [PURE, ELSEWHERE])
def test_a_locked_wheel_is_fetched_once(tmp_path: Path, links: Path, tags: str) -> None:
    wanted = wheel(links, "1.0", tags)
    folder = tmp_path / "wheels"
    package.fetch_wheels([wanted], folder)
    assert hashlib.sha256((folder / wanted.file).read_bytes()).hexdigest() == wanted.sha256
    (links / wanted.file).unlink()
    package.fetch_wheels([wanted], folder)  # nothing left to fetch from: would fail if it tried

    (folder / wanted.file).write_bytes(b"not what was locked")
    with pytest.raises(BuildError, match="could not be fetched"):
        package.fetch_wheels([wanted], folder)


def test_a_wheel_that_needs_some_python_3_is_fetched(
    tmp_path: Path, links: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As package indexes offer it: pip takes "3" for 3.0."""
    wanted = wheel(links, "1.0", PURE)
    page = tmp_path / "page.html"
    page.write_text(
        f'<a href="{(links / wanted.file).as_uri()}" data-requires-python="&gt;=3.8">{wanted.file}</a>'
    )
    monkeypatch.setenv("PIP_FIND_LINKS", page.as_uri())
    package.fetch_wheels([wanted], tmp_path / "wheels")
    assert (tmp_path / "wheels" / wanted.file).is_file()


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path, links: Path) -> None:
    wanted = wheel(links, "1.0", PURE)
    with (links / wanted.file).open("ab") as file:
        file.write(b"tampered with")
    with pytest.raises(BuildError, match="could not be fetched with the hash"):
        package.fetch_wheels([wanted], tmp_path / "wheels")
    assert not (tmp_path / "wheels" / wanted.file).exists()


def test_the_manifest_must_list_the_locked_wheels(tmp_path: Path) -> None:
    entry = 'name = "tiny"\nversion = "1.0"\nfile = "tiny-1.0-py3-none-any.whl"\nsha256 = "00"\n'
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/wheels.lock").write_text(f"[[wheel]]\n{entry}", encoding="utf-8")
    manifest = tmp_path / "blender_manifest.toml"
    manifest.write_text('wheels = ["./wheels/tiny-1.0-py3-none-any.whl"]\n', encoding="utf-8")
    assert [w.name for w in package.locked_wheels(tmp_path)] == ["tiny"]
    manifest.write_text("", encoding="utf-8")
    with pytest.raises(BuildError, match="don't list the same wheels"):
        package.locked_wheels(tmp_path)


# The zip


def test_versions_agree(root: Path) -> None:
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert package.manifest(root)["version"] == protocol.VERSION
    assert f'version = "{protocol.VERSION}"' in project
    assert f"## {protocol.VERSION}" in (root / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_zip_holds_the_extension_and_nothing_else(
    root: Path, bpy_pythons: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = [bpy_pythons[-1], blender._tool_of_bpy(bpy_pythons[-1])]
    monkeypatch.setattr(blender, "extension_tool", lambda: tool)
    monkeypatch.setattr(package, "zip_path", lambda: tmp_path / "extension.zip")
    path = package.build()
    package.validate(path)
    with zipfile.ZipFile(path) as content:
        names = content.namelist()
    needed = {"blender_manifest.toml", "__init__.py", "LICENSE", "engine/__main__.py", "engine/protocol.py"}
    assert needed <= set(names)
    tops = {name.split("/")[0] for name in names}
    kept = {"blender_sync_addon", "engine", "requirements", "wheels"}
    kept |= {"README.md", "CHANGELOG.md", "SECURITY.md"}
    assert tops <= kept | needed, "something that no artist needs is in the zip"
    assert not [name for name in names if "__pycache__" in name]


# The demo's mesh


def test_the_knot_is_closed_and_the_right_way_out(tmp_path: Path) -> None:
    import trimesh

    knot.write(tmp_path / "knot.obj", around=96, across=12)
    mesh = trimesh.load(tmp_path / "knot.obj", force="mesh")
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0
    assert mesh.euler_number == 0, "a tube closed to a ring"


# Helpers


def build(
    root: Path, *arguments: str, python: Path | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    command = [python or sys.executable, root / "build.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env}, timeout=60)


def assert_one_line(done: subprocess.CompletedProcess[str], part: str) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(rf"build\.py: .*{re.escape(part)}.*\n", done.stderr), done.stderr


def wheel(folder: Path, version: str, tags: str) -> package.Wheel:
    """Write the wheel of a package "tiny" into ``folder``."""
    path = folder / f"tiny-{version}-{tags}.whl"
    info = f"tiny-{version}.dist-info"
    files = {
        "tiny.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tags}\n",
        f"{info}/RECORD": f"tiny.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
    }
    with zipfile.ZipFile(path, "w") as content:
        for name, text in files.items():
            content.writestr(name, text)
    return package.Wheel("tiny", version, path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def lock(root: Path, text: str) -> None:
    (root / "requirements").mkdir(exist_ok=True)
    (root / "requirements/tiny.txt").write_text(text + "\n", encoding="utf-8")
    (root / "requirements/cuda.txt").write_text("", encoding="utf-8")


def version_in(folder: Path) -> str:
    command = [environments.python_of(folder), "-c", "import tiny; print(tiny.VERSION)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
