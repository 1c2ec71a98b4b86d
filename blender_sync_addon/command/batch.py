"""``blender -b [FILE.blend] --command sync_texture batch``: a job file, or objects of the open file, through
the engine's own batch: with several engines, going on where it was.

A job file goes there as it is; .blend files in it are opened by this Blender. Meshes of objects are written
into the batch's folder, to what it needs for itself, with a job file for them, and the textures put back when
it is done.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...engine import protocol
from ...engine.options import arguments
from ...engine.options.blender import ObjectBatch
from ...engine.options.commands import Batch
from ...engine.options.option import options
from ...engine.options.request import OPTIONS
from ...engine.outputs import BATCH_STATE
from ..jobs.job_files import file_names
from ..jobs.job_object import TexturedObject
from ..problem import Problem
from ..read import objects as read_objects
from . import choice, save_files, scene_exchange
from .engine_command import run_engine

MESHES, JOBS = "meshes", "objects.jsonl"  # with what a batch needs for itself
PROGRAM = "blender -b [FILE.blend] --command sync_texture batch"
DONE = "done"


@dataclass(frozen=True)
class DoneObject:
    """An object that was textured, and the folder of its results inside the batch's."""

    obj: Any
    folder: str


def run(command_line: Sequence[str]) -> int:
    """Do the ``command_line``; the exit status. Raises Problem, and SystemExit for bad options."""
    jobs = parser().parse_args(command_line).jobs
    args, rest = _ours().parse_known_args(command_line)
    if jobs is None and not args.objects and not args.collection:
        raise Problem("Nothing to texture", "Give a job file, or --objects or --collection of the open file.")
    if jobs is None:
        return _objects(args, rest)
    _check_job_file(args)
    known = [word for word in command_line if word != "--pack"]
    return run_engine(["batch", *known, *(["--scene", "packed"] if args.pack else [])])


def _check_job_file(args: argparse.Namespace) -> None:
    """Raise Problem for what a job file can't have beside it."""
    if args.objects:
        what = "A job file says itself what is textured: it can't be combined with --objects"
        fix = 'For objects of a .blend, give it lines such as {"mesh": "scene.blend", "object": "Cube"}.'
        raise Problem(what, fix)
    if args.save or args.glb or args.prompt_property:
        what = "--save, --glb and --prompt-property are for objects of the open file"
        raise Problem(what, "Name them by --objects or --collection; jobs of a .blend leave a scene.blend.")


def parser() -> arguments.Parser:
    """Of all that can be said."""
    about = "JOBS go to the engine as they are. Without JOBS, objects of the open file are textured:"
    parser = arguments.Parser(prog=PROGRAM, description=about)
    arguments.batch(parser, needs_jobs=False)
    group = parser.add_argument_group("objects of the open file, each by itself")
    arguments.add(group.add_argument, options(ObjectBatch).values())
    return parser


def _ours() -> arguments.Parser:
    """Of what concerns us where objects are textured: all else goes to the engine."""
    ours = arguments.Parser(add_help=False, allow_abbrev=False)
    of_request = (OPTIONS[name] for name in ("collection", "uv_layer", "unwrap", "overwrite"))
    arguments.add(ours.add_argument, [*options(ObjectBatch).values(), *of_request, options(Batch)["out"]])
    return ours


def _objects(args: argparse.Namespace, rest: list[str]) -> int:
    """The batch over objects of the open file. Raises Problem."""
    if (args.save or args.glb) and any(word.startswith("--part") for word in rest):
        what = "A part of a batch leaves nothing whole to save"
        raise Problem(what, "Leave out --part, or --save and --glb.")
    save_files.prepare(args.save, args.glb, args.overwrite)
    out = Path(args.out).absolute()
    choice.to_object_mode()
    found = [obj.name for obj in read_objects.of_collection(args.collection)] if args.collection else []
    names = list(dict.fromkeys([*args.objects, *found]))
    _write_jobs(args, out, names)
    overwrite = ["--overwrite"] * args.overwrite
    status = run_engine(["batch", str(out / BATCH_STATE / JOBS), "--out", str(out), *overwrite, *rest])
    if status in (protocol.EXIT_DONE, protocol.EXIT_BUG) and (args.save or args.glb):
        done = [DoneObject(read_objects.named(names[line - 1]), folder) for line, folder in _done(out)]
        textured = [
            textured
            for one in done
            for textured in _put_back(one, out, save_files.packs(args.save, args.pack))
        ]
        if textured:
            save_files.save_and_export([one.obj for one in done], textured, args.save, args.glb)
    return status


