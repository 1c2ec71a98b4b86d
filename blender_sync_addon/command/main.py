"""``blender -b FILE.blend --command sync_texture texture|batch|image|doctor|models``: for pipelines.

Exit status: 0 done, 2 bad input, 3 cancelled, 4 out of memory, 5 done without some objects, 1 anything else.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from ...engine import json_lines, protocol
from ...engine.options import arguments
from ...engine.options.blender import Panel, Texture
from ...engine.options.commands import Output
from ...engine.options.option import BLENDER, Option, at, options
from ...engine.options.request import OPTIONS, Request
from .. import package
from ..jobs import engine
from ..jobs.job_object import JobObject
from ..jobs.texture_job import Outcome, TextureJob
from ..problem import Problem, Stopped
from ..read import objects as read_objects
from ..read import settings as read_settings
from ..read.settings import Settings
from ..read.uv_room import UvRoom
from ..results import recording
from . import batch, choice, save_files
from .engine_command import network, run_engine

NAME = "sync_texture"
PROGRAM = "blender -b FILE.blend --command sync_texture"
PASSED_ON = ("doctor", "models", "image")
FORWARDED = (protocol.PROGRESS, protocol.PREVIEW)
_registered: Any = None


def run(command_line: Sequence[str]) -> int:
    """Run ``command_line``; returns the exit status."""
    offline = bool(command_line) and command_line[0] == "--offline"
    try:
        with network(not offline):
            return _run([*command_line[1 if offline else 0 :]])
    except SystemExit as bad:  # argparse has said what is wrong
        return int(bad.code or 0)
    except Problem as problem:
        print(f"sync_texture: {problem.on_command_line}", file=sys.stderr, flush=True)
        return problem.code


def _run(command_line: list[str]) -> int:
    command, *rest = command_line or [""]
    if command in PASSED_ON or (command == "texture" and _has_files(rest)):
        return run_engine(command_line)
    if command == "batch":
        return batch.run(rest)
    args = parser().parse_args(command_line)
    return _texture_for_program(args) if args.json else _texture(args, lambda _event: None)


def _has_files(command_line: Sequence[str]) -> bool:
    """Whether it is about mesh files, not about the open file: then the engine does it alone."""
    return any(word.partition("=")[0] == "--mesh" for word in command_line)


def parser() -> arguments.Parser:
    """Of the whole command line."""
    parser = arguments.Parser(prog=PROGRAM)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("batch", help="many jobs, or many objects, each by itself", add_help=False)
    for name in PASSED_ON:
        commands.add_parser(name, help=f"the engine's own '{name}'", add_help=False)
    about = "With --mesh FILE, all options are those of `python -m engine texture`. For the open file:"
    texture = commands.add_parser("texture", help="texture objects, or mesh files", description=about)
    arguments.add(texture.add_argument, _texture_options())
    return parser


def _texture_options() -> Iterator[Option]:
    """Those of ``texture``. Without a device it is that of the preferences; without a target see _texture."""
    entries = {**at(Request, BLENDER), **at(Panel, BLENDER), **options(Texture), **options(Output)}
    for name, entry in entries.items():
        if name != "blender":
            yield dataclasses.replace(entry, default=None) if name in ("device", "target") else entry


def _texture_for_program(args: argparse.Namespace) -> int:
    """Do it for a program: events in lines of JSON, as the engine's own command has them."""
    with json_lines.on_stdout() as report:
        report(protocol.message(protocol.STARTED, id=json_lines.ID))
        report(protocol.message(protocol.PROGRESS, id=json_lines.ID, stage="start", i=0, n=1, eta_s=None))
        try:
            return _texture(args, report)
        except Stopped:
            report(protocol.message(protocol.CANCELLED, id=json_lines.ID))
            raise
        except Problem as problem:
            report(protocol.failed(problem.wording, problem.code, id=json_lines.ID))
            raise
        except Exception as error:  # a bug: whoever reads the events is told, Blender prints the rest
            why = protocol.Wording(repr(error), "This is a bug: please report it")
            report(protocol.failed(why, protocol.EXIT_BUG, id=json_lines.ID))
            raise


def _texture(args: argparse.Namespace, report: json_lines.Report) -> int:
    _check(args)
    save_files.prepare(args.save, args.glb, args.overwrite)
    args.target = args.target or ("slot" if args.slot else "active")
    choice.to_object_mode()
    settings = _settings(args)
    chosen = _read(_objects(args), settings, insist=not args.collection)
    objects = [one.object() for one in chosen.found]
    _check_export(args, objects)
    out = Path(args.out).absolute() if args.out else None
    job = TextureJob(chosen.found, settings, out, preview=args.preview)
    job.state.on_message = lambda event: _forward(event, report)
    try:
        with engine.on_interrupt(engine.supervisor.cancel):
            job.wait() if args.quiet or args.json else job.wait_with_progress()
        outcome = recording.finish(job, save_files.packs(args.save, args.pack))
        result = dataclasses.replace(outcome.result, left_out=list(chosen.left_out))
        outcome = dataclasses.replace(outcome, result=result, warnings=(*chosen.warnings, *outcome.warnings))
        save_files.save_and_export(objects, outcome.objects, args.save, args.glb)
        _say(args, outcome, report)
    finally:
        job.close()
    return result.exit_status


