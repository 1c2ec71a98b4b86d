"""``blender -b [FILE.blend] --command sync_texture batch``: a job file, or objects of the open file, through
the engine's own batch: with several engines, going on where it was.

A job file goes there as it is; .blend files in it are opened by this Blender. Meshes of objects are written
into the batch's folder with a job file for them, and the textures put back when it is done.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..engine import protocol
from . import choose, deliver, interrupt, preferences, scene
from .job import environment
from .problem import Problem
from .subject import Subject, Textured, file_names

MESHES, JOBS = "meshes", "objects.jsonl"  # in the batch's folder
DONE = "done"
BLENDER = "BLENDER"  # as the engine looks for it


@dataclass(frozen=True)
class Wish:
    """An object, and the folder of its results inside the batch's."""

    obj: Any
    folder: str


def engine(arguments: Sequence[str]) -> int:
    """Run the engine's command line with our stdin, stdout and stderr. Its exit status; raises Problem."""
    command = preferences.command(list(arguments))
    environ = environment.child_environment(os.environ)
    environ[BLENDER] = bpy.app.binary_path or sys.executable  # this one, unless --blender says otherwise
    sys.stdout.flush()
    child = subprocess.Popen(command, env=environ)
    with interrupt.calls(lambda: child.send_signal(signal.SIGTERM)):
        return child.wait()


def run(arguments: Sequence[str]) -> int:
    """Do the command line ``arguments``; the exit status. Raises Problem, and SystemExit for bad options."""
    args, rest = _parser().parse_known_args(arguments)
    if not args.objects and not args.collection:
        if args.save or args.glb or args.prompt_property:
            what = "--save, --glb and --prompt-property are for objects of the open file"
            raise Problem(
                what, "Name them by --objects or --collection; jobs of a .blend leave a scene.blend."
            )
        return engine(["batch", *rest, *_passed_on(args)])
    if not args.out:
        raise Problem("Nowhere to put the results", "Give --out DIR.")
    if (args.save or args.glb) and any(word.startswith("--part") for word in rest):
        raise Problem(
            "A part of a batch leaves nothing whole to save", "Leave out --part, or --save and --glb."
        )
    return _objects(args, rest)