def _write_jobs(args: argparse.Namespace, out: Path, names: Sequence[str]) -> None:
    """A job for each of the objects, in its line; the engine refuses those that we say can't be done. Raises
    Problem where that is none."""
    lines, problems = [], []
    for name, folder in zip(names, file_names(names), strict=True):
        try:
            lines.append(_job(args, out, read_objects.named(name), folder))
        except Problem as problem:
            what, fix = problem.wording.by(protocol.flag)
            lines.append({"mesh": name, "refused": what, "fix": fix or "mend it"})
            problems.append(problem.on_command_line)
    if len(problems) == len(names):
        raise Problem("; ".join(problems))
    (out / BATCH_STATE / JOBS).write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")


def _job(args: argparse.Namespace, out: Path, obj: Any, folder: str) -> dict[str, Any]:
    """The job of one object, its mesh written. Raises Problem."""
    (job_object,) = scene_exchange.read(
        [obj], {"prompt": "", "unwrap": args.unwrap, "uv_layer": args.uv_layer}
    )
    mesh = out / BATCH_STATE / MESHES / f"{folder}.npz"
    mesh.parent.mkdir(parents=True, exist_ok=True)
    new = mesh.with_suffix(".new.npz")
    job_object.read.arrays().save(new)
    if mesh.is_file() and mesh.read_bytes() == new.read_bytes():
        new.unlink()  # the older one stays, by whose time the engine knows that nothing has changed
    else:
        os.replace(new, mesh)
    job = {
        "mesh": f"{MESHES}/{mesh.name}",
        "out": folder,
        "unwrap": job_object.read.unwrap,
        "write_uvs": True,
    }
    prompt = read_objects.prompt_of(obj, args.prompt_property)
    return {**job, **({"prompt": prompt} if prompt else {})}


def _done(out: Path) -> list[tuple[int, str]]:
    """Line and folder of what is done."""
    with (out / "summary.csv").open(newline="", encoding="utf-8") as file:
        return [(int(row["line"]), row["name"]) for row in csv.DictReader(file) if row["state"] == DONE]


def _put_back(done: DoneObject, out: Path, pack: bool) -> list[TexturedObject]:
    """Show the object's result on it; [] and a word where that can't be."""
    folder = out / done.folder
    finished = json.loads((folder / "job.json").read_text("utf-8"))
    request = finished["request"]
    try:
        job_objects = scene_exchange.read([done.obj], request)
        result = protocol.Result.from_dict(with_absolute_paths(finished["result"], folder))
        return list(scene_exchange.show(job_objects, request, result, pack))
    except Problem as problem:
        print(f"sync_texture: {problem}", file=sys.stderr, flush=True)
        return []


def with_absolute_paths(result: dict[str, Any], folder: Path) -> dict[str, Any]:
    """``result`` of a batch's job.json, which counts paths from its ``folder``, with absolute paths."""

    def absolute(path: str | None) -> str | None:
        return path and str(folder / path)

    single = ("texture", "mesh", "views", "turntable", "report", "uvs", "scene")
    textures = [
        {**one, "path": absolute(one["path"])}
        | ({"others": {name: absolute(path) for name, path in others.items()}} if others else {})
        for one in result.get("textures", ())
        for others in [one.get("others", {})]
    ]
    return {
        **result,
        **{name: absolute(result.get(name)) for name in single},
        "other_uvs": [absolute(path) for path in result.get("other_uvs", ())],
        "textures": textures,
    }