def _forward(event: dict[str, Any], report: json_lines.Report) -> None:
    """Pass an event of the engine's on; how it ends is ours to say, and that it starts has been said."""
    if event["kind"] in FORWARDED and event.get("stage") != "start":
        report({**event, "id": json_lines.ID})


def _check(args: argparse.Namespace) -> None:
    """Raise Problem for options that make no sense together."""
    if not args.save and not args.glb and not args.out:
        raise Problem(
            "Nowhere to put the result",
            "Give --save FILE.blend, --glb FILE.glb or --out DIR for the engine's.",
        )
    if args.preview and not args.out:
        raise Problem("--preview has no folder to keep its picture in", "Give --out DIR.")
    if args.init_texture == "":
        raise Problem("--init-texture names no file", "Give it one, or leave it out.")
    if args.init_texture and args.from_texture:
        raise Problem(
            "--init-texture and --from-texture both say what to start from", "Leave one of them out."
        )
    if args.cameras and args.views != OPTIONS["views"].default:
        raise Problem("--cameras and --views both say what is seen", "Leave one of them out.")


def _settings(args: argparse.Namespace) -> Settings:
    said = arguments.found(args, read_settings.REMEMBERED)
    paths = {name: os.path.abspath(said[name]) for name in ("init_texture", "cameras") if said[name]}
    device = args.device or package.device()
    model, overwrite = read_settings.model(args.model), args.overwrite
    return Settings(**{**said, **paths, "model": model, "device": device, "overwrite": overwrite})


def _objects(args: argparse.Namespace) -> list[Any]:
    """What is to be textured; raises Problem."""
    if args.slot and args.target != "slot":
        raise Problem(f"--slot is not for --target {args.target}", "Leave one of them out.")
    named = args.objects or args.collection
    if named and args.target == "selected":
        raise Problem("--target selected takes the file's selection, not --object", "Leave one of them out.")
    objects = choice.named(args.objects, args.collection)
    if len(objects) > 1 and args.target != "active":
        raise Problem(f"--target {args.target} is for one object", "Name one --object.")
    return objects or read_objects.of_target(bpy.context.view_layer, args.target)


def _read(objects: Sequence[Any], settings: Settings, insist: bool) -> choice.Sorted[JobObject]:
    """Those of ``objects`` that can be textured; insist: on all. Raises Problem."""
    settings.check()
    depsgraph, several = bpy.context.evaluated_depsgraph_get(), len(objects) > 1
    room = UvRoom()
    return choice.sort(objects, lambda obj: JobObject(obj, depsgraph, settings, several, room), insist)


def _check_export(args: argparse.Namespace, objects: Sequence[Any]) -> None:
    """Raise Problem where glTF can't have the ``objects``."""
    here = bpy.context.view_layer.objects
    if args.glb and (away := [obj.name for obj in objects if obj.name not in here]):
        what = f"'{away[0]}' is in the scene by its instances alone, which --glb can't export"
        raise Problem(what, "Leave --glb out, or make them real (Object > Apply > Make Instances Real).")


def _say(args: argparse.Namespace, outcome: Outcome, report: json_lines.Report) -> None:
    if args.json:
        report(_done(args, outcome))
        return
    for warning in outcome.warnings:
        print(f"sync_texture: {protocol.shown(warning)}", file=sys.stderr)
    if not args.quiet:
        places = " and ".join(p for p in (args.save, args.glb, args.out) if p)
        textured = ", ".join(f"'{one.object}'" for one in outcome.objects)
        print(protocol.shown(f"Textured {textured}: {places}"), flush=True)


def _done(args: argparse.Namespace, outcome: Outcome) -> dict[str, Any]:
    """The event, and what is Blender's. Without --out the engine's files are gone in a moment: of the result
    that leaves the .blend and the warnings."""
    kept = outcome.result.as_dict() if args.out else {"textures": [], "other_uvs": []}
    names = (field.name for field in dataclasses.fields(protocol.Result))
    result = {**dict.fromkeys(names), **kept, "scene": args.save, "warnings": list(outcome.warnings)}
    result["left_out"] = outcome.result.left_out
    report = Path(outcome.result.report)
    own = {
        "objects": [
            {"object": o.object, "materials": o.materials, "images": o.images, "uv_layer": o.uv_layer}
            for o in outcome.objects
        ],
        "save": args.save,
        "glb": args.glb,
        "out": args.out,
        "report": json.loads(report.read_text("utf-8")) if report.is_file() else None,
    }
    return protocol.message(protocol.DONE, id=json_lines.ID, result=result, **own)


def register() -> None:
    global _registered
    _registered = bpy.utils.register_cli_command(NAME, run)


def unregister() -> None:
    bpy.utils.unregister_cli_command(_registered)
