"""The extension's zip: its wheels fetched and checked, then built and validated by Blender's own tool."""

from __future__ import annotations

import hashlib
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import blender
from .run import ROOT, BuildError, call, say


@dataclass(frozen=True)
class Wheel:
    """One entry of wheels/wheels.lock; the platform tags are those in the file's name."""

    name: str
    version: str
    file: str
    sha256: str


def manifest(root: Path = ROOT) -> dict[str, Any]:
    """The contents of blender_manifest.toml."""
    return _toml(root / "blender_manifest.toml")


def zip_path() -> Path:
    """Where the zip of this version goes."""
    return ROOT / "dist" / f"sync_texture-{manifest()['version']}.zip"


def build() -> Path:
    """Fetch the wheels, build the zip and return its path."""
    tool = blender.extension_tool()
    fetch_wheels(locked_wheels(ROOT), ROOT / "wheels")
    path = zip_path()
    path.parent.mkdir(exist_ok=True)
    _extension(tool, "build", "--source-dir", str(ROOT), "--output-filepath", str(path))
    say(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    return path


def validate(path: Path) -> None:
    """Have Blender's tool check the zip at ``path``; raises BuildError when it finds fault."""
    _extension(blender.extension_tool(), "validate", str(path))


def locked_wheels(root: Path) -> list[Wheel]:
    """The wheels of wheels/wheels.lock; raises BuildError unless the manifest lists exactly these."""
    try:
        wheels = [Wheel(**entry) for entry in _toml(root / "wheels/wheels.lock").get("wheel", [])]
    except TypeError as error:
        raise BuildError(f"wheels/wheels.lock: {error}: see wheels/README.md for the format") from error
    listed = {Path(name).name for name in manifest(root).get("wheels", [])}
    if odd := sorted(listed ^ {wheel.file for wheel in wheels}):
        raise BuildError(
            f"blender_manifest.toml and wheels/wheels.lock don't list the same wheels ({', '.join(odd)}): "
            "mend the one that is wrong"
        )
    return wheels


def fetch_wheels(wheels: list[Wheel], folder: Path) -> None:
    """Put every wheel into ``folder``; one that is there with the right hash stays as it is."""
    for wheel in wheels:
        target = folder / wheel.file
        if not target.is_file() or _sha256(target) != wheel.sha256:
            _download(wheel, folder)


def _download(wheel: Wheel, folder: Path) -> None:
    """Have pip download exactly this file. pip checks the hash, and so do we."""
    match = re.fullmatch(r"[^-]+-[^-]+(?:-\d[^-]*)?-([^-]+)-([^-]+)-([^-]+)\.whl", wheel.file)
    if not match:
        raise BuildError(f"wheels/wheels.lock: {wheel.file} is not a wheel's file name")
    python, abi, platforms = match.groups()
    folder.mkdir(parents=True, exist_ok=True)
    say(f"Fetching {wheel.file}")
    with tempfile.TemporaryDirectory() as temporary:
        lock = Path(temporary, "wheel.txt")
        lock.write_text(f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", temporary]
        command += ["--implementation", python[:2], "--python-version", _version(python.split(".")[0][2:])]
        command += [f"--abi={tag}" for tag in abi.split(".")]
        command += [f"--platform={tag}" for tag in platforms.split(".")]
        status = call([*command, "--requirement", lock])
        fetched = Path(temporary, wheel.file)
        if status or not fetched.is_file() or _sha256(fetched) != wheel.sha256:
            raise BuildError(
                f"{wheel.file} could not be fetched with the hash in wheels/wheels.lock: check the network "
                "connection; if pip complained about the hash, do not use the file"
            )
        (folder / wheel.file).write_bytes(fetched.read_bytes())


def _version(digits: str) -> str:
    """A Python release for a wheel's tag: "311" as it is, "3" in full, since pip takes it for 3.0, which
    hardly any package still allows."""
    return digits if len(digits) > 1 else f"{digits}.{sys.version_info.minor}"


def _extension(tool: list[str | Path], *arguments: str) -> None:
    if status := call([*tool, *arguments]):
        raise BuildError(f"Blender's extension tool ended with status {status}: its message is above")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _toml(path: Path) -> dict[str, Any]:
    import tomllib  # new in Python 3.11; an older Python must get as far as saying that it is too old

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BuildError(f"{path.name} is missing: restore it from the repository") from error
    except tomllib.TOMLDecodeError as error:
        raise BuildError(f"{path.name} is not valid TOML: {error}") from error
