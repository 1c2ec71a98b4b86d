"""`build.py demo`: Suzanne textured inside Blender, and one mesh file textured on the command line."""

from __future__ import annotations

import shutil
import tempfile
import time
import zipfile
from pathlib import Path

from . import blender, environments, package
from .run import ROOT, BuildError, call, say

PROMPT = "weathered red bricks"
FILES = ("texture.png", "views.png", "turntable.gif", "report.json")


def run(prompt: str, model: str) -> int:
    """Run both halves into out/demo and print where everything is and how long it took."""
    started = time.perf_counter()
    engine = environments.engine("engine")
    inside = _blender_command()
    times = {"setting up": time.perf_counter() - started}
    out = ROOT / "out/demo"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)

    say(f'\nA trefoil knot on the command line: "{prompt}"')
    started = time.perf_counter()
    _knot(engine, out / "knot", prompt, model)
    times["the knot, on the command line"] = time.perf_counter() - started

    say(f'\nSuzanne inside Blender: "{prompt}"')
    started = time.perf_counter()
    _suzanne(inside, engine, out / "suzanne", prompt, model)
    times["Suzanne, inside Blender"] = time.perf_counter() - started
    _tell(out, times)
    return 0


def _blender_command() -> list[str | Path]:
    """What runs a script with bpy: Blender as a Python module, or else a Blender that is installed."""
    found = blender.find()
    try:
        if python := environments.bpy_for_demo():
            return [python, ROOT / "demo/suzanne.py"]
    except BuildError:  # there is no bpy for every system
        if not found:
            raise
    if found:
        options = ["--background", "--factory-startup", "--python-exit-code", "1"]
        return [found, *options, "--python", ROOT / "demo/suzanne.py", "--"]
    raise BuildError("Suzanne needs Blender: run build.py with Python 3.11 or 3.13, or put blender on PATH")


def _knot(engine: Path, out: Path, prompt: str, model: str) -> None:
    from demo import knot

    out.mkdir()
    mesh = out / "knot.obj"
    knot.write(mesh)
    job = ["--mesh", str(mesh), "--prompt", prompt, "--out", str(out), "--model", model]
    if status := call([engine, "-m", "engine", "texture", *job]):
        raise BuildError(f"texturing the knot ended with status {status}: the reason is above")


def _suzanne(command: list[str | Path], engine: Path, out: Path, prompt: str, model: str) -> None:
    """Install the extension's zip into a Blender profile of its own, as an artist would, and generate."""
    out.mkdir()
    archive = package.build()
    with tempfile.TemporaryDirectory() as profile:
        with zipfile.ZipFile(archive) as content:
            content.extractall(Path(profile, "extensions/user_default/sync_texture"))
        env = {"BLENDER_USER_RESOURCES": profile, "SYNC_TEXTURE_PYTHON": str(engine)}
        if status := call([*command, "--out", out, "--prompt", prompt, "--model", model], env):
            raise BuildError(f"texturing Suzanne ended with status {status}: the reason is above")


def _tell(out: Path, times: dict[str, float]) -> None:
    say("\nResults:")
    for name, more in (("knot", ("mesh.glb",)), ("suzanne", ("suzanne.blend", "suzanne.glb", "render.png"))):
        for file in (*more, *FILES):
            if (path := out / name / file).is_file():
                say(f"  {path}")
    say("Time:")
    for part, seconds in times.items():
        say(f"  {part}: {seconds:.1f} s")
