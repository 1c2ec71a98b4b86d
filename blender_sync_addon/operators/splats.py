"""Gaussian splats from a file, shown as such."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc, valid-type"

from typing import Any

import bpy
from bpy.props import StringProperty

from ...engine.options.splats import SplatsRequest
from .. import problem
from ..problem import Problem
from ..write import splats
from .properties import annotated


class SplatFileOptions:
    """Which way is up in the file."""

    __annotations__ = annotated([SplatsRequest.table()["up"]])


class ImportSplats(SplatFileOptions, bpy.types.Operator):
    """Import a .ply of Gaussian splats, such as the one that the command splats writes, and show it"""

    bl_idname = "sync_texture.import_splats"
    bl_label = "Import Splats"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    filepath: StringProperty(name="File", subtype="FILE_PATH", description="The .ply file")
    filter_glob: StringProperty(default="*.ply", options={"HIDDEN"})

    def invoke(self, context: Any, _event: Any) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, _context: Any) -> set[str]:
        try:
            obj = splats.load(bpy.path.abspath(self.filepath), self.up)
        except Problem as found:
            problem.say(self, "ERROR", str(found))
            return {"CANCELLED"}
        count = f"{len(obj.data.vertices):,} splats"
        problem.say(self, "INFO", f"'{obj.name}': {count}. Material Preview shows their colours")
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((ImportSplats,))
