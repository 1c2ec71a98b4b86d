"""The extension's preferences: which Python runs the engine, on what, and where its packages come from."""

# Annotations of a property are values here, not types.
# mypy: disable-error-code="valid-type,misc,name-defined"

import os
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from . import package
from .jobs import environment
from .setup import builds, engine_folder

DEVICES = [
    ("auto", "Automatic", "The fastest that this computer has"),
    ("cpu", "CPU", "The processor: always there, slow"),
    ("cuda", "NVIDIA GPU", "CUDA"),
    ("mps", "Apple GPU", "Metal"),
]
TORCHES = [
    (builds.AUTO, "Automatic", "For the NVIDIA card, where there is one that it can be used with"),
    (builds.CPU, "CPU", "For the processor: the smallest download"),
    (builds.CUDA, "NVIDIA GPU", "For an NVIDIA card (CUDA 13), whether one is found or not"),
]


class Preferences(bpy.types.AddonPreferences):
    """Shown in Preferences > Add-ons > Sync Texture."""

    bl_idname = package.ROOT

    python: StringProperty(
        name="Other Python",
        subtype="FILE_PATH",
        description="Used instead of the environment that is set up here: Python 3.11 or newer with the "
        "engine's packages (PyTorch, diffusers), or the folder of its virtual environment. The environment "
        f"variable {environment.VARIABLE} overrides it",
    )
    device: EnumProperty(name="Device", items=DEVICES, description="What the network runs on")
    torch: EnumProperty(
        name="PyTorch For", items=TORCHES, description="Which build of PyTorch is installed when setting up"
    )
    source: StringProperty(
        name="Packages From",
        description="Where packages come from besides the usual index: the address of a package index, or a "
        "folder of wheels, for a computer without a network. What environment variables tell pip and uv "
        "(PIP_INDEX_URL, UV_FIND_LINKS, ...) counts too. Empty: nowhere else",
    )

    def draw(self, context: Any) -> None:
        from .ui import (
            setup as draw,  # at the first drawing: it draws with the panel's words, and that imports us
        )

        draw.draw(self.layout, self, context)


def python() -> str:
    """The Python that runs the engine. Raises Problem when there is none."""
    private = engine_folder.in_use(engine_folder.EngineFolder(package.user_folder(), package.LOCKS))
    return environment.find_python(get("python", ""), os.environ, private)


def command(arguments: list[str]) -> list[str]:
    """The command line that runs the engine with ``arguments``. Raises Problem when there is none.

    While Blender's online access is off, the engine doesn't use the network either.
    """
    offline = [] if bpy.app.online_access else ["--offline"]
    return environment.command(python(), package.ENGINE, [*offline, *arguments])


def device() -> str:
    """The device to run on, see engine/protocol.py."""
    return get("device", "auto")


def get(name: str, default: str) -> str:
    """A preference; ``default`` where the code runs without being an installed add-on."""
    addon = bpy.context.preferences.addons.get(package.ROOT)
    value = getattr(addon.preferences, name, default) if addon and addon.preferences else default
    return str(value)


def register() -> None:
    bpy.utils.register_class(Preferences)


def unregister() -> None:
    bpy.utils.unregister_class(Preferences)
