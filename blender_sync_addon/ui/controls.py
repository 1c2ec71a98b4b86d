"""The rows of what steers the model, in the panel: kind, ControlNet, scale and end of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...engine.options import choices
from ...engine.options.blender import label
from ...engine.options.controls import Asked
from ...engine.protocol import UserError
from ..operators.controls import NEW, EditControl, RemoveControl, rows


def draw(column: Any, options: Any) -> None:
    """All of them as one text, and each in a row, with buttons that change, remove and add one."""
    head = column.row(align=True)
    head.prop(options, "controls")
    try:
        found = rows(options)
    except UserError as error:
        head.operator(RemoveControl.bl_idname, text="", icon="X").index = NEW
        column.label(text=error.wording.by(label)[0], icon="ERROR")
        return
    if len(found) < len(choices.CONTROLS):
        head.operator(EditControl.bl_idname, text="", icon="ADD").index = NEW
    for i, one in enumerate(found):
        _draw_row(column.row(align=True), i, one)


def _draw_row(row: Any, i: int, one: Asked) -> None:
    name = Path(one.source).name if one.source else "the model's own"
    numbers = [f"{value:g}" for value in (one.scale,) if value is not None]
    ends = [f"to {one.end:.0%}"] if one.end not in (None, 1.0) else []
    row.label(text=", ".join([choices.CONTROLS[one.kind][0], name, *numbers, *ends]), icon="DOT")
    row.operator(EditControl.bl_idname, text="", icon="GREASEPENCIL").index = i
    row.operator(RemoveControl.bl_idname, text="", icon="X").index = i
