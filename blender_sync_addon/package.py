"""The extension's own name and paths; the only file that asks for them.

Inside a sub-package ``__package__`` is not the extension's name, and Blender's functions want that.
"""

from __future__ import annotations

from pathlib import Path

assert __package__
ROOT = __package__.rpartition(".")[0]
"""Name of the root package: "bl_ext.user_default.sync_texture" when installed as an extension."""

FOLDER = Path(__file__).resolve().parent.parent
"""The folder that holds ``blender_sync_addon`` and ``engine``."""

ENGINE = FOLDER / "engine"
"""What the engine's Python runs."""
