"""The options that ``python -m engine`` and the command inside Blender have in common, each said once.

Standard library only: Blender's own Python reads it, too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from .. import protocol, terminal

Add = Callable[..., Any]  # an ArgumentParser's add_argument, or something like it
CHOICES: Mapping[str, tuple[str, ...]] = {
    "method": protocol.METHODS,
    "sync_space": protocol.SYNC_SPACES,
    "attention": protocol.ATTENTIONS,
    "unwrap": protocol.UNWRAPS,
    "device": protocol.DEVICES,
    "raster": protocol.RASTERS,
    "fill": protocol.FILLS,
    "texture_sets": protocol.TEXTURE_SETS,
    "texture_depth": protocol.TEXTURE_DEPTHS,
    "sync_share": protocol.SYNC_SHARES,
    "aggregate": protocol.AGGREGATES,
    "scene": protocol.SCENES,
}
"""What a field of a request can be, where that is one of a few words."""


class Parser(argparse.ArgumentParser):
    """Answers bad options as every other bad input: one line, exit status 2."""

    def error(self, message: str) -> NoReturn:
        terminal.complain(message, f"{self.prog} --help lists the options")
        sys.exit(protocol.EXIT_BAD_INPUT)


def _one_of(add: Add, option: str, **how: Any) -> None:
    """An option whose value is one of its field's CHOICES."""
    add(option, choices=CHOICES[option.removeprefix("--").replace("-", "_")], **how)


def sampling(add: Add) -> None:
    """What the model is asked, and how its views are put together."""
    add("--negative", metavar="TEXT", help="what it must not look like")
    add("--model", default="starter", metavar="NAME|DIR|FILE", help="default: starter")
    _one_of(add, "--method", default="synctweedies", metavar="NAME", help=", ".join(protocol.METHODS))
    where = "latent or rgb: where views are averaged (default: the model's)"
    _one_of(add, "--sync-space", metavar="SPACE", help=where)
    share = "published, all or ramp: which of the steps views agree in (default: the model's)"
    _one_of(add, "--sync-share", metavar="STEPS", help=share)
    how = "mean or best: a texel's views averaged, or the one that faces it (default: the model's)"
    _one_of(add, "--aggregate", metavar="HOW", help=how)
    attend = "views or off: do views attend to each other (default: the model's)"
    _one_of(add, "--attention", metavar="HOW", help=attend)
    add("--steps", type=int, metavar="N", help="denoising steps (default: the model's)")
    strictly = "how strictly to follow the prompt (default: the model's)"
    add("--guidance", type=float, metavar="X", help=strictly)
    add("--seed", type=int, default=0, metavar="N", help="another seed, another texture; default: 0")


def views(add: Add, front: str = "0 is +Z, 90 is +X", scene: bool = False) -> None:
    """Whence it is seen. front: how degrees count. scene: whether there are its cameras, too."""
    own = "; scene: its cameras" if scene else ""
    add(
        "--views",
        default="paper",
        metavar="paper|auto|scene|N" if scene else "paper|auto|N",
        help=f"the published ten views, at most 16 that show all of the mesh, or N spread evenly{own}",
    )
    add("--cameras", metavar="FILE", help="a JSON file of cameras that are the views instead")
    side = f"which side of the mesh is its front: {front}; default: 0"
    add("--front", type=float, default=0.0, metavar="DEGREES", help=side)


def files(add: Add, device: str | None = "auto", usual: str = "auto") -> None:
    """The texture, what it starts from, and by what it is made. device: the default, called ``usual``."""
    add("--texture-size", type=int, default=1024, metavar="N", help="texels a side; default: 1024")
    depth = "8 or 16 bits a channel, half or float for texture.exr in linear light; default: 8"
    _one_of(add, "--texture-depth", default="8", metavar="BITS", help=depth)
    sets = "auto: a texture for each mesh; one for all; for each object or material in them"
    _one_of(add, "--texture-sets", default="auto", metavar="WHAT", help=sets)
    add("--init-texture", metavar="FILE", help="a texture for the mesh's own UVs, to start from")
    far = "how far from it: 0.1 retouches, 1 starts anew; default: 0.5"
    add("--strength", type=float, metavar="X", help=far)
    when = "auto, always or never; default: auto"
    _one_of(add, "--unwrap", default="auto", metavar="WHEN", help=when)
    name = f"auto, cpu, cuda or mps; default: {usual}"
    _one_of(add, "--device", default=device, metavar="NAME", help=name)
    _one_of(add, "--raster", default="auto", metavar="NAME", help=", ".join(protocol.RASTERS))
    whence = "surface or uv: from where unseen texels take colours"
    _one_of(add, "--fill", default="surface", metavar="HOW", help=whence)


def objects(add: Add, of: str = "of a .blend: ", usual: str = "all that its scene shows") -> None:
    """Which of several are meant. of: what they are in; usual: which without a word."""
    together = f"{of}its object; several times: textured together (default: {usual})"
    add("--object", dest="objects", action="append", default=[], metavar="NAME", help=together)
    add("--collection", metavar="NAME", help=f"{of}the objects in this collection, together")
    layer = f"{of}UV map to texture (default: the active)"
    add("--uv-layer", default="", metavar="NAME", help=layer)


def telling(add: Add) -> None:
    """What is said meanwhile."""
    add("--json", action="store_true", help="tell what happens in lines of JSON on stdout")
    add("--quiet", action="store_true", help="no progress")


def texture(parser: argparse.ArgumentParser) -> None:
    """``texture`` of mesh files."""
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
    _of_files(add)
    add("--blender", metavar="PROGRAM", help="what opens .blend files (default: BLENDER, else blender)")
    preview(add)
    telling(add)


def preview(add: Add) -> None:
    """The texture so far."""
    add("--preview", action="store_true", help="keep preview.texture.png in the folder up to date meanwhile")


def _of_files(add: Add) -> None:
    """What a texture of mesh files can be asked for besides mesh, prompt and folder."""
    sampling(add)
    views(add)
    files(add)
    objects(add)
    where = "of a .blend: beside, packed or none: where scene.blend, textured, has its textures"
    _one_of(add, "--scene", default="beside", metavar="HOW", help=where)


def batch(parser: argparse.ArgumentParser, jobs: str | None = None) -> None:
    """``batch``. jobs: "?" where there needn't be a job file."""
    add = parser.add_argument
    add("jobs", nargs=jobs, metavar="JOBS", help="JSON lines or CSV: mesh, prompt, any option of texture")
    add("--out", required=True, metavar="DIR", help="folder for a folder a job, summary.csv and index.html")
    add("--workers", type=int, metavar="N", help="engines side by side; default: 1, or all a cluster holds")
    add("--time-limit", type=float, metavar="SECONDS", help="a job that takes longer has failed")
    add("--cluster", metavar="ADDRESS", help="on the Ray cluster there; local: on one started here")
    add("--cores", type=int, metavar="N", help="of an engine on a cluster without graphics cards; default: 4")
    add("--part", metavar="K/N", help="every N-th line only: several machines share one job file and folder")
    add("--tolerant", action="store_true", help="exit status 0 even if jobs failed: for parts of a whole")
    add("--blender", metavar="PROGRAM", help="what opens .blend files (default: BLENDER, else blender)")
    telling(add)
    group = parser.add_argument_group("for jobs that don't say otherwise")

    def default(*names: str, **how: Any) -> None:
        group.add_argument(*names, **{**how, "default": argparse.SUPPRESS})

    default("--prompt", metavar="TEXT", help="what the surfaces look like")
    _of_files(default)
