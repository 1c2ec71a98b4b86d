"""Words of the command line: values of every option, names of files and folders."""

from __future__ import annotations

import os
from pathlib import Path

from tests.bench.fuzz import commands, odd, one_job, samples
from tests.bench.fuzz.case import Case, Ended

_model = ""


def prepare(shared: Path) -> None:
    global _model
    _model = str(one_job.prepare(shared))


def make(case: Case) -> list[str]:
    """The command's words; texts may be bytes that are none."""
    rng = case.rng
    mesh = case.write(case.odd_name("box.obj", 0.3), samples.obj())
    case.given.add(str(mesh))
    if rng.random() < 0.2:
        return _other_command(case)
    fields = {**one_job.QUICK, "mesh": str(mesh), "out": str(case.out), "model": _model}
    words = [word for name, value in fields.items() for word in (_flag(name), str(value))]
    for _ in range(rng.choice((1, 1, 2))):
        name = rng.choice(_flags())
        value = odd.text(rng) if rng.random() < 0.7 else str(odd.number(rng))
        if name == "--out" and rng.random() < 0.3:
            case.write("taken", b"mine")
            words += [name, str(case.inputs / "taken" / "x")]  # a file is no folder
            continue
        case.notes.append(f"{name} {odd.shown(value)}")
        value = value.replace(odd.OUTSIDE, str(case.outside)).replace("\x00", "")
        if name == "--out":
            value = _below(case.out / "below", value)
        words += [name, value] if rng.random() < 0.9 else [f"{name}={value}"]
    if rng.random() < 0.1:
        words = [*words, "--json"]
    return ["texture", *words]


def _below(folder: Path, name: str) -> str:
    """``name`` inside ``folder``, whatever it is: what is made by it is made there."""
    parts = [part for part in name.split("/") if part not in ("", "..")]
    return f"{folder}/{'/'.join(parts)}"


def _other_command(case: Case) -> list[str]:
    rng = case.rng
    word = odd.text(rng).replace("\x00", "").replace(odd.OUTSIDE, str(case.outside))
    case.notes.append(odd.shown(word))
    return rng.choice(
        (
            *(["models", "show", word], ["models", "verify", word], ["models", "delete", word]),
            *(["models", "link", word, _model], ["models", "link", "mine", word], [word], ["doctor", word]),
            *(["batch", word, "--out", str(case.out)], ["texture", word], ["models", word]),
        )
    )


def _flags() -> list[str]:
    from engine.options.option import ENGINE, at
    from engine.options.request import Request

    return [one.flag for one in at(Request, ENGINE).values() if one.kind is not bool]


def _flag(name: str) -> str:
    from engine.errors import flag

    return flag(name)


def act(case: Case, words: list[str]) -> Ended:
    return commands.run(case, [os.fsdecode(os.fsencode(_encodable(word))) for word in words])


def _encodable(word: str) -> str:
    """As the system would hand it over: half a pair is bytes that are no text."""
    return word.replace("\ud800", "\udced\udca0\udc80")
