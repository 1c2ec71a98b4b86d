"""`build.py demo`: Suzanne textured inside Blender, and one mesh file textured on the command line.

`build.py picture`: the README's picture, made by the same installed extension.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import zipfile
from pathlib import Path

from . import blender, environments, package
from .run import ROOT, BuildError, call, say

PROMPT = "weathered red bricks"
PICTURE = ROOT / "docs/demo.jpg"
FILES = ("texture.png", "views.png", "turntable.gif", "report.json")


def run(prompt: str, model: str) -> int:
    """Run both halves into out/demo and print where everything is and how long it took."""
    started = time.perf_counter()
    engine = environments.engine("engine")
    inside = _blender_command("suzanne.py")
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
    _list(out, times)
    return 0


def picture() -> int:
    """Make docs/demo.jpg anew, in about ten minutes of two cores; its scene goes to out/picture."""
    inside, engine = _blender_command("still_life.py"), environments.engine("engine")
    out = ROOT / "out/picture/demo.jpg"
    _with_extension(inside, engine, "--out", out)
    shutil.copyfile(out, PICTURE)
    say(f"{PICTURE}  {PICTURE.stat().st_size / 1e3:.0f} kB")
    return 0


def _blender_command(script: str) -> list[str | Path]:
    """What runs ``script`` of demo/ with bpy: Blender as a Python module, else an installed Blender."""
    found, path = blender.find(), ROOT / "demo" / script
    try:
        if python := environments.bpy_for_demo():
            return [python, path]
    except BuildError:  # there is no bpy for every system
        if not found:
            raise
    if found:
        options = ["--background", "--factory-startup", "--python-exit-code", "1"]
        return [found, *options, "--python", path, "--"]
    raise BuildError(f"{script} needs Blender: run build.py with Python 3.11 or 3.13, or put blender on PATH")


def _knot(engine: Path, out: Path, prompt: str, model: str) -> None:
    from demo import knot

    out.mkdir()
    mesh = out / "knot.obj"
    knot.write(mesh)
    job = ["--mesh", str(mesh), "--prompt", prompt, "--out", str(out), "--model", model]
    if status := call([engine, "-m", "engine", "texture", *job]):
        raise BuildError(f"texturing the knot ended with status {status}: the reason is above")


def _suzanne(command: list[str | Path], engine: Path, out: Path, prompt: str, model: str) -> None:
    out.mkdir()
    _with_extension(command, engine, "--out", out, "--prompt", prompt, "--model", model)


def _with_extension(command: list[str | Path], engine: Path, *arguments: str | Path) -> None:
    """Run a script of demo/ with the extension installed from its zip, as artists do, in a Blender profile of
    its own. Raises BuildError when it fails."""
    archive = package.build()
    with tempfile.TemporaryDirectory() as profile:
        with zipfile.ZipFile(archive) as content:
            content.extractall(Path(profile, "extensions/user_default/sync_texture"))
        env = {"BLENDER_USER_RESOURCES": profile, "SYNC_TEXTURE_PYTHON": str(engine)}
        if status := call([*command, *arguments], env):
            raise BuildError(f"the script in Blender ended with status {status}: the reason is above")


def _list(out: Path, times: dict[str, float]) -> None:
    say("\nResults:")
    for name, more in (("knot", ("mesh.glb",)), ("suzanne", ("suzanne.blend", "suzanne.glb", "render.png"))):
        for file in (*more, *FILES):
            if (path := out / name / file).is_file():
                say(f"  {path}")
    say("Time:")
    for part, seconds in times.items():
        say(f"  {part}: {seconds:.1f} s")
