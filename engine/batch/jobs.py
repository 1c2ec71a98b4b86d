"""The job file: JSON lines or CSV, a job a line. A broken line costs that line only."""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import blend
from ..errors import UserError
from ..errors import column as by_column
from ..inputs import read_input
from ..mesh.read import ENDINGS
from ..options import job_fields
from ..protocol import ImageRequest, Request
from . import names
from .stamps import Stamps

Values = Mapping[str, Any]
BatchRequest = Request | ImageRequest  # what a line can ask for
SHOWN = 200  # characters of a refused line's mesh and prompt
REFUSED = "refused"  # in a line: whoever wrote the file knows already that it can't be done, and why


@dataclass(frozen=True)
class JobLine:
    """One line that can be done. name: its folder below the batch's, / between its parts. request: what is
    asked for, its paths absolute but for ``out``, which is only decided when the job is done.
    fingerprint: changes when the line, the options or the files that it reads do."""

    line: int
    name: str
    request: BatchRequest
    fingerprint: str


@dataclass(frozen=True)
class RefusedLine:
    """One line that can't be done, and why. mesh, prompt: as far as it says."""

    line: int
    error: str
    fix: str
    mesh: str = ""
    prompt: str = ""


@dataclass(frozen=True)
class Shard:
    """Every ``count``-th line, so that several machines can share a job file; number: 1 to ``count``."""

    number: int
    count: int

    @classmethod
    def read(cls, text: str) -> Shard:
        """K/N in words; raises UserError."""
        number, _, count = text.partition("/")
        digits = len(text) < 20 and number.isdecimal() and count.isdecimal()
        good = digits and 1 <= int(number) <= int(count)
        if not good:
            raise UserError(f"the part is {text!r}", "write K/N with K from 1 to N, such as 2/10")
        return cls(int(number), int(count))

    def has(self, line: int) -> bool:
        """Whether ``line`` of the job file is in this part."""
        return line % self.count == self.number % self.count


def read(path: Path, defaults: Values) -> tuple[list[JobLine], list[RefusedLine]]:
    """The jobs in ``path`` and the lines that are none, each in the file's order.

    defaults: fields for jobs that don't say otherwise. Paths of files count from the job file's folder.
    Raises UserError when the file can't be read at all.
    """
    text = _text(path)
    lines = _csv(text) if _is_csv(path, text) else _json_lines(text)
    register, stamps, jobs, refused = names.NameRegister(), Stamps(), [], []
    for number, values in lines:
        try:
            if isinstance(values, UserError):
                raise values
            job = _job(number, values, defaults, path.absolute().parent, stamps)
            register.add(job.name, number)
            jobs.append(job)
        except UserError as error:
            known: Values = {} if isinstance(values, UserError) else values
            mesh, prompt = (str(known.get(name) or "")[:SHOWN] for name in ("mesh", "prompt"))
            refused.append(RefusedLine(number, *error.wording.by(by_column), mesh, prompt))
    if not jobs and not refused:
        raise UserError(
            f"'{path}' lists no jobs", "write one a line, or for CSV a line of column names first"
        )
    return jobs, refused


def _text(path: Path) -> str:
    data = read_input(path)
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # what PowerShell writes
    text = data.decode("utf-16" if wide else "utf-8-sig", errors="surrogateescape" if not wide else "replace")
    if text.lstrip()[:1] == "[":
        raise UserError(f"'{path}' is one JSON array", "write each job as an object on a line of its own")
    return text


def _is_csv(path: Path, text: str) -> bool:
    return path.suffix.lower() in (".csv", ".tsv") or text.lstrip()[:1] not in ("{", "")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line that isn't blank. Only line feeds end lines: JSON may hold the others."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line.rstrip("\r")


def _json_lines(text: str) -> Iterator[tuple[int, Values | UserError]]:
    for number, line in _lines(text):
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, UserError(f"it isn't JSON ({error})", "correct it")
            continue
        good = isinstance(values, dict)
        yield (
            number,
            values if good else UserError("it is no JSON object", 'write {"mesh": ..., "prompt": ...}'),
        )


