"""Sync Texture: Blender demands an ``__init__.py`` at the root of an extension; this one only delegates."""

from .blender_sync_addon import register, unregister

__all__ = ["register", "unregister"]
