"""After a job: the results of an object, switched, made again, taken back, varied, put into materials."""

from __future__ import annotations

from types import ModuleType


def _modules() -> tuple[ModuleType, ...]:
    from . import again, history, operators, own_material, panel, thumbnail

    return history, thumbnail, operators, own_material, again, panel


def register() -> None:
    """Called once the panel, which has ours in it, is registered."""
    for module in _modules():
        module.register()


def unregister() -> None:
    for module in reversed(_modules()):
        module.unregister()
