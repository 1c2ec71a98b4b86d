"""The panel of worlds, in the sidebar's tab."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

from typing import Any

import bpy

from ..operators.world import GROUP, EarlierWorld, NewWorldFromPrompt, own
from ..problem import Problem
from ..read import surroundings
from ..read.surroundings import Eye
from ..results import world as worlds
from .drawing import draw_text, line_length, names_left
from .panel import FoldedPanel, may_start


class WorldPanel(FoldedPanel, bpy.types.Panel):
    """A world all around, from the prompt"""

    bl_idname = "SYNC_TEXTURE_PT_world"
    bl_label = "World"
    bl_order = 6

    def draw(self, context: Any) -> None:
        layout, scene = self.layout, context.scene
        names_left(layout)
        chosen = getattr(scene, GROUP)
        column = layout.column()
        for entry in own():
            column.prop(chosen, entry.name)
        problem = _obstacle(scene, chosen)
        if problem:
            draw_text(layout.column(align=True), str(problem), "ERROR", line_length(context))
        row = layout.row()
        row.enabled = may_start(scene) and problem is None
        row.operator(NewWorldFromPrompt.bl_idname, icon="WORLD")
        if (before := worlds.earlier(scene.world)) is not None:
            text = f"Back to '{before.name}'"
            layout.operator(EarlierWorld.bl_idname, text=text, translate=False, icon="LOOP_BACK")


def _obstacle(scene: Any, chosen: Any) -> Problem | None:
    """Why no world can be made as ``chosen``."""
    try:
        Eye.of(scene, chosen.eye)
        if chosen.surroundings:
            surroundings.check(scene)
    except Problem as problem:
        return problem
    return None


register, unregister = bpy.utils.register_classes_factory((WorldPanel,))
