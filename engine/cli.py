"""The command line. Its words and exit statuses are a contract: pipelines call it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from . import json_lines, protocol, terminal
from .errors import Cancelled, UserError
from .host import Host
from .options import arguments

if TYPE_CHECKING:
    from .worker import Failure

PROGRAM = "python -m engine"
Outcome: TypeAlias = "protocol.Result | Failure | None"  # as of Worker.run
# What a batch is asked for besides the fields of its jobs: of batch.command.BatchOptions.
BATCH = ("jobs", "out", "workers", "time_limit", "part", "tolerant", "cluster", "cores")


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line ``words``, by default this process's; returns the exit status."""
    # Before torch comes in: idle threads sleep instead of spinning, or beside a render, or a second engine,
    # both crawl (measured on a loaded machine: twice as fast).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    options = parser().parse_args(words)
    if vars(options).pop("offline"):
        os.environ["HF_HUB_OFFLINE"] = "1"  # the hub's own switch, read when its client is imported
    _interrupted.clear()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        status: int = options.run(options)
        return status
    except UserError as error:
        terminal.complain(str(error), error.fix)
        return error.code
    except (Cancelled, KeyboardInterrupt):
        terminal.say("cancelled")
        return protocol.EXIT_CANCELLED


class _Interrupt(KeyboardInterrupt):
    """Not KeyboardInterrupt itself: when that passes through exec(), which imports make use of, Python takes
    note and ends by the signal instead of by our exit status."""


_interrupted = threading.Event()


def _interrupt(number: int, frame: object) -> None:
    # Noted as well as raised: libraries that try an import and catch everything would swallow it.
    _interrupted.set()
    raise _Interrupt


def parser() -> arguments.Parser:
    """Of the whole command line."""
    whole = arguments.Parser(prog=PROGRAM, description="Seamless textures for meshes from a text prompt.")
    whole.add_argument("--offline", action="store_true", help="never use the network")
    commands = whole.add_subparsers(required=True, metavar="COMMAND", parser_class=arguments.Parser)
    texture = commands.add_parser("texture", help="texture one mesh file")
    arguments.texture(texture)
    texture.set_defaults(run=_texture)
    batch = commands.add_parser("batch", help="texture all that a job file lists, and go on where it was")
    arguments.batch(batch)
    batch.set_defaults(run=_batch)
    serve = commands.add_parser("serve", help="take jobs as JSON lines on stdin (what Blender does)")
    serve.add_argument("--frugal", action="store_true", help="one view at a time: slower, in less memory")
    serve.set_defaults(run=_serve)
    models = commands.add_parser("models", help="list, show, download, verify, link or delete models")
    models.add_argument("action", choices=("list", "show", "download", "verify", "link", "delete"))
    models.add_argument("name", nargs="?", help="as texture's --model; with link: the name to give")
    models.add_argument("path", nargs="?", help="with link: a folder or .safetensors file of your own")
    models.add_argument("--json", action="store_true", help="answer with JSON, progress included")
    models.set_defaults(run=_models)
    doctor = commands.add_parser("doctor", help="say what runs here")
    doctor.add_argument("--json", action="store_true", help="answer with one line of JSON")
    doctor.set_defaults(run=_doctor)
    return whole


def _choose_blender(program: str | None) -> None:
    """``program`` opens .blend files, here and in all processes that we start."""
    if program:
        os.environ["BLENDER"] = program


def _texture(options: argparse.Namespace) -> int:
    own = ("run", "quiet", "json", "blender", "mesh")
    fields = {name: value for name, value in vars(options).items() if name not in own}
    first, *others = options.mesh
    _choose_blender(options.blender)
    fields["objects"] = tuple(fields["objects"])
    request = protocol.Request(mesh=first, other_meshes=tuple(others), **fields)
    outcome = _told(request) if options.json else _shown(request, options.quiet)
    if outcome is None:
        raise Cancelled
    if isinstance(outcome, protocol.Result):
        return protocol.EXIT_DONE
    terminal.complain(outcome.error, outcome.fix)
    return outcome.code


def _shown(request: protocol.Request, silent: bool) -> Outcome:
    """Do it for a person: progress, notes, the results' paths."""
    from .worker import Worker

    with terminal.Bar(silent) as bar:
        outcome = Worker().run(request, Host(bar, _interrupted.is_set))
    if isinstance(outcome, protocol.Result):
        for warning in outcome.warnings:
            terminal.say(f"note: {warning}")
        files = outcome.mesh, outcome.views, outcome.turntable, outcome.report
        textures = (texture.path for texture in outcome.textures)
        print(*textures, *files, *filter(None, [outcome.scene]), sep="\n")
    return outcome


def _told(request: protocol.Request) -> Outcome:
    """Do it for a program: events in lines of JSON."""
    with json_lines.only() as tell:
        tell(protocol.message(protocol.STARTED, id=json_lines.ID))
        try:
            from .worker import Worker, answer

            def preview(so_far: protocol.Preview) -> None:
                tell(protocol.message(protocol.PREVIEW, id=json_lines.ID, preview=so_far.as_dict()))

            host = Host(json_lines.Teller(tell, json_lines.ID), _interrupted.is_set, preview=preview)
            outcome = Worker().run(request, host)
            tell(answer(json_lines.ID, outcome))
        except KeyboardInterrupt:
            tell(protocol.message(protocol.CANCELLED, id=json_lines.ID))
            raise
        return outcome


def _batch(options: argparse.Namespace) -> int:
    from .batch import command

    _choose_blender(options.blender)
    plan_of = {name: getattr(options, name) for name in BATCH}
    own = ("run", "json", "quiet", "blender", *plan_of)
    given = {name: value for name, value in vars(options).items() if name not in own}
    asked = command.BatchOptions(**plan_of, defaults=given)
    return command.run(asked, as_json=options.json, silent=options.quiet)


def _serve(options: argparse.Namespace) -> int:
    from .serve import serve

    return serve(options.frugal)


def _models(options: argparse.Namespace) -> int:
    from .models.command import run

    try:
        return run(options.action, options.name, options.json, options.path)
    except BrokenPipeError:  # a pager was quit: what is left in our buffers goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return protocol.EXIT_DONE


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import run

    return run(options.json)