def _csv(text: str) -> Iterator[tuple[int, Values | UserError]]:
    """Line by line, so that a quote that nobody closes doesn't swallow the lines after it."""
    lines = _lines(text)
    _, head = next(lines, (0, ""))
    if not head:
        return
    mark = max(",;\t", key=head.count)
    columns = [column.strip() for column in _cells(head, mark)]
    for column in columns:
        job_fields.field_name(column)
    for number, line in lines:
        try:
            cells = _cells(line, mark)
        except UserError as error:
            yield number, error
            continue
        if len(cells) > len(columns):
            yield number, UserError(f"it has {len(cells)} cells for {len(columns)} columns", "quote commas")
        else:
            yield number, dict(zip(columns, (cell.strip() for cell in cells), strict=False))


def _cells(line: str, mark: str) -> list[str]:
    try:
        (cells,) = csv.reader([line], delimiter=mark, strict=True)
    except (csv.Error, ValueError) as error:
        raise UserError(f"it isn't CSV ({error})", "correct it; a quote inside quotes is doubled") from None
    return cells


def _job(line: int, values: Values, defaults: Values, folder: Path, stamps: Stamps) -> JobLine:
    if values.get(REFUSED):
        raise UserError(str(values[REFUSED]), str(values.get("fix") or "mend that"))
    several = ("prompt", "other_prompts") if "kind" in values else ("mesh", "other_meshes")
    told = job_fields.read(_split(values, *several))
    table: type[BatchRequest] = ImageRequest if "kind" in told else Request
    fields = {**(job_fields.for_pictures(defaults) if "kind" in told else defaults), **told}
    for name in ("prompt",) if "kind" in told else ("mesh", "prompt"):
        if not str(fields.get(name, "")).strip():
            raise UserError(f"it names no {name}", f"say {name}")
    overwrite = bool(fields.pop("overwrite", False))  # which changes nothing of what is made
    if "out" in fields:
        name = names.checked_name(fields.pop("out"))
    else:
        name = names.default_name(_subject(fields), fields["prompt"], fields)
    paths: dict[str, Any] = {**_mesh_paths(fields, folder), "out": ""}
    for one in job_fields.FILES:
        if fields.get(one):
            paths[one] = str(folder / fields[one])
    paths |= job_fields.beside(fields, folder)
    said = json.dumps([fields, stamps.of_job(fields, folder)], sort_keys=True)
    fingerprint = hashlib.sha256(said.encode()).hexdigest()
    return JobLine(line, name, table.from_dict({**fields, **paths, "overwrite": overwrite}), fingerprint)


def _mesh_paths(fields: Values, folder: Path) -> dict[str, Any]:
    """The job's meshes as seen from anywhere; none for a picture."""
    if "mesh" not in fields:
        return {}
    meshes = (fields["mesh"], *fields.get("other_meshes", ()))
    for mesh in meshes:
        _check_mesh(mesh)
    first, *others = (str(folder / mesh) for mesh in meshes)
    return {"mesh": first, **({"other_meshes": others} if others else {})}


def _subject(fields: Values) -> str:
    """What a job is about: its mesh, and the first object of a .blend, or its collection; of a picture its
    kind."""
    if "kind" in fields:
        return str(fields["kind"])
    mesh = Path(fields["mesh"].replace("\\", "/"))
    part = [*fields.get("objects", ()), fields.get("collection") or ""][0]
    return f"{mesh.stem} {part}.x" if part else str(mesh)


def _split(values: Values, first: str, others: str) -> Values:
    """``values`` with a list of what is ``first``, which the command line can be given several times, taken
    apart."""
    several = values.get(first)
    if not isinstance(several, list):
        return values
    return {**values, first: several[0] if several else "", **({others: several[1:]} if several[1:] else {})}


def _check_mesh(mesh: str) -> None:
    ending = Path(mesh).suffix.lower()
    if blend.is_for_blender(mesh):
        blend.program(mesh)
    elif ending not in ENDINGS:
        known = " ".join((*ENDINGS[:-1], *blend.ENDINGS))
        raise UserError(f"{mesh!r} is not a kind of mesh file that can be read", f"use {known}")
