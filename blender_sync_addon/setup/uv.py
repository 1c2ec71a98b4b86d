"""uv, the program that makes the environment: out of its wheel, its command lines, what it says. No bpy."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from ...engine.client.child import without_python_settings
from ..problem import Problem
from .builds import NEWEST, Build
from .engine_folder import EngineFolder

_WHEELS = {"win32": "uv-*win_amd64.whl", "darwin": "uv-*macosx*arm64.whl"}
_LINUX = "uv-*manylinux*x86_64.whl"
# What a person may have set about where packages come from; the rest of uv's settings is ours to make.
_KEPT = re.compile(
    r"UV_(DEFAULT_INDEX|INDEX.*|EXTRA_INDEX_URL|FIND_LINKS|KEYRING_PROVIDER|NATIVE_TLS|SYSTEM_CERTS"
    r"|INSECURE_HOST|HTTP_.*|OFFLINE|CONCURRENT_.*|PYTHON_INSTALL_MIRROR|PYTHON_DOWNLOADS)"
)
_FROM_PIP = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
}
_DROPPED = ("VIRTUAL_ENV", "CONDA_PREFIX")
_PLACES = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")


def unpack(wheels: Path, folder: Path, system: str = sys.platform) -> Path:
    """uv out of its wheel in ``wheels``, into ``folder`` unless it is there; its path. Raises Problem."""
    found = sorted(wheels.glob(_WHEELS.get(system, _LINUX)))
    if not found:
        raise Problem("The extension lacks uv, which sets up the engine", "Install the extension again.")
    path = folder / f"{'-'.join(found[-1].name.split('-')[:2])}{'.exe' if system == 'win32' else ''}"
    if path.is_file():
        return path
    try:
        with zipfile.ZipFile(found[-1]) as archive:
            name = next(n for n in archive.namelist() if re.search(r"\.data/scripts/uv(\.exe)?$", n))
            new = path.with_name(f"new-{path.name}")
            new.write_bytes(archive.read(name))
        new.chmod(0o755)
        new.replace(path)
    except (OSError, StopIteration, zipfile.BadZipFile) as error:
        raise Problem(f"uv can't be unpacked into {folder}: {error}", "Make room on the disk.") from error
    return path


def environ(given: Mapping[str, str], folder: EngineFolder, source: str) -> dict[str, str]:
    """The variables uv runs with: ``given``, with what it says to uv and pip about where packages come from.

    source: what the preferences say about that: an address of a package index, or a folder of wheels, or "".
    """
    kept = {
        name: value
        for name, value in without_python_settings(given).items()
        if name not in _DROPPED and (not name.startswith("UV_") or _KEPT.fullmatch(name))
    }
    for name, ours in _FROM_PIP.items():
        if name in kept:
            kept.setdefault(ours, kept[name])
    if source:
        kind = "UV_FIND_LINKS" if Path(source).expanduser().is_dir() else "UV_INDEX"
        kept[kind] = str(Path(source).expanduser()) if kind == "UV_FIND_LINKS" else source
    return {
        **kept,
        "UV_CACHE_DIR": str(folder.packages),
        "UV_PYTHON_INSTALL_DIR": str(folder.root / "python"),
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
    }


def own_places(variables: Mapping[str, str]) -> bool:
    """Whether ``variables`` (of ``environ``) name places for packages besides the usual index."""
    return any(variables.get(name) for name in _PLACES)


def local_folder(variables: Mapping[str, str]) -> bool:
    """Whether packages may come from a folder of this computer: then there may be no need of a network."""
    return Path(variables.get("UV_FIND_LINKS", "")).is_dir() and bool(variables.get("UV_FIND_LINKS"))


def make_command(uv: Path, folder: EngineFolder, python: str, online: bool) -> list[str]:
    """Make the bare environment with ``python``: a path, or a version as ``versions`` says."""
    command = [str(uv), "venv", str(folder.part), "--relocatable", "--no-project", "--python", python]
    return command + ([] if online else ["--offline"])


def versions(build: Build) -> str:
    """The Pythons that ``build`` exists for, for uv: it takes one that is there, or downloads it."""
    low, high = build.oldest, (NEWEST[0], NEWEST[1] + 1)
    return f">={low[0]}.{low[1]},<{high[0]}.{high[1]}"


def install_command(
    uv: Path, folder: EngineFolder, build: Build, variables: Mapping[str, str], online: bool
) -> list[str]:
    """Install exactly what the locks say, and only files with their hashes; nothing is built."""
    command = [str(uv), "pip", "sync", "--python", str(folder.python(folder.part))]
    command += ["--require-hashes", "--only-binary", ":all:"]
    if build.backend and not own_places(variables):  # else torch comes from where the person says
        command += ["--torch-backend", build.backend]
    command += [] if online else ["--offline"]
    return command + [str(path) for path in folder.lock_files(build.lock)]


def clean_command(uv: Path, packages: list[str]) -> list[str]:
    """Forget downloaded ``packages``."""
    return [str(uv), "cache", "clean", *packages]


def explain(lines: list[str], online: bool) -> Problem:
    """Why uv failed, from the last lines it wrote, in one line that a person can act on."""
    text = "\n".join(lines)
    if not online:
        what = "Blender's online access is off, and not everything that is needed is on this computer"
        return Problem(what, "Turn on Allow Online Access in Preferences > System > Network.")
    reason = next((line.removeprefix("error: ") for line in lines if line.startswith("error:")), "")
    if re.search(r"No space left|not enough space|os error 28|os error 112", text, re.IGNORECASE):
        return Problem("The disk became full", "Make room, and set up again: what was downloaded is kept.")
    if re.search(r"[Hh]ash mismatch", text):
        what = "A downloaded file isn't the one that was published: it was refused"
        return Problem(what, "Try again; where it happens again, the package index is not to be trusted.")
    if re.search(r"UnknownIssuer|invalid peer certificate", text):
        what = f"{_host(text) or 'The package index'} has a certificate that isn't known on this computer"
        return Problem(what, "Set the environment variable SSL_CERT_FILE to your network's certificates.")
    if re.search(r"Failed to (fetch|download)|error sending request|dns error|timed? ?out", text):
        where = _host(text)
        what = f"Downloading failed{': ' + where + ' was not reached' if where else ''}"
        return Problem(what, "Look at the network connection and set up again: what was downloaded is kept.")
    reason = reason or (lines[-1] if lines else "uv said nothing")
    return Problem(f"Setting up failed: {reason}", "Open the log for more.")


def _host(text: str) -> str:
    found = re.search(r"https?://([^/\s`)]+)", text)
    return found.group(1).rpartition("@")[2] if found else ""
