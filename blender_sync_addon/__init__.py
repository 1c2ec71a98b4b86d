"""Blender's side of Sync Texture: bpy, numpy and the standard library; never torch.

Nothing here imports bpy before ``register``, so that ``job`` can be used and tested without Blender.
"""

from __future__ import annotations

from types import ModuleType


def _modules() -> tuple[ModuleType, ...]:
    """The modules with a ``register``, in the order in which they must be registered."""
    from . import (
        advanced,
        batch_operator,
        command,
        dice,
        examples,
        menu,
        operators,
        panel,
        preferences,
        presets,
        properties,
        results,
    )
    from .setup import operators as setup

    first = preferences, properties, presets, operators, batch_operator, setup, examples, dice
    return *first, panel, advanced, results, menu, command


def register() -> None:
    """Called by Blender when the extension is enabled."""
    for module in _modules():
        module.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled and when Blender ends."""
    for module in reversed(_modules()):
        module.unregister()
