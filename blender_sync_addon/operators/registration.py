"""Registering classes of Blender together with what scenes keep by them."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from collections.abc import Callable, Sequence
from typing import Any

import bpy


def with_scene(classes: Sequence[type], **kept: Any) -> tuple[Callable[[], None], Callable[[], None]]:
    """A module's ``register`` and ``unregister``: of its ``classes``, and of properties of scenes, by name,
    which may be made of them."""
    register_classes, unregister_classes = bpy.utils.register_classes_factory(classes)

    def register() -> None:
        register_classes()
        for name, made in kept.items():
            setattr(bpy.types.Scene, name, made)

    def unregister() -> None:
        for name in reversed(kept):
            delattr(bpy.types.Scene, name)
        unregister_classes()

    return register, unregister
