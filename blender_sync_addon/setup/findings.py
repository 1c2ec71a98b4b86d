"""What the engine's doctor found, in words for an artist. No bpy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_GB = 10**9
_TIGHT = 5 * _GB  # with less room than this on the disk, most models can't be downloaded


@dataclass(frozen=True)
class Finding:
    """One sentence. good: False where something is wrong or could be better."""

    text: str
    good: bool = True


def sentences(found: dict[str, Any], build: str = "") -> list[Finding]:
    """The doctor's answer (engine/doctor.py) in sentences, the most important first.

    found may also have ``damaged``, the packages whose files aren't as they were installed.
    build: what the private environment was made for (builds.Build.lock), "" for another Python.
    """
    if damaged := found.get("damaged"):
        return [Finding(f"Files of {', '.join(damaged)} are missing or damaged: repair the engine", False)]
    if not found["usable"]:
        missing = ", ".join(found["missing"])
        return [Finding(f"Textures can't be made with this Python: it lacks {missing}", False)]
    return [*_starter(found), *_device(found, build), *_versions(found), *_disk(found)]


def _starter(found: dict[str, Any]) -> Iterator[Finding]:
    verdict = found["verdict"]
    if verdict == "ready":
        yield Finding("Everything is ready to make textures")
    else:
        yield Finding(f"The engine runs, but {verdict.partition('; ')[2] or verdict}", False)


def _device(found: dict[str, Any], build: str) -> Iterator[Finding]:
    gpu, devices = found["gpu"], found["devices"]
    if gpu:
        room = f"{gpu['free'] / _GB:.1f} of {gpu['total'] / _GB:.1f} GB of its memory are free"
        yield Finding(f"Textures are painted on {gpu['name']}: {room}")
    elif devices.get("mps"):
        yield Finding("Textures are painted on Apple's GPU")
    elif build.endswith("-cuda"):
        text = "PyTorch doesn't find the NVIDIA card that it was installed for: update its driver, or repair"
        yield Finding(f"{text}. Until then, textures are painted on the processor", False)
    else:
        yield Finding("Textures are painted on the processor: that always works, and takes longer than a GPU")


def _versions(found: dict[str, Any]) -> Iterator[Finding]:
    torch, diffusers = found["packages"]["torch"], found["packages"]["diffusers"]
    yield Finding(f"Python {found['python']}, PyTorch {torch}, diffusers {diffusers}")
    if found["rasteriser"]:
        yield Finding(f"Views are drawn by {found['rasteriser'].partition(' ')[0]}")


def _disk(found: dict[str, Any]) -> Iterator[Finding]:
    free = found["disk_free"]
    few = "; most models need more" if free < _TIGHT else ""
    yield Finding(f"{free / _GB:.0f} GB of the disk with your files are free{few}", free >= _TIGHT)
