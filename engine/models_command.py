"""``models list | download NAME | verify [NAME]``."""

from __future__ import annotations

from . import protocol
from .denoise import manage
from .errors import UserError
from .terminal import Bar, say


def run(action: str, name: str | None) -> int:
    """The exit status; raises UserError."""
    if action == "list":
        return _list()
    if action == "verify":
        return _verify([name] if name else [m.entry.name for m in manage.list_models() if m.installed])
    if name is None:
        raise UserError("models download needs a name", "models list shows the known ones")
    with Bar() as bar:
        manage.download(
            name, lambda file, done, size: bar(file, done >> 20, max(1, size >> 20), None), _go_on
        )
    say(f"{name} is ready")
    return protocol.EXIT_DONE


def _go_on() -> None:
    """Ctrl-C interrupts by itself."""


def _list() -> int:
    for model in manage.list_models():
        entry = model.entry
        state = f"here; control: {model.control}" if model.installed else f"to download: {entry.size}"
        print(f"{entry.name:10} {entry.title} ({state}; licence: {entry.licence})")
    return protocol.EXIT_DONE


def _verify(names: list[str]) -> int:
    problems = [f"{name}: {problem}" for name in names for problem in manage.verify(name)]
    for name in names:
        print(f"{name}: {'damaged' if any(p.startswith(f'{name}: ') for p in problems) else 'complete'}")
    if problems:
        raise UserError("; ".join(problems), "download it again, or point to another copy")
    return protocol.EXIT_DONE
