"""The extension's own name, paths and preferences; the only file that asks for them.

Inside a sub-package ``__package__`` is not the extension's name, and Blender's functions want that. bpy is
imported where it is needed: much of the add-on that wants a path runs without Blender, too.
"""

from __future__ import annotations

import functools
from pathlib import Path

assert __package__
ROOT = __package__.rpartition(".")[0]
"""Name of the root package: "bl_ext.user_default.sync_texture" when installed as an extension."""

FOLDER = Path(__file__).resolve().parent.parent
"""The folder that holds ``blender_sync_addon`` and ``engine``."""

ENGINE = FOLDER / "engine"
"""What the engine's Python runs."""

WHEELS = FOLDER / "wheels"
"""The wheels that came with the extension."""

LOCKS = FOLDER / "requirements" / "setup"
"""What the engine's private environment is made from."""


@functools.cache
def user_folder() -> Path:
    """The extension's own folder among the user's files; it needn't exist. Upgrades keep it."""
    import bpy

    try:
        return Path(bpy.utils.extension_path_user(ROOT))
    except ValueError:  # not installed as an extension, but run from a checkout
        return Path(bpy.utils.user_resource("DATAFILES", path="sync_texture"))


def preference(name: str, default: str) -> str:
    """What the extension's preferences say about ``name``; ``default`` where the code runs without being an
    installed add-on."""
    import bpy

    addon = bpy.context.preferences.addons.get(ROOT)
    value = getattr(addon.preferences, name, default) if addon and addon.preferences else default
    return str(value)


def device() -> str:
    """The device to run on, see engine/protocol.py."""
    return preference("device", "auto")


def online_access() -> bool:
    """Whether Blender lets extensions use the network."""
    import bpy

    return bool(bpy.app.online_access)
