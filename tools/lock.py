"""Make requirements/setup/ anew from requirements/engine.txt: `python3 -m tools.lock`.

These are the locks by which Blender's Preferences set up the engine: every file with its hashes, and torch in
a lock of its own for each computer. uv resolves, from the package index that its environment names.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from . import package
from .run import ROOT, BuildError, say

TORCH = "2.13.0"
FOLDER = ROOT / "requirements/setup"
ASKED = (
    *("diffusers", "transformers", "safetensors", "numpy", "scipy", "pillow"),
    *("openexr", "embreex", "xatlas"),
)
CUDA = re.compile(r"(nvidia-|cuda-|triton==)")

# PyTorch's own index has builds that the common one hasn't, and publishes these hashes there.
LINUX_CPU = {
    "cp311": "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",
    "cp312": "4ca4a9394b0c771238a4f73590fdbbc4debad85ed0fa63d026ae1b085da7d6e2",
    "cp313": "3fbf9c9d1f3c10c2d59d04aca426dee9ccc6ceb32d255c61e93acc3b4f75fae6",
}
WINDOWS_CUDA = {
    "cp312": "2efab1e83604ca628c6d85b9e188c153690980498d1297081a9dad704919303c",
    "cp313": "cf23236e9deed7d3510d14d9b9592d75d272ef7b35bbfee31a02bea339c73971",
}


def main() -> int:
    """Write the locks; the exit status."""
    try:
        blocks = _resolve()
    except BuildError as error:
        print(f"lock: {error}", file=sys.stderr)
        return 1
    torch = [block for block in blocks if block.startswith("torch==")]
    cuda = [block for block in blocks if CUDA.match(block)]
    rest = [block for block in blocks if block not in torch and block not in cuda]
    FOLDER.mkdir(exist_ok=True)
    _write("engine", "Everything but torch, for all platforms, Python 3.11 to 3.13", rest)
    _write("torch-linux-cpu", "The processor, from PyTorch's own index", [_block("cpu", LINUX_CPU)])
    _write("torch-linux-cuda", "NVIDIA cards", torch + cuda)
    _write("torch-windows-cpu", "The processor", torch)
    _write(
        "torch-windows-cuda",
        "NVIDIA cards, from PyTorch's own index; Python 3.12 and 3.13",
        [_block("cu130", WINDOWS_CUDA)],
    )
    _write("torch-macos", "The processor and Apple's GPU", torch)
    return 0


def _resolve() -> list[str]:
    """What uv resolves, each package with its hashes."""
    with tempfile.TemporaryDirectory() as temporary:
        uv = _unpack_uv(Path(temporary))
        asked, found = Path(temporary, "asked.txt"), Path(temporary, "found.txt")
        asked.write_text("\n".join((f"torch=={TORCH}", *ASKED)), encoding="utf-8")
        command: list[str | Path] = [
            uv,
            "pip",
            "compile",
            asked,
            "--output-file",
            found,
            "--quiet",
            "--universal",
        ]
        command += ["--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header"]
        for name in ("engine", "cuda"):
            command += ["--constraints", ROOT / f"requirements/{name}.txt"]
        if subprocess.run(command).returncode:
            raise BuildError("uv could not resolve requirements/engine.txt: its message is above")
        text = found.read_text(encoding="utf-8")
    blocks = re.findall(r"^[a-z][^\n]*\n(?: +--hash[^\n]*\n?)+", text, re.MULTILINE)
    return [block for block in blocks if "== 'emscripten'" not in block.partition("\n")[0]]


def _unpack_uv(folder: Path) -> Path:
    """The uv of wheels/wheels.lock for this computer, which runs from ``folder``."""
    package.fetch_wheels(package.locked_wheels(ROOT), ROOT / "wheels")
    tag = {"win32": "win_amd64", "darwin": "macosx"}.get(sys.platform, "manylinux")
    (wheel,) = (ROOT / "wheels").glob(f"uv-*{tag}*.whl")
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(("/scripts/uv", "/scripts/uv.exe")))
        path = folder / os.path.basename(name)
        path.write_bytes(archive.read(name))
    path.chmod(0o755)
    return path


def _block(build: str, hashes: dict[str, str]) -> str:
    lines = [f"torch=={TORCH}+{build}", *(f"    --hash=sha256:{digest}" for digest in hashes.values())]
    return " \\\n".join(lines) + "\n"


def _write(name: str, title: str, blocks: list[str]) -> None:
    path = FOLDER / f"{name}.txt"
    path.write_text(f"# {title}. Made by `python3 -m tools.lock`.\n{''.join(blocks)}", encoding="utf-8")
    say(f"{path.relative_to(ROOT)}: {len(blocks)} packages")


if __name__ == "__main__":
    sys.exit(main())
