"""``doctor``: what runs here, in words; exit status 0 when textures can be made."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from importlib import metadata

from . import protocol
from .denoise import manage

NEEDED = (
    "torch",
    "diffusers",
    "transformers",
    "safetensors",
    "embreex",
    "xatlas",
    "trimesh",
    "scipy",
    "pillow",
    "openexr",
)
MODULES = {"pillow": "PIL", "openexr": "OpenEXR"}


def run() -> int:
    """Print the findings; the exit status."""
    print(f"engine      {protocol.VERSION}, protocol {protocol.PROTOCOL}")
    print(f"python      {platform.python_version()} ({sys.executable})")
    missing = [name for name in NEEDED if importlib.util.find_spec(MODULES.get(name, name)) is None]
    for name in NEEDED:
        print(f"{name:11} {'MISSING' if name in missing else metadata.version(name)}")
    if "torch" not in missing:
        _devices()
    if not missing:
        print(f"rasteriser  {_rasteriser()}")
    free = shutil.disk_usage(os.path.expanduser("~")).free / 2**30
    print(f"disk        {free:.0f} GiB free")
    if missing:  # models are looked for with some of these packages
        print(f"verdict     unusable: install {', '.join(missing)}")
        return protocol.EXIT_BAD_INPUT
    _models()
    return protocol.EXIT_DONE


def _devices() -> None:
    import torch

    from .denoise.device import available

    for name in protocol.DEVICES[1:]:
        print(f"device      {name}: {'yes' if available(name) else 'no'}")
    if torch.cuda.is_available():
        free, whole = torch.cuda.mem_get_info()
        print(f"gpu memory  {free / 2**30:.1f} of {whole / 2**30:.1f} GiB free")
    print(f"threads     {torch.get_num_threads()}")


def _rasteriser() -> str:
    """What --raster auto comes to, and why."""
    from .denoise.device import resolve
    from .views.backends import choose, obstacle

    device = resolve("auto").type
    chosen, why = choose("auto", device), obstacle()
    if why is None:
        return f"{chosen} on {device} (nvdiffrast works here, on CUDA)"
    return f"{chosen} ({why})" if device != "cuda" else f"{chosen} ({why}; {why.fix})"


def _models() -> None:
    for model in manage.list_models():
        here = f"here (control: {model.control})"
        state = here if model.installed else f"not here ({model.entry.size} to download)"
        print(f"model       {model.entry.name}: {state}")
    starter = manage.verify("starter")
    print("verdict     ready" + (f"; the starter model can't be used: {starter[0]}" if starter else ""))
