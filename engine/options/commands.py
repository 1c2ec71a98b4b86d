"""The options of the commands besides those of a job: tables as of option.py."""

from __future__ import annotations

from dataclasses import dataclass, field

from .option import option

OUTPUT = "Output"


@dataclass(frozen=True)
class Whole:
    """Before the command's name."""

    offline: bool = field(default=False, metadata=option("Offline", "Never use the network"))
    json_errors: bool = field(
        default=False,
        metadata=option("JSON Errors", "Say what is wrong in a line of JSON on stderr, for programs"),
    )


@dataclass(frozen=True)
class Output:
    """What a command that makes textures says meanwhile, and what it calls."""

    blender: str | None = field(
        default=None,
        metadata=option(
            "Blender", "What opens .blend files", usual="BLENDER, else blender", metavar="PROGRAM"
        ),
    )
    json: bool = field(
        default=False, metadata=option("JSON", "Tell what happens in lines of JSON on stdout", OUTPUT)
    )
    quiet: bool = field(default=False, metadata=option("Quiet", "No progress", OUTPUT))


@dataclass(frozen=True)
class Batch:
    """``batch``."""

    jobs: str = field(
        metadata=option(
            "Jobs",
            "JSON lines or CSV: mesh, prompt, any option of texture",
            metavar="JOBS",
            positional=True,
        )
    )
    out: str = field(
        metadata=option("Results", "Folder for a folder a job, summary.csv and index.html", metavar="DIR")
    )
    workers: int | None = field(
        default=None,
        metadata=option(
            "Workers", "Engines side by side", usual="1, or all that a cluster holds", low=1, high=1024
        ),
    )
    time_limit: float | None = field(
        default=None,
        metadata=option(
            "Time Limit", "A job that takes longer has failed", low=0.01, unit="seconds", metavar="SECONDS"
        ),
    )
    cluster: str | None = field(
        default=None,
        metadata=option("Cluster", "On the Ray cluster there; local: on one started here", metavar="ADDRESS"),
    )
    cores: int | None = field(
        default=None,
        metadata=option("Cores", "Of an engine on a cluster without graphics cards", usual="4", low=1),
    )
    part: str | None = field(
        default=None,
        metadata=option(
            "Part",
            "Every N-th line only: several machines share one job file and folder",
            metavar="K/N",
        ),
    )
    tolerant: bool = field(
        default=False,
        metadata=option("Tolerant", "Exit status 0 even if jobs failed: for parts of a whole"),
    )


@dataclass(frozen=True)
class Models:
    """``models``."""

    action: str = field(
        metadata=option(
            "Action",
            "What to do",
            choices={
                "list": ("List", "All that are known"),
                "show": ("Show", "What one is, and which words it knows"),
                "download": ("Download", "One from its source"),
                "verify": ("Verify", "The files of one, or of all that are here"),
                "link": ("Link", "A model of one's own under a name"),
                "delete": ("Delete", "One from this computer"),
            },
            positional=True,
        )
    )
    name: str | None = field(
        default=None,
        metadata=option("Name", "Of a model, or its folder; with link: the name to give", positional=True),
    )
    path: str | None = field(
        default=None,
        metadata=option(
            "Path",
            "With link: a folder in diffusers layout, a .safetensors file, or a program's folder of models",
            positional=True,
        ),
    )
    json: bool = field(default=False, metadata=option("JSON", "Answer with JSON, progress included", OUTPUT))


@dataclass(frozen=True)
class Doctor:
    """``doctor``."""

    json: bool = field(default=False, metadata=option("JSON", "Answer with one line of JSON", OUTPUT))


@dataclass(frozen=True)
class Serve:
    """``serve``."""

    frugal: bool = field(
        default=False, metadata=option("Frugal", "One view at a time: slower, in less memory")
    )
