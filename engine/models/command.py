"""``models list | show NAME | download NAME | verify [NAME] | link NAME PATH | delete NAME``."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from functools import partial
from pathlib import Path

from .. import protocol
from ..errors import UserError
from ..terminal import ProgressBar, say, tell
from . import catalogue, files, links, manage, show, trees
from .describe import describe

PROGRESS_S = 0.25  # a download tells no more often than this how far it is


def run(action: str, name: str | None, as_json: bool = False, path: str | None = None) -> int:
    """The exit status; raises UserError. as_json: print one line of JSON instead of text; a download also
    prints {file, done, total} (bytes) in lines before it. path: with "link"."""
    if action == "list":
        return _list(as_json)
    if action == "verify":
        names = [name] if name else [m.entry.name for m in manage.list_models() if m.installed or m.damaged]
        return _verify(names, as_json)
    if name is None:
        raise UserError(f"models {action} needs a name", "models list shows the known ones")
    if action == "link":
        return _link(name, path, as_json)
    return {"show": _show, "download": _download, "delete": _delete}[action](name, as_json)


def _download(name: str, as_json: bool) -> int:
    if not as_json and (entry := catalogue.known(name)):
        tell("\n".join(show.before_download(entry, shutil.get_terminal_size().columns)))
    with ProgressBar(silent=as_json) as bar:
        draw = partial(_draw, bar)
        manage.download(name, _JsonProgress() if as_json else draw, _go_on)
    if as_json:
        tell(json.dumps({"name": name, "installed": True}))
    say(f"{name} is ready")
    return protocol.EXIT_DONE


def _draw(bar: ProgressBar, file: str, done: int, size: int) -> None:
    bar(file, done >> 20, max(1, size >> 20), None)


class _JsonProgress:
    """Prints how far a download is, not too often."""

    def __init__(self) -> None:
        self._due = 0.0

    def __call__(self, file: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._due or done >= total:
            self._due = now + PROGRESS_S
            tell(json.dumps({"file": file, "done": done, "total": total}))


def _link(name: str, path: str | None, as_json: bool) -> int:
    if path is None:
        name, path = _name_of(name), name
    manage.link(name, Path(path))
    tell(json.dumps({"name": name, "link": path}) if as_json else f"{name} is {path}")
    return protocol.EXIT_DONE


def _name_of(path: str) -> str:
    """What the tree at ``path`` is called where no name is given. Raises UserError for other places."""
    place = files.local(path)
    if not place.is_dir():
        what = "models link needs a name and a path"
        raise UserError(what, "give a folder in diffusers layout, a .safetensors file, or a folder of models")
    whole = place.resolve()
    return links.spelled(whole.parent.name if whole.name.lower() == "models" else whole.name)


def _delete(name: str, as_json: bool) -> int:
    freed = manage.delete(name)
    tell(json.dumps({"name": name, "freed": freed}) if as_json else f"{name}: {freed / 1e9:.1f} GB freed")
    return protocol.EXIT_DONE


def _go_on() -> None:
    """Ctrl-C interrupts by itself."""


def _list(as_json: bool) -> int:
    models = manage.list_models()
    if as_json:
        rows = [
            {
                **dataclasses.asdict(model.entry),
                **{name: value for name, value in vars(model).items() if name != "entry"},
                **show.usual(model.entry),
            }
            for model in models
        ]
        tell(json.dumps(rows))
        return protocol.EXIT_DONE
    for model in models:
        entry = model.entry
        control = f"control: {model.control}" if model.control else "without a ControlNet"
        kinds = {trees.MODEL: "; ".join(filter(None, [model.link and entry.family, control]))}
        here = f"here; {kinds.get(model.kind, model.kind)}"
        runs = f"; {found}" if (found := show.usual(entry)["fits"]) else ""
        wanted = f"to download: {entry.size}; memory: {entry.memory}{runs}"
        there = f"missing or damaged: {model.link}" if model.link else wanted
        why = f"; {model.damaged}" if model.damaged else ""
        state = here if model.installed else there + why
        tell(f"{entry.name:10} {entry.title} ({state}; licence: {entry.licence})")
    return protocol.EXIT_DONE


def _show(name: str, as_json: bool) -> int:
    model = describe(name)
    if as_json:
        tell(json.dumps(show.as_json(model)))
    else:
        lines = show.as_text(model, shutil.get_terminal_size().columns)
        tell("\n".join(lines))
    return protocol.EXIT_DONE


def _verify(names: list[str], as_json: bool) -> int:
    found = {name: manage.verify(name) for name in names}
    if as_json:
        tell(json.dumps(found))
    else:
        for name, problems in found.items():
            tell(f"{name}: {'damaged' if problems else 'complete'}")
    if lines := [f"{name}: {problem}" for name, problems in found.items() for problem in problems]:
        raise UserError("; ".join(lines), "download it again, or point to another copy")
    return protocol.EXIT_DONE
