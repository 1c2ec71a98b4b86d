"""Blender's side of Sync Texture: bpy, numpy and the standard library; never torch.

Nothing here imports bpy before ``register``, so that ``job`` can be used and tested without Blender.
"""

from __future__ import annotations

from types import ModuleType


def _modules() -> tuple[ModuleType, ...]:
    """The modules with a ``register``, in the order in which they must be registered."""
    from . import preferences, results
    from .command import main
    from .operators import batch, properties, seed, texture
    from .operators import environment as setup
    from .ui import advanced, examples, menu, panel, presets

    first = preferences, properties, presets, texture, batch, setup, examples, seed
    return *first, panel, advanced, results, menu, main


def register() -> None:
    """Called by Blender when the extension is enabled."""
    for module in _modules():
        module.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled and when Blender ends."""
    for module in reversed(_modules()):
        module.unregister()
