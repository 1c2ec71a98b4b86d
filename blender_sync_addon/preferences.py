"""The extension's preferences: which Python runs the engine, and on what."""

# Annotations of a property are values here, not types.
# mypy: disable-error-code="valid-type,misc,name-defined"

import os
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from . import package
from .job import environment
from .problem import Problem

DEVICES = [
    ("auto", "Automatic", "The fastest that this computer has"),
    ("cpu", "CPU", "The processor: always there, slow"),
    ("cuda", "NVIDIA GPU", "CUDA"),
    ("mps", "Apple GPU", "Metal"),
]


class Preferences(bpy.types.AddonPreferences):
    """Shown in Preferences > Add-ons > Sync Texture."""

    bl_idname = package.ROOT

    python: StringProperty(
        name="Engine's Python",
        subtype="FILE_PATH",
        description="Python 3.11 or newer with the engine's packages (PyTorch, diffusers), or the folder of "
        f"its virtual environment. The environment variable {environment.VARIABLE} overrides it",
    )
    device: EnumProperty(name="Device", items=DEVICES, description="What the network runs on")

    def draw(self, _context: Any) -> None:
        column = self.layout.column()
        column.use_property_split = True
        column.prop(self, "python")
        column.prop(self, "device")
        try:
            found = environment.find_python(self.python, os.environ)
            column.label(text=f"Found: {found}", icon="CHECKMARK")
        except Problem as problem:
            column.label(text=problem.what, icon="ERROR")


def command(arguments: list[str]) -> list[str]:
    """The command line that runs the engine with ``arguments``. Raises Problem when there is none."""
    python = environment.find_python(_get("python", ""), os.environ)
    return environment.command(python, package.ENGINE, arguments)


def device() -> str:
    """The device to run on, see engine/protocol.py."""
    return _get("device", "auto")


def _get(name: str, default: str) -> str:
    """A preference; ``default`` where the code runs without being an installed add-on."""
    addon = bpy.context.preferences.addons.get(package.ROOT)
    value = getattr(addon.preferences, name, default) if addon and addon.preferences else default
    return str(value)


def register() -> None:
    bpy.utils.register_class(Preferences)


def unregister() -> None:
    bpy.utils.unregister_class(Preferences)
