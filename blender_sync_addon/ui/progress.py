"""One line that shows what is being done, for Preferences and the panel."""

from typing import Any

from ..operators import environment
from ..setup.status import setup_status


def draw(layout: Any) -> bool:
    """Stage, how far it is, and Cancel; False, and nothing drawn, when nothing is being done."""
    activity = setup_status.current
    if activity is None:
        return False
    row = layout.row(align=True)
    text = "Cancelling" if activity.cancelling else activity.stage
    row.progress(text=text, factor=activity.fraction or 0.0)
    row.operator(environment.Cancel.bl_idname, text="", icon="X")
    return True
