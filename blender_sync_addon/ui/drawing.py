"""What several panels draw: text in lines, and how far a set-up is."""

from __future__ import annotations

import textwrap
from typing import Any

from ..operators import environment
from ..setup.status import setup_status

_PARTS = {"material": "material_slots", "group": "vertex_groups"}  # of a mesh object, by the kind of area


def line_length(context: Any) -> int:
    """About how many characters fit into a line of the panel."""
    return max(20, int(context.region.width) // 8)


def names_left(layout: Any) -> None:
    """Show properties with their names on the left, and without the dots of keyframes."""
    layout.use_property_split = True
    layout.use_property_decorate = False


def draw_text(layout: Any, text: str, icon: str, characters: int) -> None:
    """``text`` in lines of about ``characters``; a label of its own would be cut off in the middle."""
    for line in textwrap.wrap(text, characters):
        layout.label(text=line, icon=icon)
        icon = "BLANK1"


def draw_part(layout: Any, row: Any, name: str, kind: str, obj: Any | None, icon: str = "NONE") -> bool:
    """The property ``name`` of ``row``, chosen from what ``obj`` has of the ``kind`` of areas; False, and
    nothing drawn, where it isn't chosen so."""
    if kind not in _PARTS or obj is None or obj.type != "MESH":
        return False
    layout.prop_search(row, name, obj, _PARTS[kind], icon=icon)
    return True


def draw_activity(layout: Any) -> bool:
    """What setting up is doing, how far it is, and Cancel; False, and nothing drawn, when it does nothing."""
    activity = setup_status.current
    if activity is None:
        return False
    row = layout.row(align=True)
    text = "Cancelling" if activity.cancelling else activity.stage
    row.progress(text=text, factor=activity.fraction or 0.0)
    row.operator(environment.CancelSetup.bl_idname, text="", icon="X")
    return True
