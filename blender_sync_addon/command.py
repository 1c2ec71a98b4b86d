"""``blender -b FILE.blend --command sync_texture texture|doctor|models``: for render nodes and pipelines.

Exit status: 0 done, 2 bad input, 3 cancelled, 4 out of memory, 1 anything else.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..engine import protocol
from . import preferences, task
from .job import environment
from .job.state import State
from .panel import progress_text
from .problem import Problem
from .read import settings as read_settings
from .read.settings import Settings
from .task import Outcome, Task

NAME = "sync_texture"
PASSED_ON = ("doctor", "models")
PLAIN = ".png"  # what the engine leaves beside whatever the depth asks for
_registered: Any = None


def run(arguments: Sequence[str]) -> int:
    """Run the command line ``arguments``; returns the exit status."""
    try:
        if arguments and arguments[0] in PASSED_ON:
            return _engine(list(arguments))
        return _texture(_parser().parse_args(arguments))
    except SystemExit as bad:  # argparse has said what is wrong
        return int(bad.code or 0)
    except Problem as problem:
        print(f"sync_texture: {problem}", file=sys.stderr, flush=True)
        return problem.code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="blender -b FILE.blend --command sync_texture")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in PASSED_ON:
        commands.add_parser(name, help=f"the engine's own '{name}'", add_help=False)
    texture = commands.add_parser("texture", help="texture one object from a prompt", allow_abbrev=False)
    add = texture.add_argument
    add("--prompt", required=True, help="what the object should look like")
    add(
        "--object",
        action="append",
        default=[],
        metavar="NAME",
        help="the object (default: the active one); several times: textured together, where they stand",
    )
    add("--save", metavar="FILE.blend", help="where to save the textured file")
    add("--glb", metavar="FILE.glb", help="where to save the textured object as glTF")
    add("--out", metavar="DIR", help="also keep the engine's files: texture.png, report.json, ...")
    add("--negative", metavar="TEXT")
    add("--model", default="starter", metavar="NAME|DIR")
    add("--method", default="synctweedies", choices=protocol.METHODS)
    add("--sync-space", choices=protocol.SYNC_SPACES)
    add("--sync-share", choices=protocol.SYNC_SHARES)
    add("--aggregate", choices=protocol.AGGREGATES)
    add(
        "--attention",
        choices=protocol.ATTENTIONS,
        help="do views attend to each other (default: the model's)",
    )
    add("--views", default=read_settings.PAPER, metavar="paper|auto|N")
    add("--steps", type=int, metavar="N")
    add("--guidance", type=float, metavar="X")
    add("--seed", type=int, default=0, metavar="N")
    add("--texture-size", type=int, default=1024, metavar="N")
    add("--texture-depth", default="8", choices=protocol.TEXTURE_DEPTHS, help="bits a channel")
    add("--texture-sets", default="auto", choices=protocol.TEXTURE_SETS, help="what has its own texture")
    start = texture.add_mutually_exclusive_group()
    start.add_argument("--init-texture", metavar="FILE", help="a texture for the UV map, to start from")
    start.add_argument("--from-texture", action="store_true", help="start from what the object shows now")
    add("--strength", type=float, metavar="X", help="how far from it: 0.1 retouches, 1 starts anew")
    add("--uv-layer", default="", metavar="NAME", help="UV map to texture (default: the active one)")
    add("--unwrap", default="auto", choices=protocol.UNWRAPS)
    add("--device", choices=protocol.DEVICES, help="default: what the preferences say")
    add("--raster", default="auto", choices=protocol.RASTERS)
    add("--fill", default="surface", choices=protocol.FILLS)
    add("--json", action="store_true", help="print the result as one line of JSON on stdout")
    add("--quiet", action="store_true", help="no progress")
    return parser


def _texture(args: argparse.Namespace) -> int:
    if not args.save and not args.glb:
        raise Problem("Nowhere to put the result", "Give --save FILE.blend or --glb FILE.glb.")
    if args.init_texture == "":
        raise Problem("--init-texture names no file", "Give it one, or leave it out.")
    for name in (args.save, args.glb):
        _make_parent(name)
    first, *others = [_object(name) for name in args.object or [None]]
    out = Path(args.out).absolute() if args.out else None
    job = Task(first, bpy.context.evaluated_depsgraph_get(), _settings(args), out, others)
    try:
        with _signals_cancel():
            job.wait(None if args.quiet else _show)
        if not args.quiet:
            print(file=sys.stderr)
        outcome = job.finish(pack=bool(args.save) and not _same_folder(args.save))
        if args.save:
            _save(Path(args.save).absolute())
        if args.glb:
            with _plain(outcome):
                _export([first, *others], Path(args.glb).absolute())
        _say(args, outcome)
    finally:
        job.close()
    return protocol.EXIT_DONE


def _settings(args: argparse.Namespace) -> Settings:
    return Settings(
        prompt=args.prompt,
        negative=args.negative,
        model=read_settings.model(args.model),
        method=args.method,
        sync_space=args.sync_space,
        sync_share=args.sync_share,
        aggregate=args.aggregate,
        attention=args.attention,
        views=args.views,
        steps=args.steps,
        guidance=args.guidance,
        seed=args.seed,
        texture_size=args.texture_size,
        uv_layer=args.uv_layer,
        unwrap=args.unwrap,
        device=args.device or preferences.device(),
        raster=args.raster,
        fill=args.fill,
        from_texture=args.from_texture,
        init_texture=os.path.abspath(args.init_texture) if args.init_texture else None,
        strength=args.strength,
        texture_depth=args.texture_depth,
        texture_sets=args.texture_sets,
    )


def _object(name: str | None) -> Any:
    if name is None:
        return bpy.context.view_layer.objects.active
    if (obj := bpy.context.view_layer.objects.get(name)) is None:
        meshes = [f"'{o.name}'" for o in bpy.context.view_layer.objects if o.type == "MESH"]
        shown = ", ".join(meshes[:10]) or "none"
        raise Problem(f"There is no object '{name}' in the scene", f"Its mesh objects: {shown}.")
    return obj


def _make_parent(name: str | None) -> None:
    """Make the folder of the file ``name``: better to fail before the work than after it."""
    if name:
        try:
            Path(name).absolute().parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Problem(f"'{name}' can't be written: {error}", "Choose another folder.") from error


def _same_folder(name: str) -> bool:
    return bool(bpy.data.filepath) and Path(name).absolute().parent == Path(bpy.data.filepath).parent


def _save(path: Path) -> None:
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    except RuntimeError as error:
        raise Problem(f"'{path}' can't be saved: {error}", "Choose another place with --save.") from error


@contextlib.contextmanager
def _plain(outcome: Outcome) -> Iterator[None]:
    """Inside, our materials show their textures in 8 bits where they are float ones: those Blender's exporter
    writes into a PNG as they are, linear, hence too dark."""
    changed = []
    for one in outcome.objects:
        for material, file in zip(one.materials, one.files, strict=True):
            node = bpy.data.materials[material].node_tree.nodes.active
            image, path = node.image, file.with_suffix(PLAIN)
            if image.is_float and image.source == "FILE" and path.is_file():
                node.image = plain = bpy.data.images.load(str(path))
                plain.name = image.name
                changed.append((node, image, plain))
    try:
        yield
    finally:
        for node, image, plain in changed:
            node.image = image
            bpy.data.images.remove(plain)


def _export(objects: Sequence[Any], path: Path) -> None:
    """Write ``objects`` alone into the .glb ``path``; the selection is as before afterwards."""
    layer = bpy.context.view_layer
    selected = [o for o in layer.objects if o.select_get()]
    try:
        for other in selected:
            other.select_set(False)
        for obj in objects:
            obj.select_set(True)
        bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB", use_selection=True)
    except (RuntimeError, OSError, AttributeError) as error:
        fix = "Choose another place with --glb; Blender's glTF add-on must be enabled."
        raise Problem(f"'{path}' can't be exported: {error}", fix) from error
    finally:
        for obj in objects:
            obj.select_set(False)
        for other in selected:
            other.select_set(True)


def _say(args: argparse.Namespace, outcome: Outcome) -> None:
    for warning in outcome.warnings:
        print(f"sync_texture: {warning}", file=sys.stderr)
    if args.json:
        report = outcome.out / "report.json"
        all_names = [
            {"object": o.object, "materials": o.materials, "images": o.images, "uv_layer": o.uv_layer}
            for o in outcome.objects
        ]
        names = {"object": outcome.object, "material": outcome.material, "image": outcome.image}
        files = {"save": args.save, "glb": args.glb, "out": args.out}
        said = json.loads(report.read_text("utf-8")) if report.is_file() else None
        line = {
            **names,
            "uv_layer": outcome.uv_layer,
            "objects": all_names,
            **files,
            "warnings": outcome.warnings,
            "report": said,
        }
        print(json.dumps(line), flush=True)
    elif not args.quiet:
        places = " and ".join(p for p in (args.save, args.glb) if p)
        textured = ", ".join(f"'{one.object}'" for one in outcome.objects)
        print(f"Textured {textured}: {places}", flush=True)


def _show(state: State) -> None:
    """Progress on one line of stderr, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{progress_text(state)}", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _signals_cancel() -> Iterator[None]:
    """Ctrl-C and SIGTERM cancel the job (Blender itself would swallow the first Ctrl-C)."""

    def cancel(_number: int, _frame: Any) -> None:
        task.supervisor.cancel()

    before = {number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _engine(arguments: list[str]) -> int:
    """Run the engine's own command line with our stdin, stdout and stderr."""
    command = preferences.command(arguments)
    sys.stdout.flush()
    return subprocess.run(command, env=environment.child_environment(os.environ), check=False).returncode


def register() -> None:
    global _registered
    _registered = bpy.utils.register_cli_command(NAME, run)


def unregister() -> None:
    bpy.utils.unregister_cli_command(_registered)
