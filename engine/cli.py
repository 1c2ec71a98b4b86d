"""The command line. Its words and exit statuses are a contract: pipelines call it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from . import disk, json_lines, protocol, terminal
from .errors import Cancelled, UserError
from .host import Host
from .options import arguments
from .options.commands import Batch, Doctor, Models, Serve, Whole
from .options.image import ImageRequest
from .options.option import options
from .options.request import Request
from .options.splats import SplatsRequest

if TYPE_CHECKING:
    from .worker import Failure

PROGRAM = "python -m engine"
Outcome: TypeAlias = "protocol.Result | Failure | None"  # as of Worker.run


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line ``words``, by default this process's; returns the exit status."""
    # Before torch comes in: idle threads sleep instead of spinning, or beside a render, or a second engine,
    # both crawl (measured on a loaded machine: twice as fast).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    parsed = parser().parse_args(words)
    if parsed.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"  # the hub's own switch, read when its client is imported
    _heed_signals()
    try:
        status: int = parsed.run(parsed)
        return status
    except (UserError, OSError) as error:
        found = disk.failure(error) or error
        if not isinstance(found, UserError):
            raise
        return _refuse(found, parsed.json_errors)
    except (Cancelled, KeyboardInterrupt):
        terminal.say("cancelled")
        return protocol.EXIT_CANCELLED


def _refuse(error: UserError, as_json: bool) -> int:
    """Say why nothing can be done; the exit status."""
    if as_json:
        terminal.say(json.dumps(protocol.failed(error.wording, error.code)))
    else:
        terminal.complain(str(error), error.fix)
    return error.code


class _Interrupt(KeyboardInterrupt):
    """Not KeyboardInterrupt itself: when that passes through exec(), which imports make use of, Python takes
    note and ends by the signal instead of by our exit status."""


_interrupted = threading.Event()


def _heed_signals() -> None:
    _interrupted.clear()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: object) -> None:
    # Noted as well as raised: libraries that try an import and catch everything would swallow it.
    _interrupted.set()
    raise _Interrupt


def parser() -> arguments.Parser:
    """Of all that can be said."""
    parser = arguments.Parser(prog=PROGRAM, description="Seamless textures for meshes from a text prompt.")
    arguments.add(parser.add_argument, options(Whole).values())
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=arguments.Parser)
    texture = commands.add_parser("texture", help="texture one mesh file")
    arguments.texture(texture)
    texture.set_defaults(run=_texture)
    image = commands.add_parser("image", help="paint a picture without a mesh, such as one that tiles")
    arguments.image(image)
    image.set_defaults(run=_image)
    splats = commands.add_parser("splats", help="give Gaussian splats other colours")
    arguments.splats(splats)
    splats.set_defaults(run=_splats)
    batch = commands.add_parser("batch", help="texture all that a job file lists, and go on where it was")
    arguments.batch(batch)
    batch.set_defaults(run=_batch)
    for name, (text, table, run) in OTHERS.items():
        command = commands.add_parser(name, help=text)
        arguments.add(command.add_argument, options(table).values())
        command.set_defaults(run=run)
    return parser


def _choose_blender(program: str | None) -> None:
    """``program`` opens .blend files, here and in all processes that we start."""
    if program:
        os.environ["BLENDER"] = program


def _texture(parsed: argparse.Namespace) -> int:
    _choose_blender(parsed.blender)
    first, *others = parsed.mesh
    fields = {**arguments.found(parsed, options(Request)), "mesh": first, "other_meshes": tuple(others)}
    return _paint(Request(**fields), parsed)


def _image(parsed: argparse.Namespace) -> int:
    first, *others = parsed.prompt
    fields = {**arguments.found(parsed, options(ImageRequest)), "prompt": first}
    return _paint(ImageRequest(**{**fields, "other_prompts": tuple(others)}), parsed)


def _splats(parsed: argparse.Namespace) -> int:
    return _paint(SplatsRequest(**arguments.found(parsed, options(SplatsRequest))), parsed)


def _paint(request: protocol.AnyRequest, parsed: argparse.Namespace) -> int:
    outcome = _paint_for_program(request) if parsed.json else _paint_for_person(request, parsed.quiet)
    if outcome is None:
        raise Cancelled
    if isinstance(outcome, protocol.Result):
        return outcome.exit_status
    terminal.complain(outcome.error, outcome.fix)
    return outcome.code


def _paint_for_person(request: protocol.AnyRequest, silent: bool) -> Outcome:
    """Do it for a person: progress, notes, the results' paths."""
    from .worker import Worker

    with terminal.ProgressBar(silent) as bar:
        outcome = Worker().run(request, Host(bar, _interrupted.is_set, note=bar.note))
    if isinstance(outcome, protocol.Result):
        for warning in outcome.warnings:
            if silent or warning not in bar.noted:
                terminal.say(f"note: {warning}")
        files = outcome.mesh, outcome.views, outcome.turntable, outcome.report
        textures = (path for texture in outcome.textures for path in texture.files.values())
        terminal.tell_paths(filter(None, [*textures, *files, outcome.scene]))
    return outcome


def _paint_for_program(request: protocol.AnyRequest) -> Outcome:
    """Do it for a program: events in lines of JSON."""
    with json_lines.on_stdout() as report:
        report(protocol.message(protocol.STARTED, id=json_lines.ID))
        try:
            from .worker import Worker, answer

            def preview(so_far: protocol.Preview) -> None:
                report(protocol.message(protocol.PREVIEW, id=json_lines.ID, preview=so_far.as_dict()))

            host = Host(
                json_lines.ProgressEvents(report, json_lines.ID), _interrupted.is_set, preview=preview
            )
            outcome = Worker().run(request, host)
            report(answer(json_lines.ID, outcome))
        except KeyboardInterrupt:
            report(protocol.message(protocol.CANCELLED, id=json_lines.ID))
            raise
        return outcome


def _batch(parsed: argparse.Namespace) -> int:
    from .batch import command

    _choose_blender(parsed.blender)
    defaults = arguments.found(parsed, (one.name for one in arguments.job_defaults()))
    asked = command.BatchOptions(**arguments.found(parsed, options(Batch)), defaults=defaults)
    return command.run(asked, as_json=parsed.json, silent=parsed.quiet)


def _serve(parsed: argparse.Namespace) -> int:
    from .serve import serve

    return serve(parsed.frugal)


def _models(parsed: argparse.Namespace) -> int:
    from .doctor import know_machine
    from .models.command import run

    if parsed.action in ("show", "download"):
        know_machine()  # so that they can say whether a model runs here
    try:
        return run(parsed.action, parsed.name, parsed.json, parsed.path)
    except BrokenPipeError:  # a pager was quit: what is left in our buffers goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return protocol.EXIT_DONE


def _doctor(parsed: argparse.Namespace) -> int:
    from .doctor import run

    return run(parsed.json)


OTHERS: Mapping[str, tuple[str, type, Callable[[argparse.Namespace], int]]] = {
    "serve": ("take jobs as JSON lines on stdin (what Blender does)", Serve, _serve),
    "models": ("list, show, download, verify, link or delete models", Models, _models),
    "doctor": ("say what runs here", Doctor, _doctor),
}
"""Commands that have a table of options for themselves: what they do in words, the table, what does it."""
