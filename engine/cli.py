"""The command line. Its words and exit statuses are a contract: pipelines call it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import NoReturn

from . import protocol, terminal
from .errors import Cancelled, UserError
from .host import Host

# What a batch is asked for besides the fields of its jobs: of batch.command.Plan.
BATCH = ("jobs", "out", "workers", "time_limit", "part", "tolerant", "cluster", "cores")


class _Parser(argparse.ArgumentParser):
    """Answers bad options as every other bad input: one line, exit status 2."""

    def error(self, message: str) -> NoReturn:
        terminal.complain(message, f"{self.prog} --help lists the options")
        sys.exit(protocol.EXIT_BAD_INPUT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    # Before torch comes in: idle threads sleep instead of spinning, or beside a render, or a second engine,
    # both crawl (measured on a loaded machine: twice as fast).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    options = _parser().parse_args(arguments)
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


def _parser() -> _Parser:
    parser = _Parser(prog="python -m engine", description="Seamless textures for meshes from a text prompt.")
    parser.add_argument("--offline", action="store_true", help="never use the network")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    _add_texture(commands.add_parser("texture", help="texture one mesh file"))
    _add_batch(commands.add_parser("batch", help="texture all that a job file lists, and go on where it was"))
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
    return parser


def _add_texture(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--mesh",
        required=True,
        action="append",
        metavar="FILE",
        help=".obj .glb .gltf .ply .stl .blend, with or without UVs; several times: together, as they lie",
    )
    add("--prompt", required=True, metavar="TEXT", help="what the surface looks like")
    add("--out", required=True, metavar="DIR", help="folder for the results")
    _add_options(add)
    add("--blender", metavar="PROGRAM", help="what opens .blend files (default: BLENDER, else blender)")
    add("--preview", action="store_true", help="keep preview.texture.png in the folder up to date meanwhile")
    add("--quiet", action="store_true", help="no progress")
    parser.set_defaults(run=_texture)


def _add_options(add: Callable[..., object]) -> None:
    """What a texture can be asked for besides mesh, prompt and folder, each by ``add``."""
    _add_sampling(add)
    _add_files(add)
    _add_scene(add)


def _add_sampling(add: Callable[..., object]) -> None:
    """What the model is asked, and how its views are put together."""
    add("--negative", metavar="TEXT", help="what it must not look like")
    add("--model", default="starter", metavar="NAME|DIR|FILE", help="default: starter")
    add("--method", default="synctweedies", metavar="NAME", help=", ".join(protocol.METHODS))
    add(
        "--sync-space", metavar="SPACE", help="latent or rgb: where views are averaged (default: the model's)"
    )
    add(
        "--sync-share",
        metavar="STEPS",
        help="published, all or ramp: which of the steps views agree in (default: the model's)",
    )
    add(
        "--aggregate",
        metavar="HOW",
        help="mean or best: a texel's views averaged, or the one that faces it (default: the model's)",
    )
    add(
        "--attention",
        metavar="HOW",
        help="views or off: do views attend to each other (default: the model's)",
    )
    add(
        "--views",
        default="paper",
        metavar="paper|auto|N",
        help="the published ten views, at most 16 that show all of the mesh, or N spread evenly",
    )
    add("--cameras", metavar="FILE", help="a JSON file of cameras that are the views instead")
    add(
        "--front",
        type=float,
        default=0.0,
        metavar="DEGREES",
        help="which side of the mesh is its front: 0 is +Z, 90 is +X; default: 0",
    )
    add("--steps", type=int, metavar="N", help="denoising steps (default: the model's)")
    add(
        "--guidance", type=float, metavar="X", help="how strictly to follow the prompt (default: the model's)"
    )
    add("--seed", type=int, default=0, metavar="N", help="another seed, another texture; default: 0")


def _add_files(add: Callable[..., object]) -> None:
    """The texture, what it starts from, and by what it is made."""
    add("--texture-size", type=int, default=1024, metavar="N", help="texels a side; default: 1024")
    add(
        "--texture-depth",
        default="8",
        metavar="BITS",
        help="8 or 16 bits a channel, half or float for texture.exr in linear light; default: 8",
    )
    add(
        "--texture-sets",
        default="auto",
        metavar="WHAT",
        help="auto: a texture for each --mesh; one for all; for each object or material in them",
    )
    add("--init-texture", metavar="FILE", help="a texture for the mesh's own UVs, to start from")
    add(
        "--strength",
        type=float,
        metavar="X",
        help="how far from it: 0.1 retouches, 1 starts anew; default: 0.5",
    )
    add("--unwrap", default="auto", metavar="WHEN", help="auto, always or never; default: auto")
    add("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or mps; default: auto")
    add("--raster", default="auto", metavar="NAME", help=", ".join(protocol.RASTERS))
    add(
        "--fill",
        default="surface",
        metavar="HOW",
        help="surface or uv: from where unseen texels take colours",
    )


def _add_scene(add: Callable[..., object]) -> None:
    """What of a .blend, and what becomes of it."""
    add(
        "--object",
        dest="objects",
        action="append",
        default=[],
        metavar="NAME",
        help="of a .blend: its object; several times: textured together (default: all that its scene shows)",
    )
    add("--collection", metavar="NAME", help="of a .blend: the objects in this collection, together")
    add("--uv-layer", default="", metavar="NAME", help="of a .blend: UV map to texture (default: the active)")
    add(
        "--scene",
        default="beside",
        metavar="HOW",
        help="of a .blend: beside, packed or none: where scene.blend, textured, has its textures",
    )


def _choose_blender(program: str | None) -> None:
    """``program`` opens .blend files, here and in all processes that we start."""
    if program:
        os.environ["BLENDER"] = program


def _texture(options: argparse.Namespace) -> int:
    from .worker import Failure, Worker

    fields = {name: value for name, value in vars(options).items() if name not in ("run", "quiet")}
    first, *others = fields.pop("mesh")
    _choose_blender(fields.pop("blender"))
    fields["objects"] = tuple(fields["objects"])
    request = protocol.Request(mesh=first, other_meshes=tuple(others), **fields)
    with terminal.Bar(silent=options.quiet) as bar:
        outcome = Worker().run(request, Host(bar, _interrupted.is_set))
    if outcome is None:
        raise Cancelled
    if isinstance(outcome, Failure):
        terminal.complain(outcome.error, outcome.fix)
        return outcome.code
    for warning in outcome.warnings:
        terminal.say(f"note: {warning}")
    files = outcome.mesh, outcome.views, outcome.turntable, outcome.report
    for path in (*(texture.path for texture in outcome.textures), *files, *filter(None, [outcome.scene])):
        print(path)
    return protocol.EXIT_DONE


def _add_batch(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("jobs", metavar="JOBS", help="JSON lines or CSV: mesh, prompt and any option of texture a job")
    add("--out", required=True, metavar="DIR", help="folder for a folder a job, summary.csv and index.html")
    add("--workers", type=int, metavar="N", help="engines side by side; default: 1, or all a cluster holds")
    add("--time-limit", type=float, metavar="SECONDS", help="a job that takes longer has failed")
    add("--cluster", metavar="ADDRESS", help="on the Ray cluster there; local: on one started here")
    add("--cores", type=int, metavar="N", help="of an engine on a cluster without graphics cards; default: 4")
    add("--part", metavar="K/N", help="every N-th line only: several machines share one job file and folder")
    add("--tolerant", action="store_true", help="exit status 0 even if jobs failed: for parts of a whole")
    add("--blender", metavar="PROGRAM", help="what opens .blend files (default: BLENDER, else blender)")
    add("--json", action="store_true", help="tell what happens in lines of JSON on stdout")
    add("--quiet", action="store_true", help="no progress")
    group = parser.add_argument_group("for jobs that don't say otherwise")

    def default(*names: str, **how: object) -> None:
        group.add_argument(*names, **{**how, "default": argparse.SUPPRESS})  # type: ignore[arg-type]

    default("--prompt", metavar="TEXT", help="what the surfaces look like")
    _add_options(default)
    parser.set_defaults(run=_batch)


def _batch(options: argparse.Namespace) -> int:
    from .batch import command

    _choose_blender(options.blender)
    plan_of = {name: getattr(options, name) for name in BATCH}
    own = ("run", "json", "quiet", "blender", *plan_of)
    given = {name: value for name, value in vars(options).items() if name not in own}
    plan = command.Plan(**plan_of, given=given)
    return command.run(plan, as_json=options.json, silent=options.quiet)


def _serve(options: argparse.Namespace) -> int:
    from .serve import serve

    return serve(options.frugal)


def _models(options: argparse.Namespace) -> int:
    from .models_command import run

    try:
        return run(options.action, options.name, options.json, options.path)
    except BrokenPipeError:  # a pager was quit: what is left in our buffers goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return protocol.EXIT_DONE


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import run

    return run(options.json)
