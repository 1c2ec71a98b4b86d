"""After a job: the results of an object, switched, made again, taken back, varied, put into materials."""

from __future__ import annotations

from types import ModuleType


def _modules() -> tuple[ModuleType, ...]:
    from ..operators import own_material, variations
    from ..operators import results as operators
    from ..ui import results as panel
    from . import history, thumbnail

    return history, thumbnail, operators, own_material, variations, panel


def register() -> None:
    """Called once the panel, which has ours in it, is registered."""
    for module in _modules():
        module.register()


def unregister() -> None:
    for module in reversed(_modules()):
        module.unregister()
