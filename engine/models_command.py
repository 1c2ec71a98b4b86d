"""``models list | show NAME | download NAME | verify [NAME]``."""

from __future__ import annotations

import dataclasses
import json
import shutil

from . import models_show, protocol
from .denoise import manage
from .denoise.describe import describe
from .errors import UserError
from .terminal import Bar, say


def run(action: str, name: str | None, as_json: bool = False) -> int:
    """The exit status; raises UserError. as_json: print one line of JSON instead of text."""
    if action == "list":
        return _list(as_json)
    if action == "verify":
        names = [name] if name else [m.entry.name for m in manage.list_models() if m.installed]
        return _verify(names, as_json)
    if name is None:
        raise UserError(f"models {action} needs a name", "models list shows the known ones")
    return _show(name, as_json) if action == "show" else _download(name, as_json)


def _download(name: str, as_json: bool) -> int:
    with Bar() as bar:
        manage.download(
            name, lambda file, done, size: bar(file, done >> 20, max(1, size >> 20), None), _go_on
        )
    if as_json:
        print(json.dumps({"name": name, "installed": True}))
    say(f"{name} is ready")
    return protocol.EXIT_DONE


def _go_on() -> None:
    """Ctrl-C interrupts by itself."""


def _list(as_json: bool) -> int:
    models = manage.list_models()
    if as_json:
        rows = [
            {**dataclasses.asdict(model.entry), "installed": model.installed, "control": model.control}
            for model in models
        ]
        print(json.dumps(rows))
        return protocol.EXIT_DONE
    for model in models:
        entry = model.entry
        state = f"here; control: {model.control}" if model.installed else f"to download: {entry.size}"
        print(f"{entry.name:10} {entry.title} ({state}; licence: {entry.licence})")
    return protocol.EXIT_DONE


def _show(name: str, as_json: bool) -> int:
    model = describe(name)
    if as_json:
        print(json.dumps(models_show.as_json(model)), flush=True)
    else:
        lines = models_show.as_text(model, shutil.get_terminal_size().columns)
        print("\n".join(lines), flush=True)
    return protocol.EXIT_DONE


def _verify(names: list[str], as_json: bool) -> int:
    found = {name: manage.verify(name) for name in names}
    if as_json:
        print(json.dumps(found))
    else:
        for name, problems in found.items():
            print(f"{name}: {'damaged' if problems else 'complete'}")
    if told := [f"{name}: {problem}" for name, problems in found.items() for problem in problems]:
        raise UserError("; ".join(told), "download it again, or point to another copy")
    return protocol.EXIT_DONE