def _parser() -> argparse.ArgumentParser:
    """Of what is ours; everything else is the engine's."""
    parser = argparse.ArgumentParser(
        prog="blender -b FILE.blend --command sync_texture batch",
        description="[JOBS] --out DIR, and what `python -m engine batch` takes; besides, for objects:",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--objects", nargs="+", default=[], metavar="NAME", help="objects of the open file, each by itself")
    add("--collection", metavar="NAME", help="all meshes in it, and in those inside it, each by itself")
    add("--prompt-property", default="", metavar="NAME", help="custom property that holds an object's prompt")
    add("--save", metavar="FILE.blend", help="where to save the textured file")
    add("--glb", metavar="FILE.glb", help="where to save the textured objects as glTF")
    add("--pack", action="store_true", help="textures inside the .blend even where they could lie beside it")
    add("--out", metavar="DIR", help="folder for a folder a job, summary.csv and index.html")
    add("--unwrap", default="auto", choices=protocol.UNWRAPS)
    add("--uv-layer", default="", metavar="NAME", help="UV map to texture (default: the active one)")
    return parser


def _passed_on(args: argparse.Namespace) -> list[str]:
    """What of ours means something for a job file, too."""
    words = ["--out", args.out] if args.out else []
    words += ["--collection", args.collection] if args.collection else []
    words += ["--unwrap", args.unwrap] if args.unwrap != "auto" else []
    words += ["--uv-layer", args.uv_layer] if args.uv_layer else []
    return [*words, *(["--scene", "packed"] if args.pack else [])]


def _objects(args: argparse.Namespace, rest: list[str]) -> int:
    """The batch over objects of the open file."""
    deliver.make_parents(args.save, args.glb)
    out = Path(args.out).absolute()
    found = [obj.name for obj in choose.of_collection(args.collection)] if args.collection else []
    names = list(dict.fromkeys([*args.objects, *found]))
    refused = _write_jobs(args, out, names)
    if len(refused) == len(names):
        raise Problem("; ".join(refused))
    status = engine(["batch", str(out / JOBS), "--out", str(out), *rest])
    if status in (protocol.EXIT_DONE, protocol.EXIT_BUG) and (args.save or args.glb):
        done = [Wish(choose.named(names[line - 1]), folder) for line, folder in _done(out)]
        textured = [one for wish in done for one in _put_back(wish, out, deliver.packs(args.save, args.pack))]
        if textured:
            deliver.deliver([wish.obj for wish in done], textured, args.save, args.glb)
    return status or (protocol.EXIT_BUG if refused else protocol.EXIT_DONE)


def _write_jobs(args: argparse.Namespace, out: Path, names: Sequence[str]) -> list[str]:
    """A job for each of the objects, in its line; lines of those that can't be done stay empty. What is wrong
    with these."""
    (out / MESHES).mkdir(parents=True, exist_ok=True)
    lines, refused = [], []
    for name, folder in zip(names, file_names(names), strict=True):
        try:
            lines.append(json.dumps(_job(args, out, choose.named(name), folder)))
        except Problem as problem:
            lines.append("")
            refused.append(str(problem))
            print(f"sync_texture: {problem}", file=sys.stderr, flush=True)
    (out / JOBS).write_text("\n".join(lines) + "\n", "utf-8")
    return refused


def _job(args: argparse.Namespace, out: Path, obj: Any, folder: str) -> dict[str, Any]:
    """The job of one object, its mesh written. Raises Problem."""
    (subject,) = scene.read([obj], {"prompt": "", "unwrap": args.unwrap, "uv_layer": args.uv_layer})
    mesh = out / MESHES / f"{folder}.npz"
    new = mesh.with_suffix(".new.npz")
    subject.read.arrays().save(new)
    if mesh.is_file() and mesh.read_bytes() == new.read_bytes():
        new.unlink()  # the older one stays, by whose time the engine knows that nothing has changed
    else:
        os.replace(new, mesh)
    job = {"mesh": f"{MESHES}/{mesh.name}", "out": folder, "unwrap": subject.read.unwrap}
    prompt = choose.prompt_of(obj, args.prompt_property)
    return {**job, **({"prompt": prompt} if prompt else {})}


def _done(out: Path) -> list[tuple[int, str]]:
    """Line and folder of what is done."""
    with (out / "summary.csv").open(newline="", encoding="utf-8") as file:
        return [(int(row["line"]), row["name"]) for row in csv.DictReader(file) if row["state"] == DONE]


def _put_back(wish: Wish, out: Path, pack: bool) -> list[Textured]:
    """Show the object's result on it; [] and a word where that can't be."""
    folder = out / wish.folder
    said = json.loads((folder / "job.json").read_text("utf-8"))
    asked = said["request"]
    try:
        subjects: list[Subject] = scene.read([wish.obj], asked)
        result = protocol.Result.from_dict(placed(said["result"], folder))
        return list(scene.show(subjects, asked, result, pack))
    except Problem as problem:
        print(f"sync_texture: {problem}", file=sys.stderr, flush=True)
        return []


def placed(result: dict[str, Any], folder: Path) -> dict[str, Any]:
    """``result`` of a batch's job.json, which counts paths from its ``folder``, with whole paths."""

    def whole(path: str | None) -> str | None:
        return path and str(folder / path)

    single = ("texture", "mesh", "views", "turntable", "report", "uvs", "scene")
    textures = [{**one, "path": whole(one["path"])} for one in result.get("textures", ())]
    return {
        **result,
        **{name: whole(result.get(name)) for name in single},
        "other_uvs": [whole(path) for path in result.get("other_uvs", ())],
        "textures": textures,
    }
