"""The relief of the shown texture as real displacement, and as shading again."""

# Annotations of a property are values here, not types; bpy's classes are of unknown type.
# mypy: disable-error-code="valid-type,misc,name-defined"

from typing import Any

import bpy
from bpy.props import BoolProperty

from ..problem import Problem, say
from ..results import displacement, history
from .results import CANCELLED, EditingOperator, active_object


class TrueDisplacement(EditingOperator, bpy.types.Operator):
    """Let the relief of the texture that is shown move the surface itself instead of its shading alone. Where
    the mesh is too coarse for that it gets a Subdivision Surface modifier"""

    bl_idname = "sync_texture.true_displacement"
    bl_label = "True Displacement"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    use: BoolProperty(
        name="Use",
        description="Off: its relief is shading again, and the modifier goes",
        default=True,
    )
    rounded: BoolProperty(
        name="Rounded",
        description="Subdivide by Catmull-Clark: for coarse meshes whose smooth shading stands for a round "
        "surface, of which displacement would show the faces. Else the mesh keeps its shape",
    )

    @classmethod
    def description(cls, _context: Any, properties: Any) -> str:
        return (cls.__doc__ or "") if properties.use else "Let the relief be shading again; the modifier goes"

    def execute(self, context: Any) -> set[str]:
        obj = active_object(context)
        shown = history.chosen(obj)
        try:
            if self.use:
                depsgraph = context.evaluated_depsgraph_get()
                said = displacement.use(obj, history.of(obj)[shown], depsgraph, self.rounded)
            else:
                said = displacement.undo(obj, history.of(obj)[shown])
        except Problem as problem:
            say(self, "ERROR", str(problem))
            return CANCELLED
        say(self, "INFO", said)
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((TrueDisplacement,))
