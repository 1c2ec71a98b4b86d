"""The options of a job that say on what, into which folder and on what device; request.py has the rest."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import choices
from .option import BLENDER, ENGINE, JOBS, option

JOB, MODEL, METHOD, VIEWS, TEXTURE, OBJECTS = "Job", "Model", "Method", "Views", "Texture", "Objects"
WRITING = "Files"
"""Sections."""

COMMANDS = frozenset({ENGINE, JOBS, BLENDER})
FILES = frozenset({ENGINE, JOBS})


@dataclass(frozen=True)
class Job:
    """See :class:`~engine.options.request.Request`."""

    mesh: str = field(
        metadata=option(
            "Mesh",
            ".obj .glb .gltf .ply .stl .blend .fbx .usd, with or without UVs; several: together, as they lie",
            JOB,
            doors=FILES,
            metavar="FILE",
            repeats=True,
            reported=False,
        )
    )
    prompt: str = field(
        metadata=option(
            "Prompt",
            "What the object should look like, for example: weathered red bricks",
            JOB,
            personal=True,
        )
    )
    out: str = field(
        metadata=option(
            "Temporary Folder",
            "Folder for the results",
            JOB,
            doors=FILES,
            metavar="DIR",
            reported=False,
            elsewhere="Preferences > File Paths",
        )
    )
    device: str = field(
        default="auto",
        metadata=option(
            "Device",
            "What the network runs on",
            JOB,
            choices=choices.DEVICES,
            doors=COMMANDS,
            reported=False,
            elsewhere="Preferences",
            blender_usual="what the preferences say",
        ),
    )
    preview: bool = field(
        default=False,
        metadata=option(
            "Preview",
            "Keep preview.texture.png in the folder up to date meanwhile",
            JOB,
            doors=frozenset({ENGINE, BLENDER}),
            reported=False,
        ),
    )
    objects: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Objects",
            "Of a .blend: its object; several times: textured together",
            OBJECTS,
            doors=COMMANDS,
            metavar="NAME",
            blender_help="An object; several times: textured together",
            usual="all that its scene shows",
            blender_usual="the active one",
            reported=False,
        ),
    )
    collection: str | None = field(
        default=None,
        metadata=option(
            "Collection",
            "Of a .blend: the objects in this collection, together",
            OBJECTS,
            doors=COMMANDS,
            metavar="NAME",
            blender_help="The objects in this collection, together",
            reported=False,
        ),
    )
    scene: str = field(
        default="beside",
        metadata=option(
            "Scene",
            "Of a .blend: where scene.blend, textured, has its textures",
            OBJECTS,
            choices=choices.SCENES,
            doors=FILES,
            reported=False,
        ),
    )
    other_meshes: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Other Meshes",
            "More mesh files, textured together with the first one",
            OBJECTS,
            doors=frozenset({JOBS}),
            metavar="FILE",
            reported=False,
        ),
    )
    other_unwraps: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Other Unwraps",
            "Unwrap of each of the other meshes, where it isn't the same for all",
            OBJECTS,
            choices=choices.UNWRAPS,
            doors=frozenset({JOBS}),
            reported=False,
        ),
    )
    write_uvs: bool = field(
        default=False,
        metadata=option(
            "Write UVs", "Leave new UVs as arrays", OBJECTS, doors=frozenset({JOBS}), reported=False
        ),
    )
    overwrite: bool = field(
        default=False,
        metadata=option(
            "Overwrite",
            "Lose files that are in the way, though no earlier run made them",
            WRITING,
            doors=COMMANDS,
            reported=False,
        ),
    )
