"""``blender -b FILE.blend --command sync_texture texture|batch|doctor|models``: for pipelines.

Exit status: 0 done, 2 bad input, 3 cancelled, 4 out of memory, 1 anything else.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..engine import protocol
from . import batch_command, choose, deliver, interrupt, preferences, task
from .job.state import State
from .panel import progress_text
from .problem import Problem
from .properties import TARGETS
from .read import settings as read_settings
from .read.settings import Settings
from .task import Outcome, Task

NAME = "sync_texture"
PASSED_ON = ("doctor", "models")
_registered: Any = None


def run(arguments: Sequence[str]) -> int:
    """Run the command line ``arguments``; returns the exit status."""
    try:
        if arguments and arguments[0] in PASSED_ON:
            return batch_command.engine(arguments)
        if arguments and arguments[0] == "batch":
            return batch_command.run(arguments[1:])
        return _texture(_parser().parse_args(arguments))
    except SystemExit as bad:  # argparse has said what is wrong
        return int(bad.code or 0)
    except Problem as problem:
        print(f"sync_texture: {problem}", file=sys.stderr, flush=True)
        return problem.code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="blender -b FILE.blend --command sync_texture")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("batch", help="many jobs, or many objects, each by itself", add_help=False)
    for name in PASSED_ON:
        commands.add_parser(name, help=f"the engine's own '{name}'", add_help=False)
    texture = commands.add_parser("texture", help="texture one object from a prompt", allow_abbrev=False)
    add = texture.add_argument
    add("--prompt", required=True, help="what the object should look like")
    _add_target(add)
    add("--save", metavar="FILE.blend", help="where to save the textured file")
    add("--glb", metavar="FILE.glb", help="where to save the textured object as glTF")
    add("--pack", action="store_true", help="textures inside the .blend even where they could lie beside it")
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
    add("--views", default=read_settings.PAPER, metavar="paper|auto|scene|N")
    add("--front", type=float, default=0.0, metavar="DEGREES", help="0: the object's -Y is its front, 90: +X")
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


def _add_target(add: Callable[..., Any]) -> None:
    """What is to be textured."""
    add(
        "--object",
        action="append",
        default=[],
        metavar="NAME",
        help="the object (default: the active one); several times: textured together, where they stand",
    )
    add(
        "--target",
        default="",
        choices=[name for name, *_ in TARGETS],
        help="what of the scene (default: the object)",
    )
    add(
        "--slot",
        default="",
        metavar="NAME",
        help="material of the slot to texture (default: the active slot)",
    )


def _texture(args: argparse.Namespace) -> int:
    if not args.save and not args.glb:
        raise Problem("Nowhere to put the result", "Give --save FILE.blend or --glb FILE.glb.")
    if args.init_texture == "":
        raise Problem("--init-texture names no file", "Give it one, or leave it out.")
    deliver.make_parents(args.save, args.glb)
    args.target = args.target or ("slot" if args.slot else "active")
    first, *others = _objects(args)
    out = Path(args.out).absolute() if args.out else None
    job = Task(first, bpy.context.evaluated_depsgraph_get(), _settings(args), out, others)
    try:
        with interrupt.calls(task.supervisor.cancel):
            job.wait(None if args.quiet else _show)
        if not args.quiet:
            print(file=sys.stderr)
        outcome = job.finish(deliver.packs(args.save, args.pack))
        deliver.deliver([first, *others], outcome.objects, args.save, args.glb)
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
        front=args.front,
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
        target=args.target,
        slot=args.slot,
    )


def _objects(args: argparse.Namespace) -> list[Any]:
    """What is to be textured; raises Problem."""
    if args.slot and args.target != "slot":
        raise Problem(f"--slot is not for --target {args.target}", "Leave one of them out.")
    if args.object and args.target == "selected":
        raise Problem("--target selected takes the file's selection, not --object", "Leave one of them out.")
    if len(args.object) > 1 and args.target != "active":
        raise Problem(f"--target {args.target} is for one object", "Name one --object.")
    if args.object:
        return [choose.named(name) for name in args.object]
    return choose.of_target(bpy.context.view_layer, args.target)


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


def register() -> None:
    global _registered
    _registered = bpy.utils.register_cli_command(NAME, run)


def unregister() -> None:
    bpy.utils.unregister_cli_command(_registered)
