"""The rows of the panel's Controls: what steers the model. Together they are one text, as presets keep it."""

# bpy's classes are of unknown type here; annotations of a property are values, not types.
# mypy: disable-error-code="valid-type,misc"

from typing import Any

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, StringProperty

from ...engine.options import choices, values
from ...engine.options.blender import panel
from ...engine.options.controls import LARGEST_SCALE, Asked, read_all, write
from ...engine.protocol import UserError
from ..problem import Problem, say
from ..read import settings

NEW = -1
"""The number of no row."""


def rows(options: Any) -> tuple[Asked, ...]:
    """What the panel's ``options`` say. Raises UserError where that can't be read."""
    said = options.controls
    return read_all(values.read(panel()["controls"], said)) if said.strip() else ()


def _store(options: Any, found: list[Asked]) -> None:
    options.controls = settings.written(tuple(map(write, found)))


class EditControl(bpy.types.Operator):
    """Steer the model with a picture of this kind"""

    bl_idname = "sync_texture.control_edit"
    bl_label = "Control"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    index: IntProperty(
        name="Row",
        default=NEW,
        min=NEW,
        description="Which one. -1: a new one",
        options={"SKIP_SAVE"},
    )
    kind: EnumProperty(
        name="Picture",
        items=[(name, *words) for name, words in choices.CONTROLS.items()],
        description="What it shows",
    )
    source: StringProperty(
        name="ControlNet",
        description="What reads it: a name, a folder or a .safetensors file. Empty: the model's own",
    )
    scale: FloatProperty(
        name="Scale", default=0.7, min=0, max=LARGEST_SCALE, soft_max=2, description="How much it counts"
    )
    end: FloatProperty(
        name="End",
        default=1.0,
        min=0.01,
        max=1,
        subtype="FACTOR",
        description="The share of the steps after which it is off",
    )

    def invoke(self, context: Any, _event: Any) -> set[str]:
        found = self._rows(context)
        if found is None:
            return {"CANCELLED"}
        if self.index in range(len(found)):
            row = found[self.index]
            self.kind, self.source = row.kind, row.source
            self.scale = self.scale if row.scale is None else row.scale
            self.end = self.end if row.end is None else row.end
        else:
            self.kind = next((k for k in choices.CONTROLS if k not in [row.kind for row in found]), "depth")
        return set(context.window_manager.invoke_props_dialog(self))

    def execute(self, context: Any) -> set[str]:
        found = self._rows(context)
        if found is None:
            return {"CANCELLED"}
        end, scale = round(self.end, 4), round(self.scale, 4)
        row = Asked(self.kind, settings.controlnet(self.source), scale, end)
        if self.index in range(len(found)):
            found[self.index] = row
        else:
            found.append(row)
        try:
            read_all(list(map(write, found)))
        except UserError as error:
            say(self, "ERROR", str(Problem.of(error)))
            return {"CANCELLED"}
        _store(context.scene.sync_texture, found)
        return {"FINISHED"}

    def _rows(self, context: Any) -> list[Asked] | None:
        """None, which has been said, where they can't be read."""
        try:
            return list(rows(context.scene.sync_texture))
        except UserError as error:
            say(self, "ERROR", str(Problem.of(error)))
            return None


class RemoveControl(bpy.types.Operator):
    """Steer the model without this picture. Without any of them its own is used"""

    bl_idname = "sync_texture.control_remove"
    bl_label = "Remove Control"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    index: IntProperty(name="Row", default=NEW, description="Which one. -1: all of them")

    def execute(self, context: Any) -> set[str]:
        options = context.scene.sync_texture
        kept = [] if self.index == NEW else [row for i, row in enumerate(rows(options)) if i != self.index]
        _store(options, kept)
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((EditControl, RemoveControl))
