"""``doctor``: what runs here, in words; exit status 0 when textures can be made."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from . import protocol
from .models import machine, manage, show, trees
from .options import choices
from .terminal import tell

NEEDED = (
    "torch",
    "diffusers",
    "transformers",
    "safetensors",
    "embreex",
    "xatlas",
    "scipy",
    "pillow",
    "openexr",
)
MODULES = {"pillow": "PIL", "openexr": "OpenEXR"}
READY = "ready"


def run(as_json: bool = False) -> int:
    """Print the findings, as one line of JSON or for people; the exit status."""
    found = examine()
    tell(json.dumps(found) if as_json else "\n".join(_lines(found)))
    return protocol.EXIT_DONE if found["usable"] else protocol.EXIT_BAD_INPUT


def examine() -> dict[str, Any]:
    """What runs here:

    {engine, protocol, python, executable, packages: {name: version or null}, missing: [name],
     devices: {name: bool}, gpu: {name, free, total} (bytes) or null, threads, rasteriser,
     machine: as models/machine.py has it, or null,
     models: [{name, title, kind, installed, damaged (why, or null), control, size, memory, licence,
               fits (whether and how it runs here, and how long ten views take; or null)}],
     disk_free (bytes), usable: bool, verdict}

    Without the packages, devices and models are empty, rasteriser and threads null.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(MODULES.get(name, name)) is None]
    found: dict[str, Any] = {
        "engine": protocol.VERSION,
        "protocol": protocol.PROTOCOL,
        "python": platform.python_version(),
        "executable": sys.executable,
        "packages": {name: None if name in missing else metadata.version(name) for name in NEEDED},
        "missing": missing,
        **(_torch() if "torch" not in missing else {"devices": {}, "gpu": None, "threads": None}),
        "rasteriser": None if missing else _rasteriser(),
        "disk_free": shutil.disk_usage(os.path.expanduser("~")).free,
        "machine": None,
        "models": [],
        "usable": not missing,
        "verdict": f"unusable: install {', '.join(missing)}",
    }
    if not missing:  # models are looked for with some of these packages
        found["machine"] = dataclasses.asdict(_measured())
        starter = manage.verify("starter")
        found["models"] = list(_models())
        found["verdict"] = READY + (f"; the starter model can't be used: {starter[0]}" if starter else "")
    return found


def _torch() -> dict[str, Any]:
    import torch

    from .denoise.device import available

    gpu = None
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        gpu = {"name": torch.cuda.get_device_name(), "free": free, "total": total}
    devices = {name: available(name) for name in list(choices.DEVICES)[1:]}
    return {"devices": devices, "gpu": gpu, "threads": torch.get_num_threads()}


def know_machine() -> None:
    """Have it known what is painted with here, where it can be and nobody has looked yet."""
    if machine.read() is None and importlib.util.find_spec("torch"):
        _measured()


def _measured() -> machine.Machine:
    """What is painted with here, remembered for those who ask before a download."""
    from .denoise.speed import measure

    found = measure()
    machine.write(found)
    return found


def _rasteriser() -> str:
    """What --raster auto comes to, and why."""
    from .denoise.device import resolve
    from .views.backends import choose, obstacle

    device = resolve("auto").type
    chosen, why = choose("auto", device), obstacle()
    if why is None:
        return f"{chosen} on {device} (nvdiffrast works here, on CUDA)"
    return f"{chosen} ({why})" if device != "cuda" else f"{chosen} ({why}; {why.fix})"


def _models() -> Iterator[dict[str, Any]]:
    for model in manage.list_models():
        if model.kind not in (trees.MODEL, trees.ESTIMATOR):
            continue
        entry = model.entry
        yield {
            "name": entry.name,
            "title": entry.title,
            "kind": model.kind,
            "installed": model.installed,
            "damaged": model.damaged,
            "control": model.control,
            "size": entry.size,
            "memory": entry.memory,
            "licence": entry.licence,
            "fits": show.usual(entry)["fits"],
        }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    """``found`` for people."""
    yield f"engine      {found['engine']}, protocol {found['protocol']}"
    yield f"python      {found['python']} ({found['executable']})"
    for name, version in found["packages"].items():
        yield f"{name:11} {version or 'MISSING'}"
    for name, there in found["devices"].items():
        yield f"device      {name}: {'yes' if there else 'no'}"
    if gpu := found["gpu"]:
        yield f"gpu memory  {gpu['free'] / 2**30:.1f} of {gpu['total'] / 2**30:.1f} GiB free"
    if found["threads"]:
        yield f"threads     {found['threads']}"
    if found["rasteriser"]:
        yield f"rasteriser  {found['rasteriser']}"
    yield f"disk        {found['disk_free'] / 2**30:.0f} GiB free"
    if there := found["machine"]:
        yield f"speed       about {there['tflops']:.2g} TFLOP/s in products of matrices ({there['name']})"
    for model in found["models"]:
        here = f"here (control: {model['control']})" if model["kind"] == trees.MODEL else "here"
        runs = f"; {model['fits']}" if model["fits"] else ""
        wanted = f"not here ({model['size']} to download; memory: {model['memory']}{runs})"
        there = f"damaged ({why})" if (why := model["damaged"]) else wanted
        state = here if model["installed"] else there
        yield f"{model['kind']:11} {model['name']}: {state}"
    yield f"verdict     {found['verdict']}"
