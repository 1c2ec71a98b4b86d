"""docs/options.md, made from the tables: ``python -m engine.options docs/options.md``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from . import values
from .blender import SECTIONS, NewWorld, ObjectBatch, Panel, Texture, TileMaterial
from .commands import Batch, Doctor, Models, Output, Serve, Whole
from .image import ImageRequest
from .model_file import keys
from .option import BLENDER, ENGINE, EVERYWHERE, JOBS, PANEL, Option, options
from .request import OPTIONS
from .splats import SplatsRequest

HEAD = """# Options

Made by `.venv/bin/python -m engine.options docs/options.md` from the tables in `engine/options`.

This is how the command line spells them. A job file and a script in Blender spell `--texture-size` as
`texture_size`. *Where* says who takes an option: the command of the engine, a job file, the command in
Blender, the panel. All of them refuse the same values. Where the default is the model's, its family or its
own [sync_texture.json](models.md) decides.
"""
WHERE = (ENGINE, JOBS, BLENDER, PANEL)


def page() -> str:
    """The whole page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield HEAD
    yield from _requests()
    yield from _table("`image`", options(ImageRequest).values())
    yield from _table("`splats`", options(SplatsRequest).values())
    yield from _table("Output of `texture`, `image`, `splats` and `batch`", options(Output).values())
    yield from _table("`batch`", options(Batch).values())
    yield from _table("`models`", options(Models).values())
    yield from _table("`doctor`", options(Doctor).values())
    yield from _table("`serve`", options(Serve).values())
    yield from _table("Before the command", options(Whole).values())
    yield from _table("`texture` in Blender only", options(Texture).values())
    yield from _table("`batch` in Blender only", options(ObjectBatch).values())
    yield from _table("New Tileable Material in Blender only", options(TileMaterial).values())
    yield from _table("New World in Blender only", options(NewWorld).values())
    yield from _model_file()
    requests = {**OPTIONS, **options(ImageRequest), **options(SplatsRequest)}
    yield from _choices({**requests, **options(Panel), **options(NewWorld), **keys()})


def _requests() -> Iterator[str]:
    """Of one texture, section by section."""
    entries = [*OPTIONS.values(), *options(Panel).values()]
    for section in dict.fromkeys(one.section for one in entries):
        yield from _table(section, (one for one in entries if one.section == section), doors=True)


def _table(title: str, entries: Iterable[Option], doors: bool = False) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"| option | what it is | values | default |{' where |' if doors else ''}"
    yield f"| --- | --- | --- | --- |{' --- |' if doors else ''}"
    for one in entries:
        yield _row(_spelled(one), one.help, _values(one), _default(one), *([_where(one)] if doors else []))
    yield ""


def _spelled(one: Option) -> str:
    """Its flag, and what the panel calls it."""
    if one.positional:
        return one.metavar or one.name
    name = f"`{one.flag}`" if one.doors & {ENGINE, BLENDER} else f"`{one.name}`"
    return f"{name}, {one.label}" if PANEL in one.doors and one.section in SECTIONS else name


def _where(one: Option) -> str:
    return "everywhere" if one.doors >= EVERYWHERE else ", ".join(door for door in WHERE if door in one.doors)


def _values(one: Option) -> str:
    if one.kind is bool:
        return ""
    return " ".join(filter(None, (values.allowed(one), one.unit)))


def _default(one: Option) -> str:
    return "needed" if one.required else one.default_words


def _model_file() -> Iterator[str]:
    yield "## What a model's own sync_texture.json may say\n"
    yield "| key | what it is | values |\n| --- | --- | --- |"
    for name, one in keys().items():
        yield _row(f"`{name}`", one.help, _values(one))
    yield ""


def _choices(entries: Mapping[str, Option]) -> Iterator[str]:
    yield "## Choices\n\n| option | value | in the panel | what it is |\n| --- | --- | --- | --- |"
    shown = set()
    for name, one in entries.items():
        for value, words in {**one.choices, **one.blender_choices}.items():
            if (value, words) not in shown:  # as another option has it
                yield _row(f"`{name}`", f"`{value}`", *words)
            shown.add((value, words))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
